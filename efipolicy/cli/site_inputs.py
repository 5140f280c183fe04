"""The inputs of ``efipolicy docs`` as files among the sources of a site, each under its own name.

A text is copied as it is, so that its lines stay what they are. What is no text (a folder of sysfs,
an archive, raw memory) becomes the platform file that ``efipolicy import`` would write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count

from efipolicy.api import ReadingOptions, ReadInput
from efipolicy.cli.running import tell
from efipolicy.engine.fixing import Relint
from efipolicy.formats.writing import platform_text
from efipolicy.model.finding import InputReport, Report
from efipolicy.named_tuple import NamedTuple
from efipolicy.reporters.site_content import SitePlatform
from efipolicy.source import InputError, SourceText


class JudgedInput(NamedTuple):
    """An input that was read, and what the linter says of it alone."""

    read: ReadInput
    report: InputReport


class JudgedInputs:
    """Keeps every input of a lint with its text, which standard input gives only once."""

    def __init__(self) -> None:
        self.judged: list[JudgedInput] = []

    def opened(self, path: str, source: SourceText) -> None:
        """Nothing is to be done before an input is understood."""

    def __call__(
        self, path: str, read: ReadInput, report: InputReport, relint: Relint
    ) -> InputReport:
        """Keep the input; its report stays what it is."""
        self.judged.append(JudgedInput(read, report))
        return report

    def settle(self, report: Report) -> None:
        """Take what all inputs together came to: acceptances that are another one's, a baseline."""
        final = {one.path: one for one in report.inputs}
        self.judged = [
            one._replace(report=final.get(one.report.path, one.report)) for one in self.judged
        ]


def site_platforms(
    inputs: JudgedInputs, report: Report, reading: ReadingOptions, folder: str, *, quiet: bool
) -> tuple[list[SitePlatform], dict[str, str]]:
    """The platforms that were read whole, and the text of each one's file by its path.

    Of two with one name the second gets a number behind it, and both are told. An input with a
    mistake in it has no page, for what it says is not what its author meant.
    """
    wrong = {error.path for error in report.errors if isinstance(error, InputError)}
    platforms: list[SitePlatform] = []
    files: dict[str, str] = {}
    taken: dict[str, str] = {}
    for read, judged in inputs.judged:
        if read.path in wrong:
            continue
        if not read.platform.memory_map.descriptors:
            if not quiet:
                tell(f"efipolicy: note: {read.path} holds no memory map, so it has no page")
            continue
        name = _free_name(read.platform.name, taken)
        if name != read.platform.name and not quiet:
            _tell_of_new_name(name, read, taken)
        taken[name] = read.path
        suffix, text, options = _copied(read, reading)
        if read.platform.accept and not folder:  # a project is built on other days, too
            options["today"] = report.today
        file = f"{folder}inputs/{name}{suffix}"
        files[file] = text
        platforms.append(SitePlatform(name, file, judged, options))
    return _told_apart(sorted(platforms, key=lambda one: one.name)), files


def _told_apart(platforms: Sequence[SitePlatform]) -> list[SitePlatform]:
    """The platforms, with the name behind a title that several have: machines of one maker do."""
    many = Counter(one.title for one in platforms)
    return [_with_its_name(one) if many[one.title] > 1 else one for one in platforms]


def _with_its_name(one: SitePlatform) -> SitePlatform:
    platform = replace(one.platform, title=f"{one.title} ({one.name})")
    return one._replace(report=one.report._replace(platform=platform))


def _free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number that makes it one nobody has.

    ``index`` and what starts with ``by-`` are pages of the site's own.
    """
    if name == "index" or name.startswith("by-"):
        name = f"platform-{name}"
    if name not in taken:
        return name
    return next(each for number in count(2) if (each := f"{name}-{number}") not in taken)


def _tell_of_new_name(name: str, read: ReadInput, taken: Mapping[str, str]) -> None:
    other = taken.get(read.platform.name)
    why = f"as {other} is" if other else "as a page of the site is"
    tell(f"efipolicy: note: {read.path} is called {read.platform.name}, {why}; its page is {name}")


def _copied(read: ReadInput, reading: ReadingOptions) -> tuple[str, str, dict[str, str]]:
    """The suffix of an input's copy, its text, and how that is to be read."""
    if read.kind == "platform":
        return ".yaml", read.source.text, {}
    if not read.source.lossless or reading.descriptor_size:
        return ".yaml", platform_text(read.platform), {}
    options: dict[str, str] = {}
    if reading.architecture:
        options["architecture"] = reading.architecture
    if reading.format:
        options["from"] = reading.format
    return ".log", read.source.text, options
