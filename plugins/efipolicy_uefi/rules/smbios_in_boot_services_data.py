"""UEFI-CFG-013."""

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
from efipolicy_uefi.tables import BOOT_DATA, extent_of, name_of


@rule(
    "uefi/smbios-in-boot-services-data",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-013",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "Linux drivers/xen/efi.c"),
    help="allocate the SMBIOS tables as EfiRuntimeServicesData",
    unless=(
        "uefi/runtime-loaded-table-outside-kept-memory",
        "uefi/smbios-outside-runtime-services-data",
    ),
    examples=(
        Bad(
            "EfiBootServicesData  0x7f000000  16  WB",
            configuration_tables=("SMBIOS 0x7f000000",),
        ),
        Bad(
            "EfiBootServicesData  0x7f000000  16  WB",
            configuration_tables=("SMBIOS3 0x7f000000",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("SMBIOS 0x7f000000",),
        ),
    ),
)
def smbios_in_boot_services_data(
    memory_map: MemoryMap, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """SMBIOS lies in memory that is free once boot services have ended.

    The specification allows it: an operating system has to copy the tables it wants before it takes
    EfiBootServicesData for itself. Linux reserves SMBIOS early and copes. Under Xen the hypervisor
    has recycled the memory before the control domain starts, and that domain does without SMBIOS:
    no serial numbers, no quirks chosen by the machine's name.
    """
    for table in configuration_tables:
        if table.name not in ("SMBIOS", "SMBIOS3"):
            continue
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        if holder and holder.type == BOOT_DATA:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} lies in EfiBootServicesData, which the "
                "operating system takes for itself",
                extent_of(table) & holder.physical,
                field="address",
                related=(Related(holder, "EfiBootServicesData holds the table"),),
            )
