"""Find out which capture format a text is: the one that understands most of its lines.

A text may hold more than one form: a serial log has U-Boot's table above the kernel's list, and a
dump of page tables below it. The best reading is the platform; what the others found elsewhere in
the text is added to it, maps as evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from efipolicy.errors import EfipolicyError
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import (
    Capture,
    Firmware,
    MappingDeclaration,
    Platform,
    UnreadableLine,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.calling import failure
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import ForeignInputError, InputError, SourceText

if TYPE_CHECKING:
    from efipolicy.model.evidence import PageTableDump, ReportedRange

_SECTIONS: Final = (
    "title",
    "uefi",
    "firmware",
    "memory_attributes_table",
    "runtime_properties",
    "system_table",
    "hardware",
    "handover",
    "firmware_accesses",
)
"""What another reading of the text supplies where the best one has none."""

_LISTS: Final = ("remappings", "page_tables", "reported_ranges")


class Recognition(NamedTuple):
    """The reading that fits best, if any does, and what went wrong on the way."""

    reading: CaptureReading | None
    errors: tuple[EfipolicyError, ...] = ()


def recognise(
    source: SourceText, formats: Mapping[str, CaptureFormat], *, only: str | None = None
) -> Recognition:
    """The reading of the format that understood most lines, a map before none.

    File names decide nothing. ``only`` names a format or a dialect and leaves the others out. The
    errors are an `InputError` when no format finds anything or two find equally much, and a
    `PluginError` for each format that failed; the others are asked all the same.
    """
    failures: list[EfipolicyError] = []
    readings: list[CaptureReading] = []
    for form in formats.values():
        if only is not None and not _is(form, only):
            continue
        try:
            reading = form.read(source)
        except Exception as problem:  # noqa: BLE001 - a stranger's reader may raise anything
            failures.append(failure(f"capture format `{form.name}`", problem, path=source.path))
            continue
        if reading is None or (only is not None and only not in (form.name, _dialect(reading))):
            continue
        readings.append(reading)
    if not readings:
        nothing = _nothing(source, only) if formats else _no_formats(source)
        return Recognition(None, (nothing, *failures))
    readings.sort(key=_rank, reverse=True)  # stable: of equals the first format stays the first
    best, *others = readings
    equal = [one for one in others if _rank(one) == _rank(best) and _rivals(best, one)]
    if equal:
        return Recognition(None, (_ambiguous(source, [best, *equal]), *failures))
    for other in others:
        best = _with_evidence(best, other)
    return Recognition(best, tuple(failures))


def _rank(reading: CaptureReading) -> tuple[bool, int]:
    return bool(reading.platform.memory_map.descriptors), reading.understood


def _nothing(source: SourceText, only: str | None) -> InputError:
    expected = f"a text of format `{only}`" if only else "a memory map in a known format"
    return ForeignInputError(source.path, "nothing that can be read as a memory map", expected)


def _no_formats(source: SourceText) -> InputError:
    from efipolicy.plugin.elsewhere import nothing_of

    expected = f"a text of one of the known formats: {nothing_of('formats')}"
    found = "a text, and no capture format that could read it"
    return ForeignInputError(source.path, found, expected)


def _ambiguous(source: SourceText, equal: list[CaptureReading]) -> InputError:
    names = [_dialect(reading) for reading in equal]
    return InputError(
        source.path,
        "a text that is as much " + " as ".join(f"`{name}`" for name in names),
        "the format to be said: " + " or ".join(f"--from {name}" for name in names),
    )


def _is(form: CaptureFormat, name: str) -> bool:
    return name == form.name or name in form.dialects


def _dialect(reading: CaptureReading) -> str:
    capture = reading.platform.capture
    return capture.dialect if capture else reading.platform.name


def _rivals(one: CaptureReading, other: CaptureReading) -> bool:
    """Whether two readings of one rank cannot both hold: of maps only one is the platform's."""
    return bool(_maps(one.platform)) == bool(_maps(other.platform)) and (
        bool(_maps(one.platform)) or not _tells(other.platform)
    )


def _maps(platform: Platform) -> list[MemoryMap]:
    """Every map of a reading that holds descriptors."""
    capture = platform.capture
    maps = (platform.memory_map, *(capture.other_maps if capture else ()))
    return [one for one in maps if one.descriptors]


