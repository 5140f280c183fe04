"""Faults of firmware and of its mapping, as kernel logs tell of them.

Messages were read in kernels 3.10 to 6.12 (arch/x86/platform/efi/{efi,efi_64,quirks}.c,
arch/ia64/kernel/efi.c, arch/arm64/kernel/efi.c, drivers/firmware/efi/{arm-runtime,memattr}.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import FirmwareAccess, SetVirtualAddressMap
from efipolicy.named_tuple import NamedTuple

_PAGE_FAULT: Final = "caused by firmware at PA"
_EXCEPTION: Final = "in EFI runtime service"
_SWITCH: Final = "nable to switch EFI into virtual mode (status="
_EARLY_WORDS: Final = (
    "memattr: ",
    "Failed to lookup EFI memory descriptor for",
    "VA address range overflow!",
    "Error mapping PA 0x",
    _SWITCH,
    "UEFI virtual mapping missing or invalid",
)
"""Words by which a kernel tells of a mapping or of a fault in it, all of them while it boots."""

_BEFORE: Final = ("efi:", "]", "]:", "warning:", "screwed!")
"""What stands before such words where the kernel says them: its name, a time, ``[Firmware Bug]:``.
Older kernels said more.

Without it they may be words of a mail about the fault.
"""

_AFTERMATH: Final = ("Froze efi_rts_wq", "EFI Runtime Services are disabled")
_LATER: Final = 1 << 14
"""Characters behind a fault, its trace of the stack, within which the kernel says what it did."""

_MOST_PHYSICAL_BITS: Final = 52
"""Of x86_64, the only architecture that prints the address of a fault in firmware."""


class Faults(NamedTuple):
    """The addresses at which firmware faulted, the call that failed and where, and all lines."""

    accesses: tuple[FirmwareAccess, ...]
    set_virtual_address_map: SetVirtualAddressMap | None
    failed: tuple[int, int] | None
    lines: tuple[tuple[int, int], ...]


def faults(text: CaptureText, boot: Boot) -> Faults:
    """What one boot of a log tells of faults."""
    early = boot.early_end
    lines = [span for words in _EARLY_WORDS for span in _said(text, words, boot.start, early)]
    failed = next(_said(text, _SWITCH, boot.start, early), None)
    reports = list(_said(text, _PAGE_FAULT, boot.start, boot.end))
    lines += [*reports, *_said(text, _EXCEPTION, boot.start, early)]
    done = boot.start
    for start, _ in reports:
        later = min(boot.end, start + _LATER)
        for words in _AFTERMATH:
            lines += _said(text, words, max(start, done), later)
        done = later
    return Faults(
        accesses=tuple(_accesses(text, reports)),
        set_virtual_address_map=_failed_call(text, *failed) if failed else None,
        failed=failed,
        lines=tuple(lines),
    )


def tells(text: CaptureText) -> bool:
    """Whether a text of others holds such a line of a kernel."""
    return any(
        next(_said(text, words, 0, len(text.text)), None) is not None
        for words in (*_EARLY_WORDS, "EFI remap 0x", _PAGE_FAULT, _EXCEPTION)
    )


def _said(text: CaptureText, words: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the kernel says some words."""
    at = text.text.find(words, start, end)
    while at >= 0:
        if not text.is_remark(at) and _by_kernel(text, words, at):
            yield at, at + len(words)
        at = text.text.find(words, at + len(words), end)


def _by_kernel(text: CaptureText, words: str, at: int) -> bool:
    before = text.text[max(text.line_start(at), at - 64) : at]
    if words in (_PAGE_FAULT, _EXCEPTION):
        return "[Firmware Bug]: " in before
    if words == _SWITCH and not text.text[at + len(words) : at + len(words) + 1].isalnum():
        return False  # the kernel's source, not its log
    return before.rstrip(" \tUu").lower().endswith(_BEFORE)


def _accesses(text: CaptureText, reports: list[tuple[int, int]]) -> Iterator[FirmwareAccess]:
    """The physical addresses among those that faulted, each once.

    The kernel calls whatever address faulted a physical one. Below the limit of the processor it
    is: there, physical memory is mapped one to one while firmware runs. Above, it is an address of
    the kernel's, or of the window in which firmware runs, and says nothing of physical memory.
    """
    known: set[int] = set()
    for start, _ in reports:
        found = _address(text.text, start)
        address = int(found[1] + (found[2] or ""), 16) if found else None
        if found and address is not None and not address >> _MOST_PHYSICAL_BITS:
            if address not in known:
                yield FirmwareAccess(
                    physical=address,
                    note="page fault that the kernel attributes to firmware",
                    located=text.record(start, found.end(), {"physical": found.span(1)}),
                )
            known.add(address)


def _address(text: str, start: int) -> re.Match[str] | None:
    """The address of a report; a mail may have wrapped the line in the middle of the number."""
    pattern = re.compile(
        r"caused by firmware at PA:[\s>=]{0,16}0x([0-9a-fA-F]+)"
        r"(?:=?[ \t]*\r?\n[ \t>]*([0-9a-fA-F]{1,15})[ \t]*(?=\r?\n|\Z))?"
    )
    return pattern.match(text, start)


def _failed_call(text: CaptureText, start: int, end: int) -> SetVirtualAddressMap:
    return SetVirtualAddressMap(
        calls="once",
        result="failed",
        located=text.record(start, end, {"result": (start, end)}),
    )
