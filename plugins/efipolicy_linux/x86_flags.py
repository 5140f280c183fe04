"""With what permissions x86-64 Linux maps the regions of firmware, then and after the call.

Linux 6.12, arch/x86/platform/efi/efi_64.c, and the releases named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_WB,
    EFI_MEMORY_XP,
    Access,
    EfiMemoryType,
    Mapping,
    MemoryAttributesTable,
    Protection,
)
from efipolicy_linux.memory_attributes import access_of, entries_in_force, virtual_part
from efipolicy_linux.x86_topdown import Region

NX_DATA_SINCE: Final = (5, 10)
BOOT_SERVICES_UNMAPPED_SINCE: Final = (5, 0)
MEMORY_ATTRIBUTES_SINCE: Final = (4, 11)
PROPERTIES_TABLE_SINCE: Final = (4, 6)
PROPERTIES_TABLE_UNTIL: Final = (6, 13)
ENCRYPTED_SINCE: Final = (4, 15)
MMIO_UNENCRYPTED_SINCE: Final = (5, 10)

_CODE = (EfiMemoryType.EfiBootServicesCode, EfiMemoryType.EfiRuntimeServicesCode)


class MapTime(NamedTuple):
    """What the kernel's release and the machine decide about every mapping.

    ``nx`` tells whether anything is mapped as not executable, ``encrypts`` whether mappings carry
    the encryption bit, and ``encrypts_mmio`` whether those of registers do; ``unmaps`` whether
    boot-services regions are taken out again.
    """

    nx: bool
    encrypts: bool
    encrypts_mmio: bool
    unmaps: bool

    @classmethod
    def of(cls, options: Any) -> MapTime:
        """What the options of a plan come to."""
        kernel = options["kernel"]
        encrypts = kernel >= ENCRYPTED_SINCE and options["encryption"] in ("sev", "sev-es")
        return cls(
            nx=kernel >= NX_DATA_SINCE,
            encrypts=encrypts,
            encrypts_mmio=encrypts and kernel < MMIO_UNENCRYPTED_SINCE,
            unmaps=kernel >= BOOT_SERVICES_UNMAPPED_SINCE and not options["efi_debug"],
        )

    def mapping(self, region: Region) -> Mapping:
        """The mapping of a region at its virtual address.

        Only write-back is told from anything else, which becomes uncached.
        """
        type, attribute = region.type, region.attribute
        runtime = region.descriptors[0].runtime
        mmio = type == EfiMemoryType.EfiMemoryMappedIO
        return Mapping(
            physical=region.physical,
            virtual_start=region.virtual_start,
            type=type,
            access="RW" if self.nx and type not in _CODE else "RWX",
            cache="WB" if attribute & EFI_MEMORY_WB else "UC-",
            runtime=runtime,
            descriptors=tuple([descriptor.index for descriptor in region.descriptors]),
            temporary=self.unmaps and not runtime,
            encrypted=self.encrypts_mmio if mmio else self.encrypts,
        )

    @property
    def page_0(self) -> Access:
        """How page 0 is mapped."""
        return "RW" if self.nx else "RWX"


def protections(
    table: MemoryAttributesTable | None,
    placed: Iterable[tuple[Region, Mapping]],
    options: Any,
) -> tuple[Protection, ...]:
    """What is changed once SetVirtualAddressMap is done, at both addresses of each region.

    The Memory Attributes Table decides where it is published and the kernel knows it (4.11), else
    the properties table of UEFI 2.5, which kernels from 4.6 to 6.12 look at.
    """
    kernel = options["kernel"]
    if table and options["memory_attributes"] and kernel >= MEMORY_ATTRIBUTES_SINCE:
        mappings = [mapping for _, mapping in placed]
        return tuple(_from_attributes(table, mappings, kernel))
    if options["properties_table_nx"] and PROPERTIES_TABLE_SINCE <= kernel < PROPERTIES_TABLE_UNTIL:
        return tuple(_from_properties(placed))
    return ()


def _from_attributes(
    table: MemoryAttributesTable, mappings: Iterable[Mapping], kernel: Any
) -> Iterator[Protection]:
    for entry, region in entries_in_force(table, mappings, kernel=kernel):
        access = access_of(
            writable=not entry.has(EFI_MEMORY_RO), executable=not entry.has(EFI_MEMORY_XP)
        )
        yield Protection(entry.physical, access)
        yield Protection(virtual_part(region, entry.physical), access)


def _from_properties(placed: Iterable[tuple[Region, Mapping]]) -> Iterator[Protection]:
    """Code is no longer writable and data no longer executable, by type and by attribute."""
    for region, mapping in placed:
        if not mapping.runtime:
            continue
        code = region.type == EfiMemoryType.EfiRuntimeServicesCode
        data = region.type == EfiMemoryType.EfiRuntimeServicesData
        access = access_of(
            writable=not (code or region.attribute & EFI_MEMORY_RO),
            executable=not (data or region.attribute & EFI_MEMORY_XP),
        )
        yield Protection(region.physical, access)
        if mapping.virtual_start is not None:
            yield Protection(virtual_part(mapping, region.physical), access)
