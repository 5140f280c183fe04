"""UEFI-CFG-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AcpiTable,
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.tables import (
    ACPI_ROOT_POINTERS,
    acpi_types,
    misplaced,
    misplaced_acpi_table,
)


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
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            sections="acpi_tables: [{signature: XSDT, address: 0x7f00e0e8, length: 92}]",
            at=0,
        ),
        Bad(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            uefi="1.10",
            configuration_tables=("ACPI 0x7f00e014",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
            sections="acpi_tables: [{signature: XSDT, address: 0x7f00e0e8, length: 92}]",
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
            sections="acpi_tables: [{signature: XSDT, address: 0x7f00e0e8, length: 92}]",
        ),
        # No descriptor holds the root pointer: uefi/configuration-table-outside-map says so.
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("SMBIOS3 0x7f00e000", "ACPI_20 0x8f00e000"),
            sections="acpi_tables: []",
        ),
    ),
)
def acpi_table_outside_acpi_memory(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...] | None = None,
    acpi_tables: tuple[AcpiTable, ...] | None = None,
    revision: Revision | None = None,
) -> Iterator[Finding | NotJudged]:
    """ACPI tables that were there at boot do not lie in ACPI memory.

    The operating system finds ACPI tables through the root pointer and keeps memory of types
    EfiACPIReclaimMemory and EfiACPIMemoryNVS until it has read them; other memory it may have
    taken by then, or may never map. U-Boot first kept its tables in runtime services memory and
    had to move them (U-Boot commit 992b1731e6a). EFI 1.10 allowed EfiACPIReclaimMemory only.

    The root pointers are judged where ``configuration_tables`` lists them, what hangs on them where
    ``acpi_tables`` does: a log shows only the former. The FACS, and tables that are loaded while
    the operating system runs, have stricter rules of their own.
    """
    allowed = acpi_types(revision)
    roots = [table for table in configuration_tables or () if table.name in ACPI_ROOT_POINTERS]
    for root in roots:
        if root.loaded != "runtime":
            yield from misplaced(memory_map, root, allowed)
    for table in acpi_tables or ():
        if table.signature != "FACS" and table.loaded != "runtime":
            yield from misplaced_acpi_table(memory_map, table, allowed)
    if configuration_tables is None and acpi_tables is None:
        yield NotJudged("configuration_tables")
    if roots and acpi_tables is None:
        yield NotJudged("acpi_tables")
