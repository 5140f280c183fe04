"""UEFI-CFG-015, the table that stays physical."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    NotJudged,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of


@rule(
    "uefi/json-capsule-data-pointer-converted",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-015",),
    sources=("UEFI 2.10 §4.6.1.2", "UEFI 2.11 §4.6.1.2"),
    help="leave the pointer physical when SetVirtualAddressMap is called",
    examples=(
        Bad(
            sections="""
configuration_tables:
  - table: JSON_CAPSULE_DATA
    address: 0x7e0a1000
    after_set_virtual_address_map: 0x200a1000
"""
        ),
        Good(
            sections="""
configuration_tables:
  - table: JSON_CAPSULE_DATA
    address: 0x7e0a1000
    after_set_virtual_address_map: 0x7e0a1000
"""
        ),
    ),
)
def json_capsule_data_pointer_converted(
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding | NotJudged]:
    """The pointer to the JSON capsule data became a virtual address.

    Of the three JSON tables two are converted by SetVirtualAddressMap, because firmware uses them
    at run time. The capsule data is what an operating system left for the next boot and firmware
    reads before it hands over: its pointer stays physical like that of any industry table. A kernel
    that takes the virtual address for a physical one reads, or maps, memory that is something else.
    """
    for table in configuration_tables:
        if table.name != "JSON_CAPSULE_DATA":
            continue
        after = table.after_set_virtual_address_map
        if after is None:
            yield NotJudged("configuration_tables[].after_set_virtual_address_map")
        elif after != table.address:
            yield Finding(
                table,
                f"the pointer to JSON_CAPSULE_DATA is {after:#x} after SetVirtualAddressMap, "
                f"not the physical {table.address:#x}",
                extent_of(table),
                field="after_set_virtual_address_map",
            )
