"""UEFI-CFG-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Edit,
    Finding,
    Fix,
    Good,
    NotJudged,
    Severity,
    rule,
)
from efipolicy_uefi.tables import INDUSTRY_TABLES, extent_of, name_of


@rule(
    "uefi/industry-table-pointer-converted",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-010",),
    sources=("UEFI 2.10 §4.6.1.1, §4.6.1.3, §4.6.2, §4.6.4, §4.6.5", "Linux commit 1fec0533693c"),
    help="leave the pointer physical when SetVirtualAddressMap is called",
    fix="unsafe",
    examples=(
        Bad(
            sections="""
configuration_tables:
  - table: SMBIOS
    address: 0x7e0a0000
    after_set_virtual_address_map: 0xfffffffefe0a0000
"""
        ),
        Good(
            sections="""
configuration_tables:
  - table: SMBIOS
    address: 0x7e0a0000
    after_set_virtual_address_map: 0x7e0a0000
"""
        ),
        # The exceptions of UEFI 2.10, 4.6.1.2.
        Good(
            sections="""
configuration_tables:
  - table: JSON_CONFIG_DATA
    address: 0x7e0a0000
    after_set_virtual_address_map: 0xfffffffefe0a0000
"""
        ),
    ),
)
def industry_table_pointer_converted(
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding | NotJudged]:
    """The pointer to an industry table became a virtual address with SetVirtualAddressMap.

    SetVirtualAddressMap converts the pointer to the array of configuration tables. The pointers
    inside it, to ACPI, SMBIOS, SAL, MPS, the devicetree and the tables of the specification itself,
    stay physical, because the operating system reads those tables and firmware does not. EDK II
    does just that.

    The kernel that made the call has read its tables before and may not notice. The kernel after it
    does: an HP z420 stored a virtual address for SMBIOS, a kernel started by kexec took it for a
    physical one, and Linux on x86 had to hand the old address from kernel to kernel to undo it.
    """
    for table in configuration_tables:
        if table.name not in INDUSTRY_TABLES:
            continue
        after = table.after_set_virtual_address_map
        if after is None:
            yield NotJudged("configuration_tables[].after_set_virtual_address_map")
        elif after != table.address:
            yield Finding(
                table,
                f"the pointer to {name_of(table)} is {after:#x} after SetVirtualAddressMap, "
                f"not the physical {table.address:#x}",
                extent_of(table),
                field="after_set_virtual_address_map",
                fix=Fix(
                    "unsafe",
                    "restore the physical address",
                    (Edit(table, "after_set_virtual_address_map", table.address),),
                ),
            )