def _overlap(one: MemoryMap, other: MemoryMap) -> bool:
    """Whether two maps were read from the same part of the text."""
    if one.located is None or other.located is None:
        return True
    here, there = one.located.span, other.located.span
    return here.start < there.end and there.start < here.end


def _tells(platform: Platform) -> bool:
    """Whether a reading without a map has anything to add to another."""
    capture = platform.capture
    lists = (getattr(capture, name) for name in _LISTS) if capture else ()
    sections = (getattr(platform, name) for name in (*_SECTIONS[3:], "configuration_tables"))
    return any((*lists, *sections, platform.mapping))


def _with_evidence(best: CaptureReading, other: CaptureReading) -> CaptureReading:
    """The best reading with what another one found in other lines of the text."""
    here, there = best.platform, other.platform
    if here.capture is None or there.capture is None:
        return best
    known = _maps(here)
    found = _maps(there)
    further = [one for one in found if not any(_overlap(one, other) for other in known)]
    if found and not further:
        return best  # another reading of the same lines
    changes: dict[str, Any] = {
        name: getattr(there, name)
        for name in _SECTIONS
        if getattr(here, name) is None and getattr(there, name) is not None
    }
    if here.firmware and there.firmware:
        changes["firmware"] = _completed(here.firmware, there.firmware)
    if here.configuration_tables is None and there.configuration_tables is not None:
        changes["configuration_tables"] = there.configuration_tables
        changes["configuration_tables_extent"] = there.configuration_tables_extent
    if here.architecture_reason.kind == "dialect" and there.architecture_reason.kind == "stated":
        changes["architecture"] = there.architecture
        changes["architecture_reason"] = there.architecture_reason
    if there.mapping:
        changes["mapping"] = _merged_mapping(here.mapping, there.mapping)
    changes["capture"] = _merged_capture(
        here.capture, there.capture, known, further, other.understood
    )
    return best._replace(platform=replace(here, **changes))


def _completed(here: Firmware, there: Firmware) -> Firmware:
    """What the best reading says of the firmware, and what only the other one does."""
    known = {name: value for name, value in here._asdict().items() if value}
    return there._replace(**known)


def _merged_capture(
    here: Capture,
    there: Capture,
    maps: Iterable[MemoryMap],
    further: Iterable[MemoryMap],
    understood: int,
) -> Capture:
    """Both captures as one; a line in the midst of a map that was read is no doubtful line."""
    lists = {name: getattr(here, name) + getattr(there, name) for name in _LISTS}
    further = tuple(further)
    doubtful = _outside(here.unreadable, (*further, *_evidence(there)))
    added = _outside(there.unreadable, (*maps, *_evidence(here)))
    known = {line.located.span.line for line in doubtful}
    added = [line for line in added if line.located.span.line not in known]
    return replace(
        here,
        other_maps=(*here.other_maps, *further),
        unreadable=(*doubtful, *added),
        skipped_lines=max(here.skipped_lines - understood - len(added), 0),
        **lists,
    )


def _evidence(capture: Capture) -> Iterator[ReportedRange | PageTableDump]:
    """What a reading took from lines that are in no map."""
    yield from capture.reported_ranges
    yield from capture.page_tables


def _outside(
    lines: Iterable[UnreadableLine], read: Iterable[MemoryMap | ReportedRange | PageTableDump]
) -> list[UnreadableLine]:
    """The lines that stand in nothing that was read."""
    spans = [one.located.span for one in read if one.located]
    return [
        line
        for line in lines
        if not any(span.start <= line.located.span.start < span.end for span in spans)
    ]


def _merged_mapping(
    here: tuple[MappingDeclaration, ...] | None, there: tuple[MappingDeclaration, ...]
) -> tuple[MappingDeclaration, ...]:
    """One declaration for the operating system that both speak of; the first word counts."""
    if not here:
        return there
    first, other = here[0], there[0]
    if first.os != other.os:
        return here
    return (
        replace(
            first,
            **{
                name: getattr(other, name)
                for name in MappingDeclaration.__dataclass_fields__
                if getattr(first, name) is None and getattr(other, name) is not None
            },
        ),
        *here[1:],
    )
