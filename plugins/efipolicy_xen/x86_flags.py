"""With what permissions and memory type Xen maps the regions of firmware (xen/common/efi/boot.c).

UEFI 2.5 made EFI_MEMORY_WP a cache type and EFI_MEMORY_RO the write protection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WP,
    EFI_MEMORY_WT,
    EFI_MEMORY_XP,
    Access,
    MemoryDescriptor,
    Revision,
)

RO_SINCE: Final = Revision(2, 5)

_FIRST_FOUND: Final = (
    (EFI_MEMORY_WB, "WB"),
    (EFI_MEMORY_WT, "WT"),
    (EFI_MEMORY_WC, "WC"),
    (EFI_MEMORY_UC | EFI_MEMORY_UCE, "UC"),
)


class Flags(NamedTuple):
    """What the revision of firmware decides; one that is not known is taken for 2.5 or later.

    ``uncached_if_unknown``: what offers no cache type is mapped uncached instead of left out.
    """

    revision: Revision | None
    uncached_if_unknown: bool = False

    @property
    def _protects_by_ro(self) -> bool:
        return self.revision is None or self.revision >= RO_SINCE

    def cache(self, descriptor: MemoryDescriptor) -> str | None:
        """The first cache type Xen looks for that the region offers."""
        for bits, name in _FIRST_FOUND:
            if descriptor.has(bits):
                return name
        if self._protects_by_ro and descriptor.has(EFI_MEMORY_WP):
            return "WP"
        return "UC" if self.uncached_if_unknown else None

    def access(self, descriptor: MemoryDescriptor) -> Access:
        """Everything, less what the attributes of the region take away."""
        protected = EFI_MEMORY_RO if self._protects_by_ro else EFI_MEMORY_WP
        if descriptor.has(EFI_MEMORY_XP):
            return "R" if descriptor.has(protected) else "RW"
        return "RX" if descriptor.has(protected) else "RWX"

    def assumed(self, descriptors: Iterable[MemoryDescriptor]) -> bool:
        """Whether the revision decides about one of the regions, and nobody tells it."""
        decided = EFI_MEMORY_WP | EFI_MEMORY_RO
        return self.revision is None and any(each.has(decided) for each in descriptors)
