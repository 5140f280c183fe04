"""The list of Haiku's EFI loader, in its three styles."""

import pytest

from efipolicy.formats import haiku
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# Haiku hrev56013 for arm in QEMU with U-Boot, from a public report.
ARM = """\
    load kernel kernel_arm...
    Chosen UART:
      kind: pl011
      regs: 0x9000000, 0x1000
    Kernel stack at 0x8241b000
    System provided memory map:
      phys: 0x40000000-0x47f00000, virt: 0x40000000-0x47f00000, type: ConventionalMemory (0x7), \
attr: 0x8
      phys: 0xbddf2000-0xbddf6000, virt: 0xbddf2000-0xbddf6000, type: ReservedMemoryType (0x0), \
attr: 0x8
      phys: 0xbddf7000-0xbddf8000, virt: 0xbddf7000-0xbddf8000, type: RuntimeServicesData (0x6), \
attr: 0x8000000000000008
      phys: 0xbff51000-0xbff53000, virt: 0xbff51000-0xbff53000, type: RuntimeServicesCode (0x5), \
attr: 0x8000000000000008
    Calling ExitBootServices. So long, EFI!
    enter_kernel(ttbr0: 0xbb750000, kernelArgs: 0x8241f000, kernelEntry: 0x8006f408, sp: 0x8241f0)
"""
BARE = """\
System provided memory map:
  0x0-0xa0000  0x0 0x7 0xf
  0x800000-0x808000  0x0 0xa 0xf
  0x7ec00000-0x7ed00000  0x0 0x5 0x800000000000000f
Final PML4 at 0x7b6f000
"""
BY_NAME = """\
System provided memory map:
  phys: 0x80000000, virt: 0x0, size: 0x40000, reservedMemoryType, attrs: 0x8
  phys: 0x80040000, virt: 0x0, size: 0x1000, runtimeServicesData, attrs: 0x8000000000000008
  phys: 0x81000000, virt: 0x0, size: 0x2000, ?(11), attrs: 0x8000000000000001
  phys: 0x82000000, virt: 0x0, size: 0x3000, ?(-2147483648), attrs: 0x8
SATP: 0x80000000000bff65
"""
HEADER = "System provided memory map:\n"
FREE = (
    "  phys: 0x100000-0x200000, virt: 0x0-0x100000, type: EfiConventionalMemory (0x7), attr: 0xf\n"
)
CODE = (
    "  phys: 0x7ec00000-0x7ed00000, virt: 0x00000000-0x00100000, size = 0x00100000, "
    "type: EfiRuntimeServicesCode (0x5), attr: 0x800000000000000f\n"
)
BARE_FREE = "  0x300000-0x400000  0x0 0x7 0xf\n"
BARE_CODE = "  0x7ec00000-0x7ed00000  0x0 0x5 0x800000000000000f\n"


def read(text: str) -> Platform:
    reading = haiku.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_rows_with_ends_and_numbered_types_are_read() -> None:
    platform = read(ARM)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (7, 0x40000000, 0x7F00),
        (0, 0xBDDF2000, 4),
        (6, 0xBDDF7000, 1),
        (5, 0xBFF51000, 2),
    ]
    assert (rows[2].virtual_start, rows[2].attribute) == (0xBDDF7000, 0x8000000000000008)
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm32", "stated")
    assert (platform.memory_map.extent, platform.memory_map.origin) == ("unknown", "firmware")
    assert unreadable(platform) == []


def test_rows_of_bare_numbers_are_read() -> None:
    platform = read(BARE)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.number_of_pages, one.attribute) for one in rows] == [
        (7, 0xA0, 0xF),
        (10, 8, 0xF),
        (5, 0x100, 0x800000000000000F),
    ]
    assert platform.architecture == "x86_64"
    assert platform.capture
    assert platform.capture.skipped_lines == 1


