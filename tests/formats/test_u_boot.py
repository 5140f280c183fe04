"""Tables of `efidebug memmap` and `efi mem` in U-Boot."""

import pytest

from efipolicy.formats import u_boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

OLD_HEADER = """\
=> efidebug memmap
Type             Start            End              Attributes
================ ================ ================ ==========
"""
NEW_HEADER = """\
Type                    Start            End              Attributes
======================= ================ ================ ==========
"""
OLD = "RUNTIME DATA     000000003eac1000-000000003eac2000 WB|RT\n"
NEW = "RuntimeServicesData     000000003eac1000-000000003eac2000 WB|RT\n"
FREE = "CONVENTIONAL     0000000000000000-0000000004000000 WB\n"


def read(text: str) -> Platform:
    reading = u_boot.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def attribute(words: str, row: str = OLD) -> int | None:
    return read(row.replace("WB|RT", words)).memory_map.descriptors[0].attribute


@pytest.mark.parametrize(
    ("text", "dialect"),
    [(OLD_HEADER + OLD, "u-boot-efidebug"), (NEW_HEADER + NEW, "u-boot-efi-mem")],
)
def test_a_table_of_either_style_is_read(text: str, dialect: str) -> None:
    platform = read(text)
    (row,) = platform.memory_map.descriptors
    assert (row.type, row.physical_start, row.number_of_pages) == (6, 0x3EAC1000, 1)
    assert row.attribute == 0x8000000000000008
    assert platform.capture
    assert (platform.capture.dialect, platform.capture.unreadable) == (dialect, ())
    assert platform.capture.skipped_lines == ("=>" in text)
    assert platform.architecture == "unknown"
    assert platform.memory_map.extent == "unknown"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("RESERVED", 0),
        ("ACPI RECLAIM MEM", 9),
        ("ACPI RECLAIM", 9),
        ("IO", 11),
        ("IO PORT", 12),
        ("PAL", 13),
        ("ReservedMemory", 0),
        ("MemoryMappedIOPortSpace", 12),
        ("UnacceptedMemory", 15),
    ],
)
def test_each_name_is_its_type(name: str, number: int) -> None:
    (row,) = read(f"{name:16} 0000000000001000-0000000000002000 UC").memory_map.descriptors
    assert row.type == number


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", 0),
        ("UC|UC|WC|WT|WB", 0xF),
        ("RP|WP", 0x6000),
        ("WP|RP", 0x3000),
        ("WP|RP|WP|RT", 0x8000000000007000),
        ("UC|WP", 0x1001),
        ("WP|XP", 0x5000),
        ("UC|UC|WP", None),
        ("WP|RT", None),
    ],
)
def test_the_two_meanings_of_wp_in_the_old_style_are_told_apart_or_left_open(
    words: str, expected: int | None
) -> None:
    assert attribute(words) == expected


def test_an_attribute_that_may_be_either_is_reported() -> None:
    capture = read(FREE + OLD.replace("WB|RT", "WB|WP|RT")).capture
    assert capture
    (line,) = capture.unreadable
    assert line.located.span.line == 2
    assert "`WB|WP|RT`" in line.what


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("WB|WP|XP", 0x5008),
        ("WB|CRYPT|HOTPL|RT", 0x8000000000180008),
        ("ISA_VALID|ISA=0x12", 0x4001200000000000),
        ("WB|0x2000000", 0x2000008),
        ("0x2000000", 0x2000000),
        ("WB|NEW", None),
    ],
)
def test_the_new_style_prints_every_bit(words: str, expected: int | None) -> None:
    assert attribute(words, NEW) == expected


