"""Directives for the reference: the platform file, hooks, architectures, formats."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from inspect import cleandoc

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from efipolicy.formats.platform import PLATFORM_FILE
from efipolicy.model.address import size_text
from efipolicy.paging import Geometry, RadixGeometry
from efipolicy.plugin import Architecture, HandoverVariant, hookspecs
from efipolicy.source.shape import Field, ListOf, Record, Shape
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, inline, literal, quoted, separated, table

_QUOTED = re.compile(r"(`[^`]*`|\"[^\"]*\"|\[[^]]*\])")


class EfiPlatformFormat(SphinxDirective):
    """``.. efi:platform-format::``: every key of the platform file, from what reads it."""

    def run(self) -> list[nodes.Node]:
        """A table for the file and one for each mapping inside it."""
        made: list[nodes.Node] = []
        for path, record in records(PLATFORM_FILE):
            rows = [self._row(path, field, record) for field in record.fields.values()]
            name = path or "The whole file"
            section = nodes.section("", ids=[format_anchor(path)])
            title = nodes.title("", "", literal(path) if path else nodes.Text(name))
            section += [title, nodes.paragraph("", "", *self._said(record.doc))]
            section += table(("key", "value", "meaning"), rows, classes=["ep-keys"])
            made.append(section)
        return made

    def _row(self, path: str, field: Field, record: Record) -> list[Cell]:
        inner = nested_record(field.shape)
        key: list[nodes.Node] = [literal(field.name)]
        if field.required:
            key.append(nodes.Text(" (required)"))
        elif field.name in record.one_of:
            key.append(nodes.Text(" (one of these)"))
        if inner is None:
            return [key, self._said(field.shape.phrase), self._said(field.doc)]
        place = inner_path(path, field)
        link = nodes.reference("", "", literal(place), internal=True, refid=format_anchor(place))
        kind = "a list of " if isinstance(field.shape, ListOf) else ""
        return [key, [nodes.Text(kind), link], self._said(field.doc)]

    def _said(self, text: str) -> list[nodes.Node]:
        """A phrase of an error message as text: what is quoted is literal."""
        return [
            literal(part.strip("`")) if place % 2 else nodes.Text(part)
            for place, part in enumerate(_QUOTED.split(text))
            if part
        ]


def records(record: Record, path: str = "") -> Iterator[tuple[str, Record]]:
    """A record and every record inside it, each with the path of its keys; outer ones first."""
    yield path, record
    for field in record.fields.values():
        inner = nested_record(field.shape)
        if inner is not None:
            yield from records(inner, inner_path(path, field))


def nested_record(shape: Shape) -> Record | None:
    """The record that a shape is, or is a list of."""
    while isinstance(shape, ListOf):
        shape = shape.item
    return shape if isinstance(shape, Record) else None


def inner_path(path: str, field: Field) -> str:
    """The path of a key, ``[]`` for each item of a list."""
    place = f"{path}.{field.name}" if path else field.name
    return f"{place}[]" if isinstance(field.shape, ListOf) else place


def format_anchor(path: str) -> str:
    """The anchor of a part of the platform file."""
    return str(nodes.make_id(f"key {path}" if path else "key the file"))


class EfiHooks(SphinxDirective):
    """``.. efi:hooks::``: the hooks a plugin may answer, what they ask, and who answers them.

    With ``:linked:`` each name leads to the ``py:function`` that the site describes it by.
    """

    option_spec = {"linked": directives.flag}  # noqa: RUF012 - docutils reads it so

    def run(self) -> list[nodes.Node]:
        """A table with a row for each hook."""
        rows: list[list[Cell]] = [
            [self._linked(name), _question(hook), _answered_by(name)] for name, hook in hooks()
        ]
        return [table(("hook", "question", "answered by"), rows)]

    def _linked(self, name: str) -> list[nodes.Node]:
        if "linked" not in self.options:
            return [literal(name)]
        made, _ = self.parse_inline(f":py:func:`{name}`", lineno=self.lineno)
        return made


def hooks() -> list[tuple[str, object]]:
    """Every hook by its name, in the order they are declared."""
    return [
        (name, value)
        for name, value in vars(hookspecs).items()
        if name.startswith("efipolicy_") and inspect.isfunction(value)
    ]


def _question(hook: object) -> str:
    return cleandoc(getattr(hook, "__doc__", None) or "").partition("\n")[0].partition("?")[0] + "?"


def _answered_by(name: str) -> Cell:
    kind = name.removeprefix("efipolicy_")
    answering = [each.name for each in registry().plugins if kind in each.hooks and each.built_in]
    if not answering:
        return "no plugin"
    return separated(reference("plugin", each, optional=True) for each in answering)


class EfiArchitectures(SphinxDirective):
    """``.. efi:architectures::``: the installed architectures and their page tables."""

    def run(self) -> list[nodes.Node]:
        """A section an architecture: its facts, and a table of its geometries."""
        made: list[nodes.Node] = []
        for architecture in registry().architectures.values():
            title = nodes.title("", "", literal(architecture.name))
            anchor = nodes.make_id(f"architecture {architecture.name}")
            section = nodes.section("", title, ids=[anchor])
            section += nodes.paragraph("", "", *inline(architecture.title + "."))
            section += table(("fact", "value", "source"), _architecture_rows(architecture))
            heads = ("page", "geometry", "levels", "leaves", "virtual address bits")
            section += table(heads, _geometry_rows(architecture))
            made.append(section)
        return made


def _architecture_rows(architecture: Architecture) -> list[list[Cell]]:
    runtime, acpi = architecture.runtime_granularity, architecture.acpi_granularity
    return [
        ["physical address", f"{architecture.physical_address_bits} bits", architecture.source],
        ["unit of runtime regions", size_text(runtime.size), runtime.source],
        ["unit of ACPI memory", size_text(acpi.size), acpi.source],
    ]


def _geometry_rows(architecture: Architecture) -> list[list[Cell]]:
    return [
        [size_text(page_size), geometry.name, *_shape_of(geometry)]
        for page_size, geometries in architecture.geometries.items()
        for geometry in geometries
    ]


def _shape_of(geometry: Geometry) -> list[Cell]:
    bits = str(geometry.virtual_address_bits)
    if isinstance(geometry, RadixGeometry):
        levels = " ".join(level.name for level in geometry.levels)
        return [levels, ", ".join(map(size_text, geometry.leaf_sizes)), bits]
    granules = ", ".join(map(size_text, geometry.granule_sizes))
    return ["regions", f"granules of {granules}", bits]


class EfiHandovers(SphinxDirective):
    """``.. efi:handovers::``: the installed boot hand-overs."""

    def run(self) -> list[nodes.Node]:
        """A row a hand-over: its name, what it is, where it fits."""
        rows: list[list[Cell]] = [
            [literal(each.name), each.title, _fits(each)] for each in registry().handovers.values()
        ]
        return [table(("variant", "what it is", "architectures"), rows)]


class EfiFormats(SphinxDirective):
    """``.. efi:formats::``: the captured texts that the installed plugins read."""

    def run(self) -> list[nodes.Node]:
        """A row a format: what it is, its name, its dialects."""
        rows: list[list[Cell]] = [
            [quoted(form.title), literal(form.name), separated(map(literal, form.dialects))]
            for form in registry().formats.values()
        ]
        return [table(("text", "format", "dialects"), rows)]


def _fits(variant: HandoverVariant) -> str:
    return ", ".join(sorted(variant.architectures)) or "every architecture"
