"""How the processor translates addresses, and what UEFI's binding to it demands.

All of it is data. The builder, the walker, the rules and the pictures of efipolicy read it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    Architecture,
    Granularity,
    Level,
    RadixGeometry,
)

if TYPE_CHECKING:
    from efipolicy.plugin.paging import EntryFormats

MANUAL: Final = "the manual of Acme64"
"""Where the facts are from. A finding cites it, so be precise: document, revision, section."""

PAGE: Final = 0x4000
"""Bytes of the smallest page: 16 KiB, four pages of EFI."""

GEOMETRY: Final = RadixGeometry(
    name="acme64-3level",
    # From the root down. `shift` is the lowest address bit that selects an entry, `bits` how many
    # do. The shifts continue each other: 36 = 25 + 11, 25 = 14 + 11, and 14 bits are a page.
    levels=(
        Level("ROOT", shift=36, bits=11),
        Level("MIDDLE", shift=25, bits=11, leaf=True),
        Level("LAST", shift=14, bits=11, leaf=True),
    ),
    # The bits above the 47 that are translated repeat the highest of them.
    address_space="signed",
)
"""Three levels, leaves of 32 MiB and of 16 KiB."""


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """Say how the entries of a geometry are laid out. Loaded when somebody builds tables."""
    from efipolicy_acme64 import entries

    return entries.formats_of(geometry)


ARCHITECTURE: Final = Architecture(
    name="acme64",
    title="Acme64",
    # Bytes of an operating system's page: the page tables it may use, the usual one first.
    geometries={PAGE: (GEOMETRY,)},
    # What the attributes of UEFI become. One that is not named here does not exist.
    cacheability={
        EFI_MEMORY_WB: "cached",
        EFI_MEMORY_UC: "uncached",
    },
    physical_address_bits=48,
    address_space_register="ROOT",
    # Firmware that reports a runtime region of 4 KiB cannot be protected by pages of 16 KiB.
    runtime_granularity=Granularity(
        size=PAGE,
        requirement="ACME64-001",
        source=MANUAL,
    ),
    acpi_granularity=Granularity(
        size=0x1000,
        requirement="ACME64-002",
        source=MANUAL,
    ),
    minimum_stack=0x2000,
    stack_alignment=16,
    entry_formats=entry_formats,
    assumed_physical_address_bits=48,
    source=MANUAL,
)