@pytest.mark.parametrize(
    "wrapped",
    [
        OLD.replace(" WB", "\nWB"),
        OLD.replace("|RT", "\n|RT"),
        OLD.replace("|RT", "|\r\n> RT"),
        OLD.replace("RUNTIME DATA", "> RUNTIME\n> DATA"),
        OLD.replace("00003eac1000-", "00003ea\nc1000-"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(FREE + wrapped + FREE.replace("04", "05"))
    assert [one.type for one in platform.memory_map.descriptors] == [7, 6, 7]
    assert platform.memory_map.descriptors[1].attribute == 0x8000000000000008
    assert platform.capture
    assert (platform.capture.unreadable, platform.capture.skipped_lines) == ((), 0)


def test_a_word_below_the_table_is_no_attribute() -> None:
    platform = read(FREE + "OK\n=> \n")
    assert platform.memory_map.descriptors[0].attribute == 8
    assert platform.capture
    assert platform.capture.skipped_lines == 2


def test_attributes_that_go_on_in_unknown_words_are_not_known() -> None:
    platform = read(FREE.replace("WB", "WB|") + "NEW\n")
    assert platform.memory_map.descriptors[0].attribute is None
    assert platform.capture
    assert len(platform.capture.unreadable) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        "(unknown)        000000003eac1000-000000003eac2000 WB\n",
        "BOOT DATA        000000003eac2000-00000000\n",
        "                 000000003eac2000-000000003eac3000 WB\n",
        "BOOT DATA        000000003eac2000-000000003eac3001 WB\n",
    ],
)
def test_a_row_that_cannot_be_read_is_reported(damaged: str) -> None:
    platform = read(FREE + damaged + OLD)
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert [line.located.span.line for line in platform.capture.unreadable] == [2]
    assert platform.memory_map.extent == "partial"


def test_the_sorted_copy_of_a_table_is_another_map() -> None:
    platform = read(OLD_HEADER + OLD + FREE + OLD_HEADER + FREE + OLD)
    assert [one.type for one in platform.memory_map.descriptors] == [6, 7]
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [2]


def test_the_compiler_u_boot_names_proves_the_architecture() -> None:
    banner = "U-Boot 2025.01 (Jan 06 2025 - 12:00:00 +0000)\n{0}-linux-gnu-gcc (GCC) 13.2.0\n"
    platform = read(banner.format("aarch64") + OLD_HEADER + OLD)
    assert platform.architecture == "arm64"
    assert platform.architecture_reason.kind == "stated"
    assert read(banner.format("riscv64") + OLD).architecture == "riscv64"
    assert read("# " + banner.format("riscv64").replace("\n", " ") + "\n" + OLD).architecture == (
        "unknown"
    )


def test_the_linux_started_below_the_table_proves_the_architecture() -> None:
    linux = "[    0.000000] Linux version 6.1.0 (x) (aarch64-linux-gnu-gcc (Debian) 12) #1\n"
    assert read(OLD_HEADER + OLD + linux).architecture == "arm64"
    assert read(linux + OLD_HEADER + OLD).architecture == "unknown"


def test_tables_of_other_programs_are_not_u_boots() -> None:
    shell = "LoaderCode 00000000078EF000-00000000079EEFFF 0000000000000100 000000000000000F\n"
    grub = "RT-data  0000000007ef6000-0000000007f09fff 00000014     80KiB RT WB\n"
    assert u_boot.read(CaptureText(SourceText("x", shell + grub))) is None


@pytest.mark.parametrize(
    "words",
    [
        "WB\\|RT",
        "WB | RT",
        "WB, RT",
        "WB RT",
        "WB<wbr>|RT",
        "WB|**RT**",
        "WB|\u00a0RT",
        "WB&nbsp;|&nbsp;RT",
        "wb|rt",
        "WB\n> \\|RT |",
    ],
)
def test_an_attribute_is_never_a_part_of_its_words(words: str) -> None:
    platform = read(FREE + OLD.replace("WB|RT", words))
    row = platform.memory_map.descriptors[1]
    assert platform.capture
    lines = [line.located.span.line for line in platform.capture.unreadable]
    assert (row.attribute, lines) in [(None, [2]), (0x8000000000000008, [])]


@pytest.mark.parametrize(
    "behind", [" |", "</pre>", '",', "<br>", "   <-- this one", " RUNTIME CODE", "\n=> run boot"]
)
def test_what_is_no_word_of_an_attribute_leaves_it_as_it_is(behind: str) -> None:
    platform = read(OLD.replace("|RT", behind))
    assert platform.memory_map.descriptors[0].attribute == 8


def test_the_words_that_are_in_doubt_are_told() -> None:
    platform = read(OLD.replace("WB|RT", "WB, RT"))
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert "`WB, RT`" in line.what
