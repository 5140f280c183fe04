"""The library's front door: read, lint, plan."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from efipolicy.engine.linting import lint
from efipolicy.errors import EfipolicyError, ExitStatus, PluginError, UsageError
from efipolicy.formats.platform import is_platform_file, read_platform
from efipolicy.formats.recognition import recognise
from efipolicy.model.finding import InputReport, Report, Severity
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, ArchitectureReason, Platform
from efipolicy.plugin.registry import REMEDY, Registry
from efipolicy.policy import Selection, load_policy
from efipolicy.source import InputError, SourceText, decode

STDIN = "-"
DEFAULT_POLICY = "recommended"
_YAML_SUFFIXES = (".yaml", ".yml")


class InternalError(EfipolicyError):
    """A bug of efipolicy's own, met while working on one input."""

    status = ExitStatus.INTERNAL

    def __init__(self, path: str, problem: Exception) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: internal error: {type(problem).__name__}: {problem}")


class ReadingOptions(NamedTuple):
    """What a user says about inputs: the architecture of captures, and the format to read."""

    architecture: str | None = None
    format: str | None = None
    stdin_name: str = "<stdin>"


class ReadInput(NamedTuple):
    """An input that was read: what kind it is, its format, and what it says."""

    source: SourceText
    kind: Literal["platform", "capture", "evidence"]
    format: str
    platform: Platform

    @property
    def path(self) -> str:
        """The path as reports show it."""
        return self.source.path


def load_registry() -> Registry:
    """The installed plugins. Raises `PluginError` when not even efipolicy's own are installed."""
    registry = Registry()
    if not registry.complete:
        raise registry.errors[0]
    return registry


def open_source(path: str, *, stdin_name: str = "<stdin>") -> SourceText:
    """The text of a file, or of standard input for ``-``.

    Raises `InputError` for what cannot be opened or is no text.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise InputError(stdin_name, "a closed standard input", "text")
        try:
            return decode(stdin_name, sys.stdin.buffer.read())
        except (OSError, ValueError) as problem:
            raise InputError(stdin_name, "a closed standard input", "text") from problem
    shown = shown_path(path)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InputError(shown, reason, "a readable file") from problem
    return decode(shown, content)


def shown_path(path: str) -> str:
    """A path as reports show it: relative to the working directory, with ``/``."""
    try:
        path = os.path.relpath(path)
    except ValueError:  # another drive
        path = os.path.normpath(path)
    return path.replace(os.sep, "/")


def read_source(
    source: SourceText, registry: Registry, options: ReadingOptions
) -> tuple[ReadInput | None, list[EfipolicyError]]:
    """What a text says of a platform, or every reason why it cannot be read.

    A capture format that failed is among the errors even when another could read the text.
    """
    if not source.text.strip():
        empty = InputError(source.path, "an empty file", "a platform file or a captured log")
        return None, [empty]
    if is_platform_file(source):
        platform, errors = read_platform(source)
        if platform is None:
            return None, [*errors]
        read = ReadInput(source=source, kind="platform", format="platform", platform=platform)
        return read, []
    if source.path.endswith(_YAML_SUFFIXES):
        found = "YAML without the key `efipolicy`"
        return None, [InputError(source.path, found, "a platform file: `efipolicy: 1` first")]
    reading, failures = recognise(source, registry.formats, only=options.format)
    if reading is None:
        return None, [*failures]
    platform = reading.platform
    if options.architecture:
        platform = _with_architecture(platform, options.architecture)
    kind: Literal["capture", "evidence"] = (
        "capture" if platform.memory_map.descriptors else "evidence"
    )
    dialect = platform.capture.dialect if platform.capture else "capture"
    read = ReadInput(source=source, kind=kind, format=dialect, platform=platform)
    return read, [*failures]


def _with_architecture(platform: Platform, architecture: str) -> Platform:
    from dataclasses import replace

    reason = ArchitectureReason(kind="option", evidence=f"--arch {architecture}")
    return replace(platform, architecture=architecture, architecture_reason=reason)


def selection_of(
    registry: Registry,
    *,
    policies: Iterable[str] = (),
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> Selection:
    """The rules that count. Raises `UsageError` for a policy or glob that means nothing."""
    names = list(policies) or [DEFAULT_POLICY]
    loaded = [load_policy(name, registry.policies) for name in names]
    selection = Selection(loaded, select=select, ignore=ignore)
    for glob in selection.unmatched(registry.rules.values()):
        from efipolicy.source.shape import suggestion

        raise UsageError(f"no rule matches `{glob}`{suggestion(glob, registry.rules)}")
    return selection


def lint_paths(
    paths: Iterable[str],
    registry: Registry,
    selection: Selection,
    *,
    today: str,
    options: ReadingOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Lint files, directories (walked), globs and ``-``.

    One input's trouble never keeps another from being linted: it becomes one of the report's
    errors. ``progress`` is told how many inputs are done, and of how many.
    """
    options = options or ReadingOptions()
    found, errors = expand(paths)
    reports: list[InputReport] = []
    skipped: list[str] = []
    architectures_missing: dict[str, str] = {}
    for done, (path, named) in enumerate(found):
        if progress:
            progress(done, len(found))
        try:
            read, problems = _read_path(path, registry, options)
            if read is None:
                if not named and all(_is_foreign(problem) for problem in problems):
                    skipped.append(path)
                    continue
                shown = shown_path(path) if path != STDIN else options.stdin_name
                reports.append(InputReport(path=shown, kind="capture", format=None, platform=None))
            else:
                report, failures = _lint_one(read, registry, selection, today)
                reports.append(report)
                problems = [*problems, *failures]
                architecture = read.platform.architecture
                if architecture not in (UNKNOWN_ARCHITECTURE, *registry.architectures):
                    architectures_missing.setdefault(architecture, read.path)
            errors += problems
        except Exception as problem:  # noqa: BLE001 - isolate the input, report the bug
            errors.append(InternalError(path, problem))
    errors += [
        missing_architecture(name, path, registry) for name, path in architectures_missing.items()
    ]
    errors += registry.errors
    if not reports and not errors:
        errors.append(InputError(", ".join(paths), "nothing to lint", "a platform file or capture"))
    return Report(inputs=tuple(reports), errors=tuple(errors), skipped=tuple(skipped), today=today)


