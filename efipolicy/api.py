"""The library's front door: read, lint, plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Protocol

from efipolicy.errors import EfipolicyError, ExitStatus, PluginError
from efipolicy.formats.inputs import STDIN, Inputs, shown_path
from efipolicy.formats.platform import is_platform_file, read_platform
from efipolicy.formats.recognition import recognise
from efipolicy.formats.unpacking import text_of, text_of_folder
from efipolicy.model.finding import InputReport, Report, ReportedFinding, Severity
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    Acceptance,
    ArchitectureReason,
    Platform,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.registry import Registry
from efipolicy.source import ForeignInputError, InputError, SourceText

if TYPE_CHECKING:
    from efipolicy.engine.fixing import Relint
    from efipolicy.model.handover import HandoverJudgement
    from efipolicy.policy import Selection
    from efipolicy.policy.configuration import Configuration

_YAML_SUFFIXES = (".yaml", ".yml")


InputKind = Literal["platform", "capture", "evidence"]


class InternalError(EfipolicyError):
    """A bug of efipolicy's own, met while working on one input."""

    status = ExitStatus.INTERNAL

    def __init__(self, path: str, problem: Exception) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: internal error: {type(problem).__name__}: {problem}")


class ReadingOptions(NamedTuple):
    """What a user says about inputs: the architecture of captures, and the format to read.

    ``descriptor_size`` is bytes from one descriptor to the next in raw memory.
    """

    architecture: str | None = None
    format: str | None = None
    descriptor_size: int | None = None
    stdin_name: str = "<stdin>"


class ReadInput(NamedTuple):
    """An input that was read: what kind it is, its format, and what it says."""

    source: SourceText
    kind: InputKind
    format: str
    platform: Platform

    @property
    def path(self) -> str:
        """The path as reports show it."""
        return self.source.path


class Fixer(Protocol):
    """Fixes an input right after it was linted; what it returns is reported instead."""

    def opened(self, path: str, source: SourceText) -> None:
        """An input was opened, whether or not it can be understood."""

    def __call__(
        self, path: str, read: ReadInput, report: InputReport, relint: Relint
    ) -> InputReport:
        """The report on what is left. Raises `EfipolicyError` when nothing could be changed.

        ``path`` is the input as it was named, and ``relint`` judges a changed platform.
        """


_chosen: list[Registry] = []


def load_registry() -> Registry:
    """The installed plugins. Raises `PluginError` when not even efipolicy's own are installed.

    Within `only_these_plugins` they are the ones given there.
    """
    registry = _chosen[-1] if _chosen else Registry()
    if not registry.complete:
        raise registry.errors[0]
    return registry


@contextmanager
def only_these_plugins(registry: Registry) -> Iterator[None]:
    """Make `load_registry` give a registry for a while: to what cannot be handed one, as Sphinx."""
    _chosen.append(registry)
    try:
        yield
    finally:
        _chosen.pop()


def open_source(
    path: str, *, stdin_name: str = "<stdin>", descriptor_size: int | None = None
) -> SourceText:
    """The text of a file, or of standard input for ``-``; what is shown of binary data or a folder.

    ``descriptor_size`` is bytes from one descriptor to the next in raw memory. Raises `InputError`
    for what cannot be opened or is no text.
    """
    if path != STDIN and os.path.isdir(path):
        source = text_of_folder(path, shown_path(path))
    else:
        shown = stdin_name if path == STDIN else shown_path(path)
        source = text_of(shown, _content(path, shown))
    source.descriptor_size = descriptor_size
    return source


def _content(path: str, shown: str) -> bytes:
    if path == STDIN:
        if sys.stdin is None:
            raise InputError(shown, "a closed standard input", "text")
        try:
            return sys.stdin.buffer.read()
        except (OSError, ValueError) as problem:
            raise InputError(shown, "a closed standard input", "text") from problem
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InputError(shown, reason, "a readable file") from problem


