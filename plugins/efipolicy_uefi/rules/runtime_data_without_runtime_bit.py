"""UEFI-RT-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Severity,
    SystemTable,
    rule,
)
from efipolicy_uefi.ranges import inside, merged
from efipolicy_uefi.tables import extent_of


@rule(
    "uefi/runtime-data-without-runtime-bit",
    severity=Severity.INFO,
    requirements=("UEFI-RT-002",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "UEFI 2.10 §7.2.3"),
    help="leave it as it is if only the operating system reads what lies there, else set "
    "EFI_MEMORY_RUNTIME",
    needs=("attributes",),
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  WB",
            sections="""
system_table: {runtime_services: 0x7f001000}
""",
        ),
        # SMBIOS alone would be at home here.
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  WB",
            configuration_tables=("SMBIOS 0x7f000000",),
            sections="""
system_table: {runtime_services: 0x7f001000}
""",
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  WB",
            configuration_tables=("SMBIOS 0x7f000000",),
        ),
        Good("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB"),
        # Code without the bit is linux/runtime-code-without-runtime-bit.
        Good("EfiRuntimeServicesCode  0x7f000000  16  WB"),
    ),
)
def runtime_data_without_runtime_bit(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...] | None = None,
    system_table: SystemTable | None = None,
) -> Iterator[Finding]:
    """Runtime services data does not ask to be mapped.

    That is allowed. The type keeps the memory from being reused, the bit asks for a virtual
    mapping, and memory that only the operating system reads needs no mapping: it is the natural
    home of SMBIOS and other configuration tables, and where one of them is known to lie, and
    nothing the system table points to, nothing is reported. EDK II sets the bit on all memory of
    the type.

    It is worth a look where firmware itself uses the memory, for the first service call at virtual
    addresses then faults: Linux maps what carries the bit and nothing else, while Xen maps by type.
    A pointer of the system table in such memory is an error of its own,
    ``uefi/runtime-pointer-outside-runtime-memory``.
    """
    tables = merged(extent_of(table) for table in configuration_tables or ())
    own = merged(_pointers(system_table))
    for descriptor in memory_map.descriptors:
        unmapped = (
            descriptor.type == EfiMemoryType.EfiRuntimeServicesData and not descriptor.runtime
        )
        extent = descriptor.physical
        if unmapped and (inside(extent, own) or not inside(extent, tables)):
            yield Finding(
                descriptor,
                f"{descriptor} has no EFI_MEMORY_RUNTIME: it is kept, and not mapped",
                field="attribute",
            )


def _pointers(table: SystemTable | None) -> Iterator[AddressRange]:
    """Where the system table leads, which firmware itself reads; a byte each."""
    if table:
        for address in (table.runtime_services, table.firmware_vendor, table.configuration_table):
            if address:
                yield AddressRange(address, address + 1)
