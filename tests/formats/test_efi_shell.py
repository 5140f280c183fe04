"""Output of `memmap`."""

import pytest

from efipolicy.formats import efi_shell
from efipolicy.model.platform import Platform, Revision
from efipolicy.source import SourceText

NEW = "RT_Data    00000000078EF000-00000000079EEFFF 0000000000000100 800000000000000F\n"
OLD = "RT_code    000000007EE49000-000000007EE6EFFF  0000000000000026 800000000000000F\n"


def read(text: str) -> Platform:
    reading = efi_shell.read(SourceText("map.txt", text))
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


def test_a_second_table_is_another_map() -> None:
    header = "Type       Start            End              # Pages          Attributes\n"
    platform = read(header + NEW + NEW.replace("RT_Data", "BS_Data") + header + NEW)
    assert len(platform.memory_map.descriptors) == 2
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [1]


def test_the_summary_of_sfo_is_compared() -> None:
    row = 'MemoryMap,"RuntimeData","78EF000","79EEFFF","100","800000000000000F"\n'
    zeros = ['"0"'] * 17
    zeros[5] = '"1048576"'
    summary = f"MemoryMapSummary,{','.join(zeros)}\n"
    assert read(row + summary).memory_map.extent == "whole"
    assert read(row + summary.replace("1048576", "4096")).memory_map.extent == "partial"


def test_the_shells_own_banner_tells_revision_and_vendor() -> None:
    platform = read("UEFI v2.70 (EDK II, 0x00010000)\n" + NEW)
    assert platform.uefi == Revision(2, 7)
    assert platform.firmware
    assert platform.firmware.vendor == "EDK II"


def test_a_log_without_a_table_is_not_a_shell() -> None:
    assert efi_shell.read(SourceText("x", "efi: mem00: nothing\n")) is None
