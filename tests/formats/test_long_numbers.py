"""Numbers of more digits than Python reads cost their own line, never the map."""

import sys
from collections.abc import Iterator

import pytest

from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.reading import platform_of

LONG = "9" * 5000
CELLS = (
    "efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"
    "efi: mem01: [Conventional|   |WB] range=[0x1000-0x1fff] (0MB)\n"
)
FDT = "efi:   0x000000001000-0x000000001fff [Conventional|   |WB]\n"
ROW = "RT_Data    00000000078EF000-00000000079EEFFF 0000000000000100 800000000000000F\n"
SFO = 'MemoryMap,"RuntimeData","78EF000","79EEFFF","100","800000000000000F"\n'


@pytest.fixture(autouse=True)
def strictest_limit() -> Iterator[None]:
    """Python's least limit, which its environment may ask for."""
    usual = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(sys.int_info.str_digits_check_threshold)
    yield
    sys.set_int_max_str_digits(usual)


def read(text: str) -> Platform:
    return platform_of(SourceText("log.txt", text))


@pytest.mark.parametrize(
    ("good", "bad", "what"),
    [
        (CELLS, f"efi: mem{LONG}: [Conventional|WB] range=[0x0-0xfff] (0MB)", "behind `mem999"),
        (CELLS, f"efi: mem02: type={LONG}, attr=0xf, range=[0x0-0x1000) (0MB)", "behind `mem02:`"),
        (CELLS, f"efi: mem02: [type={LONG}|WB] range=[0x0-0xfff] (0MB)", "type"),
        (CELLS, f"efi: mem02: [Conventional|WB] range=[0x0-0xfff] ({LONG}MB)", "of the size"),
        (CELLS, f"efi: mem02: MMIO range=[0x0-0xfff] ({LONG}KB) from e820 map", "of the size"),
        (CELLS, f"efi: mem02: [Conventional|WB] range=[0x0-0x{LONG}] (0MB)", "64 bits"),
        (FDT, f"efi:   0x000000001000-0x000000001fff [type={LONG}|WB]", "type"),
        (FDT, f"efi:   0x{LONG[:99]}-0x000000001fff [Conventional|WB]", "64 bits"),
    ],
)
def test_a_line_with_an_endless_number_is_unreadable_and_the_map_stays(
    good: str, bad: str, what: str
) -> None:
    platform = read(f"{good}{bad}\n")
    assert len(platform.memory_map.descriptors) == good.count("\n")
    assert platform.capture
    lines = platform.capture.unreadable
    assert what in lines[0].what
    assert all(len(line.what) < 120 for line in lines)
    assert {line.located.span.line for line in lines} == {good.count("\n") + 1}


@pytest.mark.parametrize(
    "bad",
    [
        f"Linux version 6.{LONG} (b@h) (x86_64-linux-gnu-gcc)",
        f"Linux version {LONG}.1 (b@h) (x86_64-linux-gnu-gcc)",
        f"efi: EFI v{LONG}.70 by EDK II",
        f"efi: EFI v2.{LONG} by EDK II",
        f"efi: EFI v2.3.{LONG} by EDK II",
        f"efi: memattr: Unexpected EFI Memory Attributes table version {LONG}",
    ],
)
def test_an_endless_number_around_a_map_leaves_the_map_alone(bad: str) -> None:
    platform = read(f"{bad}\n{CELLS}")
    assert len(platform.memory_map.descriptors) == 2
    assert platform.memory_map.extent == "whole"
    assert platform.uefi is None
    assert platform.memory_attributes_table is None
    assert len(platform.architecture_reason.evidence) < 120


def test_an_endless_version_in_the_shells_banner_leaves_the_map_alone() -> None:
    platform = read(f"UEFI v2.{LONG} (EDK II, 0x00010000)\n{ROW}")
    assert len(platform.memory_map.descriptors) == 1
    assert platform.uefi is None


@pytest.mark.parametrize(
    "text",
    [
        f"{ROW}\n  RT_Data   : {LONG} Pages (1,048,576 Bytes)\n",
        f"{ROW}\n  BS_Data   : {LONG} Pages (1,048,576 Bytes)\n",
    ],
)
def test_rows_never_add_up_to_an_endless_total(text: str) -> None:
    # A total is looked for close to its table: the number stays just within.
    platform = read(text.replace(LONG, LONG[:4000]))
    assert platform.memory_map.extent == "partial"


def test_rows_never_add_up_to_an_endless_summary() -> None:
    numbers = ['"0"'] * 16 + [f'"{LONG[:3900]}"']
    assert read(f"{SFO}MemoryMapSummary,{','.join(numbers)}\n").memory_map.extent == "partial"