def test_rows_with_sizes_and_named_types_are_read() -> None:
    platform = read(BY_NAME)
    rows = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in rows] == [
        (0, 0x80000000, 0x40),
        (6, 0x80040000, 1),
        (11, 0x81000000, 2),
        (0x80000000, 0x82000000, 3),
    ]
    assert platform.architecture == "riscv64"


@pytest.mark.parametrize(
    ("words", "machine"),
    [
        ("load kernel kernel_x86_64...\n", "x86_64"),
        ("load kernel kernel_x86...\n", "i386"),
        ("Current Exception Level EL2\n", "arm64"),
        ("# Final PML4 at 0x1000\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_loaders_other_words_prove_the_architecture(words: str, machine: str) -> None:
    assert read(HEADER + FREE + words).architecture == machine


@pytest.mark.parametrize(
    ("row", "pages"),
    [(CODE, "7ed00000"), (BARE_CODE, "7ed00000"), (BY_NAME.split("\n")[2], "1000")],
)
def test_each_field_knows_its_place(row: str, pages: str) -> None:
    (one,) = read(row).memory_map.descriptors
    names = ("physical_start", "pages", "virtual_start", "attribute")
    start, length, virtual, attribute = words_at(one.located, *names)
    assert int(start or "", 16) == one.physical_start
    assert (length, int(virtual or "", 16)) == (pages, one.virtual_start)
    assert int(attribute or "", 16) == one.attribute


def test_a_range_that_wraps_at_64_bits_is_exact() -> None:
    row = "  0xfffffffffffff000-0x0  0x0 0x0 0x1\n"
    assert read(BARE_FREE + row).memory_map.descriptors[1].number_of_pages == 1


@pytest.mark.parametrize(
    "damaged",
    [
        CODE.replace("0x7ed00000", "0x7ed00800"),
        CODE.replace("0x7ed00000", "0x7ed01000"),
        CODE.replace("size = 0x00100000", "size = 0x00200000"),
        CODE.replace("virt: 0x00000000-0x00100000", "virt: 0x00000000-0x00200000"),
        CODE.replace("(0x5)", "(0x6)"),
        CODE.replace("(0x5)", "(0x100000005)"),
        CODE.replace(" (0x5)", "").replace("EfiRuntime", "Timerun"),
        CODE.replace("0x8000", "0x80000"),
        CODE[:60] + "\n",
        CODE[20:],
        BARE_CODE.replace(" 0x800000000000000f", ""),
        BARE_CODE.replace("7ed00000", "7ed00001"),
        BARE_CODE.replace("0x5 ", "0x100000005 "),
        BARE_CODE[:24] + "\n",
        BARE_CODE[:15] + "\n",
    ],
)
def test_a_damaged_row_is_reported(damaged: str) -> None:
    platform = read(HEADER + FREE + damaged + BARE_FREE)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 7]
    assert [line for line, _ in unreadable(platform)] == [3]


@pytest.mark.parametrize(
    "wrapped",
    [
        CODE.replace(" attr", "\n> attr"),
        CODE.replace("Efi", "E\nfi"),
        CODE.replace("0x5)", "0x\n5)"),
        CODE.replace("0x8000", "0x=\n8000"),
        BARE_CODE.replace("  0x0 ", "\n> 0x0\r\n> "),
        BARE_CODE.replace("0x8000", "0x80\n00"),
        BARE_CODE.replace("0x0 0x5", "0x\n0 0x5"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(HEADER + FREE + wrapped + BARE_FREE)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 5, 7]
    row = platform.memory_map.descriptors[1]
    assert (row.number_of_pages, row.attribute) == (0x100, 0x800000000000000F)
    assert unreadable(platform) == []


def test_the_list_of_a_second_boot_is_another_map() -> None:
    platform = read(BARE + HEADER + BARE_FREE)
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "System provided memory map:\n",
        "0x0000000020018000-0x0000000020019000    0x00000000be738000         4K PTE     D A\n",
        "  0x100000-0x200001  0x0 0x7 0xf\n",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert haiku.read(CaptureText(SourceText("map.txt", text))) is None
