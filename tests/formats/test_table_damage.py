"""Whatever a plain table of descriptors went through, each entry is read right or reported."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import (
    freebsd_map,
    grub,
    haiku,
    loader_list,
    openbsd,
    uefi_application,
)
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.rust_names import RUST_TYPES
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.source import SourceText
from tests.formats import printing
from tests.formats.test_loader_damage import NAMES, SOME, assert_read, judge, read, words

GRUB_NAMES = (
    "reserved",
    "ldr-code",
    "ldr-data",
    "BS-code",
    "BS-data",
    "RT-code",
    "RT-data",
    "conv-mem",
    "unusable",
    "ACPI-rec",
    "ACPI-nvs",
    "MMIO",
    "IO-ports",
    "PAL-code",
    "persist",
)
EARLY = {
    "UC": 0x1,
    "WC": 0x2,
    "WT": 0x4,
    "WB": 0x8,
    "UCE": 0x10,
    "WP": 0x1000,
    "RP": 0x2000,
    "XP": 0x4000,
}
OLD_GRUB_BITS = {"RT": 1 << 63, **EARLY}
GRUB_BITS = {**OLD_GRUB_BITS, "NV": 0x8000, "MR": 0x10000, "RO": 0x20000}
APPLICATION_BITS = {
    **EARLY,
    "NV": 0x8000,
    "MORE_RELIABLE": 0x10000,
    "RO": 0x20000,
    "SP": 0x40000,
    "CPU_CRYPTO": 0x80000,
    "RUNTIME": 1 << 63,
}
ALL_BITS = (1 << 64) - 1
RUST_NAMES = list(RUST_TYPES)
EFI_NAMES = list(MEMORY_TYPES)
HAIKU_2021 = {
    number: NAMES[number][0].lower() + NAMES[number][1:] + ("Type" if number == 0 else "")
    for number in range(8)
} | {9: "ACPIReclaimMemory"}


def size_of(one: MemoryDescriptor) -> str:
    for shift, unit in enumerate(("KiB", "MiB", "GiB", "TiB", "PiB"), 1):
        if one.physical.size % (1 << 10 * (shift + 1)):
            return f"{one.physical.size >> 10 * shift}{unit}"
    return f"{one.physical.size >> 60}EiB"


def grub_row(one: MemoryDescriptor, names: int, bits: dict[str, int]) -> str:
    name = GRUB_NAMES[one.type].ljust(8) if one.type < names else f"Unk {one.type:02x}  "
    size, width = (size_of(one), 9) if names == 15 else (old_size_of(one), 6)
    flags = "".join(f" {word}" for word in words(one.attribute or 0, bits))
    return (
        f"{name}  {one.physical_start:016x}-{one.physical.last:016x} "
        f"{one.number_of_pages:08x} {size:>{width}}{flags}"
    )


def old_size_of(one: MemoryDescriptor) -> str:
    kib = one.physical.size >> 10
    return f"{kib}KB" if kib < 1 << 10 else f"{kib >> 10}MB" if kib < 1 << 20 else f"{kib >> 20}GB"


def new_grub(one: MemoryDescriptor) -> str:
    return grub_row(one, 15, GRUB_BITS)


def old_grub(one: MemoryDescriptor) -> str:
    return grub_row(one, 14, OLD_GRUB_BITS)


def open_bsd(one: MemoryDescriptor) -> str:
    return (
        f"type {one.type:#x} pa {one.physical_start:#x} va {one.virtual_start:#x} "
        f"pages {one.number_of_pages:#x} attr {one.attribute:#x}"
    )


def bare_haiku(one: MemoryDescriptor) -> str:
    return (
        f"  {one.physical_start:#x}-{one.physical.end:#x}  {one.virtual_start:#x} "
        f"{one.type:#x} {one.attribute:#x}"
    )


def haiku_row(one: MemoryDescriptor) -> str:
    name = EFI_NAMES[one.type] if one.type < 15 else "unknown"
    virtual = one.virtual_start or 0
    return (
        f"  phys: {one.physical_start:#010x}-{one.physical.end:#010x}, "
        f"virt: {virtual:#010x}-{virtual + one.physical.size:#010x}, "
        f"type: {name} ({one.type:#x}), attr: {one.attribute:#x}"
    )


def haiku_2021(one: MemoryDescriptor) -> str:
    signed = one.type - (one.type >> 31 << 32)
    return (
        f"  phys: {one.physical_start:#x}, virt: {one.virtual_start:#x}, "
        f"size: {one.physical.size:#x}, {HAIKU_2021.get(one.type, f'?({signed})')}, "
        f"attrs: {one.attribute:#x}"
    )


def loader_row(one: MemoryDescriptor) -> str:
    name = RUST_NAMES[one.type] if one.type < 16 else f"MemoryType({one.type})"
    return (
        f"  0x{one.physical_start:016x} - 0x{one.physical.end:016x} "
        f"({one.physical.size / (1 << 20):.1f} MiB {name})"
    )


def application_row(one: MemoryDescriptor) -> str:
    flags = "".join(f" {word}" for word in words(one.attribute or 0, APPLICATION_BITS))
    return (
        f"[#{one.index:02}] Type: {EFI_NAMES[one.type]}  Attr: {flags}\n"
        f"      Phys: {one.physical_start:016X}-{one.physical.last:016X}"
    )


def old_application_row(one: MemoryDescriptor) -> str:
    virtual = one.virtual_start or 0
    return (
        f"[#{one.index:02}] Type: {EFI_NAMES[one.type]}  Attr: 0x{one.attribute:X}\n"
        f"      Phys: {one.physical_start:016X}-{one.physical.end:016X}\n"
        f"      Virt: {virtual:016X}-{virtual + one.physical.size:016X}"
    )


class Dialect:
    """How one prints, and what it can say."""

    def __init__(
        self,
        name: str,
        row: Callable[[MemoryDescriptor], str],
        closed: Callable[[str], int] = len,
        *,
        bits: int | None = ALL_BITS,
        types: int = 15,
        any_type: bool = True,
        virtual: bool = False,
        always: int = 0,
        header: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.row = row
        self.closed = closed
        self.bits = bits
        self.types = types
        self.any_type = any_type
        self.virtual = virtual
        self.always = always
        self.header = header

    def maps(self) -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
        """Maps as firmware has them: addresses of 48 bits, no two entries alike."""
        drawn = printing.maps(types=tuple(range(self.types)), any_type=self.any_type)
        return drawn.map(lambda found: tuple(map(self.legible, found))).filter(distinct)

    def legible(self, one: MemoryDescriptor) -> MemoryDescriptor:
        """The descriptor as far as the dialect can print it."""
        start = one.physical_start % (1 << 47)
        bits = (one.attribute or 0) & (self.bits or 0) | self.always
        return MemoryDescriptor(
            index=one.index,
            type=one.type,
            physical_start=start,
            number_of_pages=min(one.number_of_pages, (1 << 36) - (start >> 12)),
            attribute=None if self.bits is None else bits,
            virtual_start=start ^ 0x1000 if self.virtual else None,
        )

    def rows(self, found: tuple[MemoryDescriptor, ...]) -> list[str]:
        """What it prints, an entry an item."""
        return [*self.header, *map(self.row, found)]

    def lines(self, found: tuple[MemoryDescriptor, ...]) -> list[str]:
        """What it prints, a line an item."""
        return [line for row in self.rows(found) for line in row.split("\n")]


def distinct(found: tuple[MemoryDescriptor, ...]) -> bool:
    """No entry twice, and not only entries whose type is a word of many a text."""
    different = len({replace(one, index=0) for one in found}) == len(found)
    return different and any(one.type not in (0, 8, 11, 14) for one in found)


def attribute_at(row: str) -> int:
    return row.rindex("0x") + 2


def unit_at(row: str) -> int:
    return max(row.rfind(f"{unit}B") for unit in ("i", "K", "M", "G")) + 1


DIALECTS = {
    "grub": Dialect("grub-lsefimmap", new_grub, unit_at, bits=sum(GRUB_BITS.values())),
    "old grub": Dialect("grub-lsefimmap", old_grub, unit_at, bits=sum(OLD_GRUB_BITS.values())),
    "openbsd": Dialect("openbsd", open_bsd, attribute_at, virtual=True),
    "haiku": Dialect("haiku", haiku_row, attribute_at, virtual=True),
    "bare haiku": Dialect(
        "haiku", bare_haiku, attribute_at, virtual=True, header=("System provided memory map:",)
    ),
    "haiku of 2021": Dialect("haiku", haiku_2021, attribute_at, virtual=True),
    "loader list": Dialect("loader-list", loader_row, bits=None, types=16),
    "application": Dialect(
        "uefi-application",
        application_row,
        bits=sum(APPLICATION_BITS.values()),
        any_type=False,
    ),
    "old application": Dialect(
        "uefi-application", old_application_row, any_type=False, virtual=True, always=1 << 63
    ),
}
MODULES = {
    "grub-lsefimmap": grub,
    "openbsd": openbsd,
    "haiku": haiku,
    "loader-list": loader_list,
    "uefi-application": uefi_application,
}
EACH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


@EACH
@SOME
@given(data=st.data())
def test_what_is_printed_is_read_back(dialect: Dialect, data: st.DataObject) -> None:
    found = data.draw(dialect.maps())
    platform = read("\n".join(dialect.rows(found)))
    assert_read(platform, found)
    assert platform
    assert platform.capture
    assert (platform.capture.dialect, platform.capture.skipped_lines) == (dialect.name, 0)


@EACH
@SOME
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(
    dialect: Dialect, data: st.DataObject
) -> None:
    found = data.draw(dialect.maps())
    assert_read(read(data.draw(printing.damaged(dialect.lines(found)))), found)


@EACH
@SOME
@given(data=st.data())
def test_forum_tags_change_nothing_and_spans_are_of_the_original(
    dialect: Dialect, data: st.DataObject
) -> None:
    found = data.draw(dialect.maps())
    places = st.lists(st.integers(0, 200), max_size=4)
    rows = [
        "\n".join(printing.tagged(line, data.draw(places)) for line in row.split("\n"))
        for row in dialect.rows(found)
    ]
    platform = read("\n".join(rows))
    assert_read(platform, found)
    assert platform
    entries = rows[len(dialect.header) :]
    for one, row in zip(platform.memory_map.descriptors, entries, strict=True):
        assert one.located
        assert one.located.span.text in row


@EACH
@SOME
@given(data=st.data())
def test_quoted_printable_mail_changes_nothing(dialect: Dialect, data: st.DataObject) -> None:
    found = data.draw(dialect.maps())
    lines = [part for line in dialect.lines(found) for part in printing.quoted_printable(line)]
    assert_read(read("\n".join(lines)), found)


@EACH
@SOME
@given(data=st.data())
def test_a_row_cut_at_any_column_is_read_right_or_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    found = data.draw(dialect.maps())
    broken = data.draw(st.integers(0, len(found) - 1))
    lines: list[str] = list(dialect.header)
    for number, one in enumerate(found):
        for line in dialect.row(one).split("\n"):
            whole = "> " + line
            width = data.draw(st.integers(min(30, len(whole)), len(whole)))
            lines += printing.cut(whole, width) if number == broken else [whole]
    judge(found, broken, read("\n".join(lines)))


@EACH
@SOME
@given(data=st.data())
def test_a_shortened_row_is_read_right_or_reported(dialect: Dialect, data: st.DataObject) -> None:
    """Where nothing closes a row, only what it lost before its attribute can be noticed."""
    found = data.draw(dialect.maps())
    broken = data.draw(st.integers(0, len(found) - 1))
    rows = list(map(dialect.row, found))
    row = rows[broken]
    closed = dialect.closed(row)
    rows[broken] = row[: data.draw(st.integers(min(30, closed), closed))]
    judge(found, broken, read("\n".join([*dialect.header, *rows])))


MODES = st.integers(0, 4)
MAPPED = st.lists(
    st.tuples(st.integers(1, 1 << 36).map(lambda page: page << 12), MODES, st.integers(1, 1 << 40)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)


@SOME
@given(data=st.data())
def test_mappings_survive_what_a_text_goes_through(data: st.DataObject) -> None:
    mapped = data.draw(MAPPED)
    lines = [f"MAP {start:x} mode {mode:x} pages {pages}" for start, mode, pages in mapped]
    platform = read(data.draw(printing.damaged(lines)))
    assert platform
    assert platform.capture
    assert platform.capture.unreadable == ()
    assert [one.physical_start for one in platform.capture.remappings] == [
        start for start, _, _ in mapped
    ]


HOSTILE = {
    "rows of GRUB that do not add up": (
        grub,
        "RT-data   00000000{0:08x}-0000000007f09fff 00000014     80KiB RT WB\n",
    ),
    "wrapped rows of GRUB": (
        grub,
        "RT-data   0000000007ef6000-\n0000000007f09fff 000000\n14     80KiB\n RT\n WB\n",
    ),
    "copies with a word that is unknown": (
        grub,
        "RT-data   0000000007ef6000-0000000007f09fff 00000014     80KiB RT WB QX\n",
    ),
    "starts of rows of OpenBSD": (openbsd, "type 0x7 pa 0x{0:x} va 0x1000 pages\n"),
    "lists of OpenBSD below its driver": (
        openbsd,
        "efi0 at bios0: UEFI 2.7\ntype 0x6 pa 0x{0:x}000 va 0x0 pages 0x1 attr 0x8\n",
    ),
    "ranges of Haiku": (haiku, "  0x{0:x}000-0x{0:x}fff  0x0 0x7 0xf\n"),
    "rows of Haiku cut short": (haiku, "phys: 0x{0:x}000-0x{0:x}fff, virt: 0x\n"),
    "mappings": (freebsd_map, "MAP {0:x}000 mode 2 pages 1\nMAP 1000 mode\n"),
    "mappings of many boots": (freebsd_map, "MAP 1000 mode 2 pages 1\nMAP 2000 mode 2 pages 1\n"),
    "rows of a list that do not add up": (
        loader_list,
        "  0x{0:016x} - 0x00000000000a0000 (0.6 MiB CONVENTIONAL)\n",
    ),
    "entries without a range": (uefi_application, "[#{0:02}] Type: EfiLoaderCode  Attr:  WB\n"),
    "ranges without an entry": (
        uefi_application,
        "[#00] Type: EfiLoaderCode  Attr:  WB\n" + "      Phys: 0000000000001000-00000000000\n",
    ),
    "maps of one entry": (
        uefi_application,
        "[#01] Type: EfiLoaderCode  Attr:  WB\n      Phys: 00000000{0:05X}000-00000000{0:05X}FFF\n",
    ),
}


def work(module: Any, text: str) -> int:
    """How many lines of Python run when a module reads a text."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        module.read(CaptureText(SourceText("log.txt", text)))
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(("module", "part"), HOSTILE.values(), ids=HOSTILE)
def test_four_times_the_text_is_four_times_the_work(module: Any, part: str) -> None:
    small, large = (
        "".join(part.format(number) for number in range(1, size)) for size in (250, 1000)
    )
    assert work(module, large) < 5 * work(module, small)


@pytest.mark.parametrize("module", [grub, openbsd, freebsd_map, haiku, loader_list])
@pytest.mark.parametrize(
    "part",
    ["RT-data 0000", "0x1-0x2 0x", "type 0x1 p", "phys:0x1,", "MAP 1 m", "0x000000001 - 0x1 ", "="],
)
def test_one_endless_line_is_read_in_one_go(module: Any, part: str) -> None:
    assert work(module, part * 2000) < 400 * len(part * 2000)


SHELL_ROWS = """\
Type       Start            End              # Pages          Attributes
BS_Code    0000000000000000-0000000000000999 0000000000000001 000000000000000F
Available  0000000000001000-0000000000008999 0000000000000008 000000000000000F
"""


@EACH
def test_the_table_of_a_shell_beside_it_is_not_taken_for_parts_of_it(dialect: Dialect) -> None:
    one = MemoryDescriptor(
        index=0, type=5, physical_start=0x7EC00000, number_of_pages=16, attribute=0xF
    )
    text = "\n".join([*dialect.header, dialect.row(dialect.legible(one)), SHELL_ROWS])
    module = MODULES[dialect.name]
    reading = module.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    assert reading.platform.capture
    assert [line.what for line in reading.platform.capture.unreadable] == []
