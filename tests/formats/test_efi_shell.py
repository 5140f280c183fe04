"""Output of `memmap`."""

import pytest

from efipolicy.formats.marks import EFI_SHELL
from efipolicy.model.platform import Platform, Revision
from efipolicy.source import SourceText

NEW = "RT_Data    00000000078EF000-00000000079EEFFF 0000000000000100 800000000000000F\n"
OLD = "RT_code    000000007EE49000-000000007EE6EFFF  0000000000000026 800000000000000F\n"
CODE = NEW.replace("RT_Data", "RT_Code")
HEADER = "Type       Start            End              # Pages          Attributes\n"


def read(text: str) -> Platform:
    reading = EFI_SHELL.read(SourceText("map.txt", text))
    assert reading
    return reading.platform


@pytest.mark.parametrize(
    ("line", "memory_type", "dialect"), [(NEW, 6, "efi-shell-2"), (OLD, 5, "efi-shell-1")]
)
def test_a_row_of_either_shell_is_read(line: str, memory_type: int, dialect: str) -> None:
    platform = read(line)
    (row,) = platform.memory_map.descriptors
    assert (row.type, row.attribute) == (memory_type, 0x800000000000000F)
    assert platform.capture
    assert platform.capture.dialect == dialect


def test_an_oem_type_is_its_number() -> None:
    line = "70000001   00000000078EF000-00000000079EEFFF 0000000000000100 000000000000000F"
    assert read(line).memory_map.descriptors[0].type == 0x70000001


def test_a_range_of_another_length_than_printed_is_reported() -> None:
    platform = read(NEW + NEW.replace("0100 8", "0101 8"))
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert "0x101 pages" in line.what
    assert len(platform.memory_map.descriptors) == 1


def test_totals_tell_whether_rows_are_missing() -> None:
    totals = "\n  RT_Data   :            256 Pages (1,048,576 Bytes)\n"
    assert read(NEW + totals).memory_map.extent == "whole"
    assert read(NEW + totals.replace("256", "257")).memory_map.extent == "partial"
    assert read(NEW).memory_map.extent == "unknown"


def test_totals_of_some_types_do_not_tell_that_the_others_are_whole() -> None:
    cut = "\n  Reserved  :              0 Pages (0 Bytes)\n"
    assert read(NEW + cut).memory_map.extent == "unknown"
    rows = NEW + NEW.replace("RT_Data ", "70000001")
    totals = "\n  RT_Data   :            256 Pages (1,048,576 Bytes)\n"
    assert read(rows + totals).memory_map.extent == "unknown"
    assert read(rows + totals + totals.replace("RT_Data", "70000001")).memory_map.extent == "whole"


@pytest.mark.parametrize("gap", ["...\n", NEW.replace("0100 8", "0101 8")])
@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize("cut", [True, False])
def test_agreeing_totals_do_not_make_up_for_a_gap(gap: str, above: bool, cut: bool) -> None:
    rows = f"{HEADER}{gap}{NEW}" if above else f"{HEADER}{NEW}{gap}{CODE}"
    totals = "\n  Reserved  :              0 Pages (0 Bytes)\n"
    if not cut:
        totals += "  RT_Data   :            256 Pages (1,048,576 Bytes)\n"
        totals += "" if above else "  RT_Code   :            256 Pages (1,048,576 Bytes)\n"
    assert read(rows + totals).memory_map.extent == "partial"


def test_a_gap_in_one_table_says_nothing_of_the_next() -> None:
    totals = "\n  RT_Data   :            256 Pages (1,048,576 Bytes)\n"
    platform = read(HEADER + NEW + "...\n" + totals + HEADER + NEW + totals)
    assert platform.memory_map.extent == "whole"
    assert platform.capture
    assert [one.extent for one in platform.capture.other_maps] == ["partial"]


@pytest.mark.parametrize("digits", ["001", "0FF", "100", "7FF", "FFF"])
@pytest.mark.parametrize("first", ["", NEW])
def test_rows_anywhere_in_64_bits_are_read(digits: str, first: str) -> None:
    high = [
        f"BS_Data    {digits}0000000{at:03X}000-{digits}0000000{at:03X}FFF"
        " 0000000000000001 000000000000000F\n"
        for at in range(120)
    ]
    platform = read(HEADER + first + "".join(high))
    rows = platform.memory_map.descriptors[bool(first) :]
    assert [row.physical_start for row in rows] == [
        (int(digits, 16) << 52) + (at << 12) for at in range(120)
    ]
    assert platform.capture
    assert (platform.capture.skipped_lines, platform.capture.unreadable) == (0, ())


