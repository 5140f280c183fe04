"""Directives of a site about a vendor's platforms: ``efi:site-platform``, ``efi:site-matrix``.

Also the role ``efi-severity``, a severity with its shape: ``:efi-severity:`3 errors <error>```.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

from docutils import nodes
from docutils.parsers.rst import DirectiveError, directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from efipolicy.api import ReadingOptions, lint_paths, selection_of
from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_severity, severity_mark
from efipolicy.sphinxext.installed import registry, today
from efipolicy.sphinxext.parts import Cell, fact_line, literal, paragraph, pill_line, table
from efipolicy.sphinxext.platform_pages import EfiPlatform, memory_map_nodes
from efipolicy.sphinxext.ticks import tick

logger = logging.getLogger(__name__)

_ROWS: Final = "efipolicy-strategies"
"""The key of a page's metadata under which stands what each strategy makes of its platform."""


class Stand(NamedTuple):
    """What the page of a platform says of a strategy.

    ``severity`` is that of the gravest mark, ``word`` what it is about, ``words`` all marks.
    """

    strategy: str
    severity: str | None
    word: str
    words: str


class EfiSitePlatform(EfiPlatform):
    """``.. efi:site-platform:: path``: the page of a platform file or capture.

    ``:name:`` replaces the name it has, ``:architecture:`` is that of a capture that does not tell,
    ``:from:`` the format to read it as, ``:today:`` the day its acceptances are looked at. What
    cannot be worked out is told on the page, with a warning, and the rest is still shown.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **EfiPlatform.option_spec,
        "name": directives.unchanged_required,
        "architecture": directives.unchanged_required,
        "from": directives.unchanged_required,
        "today": directives.unchanged_required,
    }

    def linted(self) -> InputReport:
        """The report on the file, under the name the platform has in this site."""
        _, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        policy = self.options.get("policy", "recommended")
        installed = registry()
        if os.path.isfile(policy):
            self.env.note_dependency(os.path.abspath(policy))
        report = lint_paths(
            [path],
            installed,
            selection_of(installed, policies=[policy]),
            today=self.options.get("today") or today(),
            options=ReadingOptions(self.options.get("architecture"), self.options.get("from")),
        )
        if not report.inputs or report.inputs[0].platform is None:
            raise self.error("; ".join(str(error) for error in report.errors))
        read = report.inputs[0]
        name = self.options.get("name", read.platform.name)  # type: ignore[union-attr]
        return read._replace(platform=replace(cast(Platform, read.platform), name=name))

    def run(self) -> list[nodes.Node]:
        """The page; of a capture the text is a file beside it, which may have megabytes."""
        report = self.linted()
        try:
            made = super().run()
        except DirectiveError as problem:
            made = self._rest(report, problem.msg, _kind_of(problem.__cause__))
        except Exception as problem:  # noqa: BLE001 - a strange map must not cost the other pages
            made = self._rest(report, f"{type(problem).__name__}: {problem}", "page")
        self.env.metadata[self.env.docname][_ROWS] = [tuple(one) for one in _stands(made)]
        if report.kind != "platform":
            made = [node for node in made if "reproduce" not in _values(node, "ids")]
            made.append(self._captured(report))
        for dump in (block for node in made for block in node.findall(nodes.literal_block)):
            if dump.get("language") == "yaml":
                dump["language"] = "text"  # colours would be the largest part of the page
        return made

    def _rest(self, report: InputReport, problem: str, kind: str) -> list[nodes.Node]:
        """What is left of a page of which something could not be worked out."""
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        platform = cast(Platform, report.platform)
        logger.warning(
            "not everything about %s could be worked out: %s",
            platform.name,
            problem,
            location=self.get_location(),
            type="efi",
            subtype=kind,
        )
        described = domain.described.get(self.env.docname, ())
        if not any(kind == "platform" for kind, *_ in described):
            domain.note("platform", platform.name, anchor="", title=platform.title or platform.name)
        told = severity_mark(Severity.ERROR, f"Not everything could be worked out: {problem}")
        descriptors = str(len(platform.memory_map.descriptors))
        rest: list[nodes.Node] = [
            paragraph([told]),
            pill_line(report.findings),
            fact_line(("architecture", platform.architecture), ("descriptors", descriptors)),
        ]
        try:
            rest += memory_map_nodes(report)
        except Exception as failure:  # noqa: BLE001 - the picture may be what failed
            rest.append(paragraph(f"Its memory map could not be drawn: {failure}."))
        return rest

    def _captured(self, report: InputReport) -> nodes.section:
        """The command, and the text it is about as a file."""
        file = self.arguments[0].rpartition("/")[2]
        extra = "".join(
            f" {option} {self.options[name]}"
            for name, option in (("architecture", "--arch"), ("from", "--from"))
            if name in self.options
        )
        command = f"efipolicy lint {file}{extra}"
        link = addnodes.download_reference(
            "", "", literal(file), reftarget=self.arguments[0], refdoc=self.env.docname
        )
        title = "Reproduce"
        return nodes.section(
            "",
            nodes.title(title, title),
            paragraph([nodes.Text("Save "), link, nodes.Text(", and:")]),
            nodes.literal_block(command, command, language="console"),
            ids=["reproduce"],
            names=["reproduce"],
        )


def _kind_of(problem: BaseException | None) -> str:
    """Whose the fault is that something cannot be worked out, as the kind of the warning."""
    if isinstance(problem, PluginError):
        return "plugin"
    return "input" if isinstance(problem, EfipolicyError) else "page"


def _values(node: nodes.Node, name: str) -> list[str]:
    """The ids or classes of a node; text has none."""
    return list(node.get(name, ())) if isinstance(node, nodes.Element) else []


def _stands(made: list[nodes.Node]) -> Iterator[Stand]:
    """What the table of strategies says, a row each: the site's matrix says nothing else."""
    tables = [node for node in made if "ep-matrix" in _values(node, "classes")]
    for row in (row for shown in tables[:1] for row in shown.findall(nodes.row)):
        names = [node["reftarget"] for node in row.findall(addnodes.pending_xref)]
        if not names:
            continue  # the heads
        entries = list(row.findall(nodes.entry))[1:]
        marks = [
            (Severity(node["severity"]), place)
            for place, entry in enumerate(entries)
            for node in entry.findall(efi_severity)
        ]
        words = "; ".join(
            f"{head} {entry.astext()}"
            for head, entry in zip(_SAID, entries, strict=False)
            if entry.astext()
        )
        if not marks:
            yield Stand(names[0], None, "yes", words)
            continue
        worst, place = min(marks, key=lambda mark: (mark[0].rank, mark[1]))
        word = _FAILING[place] if worst is Severity.ERROR else _SHORT[worst]
        yield Stand(names[0], worst.value, word, words)


