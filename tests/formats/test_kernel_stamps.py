"""Lines of long kernel logs that the kernel did not print: where maps of other formats stand."""

from __future__ import annotations

import pytest

from efipolicy.formats import linux, marks
from efipolicy.formats.kernel_stamps import unstamped
from efipolicy.source import SourceText

VERSION = "[    0.000000] Linux version 6.1.0 (x86_64-linux-gnu-gcc)\n"
NOISE = "[   12.345678] usb 1-2: new device found\n[123456.789012] audit: type=1400\n" * 30_000
ROW = "BS_Data    0000000000001000-0000000000001FFF 0000000000000001 000000000000000F\n"
WRAPPED = "[    0.000000] efi:   0x000000001000-\n0x000000001fff [Conventional Memory|WB]\n"
TABLES = (
    "[    1.000000] ---[ User Space ]---\n"
    "[    1.000000] 0x0000000000000000-0x0000000000200000           2M     RW  NX pmd\n"
)


def test_lines_without_a_stamp_are_told_from_those_of_the_kernel() -> None:
    found = unstamped(VERSION + NOISE + ROW + NOISE + "\n" + NOISE + "the end")
    assert found
    assert found.text == VERSION[:-1] + "\n" + ROW[:-1] + "\n" + "\nthe end"
    assert found.line_ends[0] == len(VERSION + NOISE) - 1


@pytest.mark.parametrize(
    "line",
    ["[    1.000000] --- a rule", "[123456.789012] - an item", "[    1.000000] "],
    ids=["dashes", "a dash", "nothing"],
)
def test_whatever_stands_behind_a_stamp_is_the_kernels(line: str) -> None:
    found = unstamped(f"{VERSION}{NOISE}{line}\n{NOISE}the end")
    assert found
    assert found.text == VERSION[:-1] + "\nthe end"


@pytest.mark.parametrize(
    "text",
    [
        VERSION + NOISE[: 1 << 20],
        NOISE,
        NOISE.replace("[", "Nov 21 10:00:00 host kernel: [") + VERSION + NOISE,
        NOISE + "[   13.000000] " + VERSION + NOISE,
        "[    0.000000] [    T0]" + VERSION[14:] + NOISE,
        VERSION + NOISE[:100] + NOISE.replace("\n", "\\n"),
        VERSION.replace("\n", "\\n") + NOISE.replace("\n", "\\n"),
    ],
    ids=["short", "no start", "syslog", "recorded", "thread ids", "no line ends", "one line"],
)
def test_a_text_that_is_no_long_log_of_a_kernel_is_searched_as_a_whole(text: str) -> None:
    assert unstamped(text) is None


def test_a_wrapped_row_of_a_long_log_is_read() -> None:
    reading = linux.read(SourceText("log.txt", VERSION + NOISE + WRAPPED + NOISE))
    assert reading
    (descriptor,) = reading.platform.memory_map.descriptors
    assert (descriptor.physical_start, descriptor.number_of_pages) == (0x1000, 1)


def test_page_tables_are_found_in_a_long_log_though_the_kernel_stamps_them() -> None:
    trace = "[   13.000000] ---[ end trace 0000000000000000 ]---\n"
    reading = marks.X86_PAGE_TABLES.read(
        SourceText("log.txt", VERSION + NOISE + trace + TABLES + NOISE)
    )
    assert reading
    assert reading.platform.capture
    (dump,) = reading.platform.capture.page_tables
    assert len(dump.ranges) == 1


def test_a_long_log_has_a_boot_for_each_line_of_the_stub_and_the_kernel() -> None:
    stub = "EFI stub: Booting Linux Kernel...\n"
    cell = "[Conventional Memory|WB] range=[0x1000-0x1fff]"
    first, second = f"[    0.000000] efi: mem00: {cell}\n", f"EFI: mem00: {cell}\n"
    reading = linux.read(SourceText("log.txt", VERSION + first + NOISE + stub + second + NOISE))
    assert reading
    assert reading.platform.capture
    assert len(reading.platform.capture.other_maps) == 1
