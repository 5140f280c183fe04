"""UEFI-CFG-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Severity,
    rule,
)
from efipolicy_uefi.tables import (
    ACPI_ROOT_POINTERS,
    BOOT_DATA,
    NVS,
    RECLAIM,
    RESERVED,
    RUNTIME_DATA,
    misplaced,
)

_ALLOWED = (RUNTIME_DATA, BOOT_DATA, RECLAIM, NVS)
_RULED_ELSEWHERE = (*ACPI_ROOT_POINTERS, "DTB", "ESRT")
_OF_AN_IMAGE = (
    EfiMemoryType.EfiLoaderCode,
    EfiMemoryType.EfiLoaderData,
    EfiMemoryType.EfiBootServicesCode,
    EfiMemoryType.EfiRuntimeServicesCode,
)
"""Where a loader allocates, and where the static data of drivers lies."""


@rule(
    "uefi/boot-table-outside-table-memory",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-002",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "UEFI 2.10 §4.6.1"),
    help="allocate the table as EfiRuntimeServicesData",
    needs=("whole_map",),
    unless=(
        "uefi/configuration-table-in-vendor-type",
        "uefi/mat-outside-table-memory",
        "uefi/smbios-outside-runtime-services-data",
    ),
    examples=(
        Bad(
            "EfiLoaderData  0x80100000  16  WB",
            configuration_tables=("SMBIOS 0x80100000",),
        ),
        Bad(
            "EfiConventionalMemory  0x80100000  16  WB",
            configuration_tables=("12345678-9abc-def0-1234-56789abcdef0 0x80100000",),
        ),
        Good(
            "EfiRuntimeServicesData  0x80100000  16  RUNTIME WB",
            configuration_tables=("SMBIOS 0x80100000",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x80100000  16  WB",
            configuration_tables=("RT_PROPERTIES 0x80100000 8",),
        ),
        # Reserved memory is uefi/configuration-table-in-reserved-memory.
        Good(
            "EfiReservedMemoryType  0x80100000  16  WB",
            configuration_tables=("SMBIOS 0x80100000",),
        ),
        # A loader's own table, which it hands to its kernel.
        Good(
            "EfiLoaderData  0x80100000  16  WB",
            configuration_tables=("12345678-9abc-def0-1234-56789abcdef0 0x80100000",),
        ),
        # The DXE services table of EDK II, static data of a boot driver for others of its kind.
        Good(
            "EfiBootServicesCode  0x80100000  16  WB",
            configuration_tables=("05ad34ba-6f02-4214-952e-4da0398e2bb9 0x80100000",),
        ),
    ),
)
def boot_table_outside_table_memory(
    memory_map: MemoryMap, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """A configuration table lies in memory of a type that is not meant for tables.

    Tables that are there at boot belong into EfiRuntimeServicesData, which is the type the
    specification prefers, or into EfiBootServicesData, EfiACPIReclaimMemory or EfiACPIMemoryNVS.
    Loader and conventional memory is recycled without a look at what it holds: Linux protects the
    tables it knows before it does so, a table it does not know is overwritten. A Linux that
    controls Xen finds tables in such memory already taken by the hypervisor.

    The specification says "in general", so a table's own specification may say otherwise. ACPI
    tables, the devicetree and the ESRT have rules of their own; reserved memory, and types of a
    vendor, are reported by the rules that name them. A table of an unknown GUID in loader memory
    is taken for one the loader hands to its kernel; one inside a driver's image, such as the DXE
    services and debug information tables of EDK II, for one that drivers pass among themselves.
    """
    for table in configuration_tables:
        if table.name in _RULED_ELSEWHERE or table.loaded == "runtime":
            continue
        holder = memory_map.at(table.address)
        if holder and (
            holder.type == RESERVED or (table.name is None and holder.type in _OF_AN_IMAGE)
        ):
            continue
        yield from misplaced(memory_map, table, _ALLOWED)
