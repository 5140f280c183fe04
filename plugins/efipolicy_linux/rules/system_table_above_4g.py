"""IA32-003, system table."""

from collections.abc import Iterator

from efipolicy.plugin import AddressRange, Bad, Finding, Good, Severity, SystemTable, rule

_REACH = 1 << 32
_POINTERS = {
    "address": "the system table",
    "runtime_services": "the runtime services table",
    "firmware_vendor": "the vendor string",
    "configuration_table": "the configuration table array",
}


@rule(
    "linux/system-table-above-4g",
    severity=Severity.ERROR,
    requirements=("IA32-003",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi.c",),
    help="put the system table and what it points to below 4 GiB",
    architectures=("i386",),
    examples=(
        Bad(sections="system_table: {address: 0x100000000}", at=0),
        Bad(sections="system_table: {address: 0x7e000000, runtime_services: 0x100000000}", at=0),
        Good(sections="system_table: {address: 0x7e000000, configuration_table: 0xfffff000}"),
    ),
)
def system_table_above_4g(system_table: SystemTable) -> Iterator[Finding]:
    """The system table, or what it points to, lies where a 32-bit kernel has no address for it.

    The boot loader hands Linux on x86 the address of the system table, and of the memory map, in
    two halves. A 32-bit kernel that finds something in an upper half disables EFI: no runtime
    services, and no EFI way to the ACPI tables. The same goes for the pointers inside the system
    table, which it could not follow.

    Where the copy of the memory map lies is the boot loader's choice, and a platform file does not
    say it.
    """
    for field, what in _POINTERS.items():
        address = getattr(system_table, field)
        if address is not None and address >= _REACH:
            yield Finding(
                system_table,
                f"{what} lies at {address:#x}, above 4 GiB, and Linux on i386 disables EFI",
                AddressRange(address, address + 1),
                field=field,
            )
