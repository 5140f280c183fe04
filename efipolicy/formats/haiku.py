"""``System provided memory map:``: the list of Haiku's EFI loader, of which there are three styles.

Layouts were read in the loader of 2014 to 2024. Up to about 2021 x86_64 prints bare numbers; since
then every architecture prints ``phys:`` and ``virt:`` with their ends and the type by name and by
number; riscv64 of 2021 prints a size in place of ends and the type by name alone.
"""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.haiku_rows import BEGINS, HAIKU, LOOKS_LIKE, haiku_row
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, reading
from efipolicy.formats.printed_tables import Table, maps_of, rows_of
from efipolicy.formats.stated_architecture import MACHINES, stated_architecture
from efipolicy.plugin.types import CaptureReading

_HEADER: Final = re.compile(r"System provided\s[\s>]{0,8}memory map:")
_TABLE: Final = Table(HAIKU, BEGINS, haiku_row, LOOKS_LIKE, _HEADER)

_KERNEL: Final = re.compile(r"load kernel kernel_(x86_64|x86|arm64|arm|riscv64)\b")
_STARTED: Final = re.compile(
    r"\b(Final PML4 at|SATP:|Current Exception Level|enter_kernel\(ttbr0:)"
)
_STARTS: Final = {
    "Final PML4 at": "x86_64",
    "SATP:": "riscv64",
    "Current Exception Level": "arm64",
    "enter_kernel(ttbr0:": "arm32",
}
"""What the loader of an architecture says of its page tables below the list."""


def read(text: CaptureText) -> CaptureReading | None:
    """What Haiku's loader says of a platform. Bare numbers that make no map are no list."""
    rows, refused = rows_of(text, _TABLE)
    if not rows:
        return None
    loaded = stated_architecture(text, _KERNEL, MACHINES)
    started = loaded or stated_architecture(text, _STARTED, _STARTS)
    about = About(architecture=started or NOTHING_SAYS)
    return reading(text, maps_of(text, _TABLE, rows, refused), refused, HAIKU, about)