def test_the_last_page_of_64_bits_is_read() -> None:
    line = "MMIO       FFFFFFFFFFFFF000-FFFFFFFFFFFFFFFF 0000000000000001 8000000000000001"
    (row,) = read(line).memory_map.descriptors
    assert (row.physical_start, row.number_of_pages) == (0xFFFFFFFFFFFFF000, 1)


@pytest.mark.parametrize(
    "damaged",
    [
        "BS_Data    0010000000000000-0010000000000FFF 00000000000\n",
        "           0010000000000000-0010000000000FFF 0000000000000001 000000000000000F\n",
        "-: BS_Data    0010000000000000-0010000000000FFF 0000000000000001 0000000000000000F\n",
    ],
)
def test_a_damaged_row_far_from_the_others_is_reported(damaged: str) -> None:
    platform = read(NEW + "and then\n" * 2000 + damaged)
    assert platform.capture
    assert len(platform.capture.unreadable) == 1
    assert platform.capture.skipped_lines == 2000


def test_every_row_of_a_long_damaged_run_is_reported() -> None:
    broken = "BS_Data    0010000000000000-001000\n"
    platform = read(broken * 400 + NEW + broken * 400)
    assert platform.capture
    assert len(platform.capture.unreadable) == 800
    assert platform.capture.skipped_lines == 0


def test_ranges_of_a_kernel_far_from_the_table_are_no_rows() -> None:
    platform = read(NEW + "and then\n" * 2000 + " 0000000000001000-0000000000002000 (usable)\n")
    assert platform.capture
    assert platform.capture.unreadable == ()


def test_a_second_table_is_another_map() -> None:
    platform = read(HEADER + NEW + NEW.replace("RT_Data", "BS_Data") + HEADER + NEW)
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


def test_the_summary_of_sfo_is_compared() -> None:
    row = 'MemoryMap,"RuntimeData","78EF000","79EEFFF","100","800000000000000F"\n'
    zeros = ['"0"'] * 17
    zeros[0] = zeros[5] = '"1048576"'
    summary = f"MemoryMapSummary,{','.join(zeros)}\n"
    assert read(row + summary).memory_map.extent == "whole"
    assert read(row + summary.replace("1048576", "4096")).memory_map.extent == "partial"


def test_the_shells_own_banner_tells_revision_and_vendor() -> None:
    platform = read("UEFI v2.70 (EDK II, 0x00010000)\n" + NEW)
    assert platform.uefi == Revision(2, 7)
    assert platform.firmware
    assert platform.firmware.vendor == "EDK II"


def test_a_log_without_a_table_is_not_a_shell() -> None:
    assert EFI_SHELL.read(SourceText("x", "efi: mem00: nothing\n")) is None


LOW = "BS_Code    0000000000000000-0000000000000FFF 0000000000000001 000000000000000F\n"
NEXT = "Available  0000000000001000-000000000009FFFF 000000000000009F 000000000000000F\n"


@pytest.mark.parametrize("second", [LOW, LOW.replace("BS_Code", "BS_Data")])
def test_tables_without_a_header_are_told_apart_by_where_they_start(second: str) -> None:
    platform = read(f"Shell> memmap\n{LOW}{NEXT}\nShell> memmap\n{second}{NEXT}")
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [2]


def test_rows_that_a_console_printed_twice_are_one_table() -> None:
    platform = read(LOW * 2 + NEXT * 2)
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert platform.capture.other_maps == ()


@pytest.mark.parametrize("end", [" ", "\r"])
@pytest.mark.parametrize("above", ["", "# source: a forum\n", "# source: a forum" + "\r"])
def test_a_table_that_lost_its_line_ends_loses_no_row(end: str, above: str) -> None:
    rows = [
        f"Available  {at << 12:016X}-{at << 12 | 0xFFF:016X} {1:016X} 000000000000000F\n"
        for at in range(200)
    ]
    platform = read(above + (HEADER + "".join(rows)).replace("\n", end))
    assert len(platform.memory_map.descriptors) == 200
    assert platform.capture
    assert platform.capture.unreadable == ()


