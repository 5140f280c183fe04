"""With what permissions and memory type arm64 Linux maps the regions of firmware.

Linux 6.12, arch/arm64/kernel/efi.c, and the releases named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_RP,
    EFI_MEMORY_WB,
    EFI_MEMORY_WP,
    EFI_MEMORY_XP,
    Access,
    EfiMemoryType,
    Mapping,
    MemoryAttributesTable,
    MemoryDescriptor,
    Protection,
)
from efipolicy_linux.memory_attributes import access_of, entries_in_force, virtual_part

BY_TYPE_SINCE: Final = (4, 6)
"""Until then everything that is not write-back was taken for a device, whatever its type."""

MEMORY_ATTRIBUTES_SINCE: Final = (4, 7)
PAGES_ONLY_SINCE: Final = (4, 8)
MISALIGNED_DATA_NX_SINCE: Final = (6, 1)

_LARGEST_BLOCK: Final = {0x1000: 1 << 30, 0x4000: 32 << 20, 0x10000: 512 << 20}
"""By page size: Linux has blocks of 1 GiB with pages of 4 KiB only, and none at level 0."""

_SERVICES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_DEVICE: Final = "device-nGnRE"


def largest_block(page_size: int) -> int:
    """Bytes of the largest block Linux makes, whatever the tables allow."""
    return _LARGEST_BLOCK[page_size]


class MapTime:
    """How the regions are mapped, asked for in the order in which they are.

    The order counts: once a region of code does not fill its pages, what comes after it and does
    not fill its pages either is executable (since 6.1; before, everything that starts within a page
    is).
    """

    def __init__(self, kernel: Any, page_size: int) -> None:
        self.kernel = kernel
        self.page_size = page_size
        self._misaligned_code = False

    def mapping(self, descriptor: MemoryDescriptor, virtual_start: int) -> Mapping:
        """The mapping of a runtime region."""
        misaligned = self._fills_no_pages(descriptor)
        device = self._is_device(descriptor)
        access = "RW" if device else self._access(descriptor, misaligned=misaligned)
        pages_only = misaligned or descriptor.type in _SERVICES
        return Mapping(
            physical=descriptor.physical,
            virtual_start=virtual_start,
            type=descriptor.type,
            access=access,
            cache=_DEVICE if device else "normal",
            runtime=True,
            descriptors=(descriptor.index,),
            pages_only=pages_only and self.kernel >= PAGES_ONLY_SINCE,
        )

    def _fills_no_pages(self, descriptor: MemoryDescriptor) -> bool:
        """Whether a region shares its first or last page with something else."""
        start, end = descriptor.physical
        return bool(start % self.page_size or (end - start) % self.page_size)

    def _is_device(self, descriptor: MemoryDescriptor) -> bool:
        """By type, not by attribute: what is not EfiMemoryMappedIO is taken for write-back."""
        if self.kernel < BY_TYPE_SINCE:
            return not descriptor.has(EFI_MEMORY_WB)
        return descriptor.type == EfiMemoryType.EfiMemoryMappedIO

    def _access(self, descriptor: MemoryDescriptor, *, misaligned: bool) -> Access:
        code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
        if self.kernel >= MISALIGNED_DATA_NX_SINCE:
            if misaligned:
                self._misaligned_code |= code
                return "RWX" if self._misaligned_code else "RW"
        elif descriptor.physical.start % self.page_size:
            return "RWX"
        if self.kernel < BY_TYPE_SINCE:
            return "RWX" if code else "RW"
        return _declared_access(descriptor, code=code)


def _declared_access(descriptor: MemoryDescriptor, *, code: bool) -> Access:
    """The access that the attributes of the memory map itself ask for."""
    attribute = descriptor.attribute or 0
    if attribute & EFI_MEMORY_RO:
        return "R" if attribute & EFI_MEMORY_XP else "RX"
    protected = attribute & (EFI_MEMORY_RP | EFI_MEMORY_WP | EFI_MEMORY_XP)
    return "RWX" if code and protected != EFI_MEMORY_XP else "RW"


def protections(
    table: MemoryAttributesTable | None, mappings: Iterable[Mapping], options: Any, page_size: int
) -> Iterator[Protection]:
    """What the Memory Attributes Table takes away; it never grants anything."""
    kernel = options["kernel"]
    if not options["memory_attributes"] or kernel < MEMORY_ATTRIBUTES_SINCE:
        return
    for entry, region in entries_in_force(table, mappings, kernel=kernel, page_size=page_size):
        access = access_of(
            writable="W" in region.access and not entry.has(EFI_MEMORY_RO),
            executable="X" in region.access and not entry.has(EFI_MEMORY_XP),
        )
        if access != region.access:
            yield Protection(virtual_part(region, entry.physical), access)
