"""The translation modes of RISC-V and UEFI's binding to it (UEFI 2.11, 2.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

_LEVELS: Final = (
    Level("PGD", shift=48, bits=9, leaf=True),
    Level("P4D", shift=39, bits=9, leaf=True),
    Level("PUD", shift=30, bits=9, leaf=True),
    Level("PMD", shift=21, bits=9, leaf=True),
    Level("PTE", shift=12, bits=9, leaf=True),
)
"""Those of Sv57, the root first. An entry of any level may map memory itself."""


def _geometry(bits: int) -> RadixGeometry:
    """The tree of a mode, named as the specification names the mode.

    Levels have the names of Linux, which its dumps print; the root is its PGD.
    """
    root, *below = (level for level in _LEVELS if level.shift < bits)
    return RadixGeometry(name=f"sv{bits}", levels=(root._replace(name="PGD"), *below))


SV39: Final = _geometry(39)
"""Three levels: every 64-bit hart that translates has them."""

SV48: Final = _geometry(48)
"""Four levels."""

SV57: Final = _geometry(57)
"""Five levels."""


def entry_formats(geometry: RadixGeometry) -> EntryFormats:
    """How the entries of a geometry are laid out, with Svpbmt and Svnapot, as Linux makes them."""
    from efipolicy_riscv64 import entries

    return entries.formats_with(geometry)


RISCV64: Final = Architecture(
    name="riscv64",
    title="RISC-V, 64 bits",
    geometries={0x1000: (SV39, SV48, SV57)},
    cacheability={
        EFI_MEMORY_WB: "PMA",
        EFI_MEMORY_WT: "PMA",
        EFI_MEMORY_WC: "NC",
        EFI_MEMORY_UC: "PMA",
    },
    physical_address_bits=56,
    address_space_register="satp",
    runtime_granularity=Granularity(
        size=0x1000, requirement="UEFI-RT-005", source="UEFI 2.10 §2.3.7"
    ),
    acpi_granularity=Granularity(size=0x1000, requirement="UEFI-RT-006", source="UEFI 2.10 §2.3.7"),
    minimum_stack=0x2000,
    stack_alignment=16,
    entry_formats=entry_formats,
    assumed_physical_address_bits=56,
    source="UEFI 2.11 §2.3.7",
)
"""UEFI binds no memory types to RISC-V. ``PMA`` is what the platform made of an address, cached
memory or a device alike, and so what a call in mode Bare finds; an entry of a page table can only
depart from it. Of the departures of Svpbmt, ``NC`` is memory that combines writes; ``IO`` makes a
device of what is none, and no attribute of UEFI asks for that."""
