"""UEFI-MAT-017."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CONFIGURATION_TABLES,
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryMap,
    NotJudged,
    Severity,
    rule,
)
from efipolicy_uefi.tables import BOOT_DATA, NVS, RECLAIM, RUNTIME_DATA, extent_of, misplaced

_ALLOWED = (RUNTIME_DATA, BOOT_DATA, RECLAIM, NVS)


@rule(
    "uefi/mat-outside-table-memory",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-017",),
    sources=("UEFI 2.10 §4.6.1", "UEFI 2.10 §2.3.2 to §2.3.8"),
    help="allocate the table as EfiRuntimeServicesData or EfiBootServicesData",
    unless=("uefi/configuration-table-in-vendor-type",),
    examples=(
        Bad(
            "EfiConventionalMemory  0x7e000000  16  WB",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7e003018",),
        ),
        Bad(
            "EfiLoaderData  0x7e000000  16  WB",
            sections="memory_attributes_table: {address: 0x7e003018, entries: []}",
            at=0,
        ),
        # Of a table that is not listed no other rule says that nobody describes its memory.
        Bad(
            "EfiBootServicesData  0x7e000000  2  WB",
            sections="memory_attributes_table: {address: 0x7e003018, entries: []}",
            at=0,
        ),
        Good(
            "EfiBootServicesData  0x7e000000  16  WB",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7e003018",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7e003018",),
        ),
    ),
)
def mat_outside_table_memory(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...] | None = None,
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> Iterator[Finding | NotJudged]:
    """The Memory Attributes Table lies in memory that may be gone before it is read.

    The specification leaves the type to what it says of all tables at boot: EfiRuntimeServicesData,
    EfiBootServicesData, EfiACPIReclaimMemory or EfiACPIMemoryNVS. EDK II keeps the table in boot
    services memory, so an operating system has to read or reserve it before it takes that memory,
    as Linux does, and reserve it again for a kernel that kexec starts. In conventional or loader
    memory it is overwritten earlier than that, and what is read then is a fill pattern or somebody
    else's data: see uefi/unknown-mat-version.

    A log names the address of the table behind ``MEMATTR=``; a platform file may list it among the
    configuration tables or give it as ``memory_attributes_table.address``.
    """
    table = _table(configuration_tables or (), memory_attributes_table)
    if table:
        yield from misplaced(memory_map, table, _ALLOWED)
        listed = table in (configuration_tables or ())
        if not listed and memory_map.extent == "whole" and memory_map.at(table.address) is None:
            yield Finding(
                table,
                f"no descriptor holds the Memory Attributes Table at {table.address:#x}",
                extent_of(table),
                field="address",
            )
    elif configuration_tables is None:
        yield NotJudged("memory_attributes_table.address")


def _table(
    configuration_tables: tuple[ConfigurationTable, ...],
    memory_attributes_table: MemoryAttributesTable | None,
) -> ConfigurationTable | None:
    """The table as it is listed, else as what was read of it says."""
    for table in configuration_tables:
        if table.name == "MEMORY_ATTRIBUTES":
            return table
    if memory_attributes_table is None or memory_attributes_table.address is None:
        return None
    return ConfigurationTable(
        name="MEMORY_ATTRIBUTES",
        guid=CONFIGURATION_TABLES["MEMORY_ATTRIBUTES"],
        address=memory_attributes_table.address,
        located=memory_attributes_table.located,
    )
