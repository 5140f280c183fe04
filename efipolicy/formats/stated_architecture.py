"""What words of a kernel or a loader prove of the machine that it runs on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.platform import ArchitectureReason

FREEBSD_KERNEL: Final = re.compile(r"/sys/[A-Z][\w-]{0,40}[ \t]+(amd64|arm64|riscv|i386)\b")
"""The end of FreeBSD's version line: where the kernel was built, and for what."""

MACHINES: Final = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "arm64": "arm64",
    "riscv": "riscv64",
    "riscv64": "riscv64",
    "i386": "i386",
    "x86": "i386",
    "arm": "arm32",
    "armv7": "arm32",
}
"""Architectures by the names that the BSDs and Haiku give them."""


def stated_architecture(
    text: CaptureText, words: re.Pattern[str], machines: Mapping[str, str] = MACHINES
) -> tuple[str, ArchitectureReason] | None:
    """The architecture that the first group of ``words`` names, remarks left out."""
    for found in words.finditer(text.text):
        if not text.is_remark(found.start()):
            evidence = f"`{' '.join(found[0].split())}`"
            return machines[found[1]], ArchitectureReason(kind="stated", evidence=evidence)
    return None
