"""UEFI-MAP-013, a configuration table in unaccepted memory."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    EfiMemoryType,
    Finding,
    Good,
    NotJudged,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import hull, inside, merged
from efipolicy_uefi.tables import extent_of, name_of

_UNACCEPTED = EfiMemoryType.EfiUnacceptedMemoryType


@rule(
    "uefi/configuration-table-in-unaccepted-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-013",),
    sources=("UEFI 2.10 §7.2", "UEFI 2.10 §7.2.1"),
    help="allocate the table in memory that was accepted",
    examples=(
        Bad(
            "EfiUnacceptedMemoryType  0x100000000  0x40000",
            configuration_tables=("SMBIOS3 0x100001000 24",),
        ),
        # The last of its three pages.
        Bad(
            "EfiACPIReclaimMemory     0xffffe000   2        WB",
            "EfiUnacceptedMemoryType  0x100000000  0x40000",
            configuration_tables=("DTB 0xffffe000 0x3000",),
        ),
        Good(
            "EfiACPIReclaimMemory     0xffffe000   2        WB",
            "EfiUnacceptedMemoryType  0x100000000  0x40000",
            configuration_tables=("DTB 0xffffe000 0x2000",),
        ),
    ),
)
def configuration_table_in_unaccepted_memory(
    platform: Platform, configuration_tables: tuple[ConfigurationTable, ...]
) -> Iterator[Finding | NotJudged]:
    """A configuration table lies in memory that nobody has accepted.

    Operating systems read the tables early, long before they accept memory, and in a confidential
    guest (Intel TDX, AMD SEV-SNP) the first access to unaccepted memory is the last one: the host
    ends the guest. Linux meets the table in its boot stub or while it looks for ACPI. Nor could
    firmware have written it there without accepting the memory first: the type is wrong, or the
    address.
    """
    memory_map = platform.memory_map
    unaccepted = [d for d in memory_map.by_address if d.type == _UNACCEPTED]
    ranges = merged(descriptor.physical for descriptor in unaccepted)
    for table in configuration_tables:
        extent = extent_of(table)
        parts = inside(extent, ranges)
        if parts:
            yield Finding(
                table,
                f"{name_of(table)} at {table.address:#x} lies in memory not yet accepted",
                hull(parts),
                field="address",
                related=tuple(
                    Related(descriptor, f"{descriptor} holds it")
                    for descriptor in unaccepted
                    if descriptor.physical.overlaps(extent)
                ),
            )
        elif memory_map.extent != "whole" and memory_map.at(table.address) is None:
            yield NotJudged("memory_map.extent: whole")
