"""The debug print of the Rust crate `uefi`."""

import pytest

from efipolicy.formats import rust_uefi
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

FREE = (
    "INFO: MemoryDescriptor { ty: CONVENTIONAL, padding: 0, phys_start: 4096, virt_start: 0, "
    "page_count: 159, att: UNCACHEABLE | WRITE_COMBINE | WRITE_THROUGH | WRITE_BACK }\n"
)
NEWER = (
    "[ INFO]: src/main.rs@042: MemoryDescriptor { ty: RUNTIME_SERVICES_DATA, phys_start: 8388608, "
    "virt_start: 8388608, page_count: 8, att: MemoryAttribute(WRITE_BACK | RUNTIME) }\n"
)
PRETTY = """\
MemoryDescriptor {
    ty: ACPI_NON_VOLATILE,
    phys_start: 8454144,
    virt_start: 0,
    page_count: 240,
    att: MemoryAttribute(
        UNCACHEABLE | WRITE_BACK,
    ),
}
"""
SOURCE = """\
pub struct MemoryDescriptor {
    pub ty: MemoryType,
    pub phys_start: PhysicalAddress,
}
"""


def read(text: str) -> Platform:
    reading = rust_uefi.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FREE, (7, 4096, 0, 159, 0xF)),
        (NEWER, (6, 8388608, 8388608, 8, 0x8000000000000008)),
        (PRETTY, (10, 8454144, 0, 240, 0x9)),
    ],
)
def test_each_form_of_the_print_is_read(text: str, expected: tuple[int, ...]) -> None:
    platform = read(text)
    (one,) = platform.memory_map.descriptors
    assert expected == (
        one.type,
        one.physical_start,
        one.virtual_start,
        one.number_of_pages,
        one.attribute,
    )
    assert platform.capture
    assert (platform.capture.unreadable, platform.capture.skipped_lines) == ((), 0)
    assert (platform.architecture, platform.memory_map.extent) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("(empty)", 0),
        ("MemoryAttribute(empty)", 0),
        ("MemoryAttribute((empty))", 0),
        ("MemoryAttribute(0x0)", 0),
        ("WRITE_BACK | 0x2000000", 0x2000008),
        ("MemoryAttribute(ISA_VALID | 0x1000000000000)", 0x4001000000000000),
        ("WRITE_BACK | NEW_BIT", None),
    ],
)
def test_attributes_are_words_or_numbers(words: str, expected: int | None) -> None:
    whole = "UNCACHEABLE | WRITE_COMBINE | WRITE_THROUGH | WRITE_BACK"
    platform = read(FREE.replace(whole, words))
    assert platform.memory_map.descriptors[0].attribute == expected
    assert platform.capture
    assert len(platform.capture.unreadable) == (expected is None)


def test_a_type_of_an_oem_is_its_number() -> None:
    row = FREE.replace("CONVENTIONAL", "MemoryType(1879048193)")
    assert read(row).memory_map.descriptors[0].type == 0x70000001


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (FREE.replace("CONVENTIONAL", "HOT_MEMORY"), "unknown type `HOT_MEMORY`"),
        (FREE.replace("4096", str(1 << 64)), "64 bits"),
        (FREE.replace("4096", "9" * 39), "64 bits"),
        (FREE.replace("CONVENTIONAL", "MemoryType(4294967296)"), "unknown type"),
        (FREE[:80] + "\n", "other part is missing"),
        (FREE.replace("INFO: MemoryDescriptor", ""), "other part is missing"),
    ],
)
def test_a_row_that_cannot_be_read_is_reported(row: str, what: str) -> None:
    platform = read(NEWER + row)
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert line.located.span.line == 2
    assert what in line.what
    assert platform.memory_map.extent == "partial"


def test_a_map_printed_twice_is_two_maps() -> None:
    platform = read((FREE + NEWER + PRETTY) * 2)
    assert len(platform.memory_map.descriptors) == 3
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [3]


def test_source_code_with_the_same_words_is_no_map() -> None:
    assert rust_uefi.read(CaptureText(SourceText("x", SOURCE))) is None


LOWER_HEX = """\
MemoryDescriptor { ty: BOOT_SERVICES_CODE, phys_start: 0, virt_start: 0, page_count: 10, att: MemoryAttribute(WRITE_BACK) }
MemoryDescriptor { ty: CONVENTIONAL, phys_start: 10000, virt_start: 0, page_count: 90, att: MemoryAttribute(WRITE_BACK) }
MemoryDescriptor { ty: RUNTIME_SERVICES_DATA, phys_start: 7ef6000, virt_start: 0, page_count: 14, att: MemoryAttribute(WRITE_BACK | RUNTIME) }
MemoryDescriptor { ty: MemoryType(2147483649), phys_start: 100000, virt_start: 0, page_count: 1, att: MemoryAttribute(0x0) }
MemoryDescriptor { ty: MemoryType(80000001), phys_start: 1024000, virt_start: 0, page_count: 1, att: MemoryAttribute(0x0) }
"""  # noqa: E501
PREFIXED = """\
MemoryDescriptor {
    ty: ACPI_NON_VOLATILE,
    phys_start: 0x810000,
    virt_start: 0x0,
    page_count: 0xf0,
    att: MemoryAttribute(
        UNCACHEABLE | WRITE_BACK,
    ),
}
"""


def test_a_print_in_hexadecimal_is_told_from_a_decimal_one() -> None:
    platform = read(LOWER_HEX)
    found = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in found] == [
        (3, 0, 0x10),
        (7, 0x10000, 0x90),
        (6, 0x7EF6000, 0x14),
        (0x80000001, 0x100000, 1),
        (0x80000001, 0x1024000, 1),
    ]
    assert platform.capture
    assert platform.capture.unreadable == ()


def test_a_start_that_is_a_page_in_hexadecimal_alone_is_proof_enough() -> None:
    (one,) = read(LOWER_HEX.splitlines()[1]).memory_map.descriptors
    assert (one.physical_start, one.number_of_pages) == (0x10000, 0x90)


def test_numbers_with_a_prefix_are_hexadecimal_next_to_decimal_ones() -> None:
    found = read(PREFIXED + FREE + NEWER).memory_map.descriptors
    assert [(one.physical_start, one.number_of_pages) for one in found] == [
        (0x810000, 0xF0),
        (4096, 159),
        (8388608, 8),
    ]


def test_rows_of_which_nothing_tells_their_base_are_reported_next_to_both() -> None:
    platform = read(FREE + LOWER_HEX)
    assert [one.physical_start for one in platform.memory_map.descriptors] == [4096]
    assert platform.capture
    assert {line.what for line in platform.capture.unreadable} == {rust_uefi._UNCLEAR}
    assert len(platform.capture.unreadable) == 5
