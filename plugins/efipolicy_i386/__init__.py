"""IA-32: classic and PAE page tables, and what UEFI binds to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WP,
    EFI_MEMORY_WT,
    Architecture,
    Granularity,
    Level,
    RadixGeometry,
    Rule,
    hookimpl,
)

if TYPE_CHECKING:
    from efipolicy.plugin.paging import EntryFormats

EFIPOLICY_API = 1

CLASSIC = RadixGeometry(
    name="i386-classic",
    levels=(
        Level("PGD", shift=22, bits=10, leaf=True),
        Level("PTE", shift=12, bits=10, leaf=True),
    ),
    entry_bytes=4,
    address_space="unsigned",
)
"""Two levels of 32-bit entries; a leaf of 4 MiB needs PSE."""

PAE = RadixGeometry(
    name="i386-pae",
    levels=(
        Level("PGD", shift=30, bits=2),
        Level("PMD", shift=21, bits=9, leaf=True),
        Level("PTE", shift=12, bits=9, leaf=True),
    ),
    address_space="unsigned",
)
"""Three levels of 64-bit entries: physical addresses beyond 4 GiB, and no-execute."""


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """How the entries of a geometry are laid out, under the page-attribute table of Linux."""
    from efipolicy_i386 import entries

    return entries.entry_formats(geometry)


I386 = Architecture(
    name="i386",
    title="IA-32",
    geometries={0x1000: (PAE, CLASSIC)},
    cacheability={
        EFI_MEMORY_WB: "WB",
        EFI_MEMORY_WT: "WT",
        EFI_MEMORY_WC: "WC",
        EFI_MEMORY_UC: "UC",
        EFI_MEMORY_WP: "WP",
    },
    physical_address_bits=52,
    address_space_register="CR3",
    runtime_granularity=Granularity(
        size=0x1000, requirement="UEFI-RT-005", source="UEFI 2.10 §2.3.2"
    ),
    acpi_granularity=Granularity(size=0x1000, requirement="UEFI-RT-006", source="UEFI 2.10 §2.3.2"),
    minimum_stack=0x1000,
    stack_alignment=16,
    entry_formats=entry_formats,
    assumed_physical_address_bits=52,
    source="UEFI 2.10 §2.3.2",
)


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The architecture ``i386``."""
    yield I386


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``i386``."""
    from efipolicy.plugin import rules_in
    from efipolicy_i386 import rules

    return rules_in(rules)
