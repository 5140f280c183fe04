"""Itanium: regions and granules instead of a tree, and granularities of 8 KiB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    Architecture,
    Granularity,
    RadixGeometry,
    RegionGeometry,
    Rule,
    hookimpl,
)

if TYPE_CHECKING:
    from efipolicy.plugin.paging import EntryFormats

EFIPOLICY_API = 1


def _geometry(page_size: int) -> RegionGeometry:
    """Linux's use of the regions: 7 is the cached identity, 6 the uncached one."""
    return RegionGeometry(
        name=f"ia64-{page_size >> 10}k",
        page_size=page_size,
        granule_sizes=(16 << 20, 64 << 20),
        cached_region=7,
        uncached_region=6,
    )


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """The translation of a granule; a tree of one level stands for granules of its page size."""
    from efipolicy_ia64.entries import translation_formats

    return translation_formats(geometry.page_size)


IA64 = Architecture(
    name="ia64",
    title="Itanium",
    # Linux was built with pages of 16 KiB unless somebody asked for another size.
    geometries={size: (_geometry(size),) for size in (0x4000, 0x1000, 0x2000, 0x10000)},
    cacheability={
        EFI_MEMORY_WB: "WB",
        EFI_MEMORY_WC: "WC",
        EFI_MEMORY_UC: "UC",
        EFI_MEMORY_UCE: "UCE",
    },
    physical_address_bits=63,
    address_space_register="rr6 and rr7",
    runtime_granularity=Granularity(size=0x2000, requirement="IA64-001", source="UEFI 2.10 §2.3.3"),
    acpi_granularity=Granularity(size=0x2000, requirement="IA64-002", source="UEFI 2.10 §2.3.3"),
    entry_formats=entry_formats,
    source="UEFI 2.10 §2.3.3",
)


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The architecture ``ia64``."""
    yield IA64


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``ia64``."""
    from efipolicy.plugin import rules_in
    from efipolicy_ia64 import rules

    return rules_in(rules)
