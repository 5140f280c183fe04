"""``efi:architecture`` and the index of all: what a processor translates with, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, cast

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.notation import counted
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.model.efi import attribute_names
from efipolicy.paging import Geometry, RadixGeometry
from efipolicy.plugin import Architecture, Granularity, Rule
from efipolicy.sphinxext.architecture_drawings import (
    drawn_tables,
    fitting_strategies,
    platform_paths,
)
from efipolicy.sphinxext.bit_fields import EntryKind, entry_kinds, kind_nodes
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_fold
from efipolicy.sphinxext.installed import registry, shipped_platforms
from efipolicy.sphinxext.parts import Cell, fact_line, literal, paragraph, quoted, separated, table
from efipolicy.sphinxext.strategy_examples import platform_at

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_FEW: Final = 3


class EfiArchitecture(SphinxDirective):
    """``.. efi:architecture:: name``: everything that is known of one architecture."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The page, from its facts to the platforms of it."""
        name = self.arguments[0]
        architecture = registry().architectures.get(name)
        if architecture is None:
            known = ", ".join(registry().architectures)
            raise self.error(f"no installed architecture is called `{name}` ({known})")
        code = getattr(architecture.entry_formats, "__code__", None)
        if code:
            self.env.note_dependency(code.co_filename)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("architecture", name, anchor="", title=architecture.title)
        try:
            pictures = self._page_tables(architecture)
            entries = self._entries(architecture)
            platforms = self._platforms(architecture)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        return [
            paragraph(f"{architecture.title}."),
            fact_line(*_facts(architecture)),
            _section("Page tables", *pictures),
            _section("Entries", *entries),
            _section("Granules and alignment", *_granules(architecture)),
            _section("Strategies", *_strategies(architecture)),
            _section("Reference platforms", *platforms),
        ]

    def _page_tables(self, architecture: Architecture) -> list[nodes.Node]:
        """The tables of a reference platform as they stay, and what tables there may be."""
        made: list[nodes.Node] = []
        for path in platform_paths():
            platform = platform_at(path)
            if platform.architecture != architecture.name:
                continue
            found = drawn_tables(architecture, platform)
            if found:
                self.env.note_dependency(path)
                made += found
                break
        else:
            made.append(paragraph("No platform of it is there to draw the tables of."))
        heads = ("page", "geometry", "levels", "leaves", "contiguous", "virtual address bits")
        return [*made, table(heads, _geometry_rows(architecture), title="Geometries")]

    def _entries(self, architecture: Architecture) -> list[nodes.Node]:
        """Each kind of entry bit by bit; those of the usual geometry are open."""
        kinds = entry_kinds(architecture)
        if not kinds:
            return [paragraph("Its plugin does not say how its entries are laid out.")]
        made: list[nodes.Node] = []
        usual = kinds[0].geometry
        others: dict[str, list[EntryKind]] = {}
        for kind in kinds:
            if kind.geometry == usual:
                made.append(_section(kind.title, *self._kind(kind)))
            else:
                others.setdefault(kind.geometry.name, []).append(kind)
        for geometry, members in others.items():
            shown = [each for kind in members for each in (_headed(kind), *self._kind(kind))]
            made.append(efi_fold("", *shown, summary=f"{geometry}: {_titles(members)}"))
        return made

    def _kind(self, kind: EntryKind) -> list[nodes.Node]:
        """The picture, where else it is true, and the table, which opens."""
        figure, fields = kind_nodes(self, kind)
        told = [figure]
        if kind.also:
            names = separated(literal(each) for each in kind.also)
            told.append(paragraph([nodes.Text("The same: "), *names, nodes.Text(".")]))
        return [*told, efi_fold("", fields, summary="The same as a table")]

    def _platforms(self, architecture: Architecture) -> list[nodes.Node]:
        """The reference platforms of it. The page is read again when one of all changes."""
        rows: list[list[Cell]] = []
        for name, path in shipped_platforms().items():
            self.env.note_dependency(path)
            platform = platform_at(path)
            if platform.architecture == architecture.name:
                title = nodes.Text(platform.title or name)
                link = reference("platform", name, title, optional=True)
                rows.append([link, str(len(platform.memory_map.descriptors))])
        if not rows:
            return [paragraph("No reference platform has it.")]
        return [table(("platform", "descriptors"), rows)]


class EfiArchitectureIndex(SphinxDirective):
    """``.. efi:architecture-index::``: the installed architectures, a row each."""

    def run(self) -> list[nodes.Node]:
        """A table of name, pages, widths, and the unit of runtime regions."""
        rows: list[list[Cell]] = [
            [
                reference("architecture", each.name, optional=True),
                each.title,
                ", ".join(size_text(size) for size in sorted(each.geometries)),
                ", ".join(map(str, _widths(each))),
                str(each.physical_address_bits),
                size_text(each.runtime_granularity.size),
            ]
            for each in registry().architectures.values()
        ]
        heads = (
            "architecture",
            "what it is",
            "pages",
            "virtual address bits",
            "physical address bits",
            "unit of runtime regions",
        )
        return [table(heads, rows, classes=["ep-architectures"])]


def _section(title: str, *content: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title(title, title), *content, ids=[nodes.make_id(title)])


def _headed(kind: EntryKind) -> nodes.Node:
    return paragraph(nodes.strong(kind.title, kind.title))


