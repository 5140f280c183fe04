"""The translation granules of AArch64 and UEFI's binding to it (UEFI 2.10, 2.3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    Architecture,
    Granularity,
    Level,
    RadixGeometry,
)

if TYPE_CHECKING:
    from efipolicy.plugin.paging import EntryFormats

_CONTIGUOUS = {12: {3: 16, 2: 16}, 14: {3: 128, 2: 32}, 16: {3: 32, 2: 32}}
"""By granule shift and level: how many neighbouring leaves may be marked as one translation."""


def _geometry(page_shift: int, virtual_address_bits: int, *, first_block: int) -> RadixGeometry:
    """The tree that translates so many bits. Its level 3 holds pages and is always there.

    ``first_block`` is the level nearest the root whose entries may be blocks.
    """
    bits = page_shift - 3  # a table fills one granule with entries of 8 bytes
    levels: list[Level] = []
    shift, number = page_shift, 3
    while shift < virtual_address_bits:
        level = Level(
            f"L{number}",
            shift=shift,
            bits=min(bits, virtual_address_bits - shift),
            leaf=number >= first_block,
            contiguous=_CONTIGUOUS[page_shift].get(number),
        )
        levels.insert(0, level)
        shift += bits
        number -= 1
    return RadixGeometry(
        name=f"arm64-{1 << (page_shift - 10)}k-{virtual_address_bits}",
        levels=tuple(levels),
        address_space="split",
    )


_OFFERED = {
    # granule shift: (width, level nearest the root that may hold a block), the usual width first
    12: ((48, 1), (39, 1), (52, 0)),  # FEAT_LPA2: five levels and the 512 GiB block
    14: ((48, 2), (47, 2), (36, 2), (52, 1)),  # FEAT_LPA2: the 64 GiB block
    16: ((48, 2), (42, 2), (52, 2)),  # FEAT_LVA; the 4 TiB block needs FEAT_LPA, another feature
}

GEOMETRIES = {
    1 << page_shift: tuple(
        _geometry(page_shift, bits, first_block=first_block) for bits, first_block in offered
    )
    for page_shift, offered in _OFFERED.items()
}
"""By granule in bytes: the widths that Linux can be built for."""


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """How the entries of a geometry are laid out, as Linux makes them."""
    from efipolicy_arm64 import entries

    return entries.entry_formats(geometry)


ARM64 = Architecture(
    name="arm64",
    title="AArch64",
    geometries=GEOMETRIES,
    cacheability={
        EFI_MEMORY_WB: "normal",
        EFI_MEMORY_WT: "normal-wt",
        EFI_MEMORY_WC: "normal-nc",
        EFI_MEMORY_UC: "device-nGnRnE",
    },
    physical_address_bits=56,
    address_space_register="TTBR0_EL1",
    runtime_granularity=Granularity(
        size=0x1000, requirement="UEFI-RT-005", source="UEFI 2.10 §2.3.6"
    ),
    acpi_granularity=Granularity(size=0x1000, requirement="UEFI-RT-006", source="UEFI 2.10 §2.3.6"),
    isa_mask_defined=True,
    minimum_stack=0x2000,
    stack_alignment=16,
    entry_formats=entry_formats,
    assumed_physical_address_bits=48,
    source="UEFI 2.10 §2.3.6",
)
