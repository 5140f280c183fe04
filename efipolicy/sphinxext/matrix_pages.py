"""``efi:matrix``: every strategy on every reference platform, in a word each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.engine.kexec import verdict_to_itself
from efipolicy.engine.whatif import row
from efipolicy.errors import EfipolicyError
from efipolicy.model.finding import Severity
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import severity_mark
from efipolicy.sphinxext.installed import report_on, shipped_platforms
from efipolicy.sphinxext.kexec_pages import verdict_mark
from efipolicy.sphinxext.parts import Cell, paragraph, separated, table
from efipolicy.sphinxext.platform_strategies import Attempt, native_plan, plans_of
from efipolicy.sphinxext.ticks import tick

_UNKNOWN: Final = ("incomplete", "assumption")


class EfiMatrix(SphinxDirective):
    """``.. efi:matrix::``: a row a strategy, a column a reference platform."""

    def run(self) -> list[nodes.Node]:
        """The table, and what its words mean."""
        platforms = [self._platform(name, path) for name, path in shipped_platforms().items()]
        heads: list[str] = ["strategy"]
        columns: list[Mapping[str, nodes.Node]] = []
        for platform in platforms:
            try:
                found = {
                    attempt.strategy.name: cell(platform, attempt)
                    for attempt in plans_of(platform, native_plan(platform))
                }
            except EfipolicyError as problem:
                raise self.error(str(problem)) from problem
            heads.append(platform.name)
            columns.append(found)
        made = table(heads, _rows(platforms, columns), classes=["ep-matrix"])
        _link_heads(made, platforms)
        return [made, legend()]

    def _platform(self, name: str, path: str) -> Platform:
        self.env.note_dependency(path)
        platform = report_on(path, "recommended").inputs[0].platform
        if platform is None:
            raise self.error(f"the reference platform {name} cannot be read")
        return platform


def _rows(platforms: list[Platform], columns: list[Mapping[str, nodes.Node]]) -> list[list[Cell]]:
    """Strategies of one set of platforms stand together; one that fits none is left out."""
    fits = {name: [name in column for column in columns] for column in columns for name in column}
    ordered = sorted(fits, key=lambda name: ([not each for each in fits[name]], name))
    rows: list[list[Cell]] = []
    for name in ordered:
        cells: list[Cell] = [reference("strategy", name, nodes.Text(name), optional=True)]
        for platform, column in zip(platforms, columns, strict=True):
            mark = column.get(name)
            linked = (
                reference("platform", platform.name, mark, classes=["ep-cell"], optional=True)
                if mark
                else ""
            )
            cells.append(linked)
        rows.append(cells)
    return rows


def _link_heads(made: nodes.table, platforms: list[Platform]) -> None:
    entries = next(iter(made.findall(nodes.row))).children[1:]
    for entry, platform in zip(entries, platforms, strict=True):
        link = reference("platform", platform.name, nodes.Text(platform.name), optional=True)
        cast(nodes.entry, entry)[:] = [paragraph([link])]


def cell(platform: Platform, attempt: Attempt) -> nodes.Node:
    """The first thing that is wrong, in a word: the layout, permissions, kexec; else that all is.

    What nobody knows is told before kexec is, whose verdict would rest on it.
    """
    if attempt.made is None:
        return severity_mark(Severity.ERROR, "no plan")
    try:
        seen = row(attempt.made)
        verdict = verdict_to_itself(platform, attempt.made, attempt.strategy.kexec)
    except EfipolicyError:
        return severity_mark(Severity.ERROR, "no tables")
    if seen.status == "impossible":
        return severity_mark(Severity.ERROR, "does not fit")
    if seen.write_execute_bytes:
        return severity_mark(Severity.ERROR, "RWX")
    if seen.status in _UNKNOWN:
        return severity_mark(Severity.INFO, seen.status)
    return tick("ok") if verdict in ("ok", None) else verdict_mark(verdict)


def legend() -> nodes.paragraph:
    """What the words of the matrix mean."""
    words: list[tuple[nodes.Node, str]] = [
        (tick("ok"), "every runtime region has its address, nothing is writable and executable"),
        (severity_mark(Severity.ERROR, "RWX"), "something is both"),
        (verdict_mark("runtime-disabled"), "the next kernel does without it after kexec"),
        (severity_mark(Severity.ERROR, "another verdict"), "firmware breaks after kexec"),
        (severity_mark(Severity.INFO, "incomplete, assumption"), "the input does not tell"),
        (severity_mark(Severity.ERROR, "does not fit"), "some region cannot be mapped so"),
    ]
    told = [nodes.inline("", "", mark, nodes.Text(f": {meaning}")) for mark, meaning in words]
    return paragraph([*separated(told, "; "), nodes.Text(".")], classes=["ep-legend"])
