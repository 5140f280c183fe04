"""IA32-003, configuration tables."""

from collections.abc import Iterator

from efipolicy.plugin import AddressRange, Bad, ConfigurationTable, Finding, Good, Severity, rule

_REACH = 1 << 32


@rule(
    "linux/configuration-table-above-4g",
    severity=Severity.ERROR,
    requirements=("IA32-003",),
    sources=("Linux 6.12 drivers/firmware/efi/efi.c",),
    help="put configuration tables below 4 GiB",
    architectures=("i386",),
    examples=(
        Bad(configuration_tables=("SMBIOS3 0x100000000",)),
        Bad(configuration_tables=("SMBIOS3 0xffffffff 24",)),
        Good(configuration_tables=("SMBIOS3 0x7e0a0000",)),
        Good(configuration_tables=("SMBIOS3 0xffffffe8 24",)),
    ),
)
def configuration_table_above_4g(
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding]:
    """A configuration table lies where a 32-bit kernel has no address for it.

    An entry of the configuration table array of 64-bit firmware holds 64 bits, and a table may lie
    anywhere. Linux on i386 checks each pointer: with one above 4 GiB it disables EFI altogether and
    goes on as if it had been booted without. It then has no runtime services, and no EFI way to the
    ACPI tables.

    Firmware of 32 bits cannot make that mistake; what is described is a 32-bit kernel on firmware
    that keeps tables high, or a table that was described wrongly.
    """
    for table in configuration_tables:
        end = table.address + (table.length or 1)
        if end > _REACH:
            yield Finding(
                table,
                f"{table} ends above 4 GiB, and Linux on i386 disables EFI"
                if table.address < _REACH
                else f"{table} lies above 4 GiB, and Linux on i386 disables EFI",
                AddressRange(max(table.address, _REACH), end),
                field="address",
            )
