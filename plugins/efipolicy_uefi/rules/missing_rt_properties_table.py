"""UEFI-RT-012, without a table."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Firmware,
    Good,
    Platform,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import listed

_FIRST_REVISION = Revision(2, 8)


@rule(
    "uefi/missing-rt-properties-table",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-012",),
    sources=("UEFI 2.10 §8.1", "UEFI 2.10 §4.6.2", "EBBR chapter 2"),
    help="publish EFI_RT_PROPERTIES_TABLE with the bits of these services clear",
    needs=("firmware.unavailable_services", "whole_configuration_tables"),
    examples=(
        Bad(
            at=0,
            uefi="2.10",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
            sections="""
platform: {firmware: {unavailable_services: [SetVariable]}}
""",
        ),
        Good(
            uefi="2.10",
            configuration_tables=("RT_PROPERTIES 0x7f00f000 8",),
            sections="""
platform: {firmware: {unavailable_services: [SetVariable]}}
""",
        ),
        Good(
            uefi="2.10",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
            sections="""
platform: {firmware: {unavailable_services: []}}
""",
        ),
        # There was no such table yet.
        Good(
            uefi="2.7",
            configuration_tables=("ACPI_20 0x7f00e014 36",),
            sections="""
platform: {firmware: {unavailable_services: [SetVariable]}}
""",
        ),
    ),
)
def missing_rt_properties_table(
    platform: Platform,
    firmware: Firmware,
    configuration_tables: tuple[ConfigurationTable, ...],
    revision: Revision,
) -> Iterator[Finding]:
    """Services do not work at run time, and no table says so.

    Without EFI_RT_PROPERTIES_TABLE (UEFI 2.8A and later) all fourteen runtime services count as
    supported, and Linux tries every one of them. Most answers of EFI_UNSUPPORTED are taken well;
    a SetVirtualAddressMap that is refused is not, and Linux then runs without runtime services.
    UEFI says that firmware should publish the table, EBBR that it must.

    That there is no table is concluded from a whole list of configuration tables without it, of a
    firmware that declares UEFI 2.8 or later. A kernel prints only the tables it knows, so a log is
    no such list; without one, or without a revision, the rule is not checked.
    """
    services = firmware.unavailable_services
    published = platform.runtime_properties is not None or any(
        table.name == "RT_PROPERTIES" for table in configuration_tables
    )
    if services and not published and revision >= _FIRST_REVISION:
        yield Finding(
            platform,
            f"{listed(services)} {'is' if len(services) == 1 else 'are'} unavailable at run time "
            "and there is no EFI_RT_PROPERTIES_TABLE",
            field="configuration_tables",
        )
