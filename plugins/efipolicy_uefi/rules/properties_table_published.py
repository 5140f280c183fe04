"""UEFI-CFG-017."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Edit,
    Finding,
    Fix,
    Good,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of

_DEPRECATED = Revision(2, 10)
_REMOVED = Revision(2, 11)


@rule(
    "uefi/properties-table-published",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-017",),
    sources=("UEFI 2.10 §4.6.3", "UEFI 2.11 revision history", "Linux commit 0ce3cc008ec0"),
    help="publish a Memory Attributes Table instead",
    fix="unsafe",
    examples=(
        Bad(configuration_tables=("PROPERTIES 0x7f000000 16",)),
        Bad(configuration_tables=("PROPERTIES 0x7f000000 16",), uefi="2.10"),
        Good(configuration_tables=("MEMORY_ATTRIBUTES 0x7f000000",)),
        Good(configuration_tables=("PROPERTIES 0x7f000000 16",), uefi="2.5"),
    ),
)
def properties_table_published(
    configuration_tables: tuple[ConfigurationTable, ...], revision: Revision | None = None
) -> Iterator[Finding]:
    """Firmware publishes EFI_PROPERTIES_TABLE, which is no longer part of UEFI.

    With this table firmware announced that code and data of its runtime images are in pages of
    their own, and split the images into several descriptors of the memory map. Operating systems
    that gave each descriptor a virtual address of its own tore code and data of an image apart, and
    the first relative reference between them crashed. Linux came to map runtime regions bottom-up
    and without padding because of it (Linux commit 0ce3cc008ec0), and dropped its support for the
    table with 6.13; EDK II removed the code.

    The table came with UEFI 2.5, was superseded by the Memory Attributes Table in 2.6, is
    deprecated in 2.10 and gone from 2.10A and 2.11. Firmware that declares a revision before 2.10
    is within its rights; where no revision is declared, a current one is assumed.
    """
    if revision and revision < _DEPRECATED:
        return
    removed = revision is not None and revision >= _REMOVED
    state = f"not part of UEFI {revision}" if removed else "deprecated in UEFI 2.10, and gone since"
    assumed = "" if revision else ", which is assumed where no revision is declared"
    for table in configuration_tables:
        if table.name == "PROPERTIES":
            yield Finding(
                table,
                f"EFI_PROPERTIES_TABLE at {table.address:#x} is {state}{assumed}",
                extent_of(table),
                fix=Fix("unsafe", "drop the table", (Edit(table),)),
            )
