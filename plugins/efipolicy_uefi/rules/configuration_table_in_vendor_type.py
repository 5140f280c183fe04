"""UEFI-MAP-008, second half."""

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
from efipolicy_uefi.descriptors import vendor_owned
from efipolicy_uefi.tables import extent_of, name_of


@rule(
    "uefi/configuration-table-in-vendor-type",
    severity=Severity.WARNING,
    requirements=("UEFI-MAP-008",),
    sources=("UEFI 2.10 §7.2.1",),
    help="put the table into memory of a type the specification names for tables",
    examples=(
        Bad("0x80000001  0x5000000  2  WB", configuration_tables=("SMBIOS3 0x5000000",)),
        Good(
            "EfiRuntimeServicesData  0x5000000  2  RUNTIME WB",
            "0x80000001              0x6000000  2  WB",
            configuration_tables=("SMBIOS3 0x5000000",),
        ),
    ),
)
def configuration_table_in_vendor_type(
    memory_map: MemoryMap, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """A configuration table lies in memory whose type only its owner understands.

    Types from 0x70000000 on belong to OEMs and to operating system loaders. An operating system
    that does not know the type may overwrite the memory before it has read the table.
    """
    for table in configuration_tables:
        holder = memory_map.at(table.address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        if holder and vendor_owned(holder):
            yield Finding(
                table,
                f"{name_of(table)} lies in memory of the vendor's type {holder.type_name}",
                extent_of(table),
                field="address",
                related=(Related(holder, f"{holder.type_name} holds the table"),),
            )
