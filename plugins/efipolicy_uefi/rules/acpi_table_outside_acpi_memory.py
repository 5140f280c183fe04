"""UEFI-CFG-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Related,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of, name_of

_RECLAIM = EfiMemoryType.EfiACPIReclaimMemory
_ROOT_POINTERS = ("ACPI", "ACPI_20")


@rule(
    "uefi/acpi-table-outside-acpi-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-004",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.3"),
    help="allocate the table as EfiACPIReclaimMemory",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
        ),
        Bad(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            uefi="1.10",
            configuration_tables=("ACPI 0x7f00e014",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("SMBIOS3 0x7f00e000", "ACPI_20 0x8f00e000"),
        ),
    ),
)
def acpi_table_outside_acpi_memory(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
    revision: Revision | None = None,
) -> Iterator[Finding | NotJudged]:
    """ACPI tables that were there at boot do not lie in ACPI memory.

    The operating system finds ACPI tables through the root pointer and keeps memory of types
    EfiACPIReclaimMemory and EfiACPIMemoryNVS until it has read them; other memory it may have
    taken by then. U-Boot first kept its tables in runtime services memory and had to move them
    (U-Boot commit 992b1731e6a). EFI 1.10 allowed EfiACPIReclaimMemory only.
    """
    allowed = [_RECLAIM, EfiMemoryType.EfiACPIMemoryNVS]
    if revision and revision < Revision(2, 0):
        allowed = [_RECLAIM]
    for table in configuration_tables:
        if table.name not in _ROOT_POINTERS or table.loaded == "runtime":
            continue
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        if holder and holder.type not in allowed:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} lies in {holder.type_name}, "
                f"not in {' or '.join(kind.name for kind in allowed)}",
                extent_of(table),
                field="address",
                related=(Related(holder, f"{holder.type_name} holds the table"),),
            )
