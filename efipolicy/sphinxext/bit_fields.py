"""``efi:bit-field``: a word bit by bit, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, cast

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.bit_field import BitWord, WordField, bit_field_svg
from efipolicy.drawing.bit_field_cells import bits_text, hex_text
from efipolicy.drawing.bit_field_words import Href, attribute_word, entry_word
from efipolicy.drawing.svg import Form
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import size_text
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry, RegionGeometry
from efipolicy.paging.entries import EntryFormat, EntryFormats
from efipolicy.paging.geometry import Level
from efipolicy.plugin import Architecture
from efipolicy.plugin.calling import call
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.elements import efi_figure
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, literal, table

ATTRIBUTE: Final = "attribute"
ATTRIBUTE_TITLE: Final = "EFI_MEMORY_DESCRIPTOR.Attribute"
_DRAWN: Final = "efi_bit_fields"


class EntryKind(NamedTuple):
    """One kind of entry: those of a level that map memory, or that lead to a table.

    ``also`` are the other levels and geometries whose entries look the same.
    """

    architecture: str
    geometry: Geometry
    level: Level
    kind: Literal["leaf", "table"]
    format: EntryFormat
    bits: int
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``pte-leaf``, ``pgd-table``, ``granule-16m-leaf``."""
        return f"{self.level.name.lower()}-{self.kind}"

    @property
    def full_name(self) -> str:
        """The name with that of its geometry: ``x86_64-4level/pte-leaf``."""
        return f"{self.geometry.name}/{self.name}"

    @property
    def title(self) -> str:
        """``PTE entry that maps 4 KiB``."""
        does = f"maps {size_text(self.level.entry_size)}"
        if self.kind == "table":
            does = "leads to a table"
        if isinstance(self.geometry, RegionGeometry):
            return f"Translation that {does}"
        return f"{self.level.name} entry that {does}"

    def word(self, value: int | None = None, href: Href = lambda _low: None) -> BitWord:
        """The entry as it is drawn. Raises `ValueError` for a value that does not fit."""
        return entry_word(self.format, bits=self.bits, value=value, href=href)


def entry_kinds(architecture: Architecture) -> list[EntryKind]:
    """Every kind of entry, geometry by geometry, the usual one first and leaves before tables.

    Kinds that look the same are one. There are none where the architecture does not say how its
    entries are laid out. Raises `PluginError` when its plugin fails to say it.
    """
    kinds: list[EntryKind] = []
    for geometry in (each for many in architecture.geometries.values() for each in many):
        for found in _kinds_of(architecture, geometry):
            for place, known in enumerate(kinds):
                if (known.kind, known.format, known.bits) == (found.kind, found.format, found.bits):
                    kinds[place] = known._replace(also=(*known.also, found.full_name))
                    break
            else:
                kinds.append(found)
    return kinds


def _kinds_of(architecture: Architecture, geometry: Geometry) -> Iterator[EntryKind]:
    if architecture.entry_formats is None:
        return
    what = f"entry formats of {architecture.name}"
    for tree in _trees(geometry):
        formats = call(what, architecture.entry_formats, tree, gives=EntryFormats)
        both: tuple[tuple[Literal["leaf", "table"], Mapping[str, EntryFormat]], ...]
        both = ("leaf", formats.leaves), ("table", formats.tables)
        for kind, by_level in both:
            for level in reversed(tree.levels):
                format = by_level.get(level.name)
                if format:
                    named = level._replace(name=_level_name(level, geometry))
                    bits = 8 * tree.entry_bytes
                    yield EntryKind(architecture.name, geometry, named, kind, format, bits)


def _trees(geometry: Geometry) -> Iterator[RadixGeometry]:
    """The geometry itself; for Itanium a level of granules of each size, as it decodes them."""
    if isinstance(geometry, RadixGeometry):
        yield geometry
        return
    for size in geometry.granule_sizes:
        shift = size.bit_length() - 1
        yield RadixGeometry(geometry.name, (Level("granule", shift, 61 - shift, leaf=True),))


def _level_name(level: Level, geometry: Geometry) -> str:
    if isinstance(geometry, RadixGeometry):
        return level.name
    return f"{level.name}-{level.entry_size >> 20}m"


def kind_named(argument: str) -> EntryKind:
    """The kind of entry that ``ARCH/KIND`` or ``ARCH/GEOMETRY/KIND`` names.

    Raises `ValueError`, in words for the author of a page, for one there is not.
    """
    name, _, kind = argument.partition("/")
    architecture = registry().architectures.get(name)
    if architecture is None:
        known = ", ".join((ATTRIBUTE, *(f"{each}/KIND" for each in registry().architectures)))
        raise ValueError(f"`{argument}` is no word that can be drawn; there are {known}")
    kinds = entry_kinds(architecture)
    for found in kinds:
        if kind.lower() in (found.name, found.full_name.lower(), *map(str.lower, found.also)):
            return found
    if not kinds:
        raise ValueError(f"{name} does not say how its entries are laid out")
    known = ", ".join(dict.fromkeys(each.name for each in kinds))
    raise ValueError(f"{name} has no kind of entry `{kind}`; it has {known}")


