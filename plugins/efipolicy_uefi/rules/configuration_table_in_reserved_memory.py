"""UEFI-CFG-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import RESERVED, extent_of, name_of


@rule(
    "uefi/configuration-table-in-reserved-memory",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-003",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "UEFI 2.11 §2.3.2 to §2.3.8"),
    help="allocate the table as EfiRuntimeServicesData, ACPI tables as EfiACPIReclaimMemory",
    unless=(
        "uefi/runtime-loaded-acpi-table-outside-nvs",
        "uefi/runtime-loaded-table-outside-kept-memory",
        "uefi/devicetree-outside-acpi-reclaim-memory",
        "uefi/esrt-outside-boot-services-data",
        "uefi/mat-outside-table-memory",
        "uefi/smbios-outside-runtime-services-data",
    ),
    examples=(
        Bad(
            "EfiReservedMemoryType  0xe0000  32  WB",
            configuration_tables=("ACPI_20 0xf0010 36",),
        ),
        Bad(
            "EfiReservedMemoryType  0xe0000  32  WB",
            configuration_tables=("SMBIOS 0xf04c0",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f000014 36",),
        ),
    ),
)
def configuration_table_in_reserved_memory(
    memory_map: MemoryMap, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """A configuration table lies in reserved memory, which is not meant for tables.

    Some operating systems never map what the memory map calls reserved, and then cannot read what
    lies there. Linux on x86 reads it all the same: three of thirteen machines whose log names the
    table keep SMBIOS there, from three vendors, and all of them work. That makes it worth knowing
    rather than a fault to stop for.

    The wording of the specification differs from one architecture to the next: for IA-32 and x64 it
    says that reserved memory is not intended for configuration tables, for Itanium that it is not
    intended for firmware at all. Of the devicetree, the ESRT and the Memory Attributes Table the
    rule that demands a type for them speaks alone.
    """
    for table in configuration_tables:
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        if holder and holder.type == RESERVED:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} lies in EfiReservedMemoryType",
                extent_of(table) & holder.physical,
                field="address",
                related=(Related(holder, "reserved memory holds the table"),),
            )