_SAID: Final = ("maps", "page tables:", "W^X", "kexec:")
"""What the columns of a page's table are about, as a sentence starts."""

_FAILING: Final = ("no", "no", "RWX", "kexec")
"""What a cell of the matrix says where an error stands in that column."""

_SHORT: Final = {Severity.INFO: "open", Severity.WARNING: "loss"}


class efi_site_matrix(nodes.General, nodes.Element):  # noqa: N801 - docutils names nodes so
    """Where the matrix goes once all platforms are known."""


class EfiSiteMatrix(SphinxDirective):
    """``.. efi:site-matrix::``: the platforms of this site and what each strategy makes of them."""

    def run(self) -> list[nodes.Node]:
        """A place that is filled when every page was read."""
        self.env.metadata[self.env.docname]["efipolicy-matrix"] = True
        return [efi_site_matrix("")]


class FillMatrix(SphinxPostTransform):
    """Put a table an architecture where the matrix is to stand, before links are resolved."""

    default_priority = 5

    def run(self, **_kwargs: object) -> None:
        """Replace the place on this page, if it has one."""
        for place in list(self.document.findall(efi_site_matrix)):
            made = list(_matrices(self.env))
            none = paragraph("No strategy that is installed fits any of these platforms.")
            place.replace_self(made or [none])


