"""UEFI-CFG-008."""

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
    Severity,
    rule,
)
from efipolicy_uefi.tables import INDUSTRY_TABLES, extent_of, name_of

_READ_BY_THE_SYSTEM_ALONE = frozenset({*INDUSTRY_TABLES, "ESRT", "PROPERTIES"})
_RUNTIME = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)


@rule(
    "uefi/runtime-bit-on-table-memory",
    severity=Severity.INFO,
    requirements=("UEFI-CFG-008",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "Linux arch/arm64/include/asm/dmi.h", "LKML 2024-03-07"),
    help="keep tables in memory of their own that has no EFI_MEMORY_RUNTIME",
    needs=("attributes",),
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7e0a0000  16  RUNTIME WB",
            configuration_tables=("SMBIOS3 0x7e0a0000",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7e0a0000  16  WB",
            configuration_tables=("SMBIOS3 0x7e0a0000",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7e0a0000  16  WB",
            configuration_tables=("SMBIOS3 0x7e0a0000",),
        ),
        # The bit itself is wrong there, and uefi/runtime-bit-on-acpi-memory says so.
        Good(
            "EfiACPIReclaimMemory  0x7e0a0000  16  RUNTIME WB",
            configuration_tables=("SMBIOS3 0x7e0a0000",),
        ),
        # Firmware reads and converts this one itself.
        Good(
            "EfiRuntimeServicesData  0x7e0a0000  16  RUNTIME WB",
            configuration_tables=("JSON_CONFIG_DATA 0x7e0a0000",),
        ),
    ),
)
def runtime_bit_on_table_memory(
    memory_map: MemoryMap, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """A table that only the operating system reads lies in memory mapped for firmware.

    EFI_MEMORY_RUNTIME asks for a mapping in the page tables that firmware runs under. ACPI, SMBIOS,
    the devicetree, the ESRT and their like are read by the operating system, through a mapping of
    its own; beside runtime data they cost pages there and lie within reach of runtime code.

    Whether the specification ever forbade it is disputed. UEFI 2.9, 2.10 and 2.11 forbid the bit on
    EfiACPIReclaimMemory and EfiACPIMemoryNVS only, and prefer EfiRuntimeServicesData for tables at
    boot. For UEFI 2.3.1 to 2.8 a remark that tables in that type need no mapping is remembered, and
    a comment in Linux for arm64 cites it; the comment's maintainer has since called it inaccurate.
    EDK II sets the bit on all memory of the type, and so do AMI, Insyde and U-Boot: of 62 machines
    that print their tables every one that does not keep SMBIOS in reserved memory does this.

    On other types the bit itself is the fault and reported as such. Tables with an unknown GUID may
    be firmware's own and are left alone.
    """
    for table in configuration_tables:
        if table.name not in _READ_BY_THE_SYSTEM_ALONE:
            continue
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        if holder and holder.runtime and holder.type in _RUNTIME:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} lies in {holder.type_name} with "
                "EFI_MEMORY_RUNTIME, though only the operating system reads it",
                extent_of(table) & holder.physical,
                field="address",
                related=(Related(holder, f"{holder.type_name} is mapped for firmware"),),
            )
