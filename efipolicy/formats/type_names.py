"""Names of memory types as several dialects print them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from efipolicy.formats.printed_rows import GAP
from efipolicy.model.efi import MEMORY_TYPES

SPECIFICATION: Final[dict[str, int]] = {
    name.removeprefix("Efi").removesuffix("Type"): number for name, number in MEMORY_TYPES.items()
}
"""The specification's names (UEFI 2.11, 7.2.1) without ``Efi`` and ``Type``."""


def any_of(names: Iterable[str], *, blank: str = GAP) -> str:
    """A pattern for one of several names; ``blank`` is what stands between the words of one."""
    longest_first = sorted(names, key=len, reverse=True)
    return "|".join(re.escape(name).replace("\\ ", blank) for name in longest_first)
