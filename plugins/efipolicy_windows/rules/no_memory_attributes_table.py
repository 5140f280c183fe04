"""WIN-002 and UEFI-MAT-014, the absence of the table."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryAttributesTable,
    NotJudged,
    Platform,
    Severity,
    rule,
)

_YOUNGER_THAN_THE_TABLE = "RT_PROPERTIES"
"""Linux learnt of this one in 5.7: a kernel that lists it would list the MAT too."""


@rule(
    "windows/no-memory-attributes-table",
    severity=Severity.WARNING,
    requirements=("WIN-002", "UEFI-MAT-014"),
    sources=(
        "Microsoft: UEFI requirements, bringup/unified-extensible-firmware-interface",
        "Microsoft policy CSP RequireUEFIMemoryAttributesTable",
    ),
    help="publish EFI_MEMORY_ATTRIBUTES_TABLE for all runtime services memory",
    architectures=("x86_64", "arm64"),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            configuration_tables=("ACPI_20 0x7e000014",),
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            configuration_tables=("ACPI_20 0x7e000014", "MEMORY_ATTRIBUTES 0x7d000018"),
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            configuration_tables=("ACPI_20 0x7e000014",),
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",),
        ),
    ),
)
def no_memory_attributes_table(
    platform: Platform,
    configuration_tables: tuple[ConfigurationTable, ...],
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> Iterator[Finding | NotJudged]:
    """Firmware publishes no Memory Attributes Table.

    Windows 10 1703 and later protects runtime services memory with the hypervisor (HVCI) when the
    table tells code from data. Without it that memory stays outside the protection, and where the
    policy RequireUEFIMemoryAttributesTable is set, virtualization-based security does not start.

    UEFI leaves the table optional. Linux maps runtime code writable and executable without one.
    U-Boot has none.

    The evidence is a list of configuration tables without the entry. A kernel prints only those it
    knows, so a list from a log counts when it has EFI_RT_PROPERTIES_TABLE, which Linux learnt of
    later; otherwise this is not checked. What a table that
    exists leaves open is other rules' business.
    """
    listed = any(table.name == "MEMORY_ATTRIBUTES" for table in configuration_tables)
    if listed or memory_attributes_table is not None:
        return
    lists_young_ones = any(table.name == _YOUNGER_THAN_THE_TABLE for table in configuration_tables)
    if platform.configuration_tables_extent != "whole" and not lists_young_ones:
        yield NotJudged("configuration_tables_extent: whole")
    else:
        yield Finding(
            platform,
            "EFI_MEMORY_ATTRIBUTES_TABLE is not among the configuration tables listed "
            f"({len(configuration_tables)})",
            field="configuration_tables",
        )
