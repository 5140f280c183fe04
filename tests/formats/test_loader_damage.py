"""Whatever a row of a loader or a hypervisor went through, it is read right or reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.recognition import recognise
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import ForeignInputError, SourceText
from tests.formats import printing

FORMATS = {form.name: form for form in efipolicy_formats()}
NAMES = [name.removeprefix("Efi").removesuffix("Type") for name in MEMORY_TYPES]
FREEBSD_NAMES = ["Reserved", *NAMES[1:15]]
OLD_U_BOOT_NAMES = (
    "RESERVED",
    "LOADER CODE",
    "LOADER DATA",
    "BOOT CODE",
    "BOOT DATA",
    "RUNTIME CODE",
    "RUNTIME DATA",
    "CONVENTIONAL",
    "UNUSABLE MEM",
    "ACPI RECLAIM MEM",
    "ACPI NVS",
    "IO",
    "IO PORT",
    "PAL",
    "PERSISTENT",
)
RUST_NAMES = (
    "RESERVED",
    "LOADER_CODE",
    "LOADER_DATA",
    "BOOT_SERVICES_CODE",
    "BOOT_SERVICES_DATA",
    "RUNTIME_SERVICES_CODE",
    "RUNTIME_SERVICES_DATA",
    "CONVENTIONAL",
    "UNUSABLE",
    "ACPI_RECLAIM",
    "ACPI_NON_VOLATILE",
    "MMIO",
    "MMIO_PORT_SPACE",
    "PAL_CODE",
    "PERSISTENT_MEMORY",
)
OPENCORE_NAMES = (
    "Reserved",
    "LDR Code",
    "LDR Data",
    "BS Code",
    "BS Data",
    "RT Code",
    "RT Data",
    "Available",
    "Unusable",
    "ACPI RECL",
    "ACPI NVS",
    "MemMapIO",
    "MemPortIO",
    "PAL Code",
    "Persist",
)
CACHE = {"UC": 0x1, "WC": 0x2, "WT": 0x4, "WB": 0x8, "UCE": 0x10}
FREEBSD_BITS = CACHE | {
    "WP": 0x1000,
    "RP": 0x2000,
    "XP": 0x4000,
    "NV": 0x8000,
    "MORE_RELIABLE": 0x10000,
    "RO": 0x20000,
    "RUNTIME": 1 << 63,
}
OLD_U_BOOT_BITS = CACHE | {"RP": 0x2000, "NV": 0x8000, "REL": 0x10000, "RO": 0x20000, "RT": 1 << 63}
U_BOOT_BITS = CACHE | {
    "WP": 0x1000,
    "RP": 0x2000,
    "XP": 0x4000,
    "NV": 0x8000,
    "REL": 0x10000,
    "RO": 0x20000,
    "SP": 0x40000,
    "CRYPT": 0x80000,
    "HOTPL": 0x100000,
    "ISA_VALID": 1 << 62,
    "RT": 1 << 63,
}
RUST_BITS = {
    "UNCACHEABLE": 0x1,
    "WRITE_COMBINE": 0x2,
    "WRITE_THROUGH": 0x4,
    "WRITE_BACK": 0x8,
    "EXECUTE_PROTECT": 0x4000,
    "RUNTIME": 1 << 63,
}
OPENCORE_BITS = {
    "RUN": 1 << 63,
    "CRY": 0x80000,
    "SP": 0x40000,
    "RO": 0x20000,
    "MR": 0x10000,
    "NV": 0x8000,
    "XP": 0x4000,
    "RP": 0x2000,
    "WP": 0x1000,
    "UCE": 0x10,
    "WB": 0x8,
    "WT": 0x4,
    "WC": 0x2,
    "UC": 0x1,
}


def words(attribute: int, bits: dict[str, int]) -> list[str]:
    return [word for word, bit in bits.items() if attribute & bit]


def xen(one: MemoryDescriptor) -> str:
    return (
        f"(XEN)  {one.physical_start:013x}-{one.physical.last:013x} "
        f"type={one.type} attr={one.attribute or 0:016x}"
    )


def freebsd(one: MemoryDescriptor) -> str:
    flags = "".join(f"{word} " for word in words(one.attribute or 0, FREEBSD_BITS))
    return (
        f"{FREEBSD_NAMES[one.type]:>23} {one.physical_start:012x} {one.virtual_start:012x} "
        f"{one.number_of_pages:08x} {flags.replace('RUNTIME ', 'RUNTIME')}"
    )


def old_freebsd(one: MemoryDescriptor) -> str:
    """Kernels up to 13: the pointer without leading zeros."""
    before, _, behind = freebsd(one).rpartition(f" {one.virtual_start:012x} ")
    return f"{before} {one.virtual_start:12x} {behind}"


def old_u_boot(one: MemoryDescriptor) -> str:
    flags = "|".join(words(one.attribute or 0, OLD_U_BOOT_BITS)).replace("UC|", "UC|UC|", 1)
    span = f"{one.physical_start:016x}-{one.physical.end:016x}"
    return f"{OLD_U_BOOT_NAMES[one.type]:16} {span} {flags}"


def u_boot(one: MemoryDescriptor) -> str:
    attribute = one.attribute or 0
    flags = words(attribute, U_BOOT_BITS)
    rest = attribute & ~sum(U_BOOT_BITS.values())
    if attribute & 1 << 62:
        flags.append(f"ISA={rest >> 44 & 0xFFFF:#x}")
        rest &= ~(0xFFFF << 44)
    flags += [f"{rest:#x}"] if rest else []
    span = f"{one.physical_start:016x}-{one.physical.end:016x}"
    return f"{NAMES[one.type]:23} {span} {'|'.join(flags)}"


def esx_boot(one: MemoryDescriptor) -> str:
    return (
        f"MMap[{one.index}]: {one.physical_start:#x} - {one.physical.last:#x} "
        f"len={one.physical.size}, type={one.type}, attr={one.attribute or 0:#x}"
    )


def devirt(one: MemoryDescriptor) -> str:
    return (
        f"OCABC: MMIO devirt 0x{one.physical_start:X} (0x{one.number_of_pages:X} pages, "
        f"0x{one.attribute or 0:X}) skip 0"
    )


def opencore(one: MemoryDescriptor) -> str:
    attribute, size = one.attribute or 0, one.physical.size
    cells = (
        (word if attribute & bit else "").ljust(len(word)) for word, bit in OPENCORE_BITS.items()
    )
    printed = f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"
    return (
        f"OCMM: {OPENCORE_NAMES[one.type]:9} [{'|'.join(cells)}] "
        f"0x{one.physical_start:016X}-0x{one.physical.last:016X} -> 0x{0:016X} ({printed})"
    )


def rust(one: MemoryDescriptor) -> str:
    flags = " | ".join(words(one.attribute or 0, RUST_BITS)) or "(empty)"
    name = RUST_NAMES[one.type] if one.type < 15 else f"MemoryType({one.type})"
    return (
        f"MemoryDescriptor {{ ty: {name}, padding: 0, phys_start: {one.physical_start}, "
        f"virt_start: {one.virtual_start}, page_count: {one.number_of_pages}, att: {flags} }}"
    )


class Dialect:
    """How one prints, and what it can say."""

    def __init__(
        self,
        name: str,
        row: Callable[[MemoryDescriptor], str],
        *,
        bits: int = (1 << 64) - 1,
        any_type: bool = False,
        types: int = 15,
        virtual: bool = False,
        longest: int = 1 << 35,
        closed: Callable[[str], int] = len,
    ) -> None:
        self.name = name
        self.row = row
        self.bits = bits
        self.any_type = any_type
        self.types = types
        self.virtual = virtual
        self.longest = longest
        self.closed = closed

    def maps(self) -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
        """Maps as firmware has them: addresses of 48 bits, no two entries alike."""
        drawn = printing.maps(types=tuple(range(self.types)), any_type=self.any_type)
        return drawn.map(lambda found: tuple(map(self.legible, found))).filter(_distinct)

    def legible(self, one: MemoryDescriptor) -> MemoryDescriptor:
        """The descriptor as far as the dialect can print it."""
        only_mmio = self.name == "opencore-devirt"
        start = one.physical_start % (1 << 47)
        return MemoryDescriptor(
            index=one.index,
            type=11 if only_mmio else one.type,
            physical_start=start,
            number_of_pages=min(one.number_of_pages, self.longest, (1 << 36) - (start >> 12)),
            attribute=(one.attribute or 0) & self.bits | (1 << 63 if self.virtual else 0),
            virtual_start=start if self.virtual else 0 if self.name == "opencore-map" else None,
        )


def _distinct(found: tuple[MemoryDescriptor, ...]) -> bool:
    """No entry twice, and not reserved memory alone: `Reserved` is a word of many a text."""
    different = len({replace(one, index=0) for one in found}) == len(found)
    return different and any(one.type for one in found)


DIALECTS = [
    Dialect("xen", xen, any_type=True),
    Dialect(
        "freebsd",
        freebsd,
        bits=sum(FREEBSD_BITS.values()),
        virtual=True,
        longest=(1 << 32) - 1,
        closed=lambda _row: 57,
    ),
    Dialect(
        "freebsd",
        old_freebsd,
        bits=sum(FREEBSD_BITS.values()),
        virtual=True,
        longest=(1 << 32) - 1,
        closed=lambda _row: 57,
    ),
    Dialect(
        "u-boot-efidebug",
        old_u_boot,
        bits=sum(OLD_U_BOOT_BITS.values()),
        closed=lambda _row: 49,
    ),
    Dialect("u-boot-efi-mem", u_boot, types=16, closed=lambda _row: 56),
    Dialect("esx-boot", esx_boot, any_type=True, closed=lambda row: row.rindex("0x") + 2),
    Dialect("opencore-devirt", devirt),
    Dialect("opencore-map", opencore, bits=sum(OPENCORE_BITS.values())),
    Dialect("rust-uefi-debug", rust, bits=sum(RUST_BITS.values()), any_type=True, virtual=True),
]
EACH = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
SOME = settings(max_examples=25, deadline=None)


def read(text: str) -> Platform | None:
    """The platform, or ``None`` for a text in which nothing is found."""
    reading, errors = recognise(SourceText("log.txt", text), FORMATS)
    if reading is None:
        assert [type(error) for error in errors] == [ForeignInputError]
        return None
    assert errors == ()
    return reading.platform


def assert_read(platform: Platform | None, expected: tuple[MemoryDescriptor, ...]) -> None:
    assert platform
    assert platform.capture
    assert [line.what for line in platform.capture.unreadable] == []
    assert platform.memory_map.descriptors == expected


@EACH
@SOME
@given(data=st.data())
def test_what_is_printed_is_read_back(dialect: Dialect, data: st.DataObject) -> None:
    found = data.draw(dialect.maps())
    platform = read("\n".join(map(dialect.row, found)))
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
    assert_read(read(data.draw(printing.damaged([dialect.row(one) for one in found]))), found)


@EACH
@SOME
@given(data=st.data())
def test_forum_tags_change_nothing_and_spans_are_of_the_original(
    dialect: Dialect, data: st.DataObject
) -> None:
    found = data.draw(dialect.maps())
    places = st.lists(st.integers(0, 200), max_size=4)
    lines = [printing.tagged(dialect.row(one), data.draw(places)) for one in found]
    platform = read("\n".join(lines))
    assert_read(platform, found)
    assert platform
    for one, line in zip(platform.memory_map.descriptors, lines, strict=True):
        assert one.located
        assert one.located.span.text in line


@EACH
@SOME
@given(data=st.data())
def test_quoted_printable_mail_changes_nothing(dialect: Dialect, data: st.DataObject) -> None:
    found = data.draw(dialect.maps())
    lines = [part for one in found for part in printing.quoted_printable(dialect.row(one))]
    assert_read(read("\n".join(lines)), found)


@EACH
@SOME
@given(data=st.data())
def test_a_row_cut_at_any_column_is_read_right_or_reported(
    dialect: Dialect, data: st.DataObject
) -> None:
    found = data.draw(dialect.maps())
    broken = data.draw(st.integers(0, len(found) - 1))
    lines: list[str] = []
    for number, one in enumerate(found):
        line = "> " + dialect.row(one)
        parts = printing.cut(line, data.draw(st.integers(30, len(line))))
        lines += parts if number == broken else [line]
    judge(found, broken, read("\n".join(lines)))


@EACH
@SOME
@given(data=st.data())
def test_a_shortened_row_is_read_right_or_reported(dialect: Dialect, data: st.DataObject) -> None:
    """Where nothing closes a row, only what it lost before its attribute can be noticed."""
    found = data.draw(dialect.maps())
    broken = data.draw(st.integers(0, len(found) - 1))
    lines = [dialect.row(one) for one in found]
    row = lines[broken]
    lines[broken] = row[: data.draw(st.integers(30, dialect.closed(row)))]
    judge(found, broken, read("\n".join(lines)))


def judge(found: tuple[MemoryDescriptor, ...], broken: int, platform: Platform | None) -> None:
    """All entries but one are there; that one is there as well, or a line is reported."""
    if platform is None:
        assert len(found) == 1
        return
    assert platform.capture
    values = [value(one) for one in platform.memory_map.descriptors]
    expected = [value(one) for one in found]
    if values != expected:
        known = [value(replace(one, attribute=None)) for one in found]
        rest = expected[:broken] + expected[broken + 1 :]
        assert values in (
            rest,
            expected[:broken] + known[broken : broken + 1] + expected[broken + 1 :],
        )
        assert platform.capture.unreadable


def value(one: MemoryDescriptor) -> tuple[object, ...]:
    return one.type, one.physical_start, one.number_of_pages, one.attribute