class EfiBitField(SphinxDirective):
    """``.. efi:bit-field:: WORD``: the picture of a word and the table of its fields.

    ``WORD`` is ``attribute`` or a kind of entry as ``ARCH/KIND``; ``:value:`` is what it holds.
    """

    required_arguments = 1
    option_spec = {"value": directives.unchanged_required}  # noqa: RUF012 - docutils reads it so

    def run(self) -> list[nodes.Node]:
        """The figure and the table."""
        argument = self.arguments[0]
        try:
            value = self._value()
            if argument == ATTRIBUTE:
                return attribute_nodes(self, value)
            return kind_nodes(self, kind_named(argument), value)
        except (ValueError, EfipolicyError) as problem:
            raise self.error(str(problem)) from problem

    def _value(self) -> int | None:
        text = self.options.get("value")
        if text is None:
            return None
        try:
            return int(text, 0)
        except ValueError:
            raise ValueError(f":value: found `{text}`, expected a number such as 0x8000") from None


def attribute_nodes(directive: SphinxDirective, value: int | None) -> list[nodes.Node]:
    """The attribute of a memory descriptor. Raises `ValueError` for a value that does not fit."""
    figure_id = figure_named(directive, "bits-attribute", value)

    def word(href: Href) -> BitWord:
        return attribute_word(value, href)

    drawn = word_figure(word, figure_id, ATTRIBUTE_TITLE, lambda low: f"#{figure_id}-{low}")
    return [drawn, fields_table(word(lambda _low: None), figure_id, ATTRIBUTE_TITLE, _attribute)]


def kind_nodes(
    directive: SphinxDirective, kind: EntryKind, value: int | None = None
) -> list[nodes.Node]:
    """A kind of entry. Raises `ValueError` for a value that does not fit."""
    figure_id = figure_named(directive, f"bits-{kind.architecture}-{kind.full_name}", value)
    title = f"{kind.architecture} \N{MIDDLE DOT} {kind.title}"

    def word(href: Href) -> BitWord:
        return kind.word(value, href)

    drawn = word_figure(word, figure_id, title, lambda low: f"#{figure_id}-{low}")
    return [drawn, fields_table(word(lambda _low: None), figure_id, title)]


def figure_named(directive: SphinxDirective, name: str, value: int | None) -> str:
    """The id of a figure: of its subject and value, and its number where a page has it twice."""
    figure_id = str(nodes.make_id(name if value is None else f"{name}-{value:x}"))
    drawn = cast(dict[str, int], directive.env.temp_data.setdefault(_DRAWN, {}))
    drawn[figure_id] = drawn.get(figure_id, 0) + 1
    return figure_id if drawn[figure_id] == 1 else f"{figure_id}-again-{drawn[figure_id]}"


def word_figure(
    word: Callable[[Href], BitWord], figure_id: str, title: str, href: Href
) -> efi_figure:
    """The picture of a word; only that on the page has links."""

    def drawn(form: Form) -> str:
        linked = word(href if form == "inline" else lambda _low: None)
        facts = f"{linked.bits} bits"
        return bit_field_svg(linked, figure_id=figure_id, title=title, facts=facts, form=form)

    return efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=f"{figure_id}-fields",
        label=f"Bit fields of {title}",
    )


def fields_table(
    word: BitWord,
    figure_id: str,
    title: str,
    name: Callable[[WordField], Cell] = lambda field: literal(field.name),
) -> nodes.table:
    """The fields as a table, the highest first; each row is what a cell of the picture links to."""
    valued = word.value is not None
    rows: list[list[Cell]] = []
    for field in word.fields:
        row: list[Cell] = [
            bits_text(field.high, field.low),
            "reserved" if field.reserved else name(field),
        ]
        if valued:
            held = hex_text(field.of(cast(int, word.value)), field.bits)
            wrong = field.reserved and field.of(cast(int, word.value))
            row.append(
                [literal(held), nodes.Text(" but must be clear")] if wrong else literal(held)
            )
        rows.append([*row, field.detail or field.phrase])
    return table(
        ("bits", "field", *(("value",) if valued else ()), "meaning"),
        rows,
        ids=[f"{figure_id}-fields"],
        row_ids=[f"{figure_id}-{field.low}" for field in word.fields],
        title=f"Fields: {title}",
        classes=["ep-bits"],
    )


def _attribute(field: WordField) -> Cell:
    return reference("attribute", f"EFI_MEMORY_{field.name}", literal(field.name), optional=True)
