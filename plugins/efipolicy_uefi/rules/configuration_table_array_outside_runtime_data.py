"""UEFI-RT-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    NotJudged,
    Platform,
    Related,
    Severity,
    SystemTable,
    rule,
)

_DATA = EfiMemoryType.EfiRuntimeServicesData


@rule(
    "uefi/configuration-table-array-outside-runtime-data",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-009",),
    sources=("UEFI 2.10 §7.5.6", "U-Boot commit 4182a129ef7"),
    help="allocate the array of GUIDs and pointers as EfiRuntimeServicesData",
    needs=("system_table.configuration_table",),
    examples=(
        Bad(
            "EfiBootServicesData  0x7d000000  16  WB",
            at=0,
            sections="""
system_table: {configuration_table: 0x7d001000}
""",
        ),
        # Where runtime drivers were loaded is not where data is allocated.
        Bad(
            "EfiRuntimeServicesCode  0x7d000000  16  RUNTIME WB",
            at=0,
            sections="""
system_table: {configuration_table: 0x7d001000}
""",
        ),
        Good(
            "EfiRuntimeServicesData  0x7e000000  0x20  RUNTIME WB",
            sections="""
system_table: {configuration_table: 0x7e010000}
""",
        ),
    ),
)
def configuration_table_array_outside_runtime_data(
    platform: Platform, system_table: SystemTable
) -> Iterator[Finding | NotJudged]:
    """The array that lists the configuration tables is not runtime services data.

    The array of GUIDs and pointers belongs to the system table and outlives boot services, and
    InstallConfigurationTable has to allocate it as EfiRuntimeServicesData. An operating system
    looks tables up after it has taken boot services memory for itself, and a kexec'd kernel does
    so again: the array is gone by then, ACPI is not found and the machine does not come up. U-Boot
    once kept it in a static variable and had to move it.
    """
    address = system_table.configuration_table
    if not address:  # null where it has no entries
        return
    holder = platform.memory_map.at(address)
    if holder is None:
        # On a whole map it is uefi/runtime-pointer-outside-runtime-memory that says so.
        yield NotJudged("a descriptor that holds system_table.configuration_table")
    elif holder.type != _DATA:
        yield Finding(
            system_table,
            f"the array of configuration tables at {address:#x} lies in {holder}, not in "
            f"{_DATA.name}",
            AddressRange(address, address + 1),
            field="configuration_table",
            related=(Related(holder, f"{holder.type_name} holds the array"),),
        )
