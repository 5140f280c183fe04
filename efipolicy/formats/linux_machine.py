"""What a kernel log says of the kernel, the processor and the machine it runs on."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from efipolicy.formats.linux_log import EARLY, Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import ArchitectureReason

_VERSION: Final = re.compile(r"Linux version ((\d+)\.(\d+)\S*)([^\n]*)")

_MACHINES: Final[dict[str, str]] = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "ia64": "ia64",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
    "i386": "i386",
    "i486": "i386",
    "i586": "i386",
    "i686": "i386",
    "armhf": "arm",
    "armv7l": "arm",
    "armmp": "arm",
}
_COMPILER: Final = re.compile(
    r"\b(x86_64|aarch64|riscv64|loongarch64|ia64|i[3-6]86|arm)-[\w-]*?gcc\b|\b(\w+)-linux-gnu\w*-ld\b"
)
_RELEASE_WORD: Final = re.compile(r"(?<![a-z0-9])(" + "|".join(_MACHINES) + r")(?![a-z0-9])")


def version_line(text: CaptureText, boot: Boot) -> re.Match[str] | None:
    """The line ``Linux version …`` of a boot."""
    at = text.text.find("Linux version ", boot.start, boot.end)
    while at >= 0 and text.is_remark(at):
        at = text.text.find("Linux version ", at + 1, boot.end)
    return _VERSION.match(text.text, at) if at >= 0 else None


def kernel_version(line: re.Match[str] | None) -> tuple[int, int] | None:
    """``(6, 12)`` of ``Linux version 6.12.15``."""
    return (int(line[2]), int(line[3])) if line else None


def stated_architecture(
    text: CaptureText, boot: Boot, line: re.Match[str] | None
) -> tuple[str, ArchitectureReason] | None:
    """The architecture that the words of a boot prove, and the words."""
    if line is not None:
        found = _COMPILER.search(line[4]) or _RELEASE_WORD.search(line[1])
        machine = next((word for word in found.groups() if word), "") if found else ""
        architecture = "arm" if machine == "arm" else _MACHINES.get(machine)
        if found and architecture:
            return architecture, _stated(f"`{found[0]}` in the line `Linux version {line[1]} …`")
    end = min(boot.end, boot.start + EARLY)
    for pattern, architecture in _PROOFS:
        found = pattern.search(text.text, boot.start, end)
        if found and not text.is_remark(found.start()):
            return architecture, _stated(f"`{' '.join(found[0].split())}`")
    return None


def _stated(evidence: str) -> ArchitectureReason:
    return ArchitectureReason(kind="stated", evidence=evidence)


_PROOFS: Final = (
    (re.compile(r"Booting Linux on physical CPU 0x[0-9a-f]+ \[0x[0-9a-f]{8}\]"), "arm64"),
    (re.compile(r"CPU: ARMv7"), "arm"),
    (re.compile(r"SALsystab=0x"), "ia64"),
    (re.compile(r"smpboot: CPU0: (?:Intel|AMD)"), "x86_64"),
    (re.compile(r"BOOT_IMAGE=\S*(?:x86_64|amd64)"), "x86_64"),
    (re.compile(r"BOOT_IMAGE=\S*(?:aarch64|arm64)"), "arm64"),
    (re.compile(r"riscv: (?:base ISA|ELF capabilities)"), "riscv64"),
)

_PLACEHOLDERS: Final = (
    "Unknown",
    "To Be Filled",
    "To be filled",
    "Default string",
    "System manu",
    "Memory slots",
    "not present",
)
_BIOS: Final = re.compile(r",?[ \t]+BIOS[ \t]+(\S+(?:[ \t]+(?!\d\d/\d\d/\d{4})\S+)*)")


class Machine(NamedTuple):
    """What the log calls the machine: where, its name, and the version of its firmware."""

    start: int
    end: int
    title: str
    firmware_version: str | None


def machine(text: CaptureText, boot: Boot) -> Machine | None:
    """The line ``DMI: …`` or ``Machine model: …`` of a boot."""
    end = min(boot.end, boot.start + EARLY)
    for label in ("DMI: ", "Machine model: "):
        at = text.text.find(label, boot.start, end)
        while at >= 0:
            found = _machine_at(text, at, at + len(label))
            if found:
                return found
            at = text.text.find(label, at + 1, end)
    return None


def _machine_at(text: CaptureText, start: int, after: int) -> Machine | None:
    before = text.text[text.line_start(start) : start]
    words = text.text[after : text.line_end(after)].strip(" \t\r\",'")
    if before[-1:].isalnum() or text.is_remark(start) or not words:
        return None
    bios = _BIOS.search(words)
    if words.startswith(_PLACEHOLDERS):
        return None
    title = words[: bios.start()] if bios else words
    version = bios[1] if bios else None
    return Machine(start, after + len(words), title.strip(" ,") or words, version)