def _read_path(
    path: str, registry: Registry, options: ReadingOptions
) -> tuple[ReadInput | None, list[EfipolicyError]]:
    try:
        return read_source(open_source(path, stdin_name=options.stdin_name), registry, options)
    except InputError as problem:
        return None, [problem]


def _is_foreign(problem: EfipolicyError) -> bool:
    """Whether a walk may pass over the file: it is simply nothing of ours."""
    return isinstance(problem, InputError) and problem.span is None


def _lint_one(
    read: ReadInput, registry: Registry, selection: Selection, today: str
) -> tuple[InputReport, list[PluginError]]:
    return lint(
        read.platform,
        registry.rules.values(),
        registry.architectures,
        selection,
        path=read.path,
        kind=read.kind,
        format=read.format,
        today=today,
    )


def missing_architecture(name: str, path: str, registry: Registry) -> PluginError:
    """The error for a platform whose architecture no plugin knows."""
    from efipolicy.source.shape import suggestion

    installed = ", ".join(sorted(registry.architectures)) or "none"
    return PluginError(
        f"{path}: architecture `{name}` is not installed, so its rules were not checked "
        f"(installed: {installed}){suggestion(name, registry.architectures)}; "
        f"install a plugin that provides it" + ("" if registry.architectures else f", or {REMEDY}")
    )


def expand(paths: Iterable[str]) -> tuple[list[tuple[str, bool]], list[EfipolicyError]]:
    """The inputs that paths name, each with whether it was named itself.

    A directory is walked in sorted order, hidden entries left out; a pattern is expanded. A name
    given twice counts once.
    """
    found: dict[str, bool] = {}
    errors: list[EfipolicyError] = []
    for path in paths:
        if path == STDIN or os.path.isfile(path):
            found[path] = True
        elif os.path.isdir(path):
            inside = list(_walk(path))
            if not inside:
                errors.append(
                    InputError(path, "a directory with nothing in it", "platform files or captures")
                )
            for name in inside:
                found.setdefault(name, False)
        elif matches := _matches(path):
            for name in matches:
                found.setdefault(name, True)
        else:
            found[path] = True  # opening it tells what is wrong with it
    return list(found.items()), errors


def _matches(pattern: str) -> list[str]:
    if not any(character in pattern for character in "*?["):
        return []
    from glob import glob

    return sorted(name for name in glob(pattern, recursive=True) if os.path.isfile(name))


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield os.path.normpath(os.path.join(parent, name))


def exit_status(report: Report, *, fail_on: Severity) -> ExitStatus:
    """How a lint ends: the gravest of its findings and errors."""
    status = ExitStatus.OK
    if any(
        not finding.accepted and finding.severity.rank <= fail_on.rank
        for finding in report.findings
    ):
        status = ExitStatus.FINDINGS
    return max([status, *(error.status for error in report.errors)])
