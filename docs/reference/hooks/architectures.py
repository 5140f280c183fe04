"""A processor with page tables of two levels."""

from collections.abc import Iterable

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    Architecture,
    Granularity,
    Level,
    RadixGeometry,
    hookimpl,
)

EFIPOLICY_API = 1

MANUAL = "Acme processor manual, chapter 4"

TWO_LEVELS = RadixGeometry(
    name="acme32-2level",
    levels=(
        Level("ROOT", shift=22, bits=10, leaf=True),
        Level("LEAF", shift=12, bits=10, leaf=True),
    ),
    entry_bytes=4,
    address_space="unsigned",
)


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The processor ``acme32``."""
    yield Architecture(
        name="acme32",
        title="Acme, 32 bits",
        geometries={0x1000: (TWO_LEVELS,)},
        cacheability={EFI_MEMORY_WB: "cached", EFI_MEMORY_UC: "uncached"},
        physical_address_bits=32,
        address_space_register="ROOT",
        runtime_granularity=Granularity(size=0x4000, requirement="ACME-010", source=MANUAL),
        acpi_granularity=Granularity(size=0x1000, requirement="ACME-011", source=MANUAL),
        source=MANUAL,
    )
