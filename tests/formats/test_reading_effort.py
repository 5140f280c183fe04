"""Four times the text is about four times the work, whatever stands in it.

Work is counted in lines that run, which is exact where a clock is not.
"""

import sys
from types import FrameType
from typing import Any

import pytest

from efipolicy.formats import linux
from efipolicy.formats.marks import EFI_SHELL
from efipolicy.source import SourceText

CELL = "[Conventional|WB] range=[{0:#x}000-{0:#x}fff]"
BACK = f"efi: mem01: {CELL}\nefi: mem00: {CELL}\n"
WHOLE = f"efi: mem00: {CELL}\n" + f"efi: mem01: {CELL}\n".replace("Conventional", "Runtime Code")
BOOT = "Linux version 6.1.{0} (x86_64-linux-gnu-gcc)\n"
FDT = "efi:   0x00000{0:07x}000-0x00000{0:07x}fff [Conventional|WB]\n"
FDT_AGAIN = "efi:   0x000000001000-0x000000001fff [Conventional|WB]\n"
FDT_BROKEN = "efi:   0x000000001000-0x000000001ffe [Conventional|WB]\n"
ROW = "BS_Data    0000{0:09X}000-0000{0:09X}FFF 0000000000000001 000000000000000F\n"
ROW_AGAIN = ROW.format(5)
ROW_BROKEN = ROW_AGAIN.replace("1 0", "2 0")
HEADER = "Type       Start            End              # Pages          Attributes\n"

GROWING = {
    "maps below remarks about faked entries": "# efi_fake_mem=\n" + BACK,
    "maps between unreadable lines": WHOLE + "efi: mem99: garbage\n",
    "boots with lines about MMIO alone": BOOT + "efi: mem01: MMIO range=[{0:#x}000-{0:#x}fff]\n",
    "lists below remarks about the parameters": "# MemMap Size\nProcessing EFI memory map:\n" + FDT,
    "lists between unreadable lines": "Processing EFI memory map:\n" + FDT + FDT_BROKEN,
    "equal neighbours between unreadable lines": FDT_AGAIN + FDT_BROKEN,
    "tables between unreadable rows": HEADER + ROW + ROW_BROKEN,
    "equal rows between unreadable ones": ROW_AGAIN + ROW_BROKEN,
}


def work(text: str) -> int:
    """How many lines of Python run when both readers read a text, not for the first time.

    What a reader compiles when it first needs it is no work on the text.
    """
    read(text)
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        read(text)
    finally:
        sys.settrace(before)
    return count


def read(text: str) -> None:
    """Read a text with both readers."""
    for form in (linux.FORMAT, EFI_SHELL):
        form.read(SourceText("log.txt", text))


@pytest.mark.parametrize("part", GROWING.values(), ids=GROWING)
def test_four_times_the_text_is_four_times_the_work(part: str) -> None:
    small, large = (
        "".join(part.format(number) for number in range(1, size)) for size in (250, 1000)
    )
    assert work(large) < 5 * work(small)


@pytest.mark.parametrize("part", ["-0000000000000FFF ", "mem01:", "efi: mem01: [a|", "0x1-0x1 [a|"])
def test_broken_entries_on_one_endless_line_are_not_joined_over_and_over(part: str) -> None:
    text = (ROW_AGAIN + FDT_AGAIN) + part * 500
    assert work(text) < 150 * len(text)
