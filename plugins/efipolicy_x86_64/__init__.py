"""x86-64: page tables of four and five levels, and what UEFI binds to it."""

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

_LOWER_LEVELS = (
    Level("PUD", shift=30, bits=9, leaf=True),
    Level("PMD", shift=21, bits=9, leaf=True),
    Level("PTE", shift=12, bits=9, leaf=True),
)

FOUR_LEVEL = RadixGeometry(
    name="x86_64-4level",
    levels=(Level("PGD", shift=39, bits=9), *_LOWER_LEVELS),
)
"""The paging every 64-bit processor has: 48 bits. Linux folds its P4D level into the PGD."""

FIVE_LEVEL = RadixGeometry(
    name="x86_64-5level",
    levels=(Level("PGD", shift=48, bits=9), Level("P4D", shift=39, bits=9), *_LOWER_LEVELS),
)
"""Paging with LA57: 57 bits."""


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """How the entries of a geometry are laid out, under the page-attribute table of Linux."""
    from efipolicy_x86_64 import entries

    return entries.entry_formats(geometry)


X86_64 = Architecture(
    name="x86_64",
    title="x86-64",
    geometries={0x1000: (FOUR_LEVEL, FIVE_LEVEL)},
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
        size=0x1000, requirement="UEFI-RT-005", source="UEFI 2.10 §2.3.4"
    ),
    acpi_granularity=Granularity(size=0x1000, requirement="UEFI-RT-006", source="UEFI 2.10 §2.3.4"),
    minimum_stack=0x1000,
    stack_alignment=16,
    entry_formats=entry_formats,
    assumed_physical_address_bits=52,
    source="UEFI 2.10 §2.3.4",
)


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The architecture ``x86_64``."""
    yield X86_64


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``x86_64``."""
    from efipolicy.plugin import rules_in
    from efipolicy_x86_64 import rules

    return rules_in(rules)
