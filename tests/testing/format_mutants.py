"""Deliberately wrong capture formats. The right one reads rows that end with a semicolon."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    ArchitectureReason,
    Capture,
    CaptureFormat,
    CaptureReading,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    SourceText,
    TextRecord,
    UnreadableLine,
)

DIALECT = "acme-log"
BEGIN = re.compile(r"\bacme\[")
ROW = re.compile(
    r"\bacme\[(?P<number>\d+)\]: (?P<type>\d+) (?P<physical_start>0x[0-9a-f]+)"
    r" (?P<pages>0x[0-9a-f]+) (?P<attribute>0x[0-9a-f]+);"
)
SAMPLE = """\
[    0.000000] acme loader 1.0
[    0.120000] acme[0]: 7 0x0 0xa0 0xf;
[    0.120000] acme[1]: 5 0x7e9c3000 0x10 0x800000000000000f;
[    0.120000] acme[2]: 6 0x7e9d3000 0x40 0x800000000000000f;
[    0.120000] acme[3]: 11 0xfed00000 0x1 0x8000000000000001;
[    0.250000] starting the kernel
"""

Read = Callable[[SourceText], CaptureReading | None]


def printed(memory_map: MemoryMap) -> str:
    """A map as the loader prints it."""
    return "".join(
        f"acme[{one.index}]: {one.type} {one.physical_start:#x} {one.number_of_pages:#x}"
        f" {one.attribute or 0:#x};\n"
        for one in memory_map.descriptors
    )


def right(source: SourceText) -> CaptureReading | None:
    """Reads the rows and tells what begins as one and goes on otherwise."""
    begins = [match.start() for match in BEGIN.finditer(source.text)]
    rows = {start: ROW.match(source.text, start) for start in begins}
    found = [row for row in rows.values() if row]
    if not found:
        return None
    unreadable = tuple(
        UnreadableLine(what="no row", located=TextRecord(source, start, start + 1))
        for start, row in rows.items()
        if row is None
    )
    return CaptureReading(
        Platform(
            name="acme",
            architecture_reason=ArchitectureReason("dialect", "nothing says"),
            memory_map=MemoryMap(
                descriptors=tuple(
                    descriptor(source, row, index) for index, row in enumerate(found)
                ),
                extent="partial" if unreadable else "unknown",
            ),
            capture=Capture(dialect=DIALECT, unreadable=unreadable),
        ),
        understood=len(found),
    )


def descriptor(source: SourceText, row: re.Match[str], index: int) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=index,
        type=int(row["type"]),
        physical_start=int(row["physical_start"], 16),
        number_of_pages=int(row["pages"], 16),
        attribute=int(row["attribute"], 16),
        located=TextRecord(
            source, *row.span(), {name: row.span(name) for name in ("physical_start", "pages")}
        ),
    )


def of(read: Any, **more: Any) -> CaptureFormat:
    stated: dict[str, Any] = {"name": "acme", "title": "Acme", "dialects": (DIALECT,), **more}
    return CaptureFormat(read=read, **stated)


def changed(change: Callable[[CaptureReading], CaptureReading]) -> CaptureFormat:
    """The right format, its readings changed afterwards."""

    def read(source: SourceText) -> CaptureReading | None:
        reading = right(source)
        return reading and change(reading)

    return of(read)


def with_rows(
    change: Callable[[tuple[MemoryDescriptor, ...]], Any],
) -> CaptureFormat:
    """The right format with other rows."""

    def other(reading: CaptureReading) -> CaptureReading:
        there = reading.platform.memory_map
        memory_map = replace(there, descriptors=change(there.descriptors))
        return reading._replace(platform=replace(reading.platform, memory_map=memory_map))

    return changed(other)


def each(change: Callable[[MemoryDescriptor], MemoryDescriptor]) -> CaptureFormat:
    """The right format with each row changed."""
    return with_rows(lambda rows: tuple(map(change, rows)))


def wrapping(one: MemoryDescriptor) -> MemoryDescriptor:
    """Keeps the end in 64 bits and works the pages out of it."""
    end = (one.physical_start + one.number_of_pages * EFI_PAGE_SIZE) % (1 << 64)
    return replace(one, number_of_pages=(end - one.physical_start) // EFI_PAGE_SIZE)


def narrow(one: MemoryDescriptor) -> MemoryDescriptor:
    """Has 32 bits for the number of pages."""
    return replace(one, number_of_pages=one.number_of_pages & 0xFFFFF)


def signed(one: MemoryDescriptor) -> MemoryDescriptor:
    """Takes the highest bit of an address for a sign."""
    start = one.physical_start
    return replace(one, physical_start=start - (1 << 64) if start >> 63 else start)


def one_place(rows: tuple[MemoryDescriptor, ...]) -> tuple[MemoryDescriptor, ...]:
    """Points to the first row from all of them."""
    return tuple(replace(one, located=rows[0].located) for one in rows)


def shifted(one: MemoryDescriptor) -> MemoryDescriptor:
    """Counts the places of fields from elsewhere."""
    assert isinstance(one.located, TextRecord)
    span, source = one.located.span, one.located.source
    fields = {"physical_start": (span.end, span.end + 4)}
    return replace(one, located=TextRecord(source, span.start, span.end, fields))


def without_what_it_could_not_read(reading: CaptureReading) -> CaptureReading:
    """Drops a line and says nothing."""
    platform = reading.platform
    memory_map = replace(platform.memory_map, extent="unknown")
    capture = Capture(dialect=DIALECT)
    return reading._replace(platform=replace(platform, memory_map=memory_map, capture=capture))


def lenient(source: SourceText) -> CaptureReading | None:
    """Reads as many digits as there are."""
    text = re.sub(r"(0x[0-9a-f]+)~", r"\1", source.text)
    return right(SourceText(source.path, text))


def proud(source: SourceText) -> CaptureReading | None:
    """Counts every line of a text as understood."""
    reading = right(source)
    return reading and reading._replace(understood=source.text.count("\n") + 1)


def greedy(source: SourceText) -> CaptureReading:
    """Takes every text for its own."""
    empty = Platform(
        name="acme",
        architecture_reason=ArchitectureReason("dialect", "nothing says"),
        memory_map=MemoryMap(),
        capture=Capture(dialect=DIALECT),
    )
    return right(source) or CaptureReading(empty, understood=source.text.count("\n"))


def inventive(source: SourceText) -> CaptureReading | None:
    """Finds a region in any two numbers."""
    numbers = re.findall(r"0x[0-9a-f]+", source.text)
    if len(numbers) < 2:
        return None
    row = f"acme[0]: 7 {numbers[0]} {numbers[1]} 0xf;"
    return right(source) or right(SourceText(source.path, row))


def line_by_line(source: SourceText) -> CaptureReading | None:
    """Wants each row to end where its line does."""
    if re.search(r";\r", source.text):
        return None
    return right(source)


def from_the_start(source: SourceText) -> CaptureReading | None:
    """Wants the text to begin with the loader's banner."""
    return right(source) if source.text.startswith("[") else None


def with_a_last_row(source: SourceText) -> CaptureReading | None:
    """Closes a map that ends early with what is left."""
    reading = right(source)
    if reading is None or "starting the kernel" in source.text:
        return reading
    rows = reading.platform.memory_map.descriptors
    rest = replace(rows[-1], index=len(rows), physical_start=rows[-1].physical.end)
    memory_map = replace(reading.platform.memory_map, descriptors=(*rows, rest))
    return reading._replace(platform=replace(reading.platform, memory_map=memory_map))


def raising(source: SourceText) -> CaptureReading | None:
    """Expects a bracket in the first line."""
    source.text.splitlines()[0].index("[")
    return right(source)


def counting() -> CaptureFormat:
    """Remembers how often it was asked."""
    asked = count()
    return each(lambda one: replace(one, physical_start=one.physical_start + next(asked) * 0x1000))