def sfo_summary(values: int, **bytes_of: int) -> str:
    """`MemoryMapSummary` of the generation that prints so many values; the others are 0."""
    numbers = [0] * values
    for place, size in bytes_of.items():
        numbers[int(place.removeprefix("at_"))] = size
    return "MemoryMapSummary," + ",".join(f'"{number}"' for number in numbers) + "\n"


SFO_AVAILABLE = 'MemoryMap,"Available","1000","2FFF","2","F"\n'
SFO_PERSISTENT = 'MemoryMap,"Persistent","100000","102FFF","3","800F"\n'


@pytest.mark.parametrize(
    ("summary", "rows"),
    [
        (sfo_summary(15, at_0=8192, at_8=8192), SFO_AVAILABLE),
        (sfo_summary(15, at_0=20480, at_8=20480), SFO_AVAILABLE + SFO_PERSISTENT),
        (sfo_summary(16, at_0=20480, at_8=20480, at_15=77), SFO_AVAILABLE + SFO_PERSISTENT),
        (sfo_summary(16, at_0=20480, at_8=8192, at_15=12288), SFO_AVAILABLE + SFO_PERSISTENT),
        (sfo_summary(17, at_0=20480, at_8=8192, at_16=12288), SFO_AVAILABLE + SFO_PERSISTENT),
    ],
)
def test_the_summary_of_sfo_of_every_generation_is_compared(summary: str, rows: str) -> None:
    platform = read(rows + summary)
    assert platform.capture
    assert platform.capture.unreadable == ()
    assert platform.memory_map.extent == "whole"
    fewer = SFO_AVAILABLE.replace("2FFF", "1FFF").replace('"2"', '"1"')
    assert read(fewer + summary).memory_map.extent == "partial"


def test_types_that_sfo_leaves_out_are_told_by_its_grand_total() -> None:
    platform = read(SFO_AVAILABLE + sfo_summary(17, at_0=12288, at_8=8192))
    assert platform.memory_map.extent == "partial"
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert "3 pages in all, not 2, as of types of OEMs" in line.what


def test_totals_that_differ_say_of_which_type() -> None:
    totals = "\n  Reserved  :              0 Pages (0 Bytes)\n"
    totals += "  RT_Data   :            257 Pages (1,052,672 Bytes)\n"
    platform = read(NEW + totals)
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert line.what.endswith("257 pages of EfiRuntimeServicesData, not 256")
    assert line.located.span.line == 4


@pytest.mark.parametrize("gap", ["...\n", CODE.replace("0100 8", "0101 8")])
def test_totals_that_differ_for_a_known_reason_are_not_reported_besides(gap: str) -> None:
    totals = "\n  RT_Data   :            257 Pages (1,052,672 Bytes)\n"
    platform = read(NEW + gap + NEW.replace("078EF000-00000000079EE", "08000000-00000000080FF"))
    known = platform.capture and platform.capture.unreadable
    again = read(
        NEW + gap + NEW.replace("078EF000-00000000079EE", "08000000-00000000080FF") + totals
    )
    assert again.memory_map.extent == "partial"
    assert again.capture
    assert len(again.capture.unreadable) == len(known or ())


@pytest.mark.parametrize("persistent", ["", "  Persistent:              0 Pages (20,480 Bytes)\n"])
def test_shells_that_count_persistent_memory_as_available_are_believed(persistent: str) -> None:
    rows = (
        "Available  0000000000001000-0000000000002FFF 0000000000000002 000000000000000F\n"
        "Persistent 0000000000100000-0000000000102FFF 0000000000000003 000000000000800F\n"
    )
    totals = f"\n  Available :              5 Pages (20,480 Bytes)\n{persistent}"
    platform = read(rows + totals)
    assert platform.memory_map.extent == "whole"
    assert platform.capture
    assert platform.capture.unreadable == ()
    other = totals.replace("5 Pages (20,480", "4 Pages (16,384")
    assert read(rows + other).memory_map.extent == "partial"


@pytest.mark.parametrize("prompt", ["Press ENTER to continue or 'Q' break:", "break:\r     \r"])
def test_totals_behind_the_prompt_of_a_page_are_compared(prompt: str) -> None:
    totals = f"\n{prompt}  RT_Data   :            256 Pages (1,048,576 Bytes)\n"
    assert read(NEW + totals).memory_map.extent == "whole"
