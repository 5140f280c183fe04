"""The table of FreeBSD."""

import pytest

from efipolicy.formats import freebsd
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

HEADER = "                   Type     Physical      Virtual   #Pages Attr\n"
FREE = "     ConventionalMemory 000080000000 000080000000 00007efa WB \n"
CODE = "    RuntimeServicesCode 0000fbd30000 0000fbd30000 00000010 WB RUNTIME\n"
DATA = "    RuntimeServicesData 0000f6b27000 0000f6b27000 00000001 WB RUNTIME\n"
SYSCTL = "    RuntimeServicesCode 0000fbd30000          0x0 00000010 UC WC WT WB RUNTIME\n"


def read(text: str) -> Platform:
    reading = freebsd.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def test_a_row_has_a_virtual_start_and_a_number_of_pages() -> None:
    platform = read(HEADER + CODE)
    (row,) = platform.memory_map.descriptors
    assert (row.type, row.physical_start, row.virtual_start) == (5, 0xFBD30000, 0xFBD30000)
    assert (row.number_of_pages, row.attribute) == (0x10, 0x8000000000000008)
    assert platform.capture
    assert (platform.capture.skipped_lines, platform.memory_map.extent) == (0, "unknown")


def test_sysctl_prints_the_virtual_start_as_a_pointer() -> None:
    (row,) = read(SYSCTL).memory_map.descriptors
    assert (row.virtual_start, row.number_of_pages, row.attribute) == (0, 16, 0x800000000000000F)


def test_registers_that_start_inside_a_page_are_kept() -> None:
    (row,) = read(
        "         MemoryMappedIO 000001e88180 000001e88180 00000001 RUNTIME"
    ).memory_map.descriptors
    assert (row.physical_start, row.number_of_pages, row.attribute) == (0x1E88180, 1, 1 << 63)


def test_a_type_without_its_number_is_reported() -> None:
    row = "              <INVALID> 000100000000 000100000000 00000010 WB \n"
    platform = read(FREE + row + CODE)
    assert len(platform.memory_map.descriptors) == 2
    ((line, what),) = unreadable(platform)
    assert (line, "<INVALID>" in what) == (2, True)
    assert platform.memory_map.extent == "partial"


def test_an_unknown_attribute_is_reported_and_the_attribute_unknown() -> None:
    platform = read(CODE + FREE.replace("WB", "WB SP"))
    assert [one.attribute for one in platform.memory_map.descriptors] == [0x8000000000000008, None]
    ((line, what),) = unreadable(platform)
    assert (line, "`WB SP`" in what) == (2, True)


@pytest.mark.parametrize("word", ["MR", "MORE_RELIABLE"])
def test_both_words_for_reliable_memory_are_known(word: str) -> None:
    (row,) = read(FREE.replace("WB", f"WB {word}")).memory_map.descriptors
    assert row.attribute == 0x10008


def test_a_table_that_never_prints_runtime_does_not_accuse_firmware() -> None:
    # The loader's `memmap` leaves the word out.
    platform = read(HEADER + FREE + CODE.replace("RUNTIME", "") + DATA.replace("RUNTIME", ""))
    assert {one.attribute for one in platform.memory_map.descriptors} == {None}
    assert unreadable(platform) == []
    assert read(HEADER + FREE).memory_map.descriptors[0].attribute == 8
    assert read(CODE + DATA.replace("RUNTIME", "")).memory_map.descriptors[1].attribute == 8


@pytest.mark.parametrize(
    "wrapped",
    [
        CODE.replace(" RUNTIME", "\n> RUNTIME"),
        CODE.replace(" WB RUNTIME", "\nWB RUNTIME"),
        CODE.replace("RUNTIME", "RUN\nTIME"),
        CODE.replace(" 0000fbd30000 00000010", "\r\n> 0000fbd30000 00000010"),
        CODE.replace("00000010", "0000\n0010"),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(FREE + wrapped + DATA)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 5, 6]
    assert platform.memory_map.descriptors[1].attribute == 0x8000000000000008
    assert unreadable(platform) == []


@pytest.mark.parametrize(
    "damaged",
    [
        "    RuntimeServicesData 0000f6b27000 0000f6b27000\n",
        "    RuntimeServicesData 0000f6b2\n",
        "0000f6b27000 0000f6b27000 00000001 WB RUNTIME\n",
    ],
)
def test_a_damaged_row_is_reported(damaged: str) -> None:
    platform = read(FREE + damaged + CODE)
    assert len(platform.memory_map.descriptors) == 2
    assert [line for line, _ in unreadable(platform)] == [2]


def test_the_kernels_version_proves_the_architecture() -> None:
    version = "    root@host:/usr/obj/usr/src/arm64.aarch64/sys/GENERIC arm64\n"
    platform = read(version + HEADER + FREE)
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm64", "stated")
    assert read(f"# {version}{FREE}").architecture == "unknown"
    assert read(version.replace("GENERIC arm64", "GENERIC amd64") + FREE).architecture == "x86_64"


def test_the_table_of_a_second_boot_is_another_map() -> None:
    platform = read(HEADER + FREE + CODE + HEADER + FREE)
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


# FreeBSD 13.0 on amd64 prints `Virtual` as a pointer without leading zeros.
OLD_KERNEL = """\
                  Type     Physical      Virtual   #Pages Attr
               Reserved 000000000000            0 000001d0 WC WT WB
    RuntimeServicesData 0000001d0000       1d0000 00000020 WC WT WB RUNTIME
     ConventionalMemory 000000210000            0 0002f156 WC WT WB
"""


def test_older_kernels_print_a_pointer_without_leading_zeros() -> None:
    platform = read(OLD_KERNEL)
    rows = platform.memory_map.descriptors
    assert [one.virtual_start for one in rows] == [0, 0x1D0000, 0]
    assert [one.number_of_pages for one in rows] == [0x1D0, 0x20, 0x2F156]
    assert unreadable(platform) == []


def test_a_part_of_a_pointer_is_not_taken_for_a_short_one() -> None:
    for cut in ("0000001d\n0000 00000020 WB", "1d\n0000 00000020 WB", "1d0\n00000000 00000020 WB"):
        platform = read(CODE + f"    RuntimeServicesData 0000001d0000 {cut}\n")
        starts = [one.virtual_start for one in platform.memory_map.descriptors]
        assert starts == [0xFBD30000, 0x1D0000] or (len(starts) == 1 and unreadable(platform))


def test_an_attribute_is_never_a_part_of_its_words() -> None:
    for words in ("WB\u00a0RUNTIME", "WB, RUNTIME", "wb runtime", "WB | RUNTIME"):
        platform = read(FREE + DATA.replace("WB RUNTIME", words))
        row = platform.memory_map.descriptors[1]
        lines = [line for line, _ in unreadable(platform)]
        assert (row.attribute, lines) in [(None, [2]), (0x8000000000000008, [])]
