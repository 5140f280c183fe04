"""The mappings that FreeBSD on arm64 installs for runtime services."""

import pytest

from efipolicy.formats import efipolicy_formats, freebsd_map, marks
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Capture, Platform
from efipolicy.source import SourceText
from tests.formats.places import words_at

# OPNsense 21.1 (FreeBSD 12.1) on a Raspberry Pi 3 with U-Boot, from a public report of 2021.
RASPBERRY = """\
FreeBSD 12.1-RELEASE-p14-HBSD #0  e10a7efce(stable/21.1)-dirty: Sun Mar 21 08:00:57 HKT 2021
    root@freebsd12:/usr/obj/usr/src/arm64.aarch64/sys/SMP-ARM arm64
random: entropy device external interface
MAP 39f4a000 mode 2 pages 1
MAP 39f4f000 mode 2 pages 1
MAP 3b350000 mode 2 pages 16
MAP 3f100000 mode 1 pages 1
000.000021 [4336] netmap_init               netmap: loaded module
"""
FIRST = "MAP 39f4a000 mode 2 pages 1\n"
SECOND = "MAP 3b350000 mode 2 pages 16\n"
TABLE = """\
                   Type     Physical      Virtual   #Pages Attr
    RuntimeServicesData 000039f4a000 000000000000 00000001 WB RUNTIME
    RuntimeServicesCode 00003b350000 000000000000 00000010 WB RUNTIME
"""


def read(text: str) -> Platform:
    reading = freebsd_map.read(CaptureText(SourceText("map.txt", text)))
    assert reading
    return reading.platform


def capture(platform: Platform) -> Capture:
    assert platform.capture
    return platform.capture


def mapped(platform: Platform) -> list[int]:
    assert all(one.virtual_start == one.physical_start for one in capture(platform).remappings)
    return [one.physical_start for one in capture(platform).remappings]


def test_runtime_memory_is_mapped_where_it_is() -> None:
    platform = read(RASPBERRY)
    assert mapped(platform) == [0x39F4A000, 0x39F4F000, 0x3B350000, 0x3F100000]
    assert platform.memory_map.descriptors == ()
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm64", "stated")
    assert (capture(platform).dialect, capture(platform).skipped_lines) == ("freebsd-map", 4)


def test_each_mapping_knows_its_place() -> None:
    (one,) = capture(read(FIRST)).remappings
    assert one.located.span.text == FIRST.strip()
    assert words_at(one.located, "physical_start", "virtual_start") == ["39f4a000", "39f4a000"]


def test_only_kernels_of_arm64_print_so() -> None:
    platform = read(FIRST)
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm64", "dialect")


@pytest.mark.parametrize(
    "words",
    [
        "EFI Runtime entry 12 is mapped\n",
        "EFI Runtime entry 12 is not aligned\n",
        "EFI Runtime entry 12 is not in mappable for RT:base 0x1000000000000 0x10 pages\n",
    ],
)
def test_a_kernel_that_gives_up_takes_every_mapping_back(words: str) -> None:
    platform = read(FIRST + SECOND + words)
    assert mapped(platform) == []
    assert capture(platform).skipped_lines == 0
    assert mapped(read(FIRST + words + FIRST + SECOND)) == [0x39F4A000, 0x3B350000]


def test_an_entry_without_a_cache_type_is_mapped_all_the_same() -> None:
    words = "EFI Runtime entry 3 mapping attributes unsupported\n"
    assert mapped(read(FIRST + words + SECOND)) == [0x39F4A000, 0x3B350000]


def test_only_the_boot_that_failed_loses_its_mappings() -> None:
    failed = FIRST + SECOND + "EFI Runtime entry 12 is mapped\n"
    assert mapped(read(FIRST + SECOND + failed)) == [0x39F4A000, 0x3B350000]


def test_what_a_console_prints_twice_counts_once() -> None:
    assert mapped(read(FIRST + FIRST + SECOND + SECOND)) == [0x39F4A000, 0x3B350000]


@pytest.mark.parametrize(
    "wrapped",
    [
        SECOND.replace(" mode", "\n> mode"),
        SECOND.replace("3b35", "3b\n35"),
        SECOND.replace("MAP ", "MAP=\n "),
        SECOND.replace(" pages ", "\r\npages "),
    ],
)
def test_a_wrapped_row_is_read_whole(wrapped: str) -> None:
    platform = read(FIRST + wrapped)
    assert mapped(platform) == [0x39F4A000, 0x3B350000]
    assert capture(platform).unreadable == ()


@pytest.mark.parametrize("damaged", ["MAP 39f4f000 mode\n", "000 mode 2 pages 1\n"])
def test_a_damaged_row_is_reported(damaged: str) -> None:
    platform = read(FIRST + damaged + SECOND)
    assert mapped(platform) == [0x39F4A000, 0x3B350000]
    assert [line.located.span.line for line in capture(platform).unreadable] == [2]


def test_below_the_kernels_table_they_are_evidence() -> None:
    formats = {form.name: form for form in efipolicy_formats()}
    reading, errors = recognise(SourceText("map.txt", TABLE + FIRST + SECOND), formats)
    assert errors == ()
    assert reading
    platform = reading.platform
    assert len(platform.memory_map.descriptors) == 2
    assert mapped(platform) == [0x39F4A000, 0x3B350000]
    assert (capture(platform).dialect, capture(platform).skipped_lines) == ("freebsd", 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MAP 1 mode\n",
        "# MAP 39f4a000 mode 2 pages 1\n",
        "EFI Runtime entry 12 is mapped\n",
    ],
)
def test_other_texts_are_none(text: str) -> None:
    assert freebsd_map.read(CaptureText(SourceText("map.txt", text))) is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_wrapped_behind_its_first_word_is_recognised(end: str) -> None:
    text = SECOND.replace("MAP ", f"MAP{end}")
    assert marks.FREEBSD_MAP.read(SourceText("log.txt", text))
