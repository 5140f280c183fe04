"""``efi:site-matrix``: which strategy maps which platform of a site, filled from their pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_severity, severity_mark
from efipolicy.sphinxext.parts import Cell, paragraph, separated, table
from efipolicy.sphinxext.ticks import tick

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


def note_stands(env: BuildEnvironment, made: list[nodes.Node]) -> None:
    """Keep what the page of a platform, which is being read, says of strategies."""
    env.metadata[env.docname][_ROWS] = [tuple(one) for one in _stands(made)]


def _classes(node: nodes.Node) -> list[str]:
    return list(node["classes"]) if isinstance(node, nodes.Element) else []


def _stands(made: list[nodes.Node]) -> Iterator[Stand]:
    """What the table of strategies says, a row each: the site's matrix says nothing else."""
    tables = [node for node in made if "ep-matrix" in _classes(node)]
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
    without: list[nodes.Node] = []
    groups: dict[tuple[str, ...], list[tuple[str, str, dict[str, Stand]]]] = {}
    titles = Counter(one.title for (kind, _), one in domain.targets.items() if kind == "platform")
    for (kind, name), target in sorted(domain.targets.items()):
        rows = env.metadata[target.docname].get(_ROWS) if kind == "platform" else None
        if kind != "platform":
            continue
        title = target.title if titles[target.title] == 1 else f"{target.title} ({name})"
        if rows:
            stands = {row[0]: Stand(*row) for row in cast(Any, rows)}
            groups.setdefault(tuple(sorted(stands)), []).append((name, title, stands))
        else:
            without.append(reference("platform", name, nodes.Text(title)))
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
    if groups and without:
        told = "No strategy that is installed fits, or nobody knows the architecture of: "
        yield paragraph([nodes.Text(told), *separated(without), nodes.Text(".")])
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


def setup(app: Sphinx) -> None:
    """Register the directive, and fill the matrix when pages are written."""
    app.add_node(efi_site_matrix)
    app.add_directive_to_domain("efi", "site-matrix", EfiSiteMatrix)
    app.add_post_transform(FillMatrix)
    app.connect("env-get-outdated", outdated_matrices)