def read_source(
    source: SourceText, registry: Registry, options: ReadingOptions
) -> tuple[ReadInput | None, list[EfipolicyError]]:
    """What a text says of a platform, or every reason why it cannot be read.

    A capture format that failed, or a declared mapping that means nothing, is among the errors
    even when the rest could be read.
    """
    if not source.text or source.text.isspace():
        expected = "a platform file or a captured log"
        return None, [ForeignInputError(source.path, "an empty file", expected)]
    if is_platform_file(source):
        platform, errors = read_platform(source)
        if platform is None:
            return None, [*errors]
        wrong: list[InputError] = []
        if platform.mapping:
            from efipolicy.engine.planning import declaration_errors

            wrong = declaration_errors(platform, registry)
        if platform.handover and platform.handover.variant:
            from efipolicy.engine.handing_over import handover_errors

            wrong += handover_errors(platform, registry)
        return ReadInput(source, "platform", "platform", platform), [*wrong]
    reading, failures = recognise(source, registry.formats, only=options.format)
    if reading is None:
        if source.path.endswith(_YAML_SUFFIXES) and isinstance(failures[0], ForeignInputError):
            expected = "a platform file with `efipolicy: 1`, or a captured log"
            found = "YAML without the key `efipolicy` and no memory map either"
            return None, [ForeignInputError(source.path, found, expected), *failures[1:]]
        return None, [*failures]
    platform = reading.platform
    if options.architecture:
        platform = _with_architecture(platform, options.architecture)
    kind: InputKind = "capture" if platform.memory_map.descriptors else "evidence"
    dialect = platform.capture.dialect if platform.capture else "capture"
    return ReadInput(source, kind, dialect, platform), [*failures]


def _with_architecture(platform: Platform, architecture: str) -> Platform:
    from dataclasses import replace

    reason = ArchitectureReason(kind="option", evidence=f"--arch {architecture}")
    return replace(platform, architecture=architecture, architecture_reason=reason)


def configuration_of(path: str | None = None) -> Configuration | None:
    """What the configuration file says: the one at a path, else the nearest, if there is one.

    Raises `UsageError` for a file that cannot be read, and with everything that is wrong with it.
    """
    from efipolicy.policy.search import find_configuration

    found = find_configuration() if path is None else path
    if found is None:
        return None
    from efipolicy.formats.platform import ACCEPTANCE
    from efipolicy.policy.configuration import read_configuration

    return read_configuration(found, shown_path(found), ACCEPTANCE)


def selection_of(
    registry: Registry,
    *,
    policies: Iterable[str] = (),
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    preview: bool = False,
    configuration: Configuration | None = None,
) -> Selection:
    """The rules that count, as of `efipolicy.policy.choosing.selection_of`.

    Nothing of policies is imported by those who only read. Raises `UsageError` as that does.
    """
    from efipolicy.policy import choosing

    return choosing.selection_of(
        registry,
        policies=policies,
        select=select,
        ignore=ignore,
        preview=preview,
        configuration=configuration,
    )


def lint_paths(
    paths: Iterable[str],
    registry: Registry,
    selection: Selection,
    *,
    today: str,
    options: ReadingOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
    fixer: Fixer | None = None,
    acceptances: tuple[Acceptance, ...] = (),
    configuration: str | None = None,
    exclude: Callable[[str], bool] | None = None,
) -> Report:
    """Lint files, directories (walked), globs and ``-``, and let ``fixer`` fix them.

    One input's trouble never keeps another from being linted: it becomes one of the report's
    errors. ``progress`` is told how many inputs are done, and of how many. ``acceptances`` are
    those of the configuration file at the path ``configuration``; they hold in every input.
    ``exclude`` tells of a file or folder whether a walk leaves it out.
    """
    options = options or ReadingOptions()
    inputs = Inputs(paths, exclude)
    errors, skipped = inputs.errors, inputs.skipped
    reports: list[InputReport] = []
    for done, (path, named) in enumerate(inputs.found.items()):
        if progress:
            progress(done, len(inputs.found))
        shown = shown_path(path) if path != STDIN else options.stdin_name
        try:
            report, problems = _lint_path(
                path, registry, selection, today, options, fixer=fixer, acceptances=acceptances
            )
        except Exception as problem:  # noqa: BLE001 - isolate the input, report the bug
            report, problems = None, [InternalError(shown, problem)]
        if report:
            reports.append(report)
        elif not named and all(isinstance(p, ForeignInputError) for p in problems):
            skipped.append(path)
            continue
        else:
            reports.append(_unread(shown, problems))
        errors += problems
    errors += _missing_architectures(reports, registry)
    errors += registry.errors
    if not reports and not errors:
        errors.append(InputError(", ".join(paths), "nothing to lint", "a platform file or capture"))
    reports, failures = _further_judged(reports, registry, selection, today, acceptances)
    errors += failures
    about_configuration: tuple[ReportedFinding, ...] = ()
    if configuration and acceptances:
        from efipolicy.engine.linting import judge_configuration

        about_configuration = judge_configuration(
            reports, registry.rules.values(), selection, path=configuration, today=today
        )
    return Report(
        inputs=tuple(reports),
        errors=tuple(errors),
        skipped=tuple(skipped),
        today=today,
        configuration=about_configuration,
    )


