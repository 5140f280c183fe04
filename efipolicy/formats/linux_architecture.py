"""The architecture a kernel log is of: what its words prove, else what its dialect suggests."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats import linux_fdt, linux_log, linux_machine, linux_x86
from efipolicy.formats.capture_reading import shortened
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.linux_scan import Map
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, ArchitectureReason

GUESSES: Final = {
    linux_fdt.FDT: ("arm64", "the lines `efi:   0x…-0x…`, which arm64 prints most often"),
    linux_x86.IA64: ("ia64", "the padding of the lines `memNN: type= …`, as on ia64"),
}
_I386_RELEASE: Final = re.compile(
    r"[-.](?:i[3-6]86(?![a-z0-9])|[3-6]86-(?:pae|smp|bigmem)(?![a-z0-9])|[3-6]86\Z)"
)
"""``3.2.0-4-686-pae``, ``2.6.18-6-686``, ``5.3.7-301.fc31.i686``: how distributions name theirs."""
_I386_WORD: Final = re.compile(r"(?<![\w@.-])i[3-6]86(?!\w)")
_64_BITS: Final = re.compile(r"(?<![a-z0-9])(?:x86_64|amd64|aarch64|arm64|ia64)(?![a-z0-9])")
_NO_PAE: Final = "non-PAE kernel!"

X86: Final = ("x86_64", "the lines `efi: memNN:`, which Linux prints on x86")
_NOTHING: Final = "nothing in the text says"


def architecture(
    text: CaptureText, boot: Boot, version: re.Match[str] | None, chosen: Map | None
) -> tuple[str, ArchitectureReason]:
    """The architecture of one boot and why; ``version`` is its line ``Linux version …``."""
    evidence = _i386(text, boot, version)
    if evidence:
        return "i386", ArchitectureReason(kind="stated", evidence=evidence)
    stated = linux_machine.stated_architecture(text, boot, version)
    if stated:
        return stated
    if chosen is None:
        return UNKNOWN_ARCHITECTURE, _suggested(_NOTHING)
    pal = any(entry.descriptor.type == EfiMemoryType.EfiPalCode for entry in chosen.entries)
    if pal and chosen.dialect in (linux_x86.IA64, linux_x86.RAW, linux_x86.HALF_OPEN):
        return "ia64", ArchitectureReason(kind="stated", evidence="PAL code in the map")
    if chosen.dialect in linux_x86.DIALECTS and chosen.dialect != linux_x86.IA64:
        return _guess_x86(text, chosen)
    name, evidence = GUESSES[chosen.dialect]
    return name, _suggested(evidence)


def _i386(text: CaptureText, boot: Boot, version: re.Match[str] | None) -> str | None:
    """The words that prove a kernel of 32 bits, whose other lines are those of x86_64."""
    if version is not None:
        if _64_BITS.search(version[1]):
            return None
        found = _I386_RELEASE.search(version[1]) or _I386_WORD.search(version[4])
        if found:
            words = found[0].lstrip("-.")
            return f"`{words}` in the line `Linux version {shortened(version[1])} …`"
    return f"`{_NO_PAE}`" if linux_log.says(text, _NO_PAE, boot) else None


def _guess_x86(text: CaptureText, chosen: Map) -> tuple[str, ArchitectureReason]:
    """The oldest i386 kernels print the same lines without ``EFI:`` before them."""
    start = chosen.entries[0].start
    before = text.text[text.line_start(start) : start].rstrip().lower()
    if chosen.dialect == linux_x86.RAW and "efi:" not in before:
        return UNKNOWN_ARCHITECTURE, _suggested(_NOTHING)
    name, evidence = X86
    return name, _suggested(evidence)


def _suggested(evidence: str) -> ArchitectureReason:
    return ArchitectureReason(kind="dialect", evidence=evidence)
