"""What a kernel log says of the kernel, the processor and the machine it runs on."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.capture_reading import decimal, shortened
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import ArchitectureReason
from efipolicy.named_tuple import NamedTuple

ARCHITECTURES: Final = (
    "x86_64",
    "i386",
    "ia64",
    "arm64",
    "arm32",
    "riscv64",
    "loongarch64",
)
"""Every name that a reader of captured texts gives an architecture it knows."""

# The kernel prints at most about a thousand characters on a line: what is longer is not its own.
_VERSION: Final = re.compile(r"Linux version ((\d+)\.(\d+)\S{0,256})([^\n]{0,2048})")

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
    "arm": "arm32",
    "armhf": "arm32",
    "armv7l": "arm32",
    "armmp": "arm32",
}
_COMPILER: Final = re.compile(
    r"\b(x86_64|aarch64|riscv64|loongarch64|ia64|i[3-6]86|arm)-[\w-]*?gcc\b|\b(\w+)-linux-gnu\w*-ld\b"
)
_RELEASES: Final = "|".join(name for name in _MACHINES if name != "arm")
_RELEASE_WORD: Final = re.compile(rf"(?<![a-z0-9])({_RELEASES})(?![a-z0-9])")


_DIGITS: Final = re.compile(r"\d+(?:\.\d+)*")
_TOOL_WORDS: Final = (
    "gcc ld linux gnu gnueabi gnueabihf musl none elf pc unknown redhat suse alpine"
)
"""What compilers are called besides the machine they are for."""


def version_line(text: CaptureText, boot: Boot) -> re.Match[str] | None:
    """The line ``Linux version …`` of a boot."""
    at = text.text.find("Linux version ", boot.start, boot.end)
    while at >= 0 and text.is_remark(at):
        at = text.text.find("Linux version ", at + 1, boot.end)
    return _VERSION.match(text.text, at) if at >= 0 else None


def kernel_version(line: re.Match[str] | None) -> tuple[int, int] | None:
    """``(6, 12)`` of ``Linux version 6.12.15``."""
    if line is None:
        return None
    major, minor = decimal(line[2]), decimal(line[3])
    return None if major is None or minor is None else (major, minor)


def stated_architecture(
    text: CaptureText, boot: Boot, line: re.Match[str] | None
) -> tuple[str, ArchitectureReason] | None:
    """The architecture that the words of a boot prove, and the words."""
    if line is not None:
        found = _COMPILER.search(line[4]) or _RELEASE_WORD.search(line[1])
        machine = next((word for word in found.groups() if word), "") if found else ""
        architecture = _MACHINES.get(machine)
        if found and architecture:
            words = f"`{own_tool(found[0])}` in the line `Linux version {own_release(line[1])} …`"
            return architecture, _stated(words)
    end = boot.early_end
    for pattern, architecture in _PROOFS:
        found = re.compile(pattern).search(text.text, boot.start, end)
        if found and not text.is_remark(found.start()):
            return architecture, _stated(f"`{' '.join(found[0].split())}`")
    return None


def own_release(release: str) -> str:
    """The digits of a release and its architecture: ``6.8.0-…-amd64``.

    Whoever builds a kernel names it, so the words between are left out.
    """
    digits = _DIGITS.match(release)
    words = release[digits.end() :] if digits else release
    found = _RELEASE_WORD.search(words)
    known = f"{'' if len(words) == len(found[0]) + 1 else '-…'}-{found[0]}" if found else ""
    return (shortened(digits[0]) if digits else "…") + known


def own_tool(tool: str) -> str:
    """A compiler or linker by the machine it is for and by words that many of them have."""
    known = (*_MACHINES, *_TOOL_WORDS.split())
    return "-".join(part if part in known else "…" for part in tool.split("-"))


def _stated(evidence: str) -> ArchitectureReason:
    return ArchitectureReason(kind="stated", evidence=evidence)


_PROOFS: Final = (
    (r"Booting Linux on physical CPU 0x[0-9a-f]+ \[0x[0-9a-f]{8}\]", "arm64"),
    (r"CPU: ARMv7", "arm32"),
    (r"SALsystab=0x", "ia64"),
    (r"smpboot: CPU0: (?:Intel|AMD)", "x86_64"),
    (r"BOOT_IMAGE=\S{0,256}(?:x86_64|amd64)", "x86_64"),
    (r"BOOT_IMAGE=\S{0,256}(?:aarch64|arm64)", "arm64"),
    (r"riscv: (?:base ISA|ELF capabilities)", "riscv64"),
)
"""Patterns and what they prove; few logs are without a compiler that says it sooner."""

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
    end = boot.early_end
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
    if not words or words.startswith(_PLACEHOLDERS):
        return None
    if before[-1:].isalnum() or text.is_remark(start):
        return None
    bios = _BIOS.search(words)
    title = words[: bios.start()] if bios else words
    version = bios[1] if bios else None
    return Machine(start, after + len(words), title.strip(" ,") or words, version)
