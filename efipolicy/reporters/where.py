"""What lies at addresses, for people and as version 1 of the JSON of ``efipolicy where``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from efipolicy.engine.locating import Whereabouts
from efipolicy.engine.mapped import MappedRange
from efipolicy.errors import EfipolicyError
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.efi import type_name
from efipolicy.model.evidence import PageTableRange
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ConfigurationTable
from efipolicy.plugin import RenderOptions
from efipolicy.reporters.lint_json import JsonObject, dump, error_json
from efipolicy.reporters.lint_summary import counted
from efipolicy.reporters.snippet import Style, printable
from efipolicy.reporters.where_walk import accesses_json, walk_json, walk_lines
from efipolicy.source import Located

_MOST_OBSERVED = 4


def where_text(found: Sequence[Whereabouts], options: RenderOptions) -> str:
    """A paragraph for each address: what holds it, outermost first, and its neighbours.

    Quiet output has no neighbours. Verbose output explains the fields of page-table entries, walks
    every mapping and not only the first, and shows every row of page-table dumps.
    """
    return "\n".join("\n".join(_paragraph(one, options)) + "\n" for one in found)


def _paragraph(one: Whereabouts, options: RenderOptions) -> Iterator[str]:
    style = Style(options.color)
    other = ""
    if one.space == "virtual" and one.physical is not None:
        other = f" = physical {one.physical:#x}"
    elif one.space == "physical" and one.virtual is not None and not one.mappings:
        # Else each mapping says at which virtual address.
        other = f" = virtual {one.virtual:#x}"
    yield style.paint(f"{one.address:#x}, {one.space}{other}", "1")
    for name, words in _lines(one, options):
        code = "31" if name == "fault" else "36"
        yield f"  {style.paint(f'{name:<12}', code)} {words}"


def _lines(one: Whereabouts, options: RenderOptions) -> Iterator[tuple[str, str]]:
    if one.descriptor:
        inside = (one.physical or 0) - one.descriptor.physical_start
        yield "descriptor", f"{_descriptor(one.descriptor)}, {inside:#x} bytes in"
    for other in one.overlapping:
        inside = (one.physical or 0) - other.physical_start
        yield "and", f"{_descriptor(other)}, {inside:#x} bytes in"
    if one.entry:
        yield "attributes", f"{_range(one.entry)} {one.entry.attribute_text} (table entry)"
    if one.table:
        yield "table", f"{one.table}{_place(one.table.located)}"
    for mapping in one.mappings:
        yield "mapping", _mapping(mapping, one)
    yield from _walks(one, options)
    shown = len(one.observed) if options.verbose else _MOST_OBSERVED
    for row in one.observed[:shown]:
        yield "observed", _row(row)
    if hidden := len(one.observed[shown:]):
        yield "observed", f"and in {counted(hidden, 'more row')} (-v shows each)"
    if one.below and not options.quiet:
        yield "below", _neighbour(one.below, one.physical, one.descriptor)
    if one.above and not options.quiet:
        yield "above", _neighbour(one.above, one.physical, one.descriptor)
    for fault in one.faults:
        yield "fault", fault


def _walks(one: Whereabouts, options: RenderOptions) -> Iterator[tuple[str, str]]:
    """The walk of the first mapping, of each when verbose; else the path alone."""
    if not one.walks or one.walks[0].trouble:
        if one.path:
            yield "page tables", " ".join(f"{step.level.name}[{step.number}]" for step in one.path)
        return
    for number, walked in enumerate(one.walks if options.verbose else one.walks[:1]):
        if number:
            yield "walk", f"of {walked.address:#x}"
        yield from walk_lines(walked, verbose=options.verbose)


def _descriptor(descriptor: MemoryDescriptor) -> str:
    size = size_text(descriptor.physical.size)
    return (
        f"mem{descriptor.index:02} {descriptor} ({size}) {descriptor.attribute_text}"
        f"{_place(descriptor.located)}"
    )


def _range(descriptor: MemoryDescriptor) -> str:
    return f"{descriptor.physical}"


def _place(located: Located | None) -> str:
    return f" [{printable(located.span.path)}:{located.span.line}]" if located else ""


def _mapping(mapping: MappedRange, one: Whereabouts) -> str:
    words = []
    if one.space == "virtual":
        words.append(f"at {one.address:#x},")
    elif one.physical is not None:
        words.append(f"at {mapping.to_virtual(one.physical):#x},")
    words.append(f"{mapping.virtual} -> {mapping.physical}")
    words += [word for word in (mapping.access, mapping.cache) if word]
    return " ".join(words) + f" ({mapping.why or mapping.source})"


def _row(row: PageTableRange) -> str:
    known = [row.level, *(word for word in (row.access, row.cache) if word)]
    return f"{row.virtual} {' '.join(known)}{_place(row.located)}"


def _neighbour(
    neighbour: MemoryDescriptor, physical: int | None, inside: MemoryDescriptor | None
) -> str:
    """A neighbour, and the gap to it where the two do not touch."""
    here = inside.physical if inside else AddressRange(physical or 0, physical or 0)
    gap = max(neighbour.physical_start - here.end, here.start - neighbour.physical.end)
    apart = f", {size_text(gap)} away" if gap > 0 else ""
    return f"mem{neighbour.index:02} {neighbour} ({size_text(neighbour.physical.size)}){apart}"


def where_json(found: Sequence[Whereabouts], errors: Iterable[EfipolicyError] = ()) -> str:
    """One JSON object, indented, with a final line end."""
    data: JsonObject = {"version": 1, "addresses": [_address(one) for one in found]}
    told = [error_json(error) for error in errors]
    return dump({**data, "errors": told} if told else data)


def _address(one: Whereabouts) -> JsonObject:
    return {
        "address": f"{one.address:#x}",
        "space": one.space,
        "physical": _hex(one.physical),
        "virtual": _hex(one.virtual),
        "descriptor": _descriptor_json(one.descriptor),
        "other_descriptors": [_descriptor_json(other) for other in one.overlapping],
        "mat": _descriptor_json(one.entry),
        "table": _table_json(one.table),
        "mapping": _mapping_json(one.mapping) if one.mapping else None,
        "other_mappings": [_mapping_json(mapping) for mapping in one.mappings[1:]],
        "walk": _walk_json(one),
        "accesses": accesses_json(one.walks[0]) if one.walks else {},
        "differences": list(one.walks[0].differences) if one.walks else [],
        "observed": [_row_json(row) for row in one.observed],
        "neighbours": {
            "below": _descriptor_json(one.below),
            "above": _descriptor_json(one.above),
        },
        "fault": one.fault,
    }


def _walk_json(one: Whereabouts) -> list[JsonObject]:
    """The entries that are read, or those that would be where their format is not known."""
    if one.walks and one.walks[0].trouble is None:
        return walk_json(one.walks[0])
    return [
        {"level": step.level.name, "index": step.number, "entry": None, "fields": {}}
        for step in one.path
    ]


def _hex(number: int | None) -> str | None:
    return None if number is None else f"{number:#x}"


def _located_json(located: Located | None) -> JsonObject:
    if located is None:
        return {"path": None, "line": None, "column": None}
    span = located.span
    return {"path": span.path, "line": span.line, "column": span.column}


def _descriptor_json(one: MemoryDescriptor | None) -> JsonObject | None:
    if one is None:
        return None
    return {
        "index": one.index,
        "type": one.type_name,
        "physical_start": f"{one.physical_start:#x}",
        "virtual_start": _hex(one.virtual_start),
        "pages": one.number_of_pages,
        "attribute": _hex(one.attribute),
        **_located_json(one.located),
    }


def _table_json(table: ConfigurationTable | None) -> JsonObject | None:
    if table is None:
        return None
    return {
        "table": table.name,
        "guid": table.guid,
        "address": f"{table.address:#x}",
        "length": table.length,
        **_located_json(table.located),
    }


def _mapping_json(mapping: MappedRange) -> JsonObject:
    return {
        "physical_start": f"{mapping.physical.start:#x}",
        "virtual_start": f"{mapping.virtual_start:#x}",
        "pages": mapping.physical.size // EFI_PAGE_SIZE,
        "type": type_name(mapping.type),
        "access": mapping.access,
        "cache": mapping.cache,
        "runtime": mapping.runtime,
        "descriptors": list(mapping.descriptors),
        "source": mapping.source,
        "why": mapping.why,
    }


def _row_json(row: PageTableRange) -> JsonObject:
    return {
        "virtual_start": f"{row.virtual.start:#x}",
        "virtual_end": f"{row.virtual.end:#x}",
        "physical_start": _hex(row.physical_start),
        "level": row.level,
        "access": row.access,
        "cache": row.cache,
        **_located_json(row.located),
    }
