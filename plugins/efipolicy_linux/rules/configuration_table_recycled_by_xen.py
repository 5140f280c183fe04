"""LNX-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    MappingDeclaration,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Severity,
    kernels_before,
    rule,
)

_KEPT = (
    EfiMemoryType.EfiReservedMemoryType,
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
)


@rule(
    "linux/configuration-table-recycled-by-xen",
    severity=Severity.WARNING,
    requirements=("LNX-004",),
    sources=("Linux 6.12 drivers/xen/efi.c",),
    help="allocate the table as EfiACPIReclaimMemory",
    architectures=("x86_64", "arm64"),
    examples=(
        Bad(
            "EfiBootServicesData  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d978018",),
            sections="""
mapping:
  - {os: linux, hypervisor: xen}
""",
        ),
        Bad(
            "EfiBootServicesData  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d978018",),
            sections="mapping: [{os: xen}]",
        ),
        Good(
            "EfiACPIReclaimMemory  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d978018",),
            sections="""
mapping:
  - {os: linux, hypervisor: xen}
""",
        ),
        Good(
            "EfiBootServicesData  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("MEMORY_ATTRIBUTES 0x7d978018",),
            sections="""
mapping:
  - {os: linux, hypervisor: kvm}
""",
        ),
    ),
)
def configuration_table_recycled_by_xen(
    platform: Platform,
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
    mapping: MappingDeclaration,
) -> Iterator[Finding | NotJudged]:
    """A configuration table lies in memory that Xen has recycled before its dom0 looks.

    Xen takes boot-services memory for itself before it starts the first guest, so what a table
    there held is gone. Linux as dom0 asks Xen for the type of the memory behind each configuration
    table and uses only those in reserved, runtime services or ACPI memory; the others it ignores,
    and with them the ESRT and firmware updates, or the Memory Attributes Table.

    UEFI allows boot-services memory for such tables, and EDK II uses it for several. Without Xen
    the operating system reserves the pages in time.
    """
    # Tables are the platform's: one finding each, however many kernels run on Xen.
    if not _is_xen(mapping):
        if mapping.hypervisor is None and not kernels_before(mapping, platform):
            yield NotJudged("mapping[].hypervisor")
        return
    if mapping is not next(filter(_is_xen, _kernels(platform))):
        return
    for table in configuration_tables:
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif holder and holder.type not in _KEPT:
            name = table.name or table.guid
            yield Finding(
                table,
                f"{name} at {table.address:#x} lies in {holder.type_name}, which Xen recycles",
                AddressRange(table.address, table.address + (table.length or 1)),
                field="address",
                related=(Related(holder, f"{holder.type_name} holds the table"),),
            )


def _is_xen(mapping: MappingDeclaration) -> bool:
    """Whether Xen is below a kernel, or is the kernel itself."""
    below = mapping.hypervisor or mapping.os or ""
    return below.casefold().startswith("xen")


def _kernels(platform: Platform) -> Iterator[MappingDeclaration]:
    for declared in platform.mapping or ():
        yield declared
        yield from declared.kexec