def _matrices(env: BuildEnvironment) -> Iterator[nodes.Node]:
    domain = cast(EfipolicyDomain, env.get_domain("efi"))
    groups: dict[tuple[str, ...], list[tuple[str, str, dict[str, Stand]]]] = {}
    titles = Counter(one.title for (kind, _), one in domain.targets.items() if kind == "platform")
    for (kind, name), target in sorted(domain.targets.items()):
        rows = env.metadata[target.docname].get(_ROWS) if kind == "platform" else None
        if rows:
            stands = {row[0]: Stand(*row) for row in cast(Any, rows)}
            title = target.title if titles[target.title] == 1 else f"{target.title} ({name})"
            groups.setdefault(tuple(sorted(stands)), []).append((name, title, stands))
    for strategies, members in sorted(groups.items()):
        heads = [nodes.inline("", name, classes=["ep-turned"]) for name in strategies]
        cells: list[list[Cell]] = [
            [
                reference("platform", name, nodes.Text(title)),
                *(_cell(name, stands[strategy]) for strategy in strategies),
            ]
            for name, title, stands in members
        ]
        linked = [
            reference("strategy", name, head, optional=True)
            for name, head in zip(strategies, heads, strict=True)
        ]
        yield _table_of(linked, cells)
    if groups:
        yield _legend()


def _table_of(heads: list[Any], cells: list[list[Cell]]) -> nodes.table:
    made = table(
        ["platform", *(head.astext() for head in heads)], cells, classes=["ep-site-matrix"]
    )
    entries = next(iter(made.findall(nodes.row))).children[1:]
    for entry, head in zip(entries, heads, strict=True):
        cast(nodes.entry, entry)[:] = [paragraph([head])]
    return made


def _cell(platform: str, stand: Stand) -> nodes.Node:
    """A shape that leads to the platform; a pointer on it shows what its page says."""
    said = stand.severity
    mark = severity_mark(Severity(said), stand.word) if said else tick(stand.word)
    about = nodes.abbreviation("", "", mark, explanation=stand.words)
    return reference("platform", platform, about, classes=["ep-cell"])


_LEGEND: Final = (
    (None, "yes", "all of runtime memory has an address, none is RWX, kexec to itself works"),
    ("info", "open", "the platform does not state enough to tell"),
    ("warning", "loss", "a kernel that follows by kexec does without runtime services"),
    ("error", "no", "a region has no address, or the strategy cannot be computed"),
    ("error", "RWX", "memory is writable and executable"),
    ("error", "kexec", "firmware breaks under a kernel that follows by kexec"),
)


def _legend() -> nodes.paragraph:
    told: list[nodes.Node] = []
    for severity, word, meaning in _LEGEND:
        told.append(severity_mark(Severity(severity), word) if severity else tick(word))
        told.append(nodes.Text(f": {meaning}. "))
    return paragraph(told, classes=["ep-legend"])


def outdated_matrices(
    _app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The pages with a matrix, when any page is read again that may stand in it."""
    if not added | changed | removed:
        return []
    return [name for name, data in env.metadata.items() if data.get("efipolicy-matrix")]


class SeverityRole(ReferenceRole):
    """``:efi-severity:`error``` or ``:efi-severity:`3 errors <error>```; ``ok`` is a tick."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The shape and the words."""
        if self.target == "ok":
            return [tick(self.title)], []
        try:
            return [severity_mark(Severity(self.target), self.title)], []
        except ValueError:
            known = ", ".join([severity.value for severity in Severity] + ["ok"])
            message = f"`{self.target}` is no severity; known: {known}"
            told = self.inliner.reporter.error(message, line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, told)], [told]


def setup(app: Sphinx) -> None:
    """Register directives and the role, and fill the matrix when pages are written."""
    app.add_node(efi_site_matrix)
    app.add_directive_to_domain("efi", "site-platform", EfiSitePlatform)
    app.add_directive_to_domain("efi", "site-matrix", EfiSiteMatrix)
    app.add_role("efi-severity", SeverityRole())
    app.add_post_transform(FillMatrix)
    app.connect("env-get-outdated", outdated_matrices)
