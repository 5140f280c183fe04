"""UEFI-CFG-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CONFIGURATION_TABLES,
    Bad,
    ConfigurationTable,
    Edit,
    Finding,
    Fix,
    Good,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of, name_of


@rule(
    "uefi/duplicate-configuration-table",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-001",),
    sources=("UEFI 2.10 §4.6", "UEFI 2.10 §7.5.6"),
    help="keep the newest entry and remove the other",
    fix="unsafe",
    examples=(
        Bad(at=2, configuration_tables=("SMBIOS3 0x7f000000", "SMBIOS3 0x7f800000")),
        Bad(
            at=2,
            configuration_tables=(
                "SMBIOS3 0x7f000000",
                "F2FD1544-9794-4A2C-992E-E5BBCF20E394 0x7f800000",
            ),
        ),
        Good(configuration_tables=("SMBIOS3 0x7f000000", "SMBIOS 0x7f800000")),
    ),
)
def duplicate_configuration_table(
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding]:
    """The same GUID occurs twice among the configuration tables.

    InstallConfigurationTable replaces an entry of the same GUID, so two of them do not come about
    by legal means. Which of the two is read depends on the reader: EDK II's own lookup stops at the
    first, Linux goes through the whole list and keeps the last.
    """
    first: dict[str, ConfigurationTable] = {}
    last: dict[str, ConfigurationTable] = {}
    for table in configuration_tables:
        guid = table.guid or CONFIGURATION_TABLES.get(table.name or "") or table.name or ""
        earlier = first.setdefault(guid.lower(), table)
        before = last.get(guid.lower(), table)
        last[guid.lower()] = table
        if earlier is not table:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} was listed before, "
                f"at {earlier.address:#x}",
                extent_of(table),
                related=(Related(earlier, f"{name_of(earlier)} for the first time"),),
                # A list does not say which of two entries is the newer one.
                fix=Fix("unsafe", "keep the last entry, drop the one before it", (Edit(before),)),
            )