def _further_judged(
    reports: list[InputReport],
    registry: Registry,
    selection: Selection,
    today: str,
    acceptances: tuple[Acceptance, ...],
) -> tuple[list[InputReport], list[PluginError]]:
    """The reports with what only several inputs together show, and what failed meanwhile."""
    if len(reports) < 2:
        return reports, []
    from efipolicy.engine.boots import with_boots_compared
    from efipolicy.engine.configured import at_home

    reports, failures = with_boots_compared(
        reports,
        registry.rules.values(),
        registry.architectures,
        selection,
        today=today,
        acceptances=acceptances,
    )
    return at_home(reports), failures


def _lint_path(
    path: str,
    registry: Registry,
    selection: Selection,
    today: str,
    options: ReadingOptions,
    *,
    fixer: Fixer | None,
    acceptances: tuple[Acceptance, ...],
) -> tuple[InputReport | None, list[EfipolicyError]]:
    """The report on one input, or ``None`` when it could not be read; and what went wrong."""
    from efipolicy.engine.linting import lint
    from efipolicy.engine.planning import planner_of

    try:
        source = open_source(
            path, stdin_name=options.stdin_name, descriptor_size=options.descriptor_size
        )
    except InputError as problem:
        return None, [problem]
    if fixer:
        fixer.opened(path, source)
    read, problems = read_source(source, registry, options)
    if read is None:
        return None, problems
    failed: list[PluginError] = []

    def judge(platform: Platform) -> tuple[InputReport, list[PluginError]]:
        return lint(
            platform,
            registry.rules.values(),
            registry.architectures,
            selection,
            path=read.path,
            kind=read.kind,
            format=read.format,
            today=today,
            planner=planner_of(platform, registry, failed),
            acceptances=acceptances,
        )

    report, failures = judge(read.platform)
    problems += [*failures, *failed]
    if fixer:
        try:
            report = fixer(path, read, report, lambda platform: judge(platform)[0])
        except EfipolicyError as problem:
            problems.append(problem)
    return report, problems


def _unread(path: str, problems: list[EfipolicyError]) -> InputReport:
    """The report on an input that was not judged; only a platform file's mistakes have places."""
    if any(isinstance(problem, InputError) and problem.span for problem in problems):
        return InputReport(path=path, kind="platform", format="platform", platform=None)
    return InputReport(path=path, kind="capture", format=None, platform=None)


def _missing_architectures(reports: list[InputReport], registry: Registry) -> list[PluginError]:
    """An error for each architecture that no plugin knows, at the first input that names it."""
    first: dict[str, str] = {}
    for report in reports:
        if report.platform:
            first.setdefault(report.platform.architecture, report.path)
    errors = (missing_architecture(name, path, registry) for name, path in first.items())
    return [error for error in errors if error]


def missing_architecture(
    name: str, path: str, registry: Registry, *, so: str = ", so its rules were not checked"
) -> PluginError | None:
    """The error for a platform whose architecture no installed plugin knows, if that is so.

    ``so`` says what follows. An unknown architecture is no missing one.
    """
    if name in (UNKNOWN_ARCHITECTURE, *registry.architectures):
        return None
    from efipolicy.plugin.elsewhere import not_installed

    error = PluginError(f"{path}: {not_installed(name, registry, so=so)}")
    error.path = path
    return error


def judge_handover(
    platform: Platform, registry: Registry, variant: str | None = None
) -> HandoverJudgement:
    """What a boot hand-over relies on, whether that holds, and what it costs.

    ``variant`` names one; without it the platform's ``handover: {variant: …}`` is judged. Raises
    what `efipolicy.engine.handing_over.hand_over` raises.
    """
    from efipolicy.engine.handing_over import hand_over

    return hand_over(platform, registry, variant)


def exit_status(report: Report, *, fail_on: Severity) -> ExitStatus:
    """How a lint ends: the gravest of its findings and errors."""
    status = ExitStatus.OK
    if any(
        not finding.accepted and finding.severity.rank <= fail_on.rank
        for finding in report.findings
    ):
        status = ExitStatus.FINDINGS
    return max([status, *(error.status for error in report.errors)])
