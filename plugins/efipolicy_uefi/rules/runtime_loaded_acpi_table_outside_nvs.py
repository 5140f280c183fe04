"""UEFI-CFG-006."""

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
    NVS,
    RESERVED,
    acpi_types,
    misplaced,
    misplaced_acpi_table,
)

_ALWAYS_AT_BOOT = frozenset({"RSDT", "XSDT", "FACP", "FACS", "DSDT"})


@rule(
    "uefi/runtime-loaded-acpi-table-outside-nvs",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-006",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.3"),
    help="keep tables that are loaded later in EfiACPIMemoryNVS",
    examples=(
        Bad(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: SSDT, address: 0x7f00a000, loaded: runtime}]",
            at=0,
        ),
        Bad(
            "EfiReservedMemoryType  0x7f000000  16  WB",
            uefi="2.10",
            sections="acpi_tables: [{signature: SSDT, address: 0x7f00a000, loaded: runtime}]",
            at=0,
        ),
        Bad(
            "EfiReservedMemoryType  0x7f000000  16  WB",
            configuration_tables=("ACPI_20 0x7f00a000 36 runtime",),
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: SSDT, address: 0x7f00a000, loaded: runtime}]",
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: SSDT, address: 0x7f00a000, loaded: boot}]",
        ),
        # EFI 1.10 let firmware use memory it had reserved.
        Good(
            "EfiReservedMemoryType  0x7f000000  16  WB",
            uefi="1.10",
            sections="acpi_tables: [{signature: SSDT, address: 0x7f00a000, loaded: runtime}]",
        ),
    ),
)
def runtime_loaded_acpi_table_outside_nvs(
    memory_map: MemoryMap,
    acpi_tables: tuple[AcpiTable, ...] | None = None,
    configuration_tables: tuple[ConfigurationTable, ...] | None = None,
    revision: Revision | None = None,
) -> Iterator[Finding | NotJudged]:
    """An ACPI table that is loaded while the operating system runs does not lie in NVS memory.

    AML may load a table long after boot: the description of a processor that came by hot plug, or
    the one that matches what a machine was docked to. By then the operating system has read the
    tables of boot time and is free to use EfiACPIReclaimMemory for itself; what AML loads is what
    happens to lie there. Only EfiACPIMemoryNVS is sure to be kept.

    EFI 1.10 also let firmware keep such tables in memory it had reserved. A table of which the file
    does not say when it is ``loaded`` is judged where its type would do at neither time, by
    uefi/acpi-table-outside-acpi-memory; otherwise it is not checked.
    """
    at_boot = acpi_types(revision)
    old = revision is not None and revision < Revision(2, 0)
    allowed = (NVS, RESERVED) if old else (NVS,)
    for table in acpi_tables or ():
        if table.loaded == "runtime":
            yield from misplaced_acpi_table(memory_map, table, allowed)
        elif table.loaded is None and table.signature not in _ALWAYS_AT_BOOT:
            holder = memory_map.at(table.address)
            if holder is None or (holder.type in at_boot and holder.type not in allowed):
                yield NotJudged("acpi_tables[].loaded")
    for root in configuration_tables or ():
        if root.name in ACPI_ROOT_POINTERS and root.loaded == "runtime":
            yield from misplaced(memory_map, root, allowed)
    if acpi_tables is None:
        yield NotJudged("acpi_tables")
