"""UEFI-MAT-002, first half."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryAttributesTable, Severity, rule

_DESCRIPTOR = 40
"""Bytes of EFI_MEMORY_DESCRIPTOR version 1 (UEFI 2.10, 7.2.3)."""


@rule(
    "linux/mat-descriptor-too-small",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-002",),
    sources=("UEFI 2.10 §4.6.4", "Linux drivers/firmware/efi/memattr.c"),
    help="set the descriptor size of the table to the bytes from one entry to the next",
    needs=("memory_attributes_table.descriptor_size",),
    examples=(
        Bad(sections="memory_attributes_table: {descriptor_size: 32, entries: []}", at=0),
        Good(sections="memory_attributes_table: {descriptor_size: 40, entries: []}"),
        Good(sections="memory_attributes_table: {descriptor_size: 48, entries: []}"),
    ),
)
def mat_descriptor_too_small(memory_attributes_table: MemoryAttributesTable) -> Iterator[Finding]:
    """The entries of the Memory Attributes Table are too short for a memory descriptor.

    A descriptor has 40 bytes. With a smaller stride the entries overlap each other, and whoever
    reads them reads the attributes of one as the type of the next. Newer Linux ignores such a table
    as a whole and maps runtime code writable and executable; older Linux believes the garbage,
    entry by entry.
    """
    size = memory_attributes_table.descriptor_size or 0
    if size < _DESCRIPTOR:
        yield Finding(
            memory_attributes_table,
            f"the Memory Attributes Table has entries of {size} bytes; "
            f"a memory descriptor has {_DESCRIPTOR}",
            field="descriptor_size",
        )
