"""The list of kernels that Multiboot2 loaders start."""

import pytest

from efipolicy.formats import loader_list
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# Rows of a public report about Limine of 2024: every address in it is wrong, and printed exactly.
LIMINE = """\
  0x06a9f00000000000 - 0x06aaf00000000000 (268435456.0 MiB BOOT_SERVICES_CODE)
  0x06aaf00000000000 - 0x06ab200000000000 (50331648.0 MiB BOOT_SERVICES_DATA)
"""
FREE = "  0x0000000000001000 - 0x00000000000a0000 (0.6 MiB CONVENTIONAL)\n"
CODE = "  0x000000007ec00000 - 0x000000007ed00000 (1.0 MiB RUNTIME_SERVICES_CODE)\n"
DATA = "  0x000000007ed00000 - 0x000000007ed80000 (0.5 MiB RUNTIME_SERVICES_DATA)\n"


def read(text: str) -> Platform:
    reading = loader_list.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_list_is_read_and_nothing_is_known_of_attributes() -> None:
    platform = read(LIMINE + FREE)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (3, 0x06A9F00000000000, 1 << 36),
        (4, 0x06AAF00000000000, 0x300000000),
        (7, 0x1000, 0x9F),
    ]
    assert {(one.attribute, one.virtual_start) for one in rows} == {(None, None)}
    assert (platform.architecture, platform.memory_map.extent) == ("unknown", "unknown")
    assert platform.capture
    assert (platform.capture.skipped_lines, unreadable(platform)) == (0, [])


def test_each_field_knows_its_place() -> None:
    (row,) = read(CODE).memory_map.descriptors
    assert words_at(row.located, "type", "physical_start", "pages", "attribute") == [
        "RUNTIME_SERVICES_CODE",
        "000000007ec00000",
        "000000007ed00000",
        None,
    ]


@pytest.mark.parametrize(
    ("printed", "number"),
    [
        ("ACPI_NON_VOLATILE", 10),
        ("PERSISTENT_MEMORY", 14),
        ("UNACCEPTED", 15),
        ("MemoryType(1879048193)", 0x70000001),
    ],
)
def test_types_are_named_as_the_crate_does(printed: str, number: int) -> None:
    row = CODE.replace("RUNTIME_SERVICES_CODE", printed)
    assert read(row).memory_map.descriptors[0].type == number


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [
        (0, 0x1000, "0.0"),
        (0, 0x1000, "0.004"),
        (0, 0xA0000, "0.625"),
        (0, 0xA0000, "0.6"),
        (0x100000000, 0x1234567000, "70469.4"),
        # Single precision has 24 bits.
        (0, (1 << 40) + 0x7FFF000, "1048704.0"),
    ],
)
def test_a_size_is_rounded_to_the_digits_printed(start: int, end: int, size: str) -> None:
    row = f"  0x{start:016x} - 0x{end:016x} ({size} MiB CONVENTIONAL)\n"
    assert read(row).memory_map.descriptors[0].physical.end == end


@pytest.mark.parametrize(
    "damaged",
    [
        CODE.replace("7ed00000", "7ed00800"),
        CODE.replace("7ed00000", "7ee00000"),
        CODE.replace("1.0", "1.2"),
        CODE.replace("RUNTIME_SERVICES", "RUN_SERVICES"),
        CODE.replace("RUNTIME_SERVICES_CODE", "MemoryType(4294967296)"),
        "  0x000000007ec00000 - 0x000000007ed00000 (1.0 MiB RUNTIME_SERV\n",
        "  0x000000007ec00000 - 0x000000007ed00000 (1.0 MiB\n",
        "  0x000000007ec00000 - 0x000000007ed00000 (1\n",
        "  0x000000007ec00000 - 0x0000\n",
        "00 (1.0 MiB RUNTIME_SERVICES_CODE)\n",
    ],
)
def test_a_damaged_row_is_reported(damaged: str) -> None:
    platform = read(FREE + damaged + DATA)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 6]
    assert [line for line, _ in unreadable(platform)] == [2]
    assert platform.memory_map.extent == "partial"


@pytest.mark.parametrize(
    "wrapped",
    [
        CODE.replace(" - ", "\n> - "),
        CODE.replace("MiB ", "MiB\r\n"),
        CODE.replace("7ed0", "7e\nd0"),
        CODE.replace("SERVICES", "SERV=\nICES"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(FREE + wrapped + DATA)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 5, 6]
    assert unreadable(platform) == []


def test_the_loaders_own_list_beside_it_is_none() -> None:
    other = "  0x0000000000 - 0x000009fc00 (0.624 MiB Available)\n"
    assert loader_list.read(CaptureText(SourceText("map.txt", other))) is None
    assert unreadable(read(other + FREE + other)) == []