def _titles(kinds: Iterable[EntryKind]) -> str:
    return ", ".join(kind.title for kind in kinds)


def _geometries(architecture: Architecture) -> list[Geometry]:
    return [each for many in architecture.geometries.values() for each in many]


def _widths(architecture: Architecture) -> list[int]:
    return sorted({each.virtual_address_bits for each in _geometries(architecture)})


def _facts(architecture: Architecture) -> list[tuple[str, Cell]]:
    """Five facts: of all its geometries together, not of one alone."""
    geometries = _geometries(architecture)
    trees = [each for each in geometries if isinstance(each, RadixGeometry)]
    granules = ", ".join(size_text(size) for size in sorted(architecture.geometries))
    bits = _few(map(str, _widths(architecture)))
    if not trees:
        sizes = {size for each in geometries for size in getattr(each, "granule_sizes", ())}
        told = ", ".join(map(size_text, sorted(sizes)))
        return [
            ("levels", "none: regions"),
            ("pages", granules),
            ("virtual address bits", bits),
            ("granules", told),
        ]
    levels = _few(map(str, sorted({len(each.levels) for each in trees})))
    leaves = sorted({size for each in trees for size in each.leaf_sizes})
    return [
        ("levels", levels),
        ("granules", granules),
        ("virtual address bits", bits),
        ("page sizes", _few(map(size_text, leaves))),
        ("contiguous", _few(_contiguous(trees)) or "no"),
    ]


def _few(ascending: Iterable[str]) -> str:
    """Some values as they are, many by the first and the last; the table of geometries has all."""
    values = list(ascending)
    return ", ".join(values) if len(values) <= _FEW else f"{values[0]} to {values[-1]}"


def _contiguous(trees: Iterable[RadixGeometry]) -> list[str]:
    """What neighbouring leaves make together where they are marked as one translation."""
    sizes = {
        level.contiguous * level.entry_size
        for tree in trees
        for level in tree.levels
        if level.leaf and level.contiguous
    }
    return [size_text(size) for size in sorted(sizes)]


def _geometry_rows(architecture: Architecture) -> Iterator[list[Cell]]:
    for geometry in _geometries(architecture):
        bits = str(geometry.virtual_address_bits)
        page, name = size_text(geometry.page_size), literal(geometry.name)
        if isinstance(geometry, RadixGeometry):
            levels = " ".join(level.name for level in geometry.levels)
            leaves = ", ".join(map(size_text, geometry.leaf_sizes))
            runs = ", ".join(
                f"{level.contiguous} {_TIMES} {size_text(level.entry_size)}"
                for level in geometry.levels
                if level.leaf and level.contiguous
            )
            yield [page, name, levels, leaves, runs or "no", bits]
        else:
            granules = ", ".join(map(size_text, geometry.granule_sizes))
            yield [page, name, "regions", f"granules of {granules}", "no", bits]


def _granules(architecture: Architecture) -> list[nodes.Node]:
    """What regions must be multiples of, the cache types, and the rules of this architecture."""
    units: list[list[Cell]] = [
        _unit(what, each, fact)
        for what, each, fact in (
            ("runtime regions", architecture.runtime_granularity, "runtime_granularity"),
            ("ACPI memory", architecture.acpi_granularity, "acpi_granularity"),
        )
    ]
    heads = ("start and size of", "multiples of", "requirement", "source", "rules")
    made: list[nodes.Node] = [table(heads, units, title="Units")]
    rows: list[list[Cell]] = [
        [
            reference("attribute", f"EFI_MEMORY_{name}", literal(name), optional=True),
            literal(cache),
        ]
        for bit, cache in architecture.cacheability.items()
        for name in attribute_names(bit)
    ]
    made.append(table(("attribute", "cache type"), rows, title="Cache types"))
    own = [
        rule
        for rule in sorted(registry().rules.values(), key=lambda rule: rule.id)
        if rule.architectures == {architecture.name}
    ]
    if own:
        found: list[list[Cell]] = [
            [reference("rule", rule.id, optional=True), quoted(rule.summary)] for rule in own
        ]
        title = f"Rules of {architecture.name} alone"
        heads_ = (counted(len(own), "rule"), "what it finds")
        made.append(table(heads_, found, title=title, classes=["ep-about"]))
    return made


def _unit(what: str, granularity: Granularity, fact: str) -> list[Cell]:
    code = granularity.requirement
    links = [reference("rule", rule.id, optional=True) for rule in _asking(fact)]
    return [
        what,
        size_text(granularity.size),
        reference("requirement", code, nodes.Text(code), optional=True),
        granularity.source,
        separated(links) or "none",
    ]


def _asking(fact: str) -> Iterator[Rule]:
    """The rules whose check looks at a fact of the architecture by its name."""
    for rule in sorted(registry().rules.values(), key=lambda rule: rule.id):
        if fact in rule.check.__code__.co_names:
            yield rule


def _strategies(architecture: Architecture) -> list[nodes.Node]:
    rows: list[list[Cell]] = [
        [reference("strategy", each.name, optional=True), each.title]
        for each in fitting_strategies(architecture)
    ]
    if not rows:
        return [paragraph("No installed strategy fits it.")]
    return [table(("strategy", "what it is"), rows, classes=["ep-strategies"])]
