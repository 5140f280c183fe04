"""UEFI-MAT-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)

_KNOWN = (1, 2)


@rule(
    "uefi/unknown-mat-version",
    severity=Severity.ERROR,
    requirements=("UEFI-MAT-001",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3", "Linux drivers/firmware/efi/memattr.c"),
    help="write version 1, or 2 from UEFI 2.10 on, and keep the table's memory until it is read",
    needs=("memory_attributes_table.version",),
    examples=(
        Bad(sections="memory_attributes_table: {version: 3, entries: []}", at=0),
        Bad(
            sections="memory_attributes_table: {version: 0xafafafaf, extent: unknown, entries: []}",
            at=0,
        ),
        Good(sections="memory_attributes_table: {version: 1, entries: []}"),
        Good(sections="memory_attributes_table: {version: 2, entries: []}"),
    ),
)
def unknown_mat_version(
    memory_attributes_table: MemoryAttributesTable, memory_map: MemoryMap | None = None
) -> Iterator[Finding]:
    """The Memory Attributes Table has a version that nobody has defined.

    UEFI 2.6 to 2.9 have version 1, UEFI 2.10 brought version 2 with its flags. Linux gives up on
    any other version, says so in one line and maps all runtime code writable and executable;
    Windows cannot start what relies on the table.

    On real machines the version is hardly ever a number somebody chose. It is what lies where the
    table should be: a fill pattern, which says that the memory was never written or has been freed,
    or words of something else, because an operating system took the memory before a kernel started
    by kexec came to read the table. That kernel's predecessor should have reserved it.
    """
    version = memory_attributes_table.version
    if version in _KNOWN or version is None:
        return
    what = f"version {version:#x}" if version > 0xFFFF else f"version {version}"
    taken = memory_map is not None and memory_map.origin == "kexec"
    yield Finding(
        memory_attributes_table,
        f"the Memory Attributes Table has {what}{_look(version)}; versions 1 and 2 are defined",
        field="version",
        responsible=Responsible.KERNEL if taken else None,
        help="reserve the table's memory in the kernel that starts this one" if taken else None,
    )


def _look(version: int) -> str:
    """A remark on a number that looks like no number."""
    low = version & 0xFF
    if version > 0xFFFF and version == low * 0x0101_0101:
        return f", the fill pattern {low:#04x}: the table was never written, or its memory freed"
    if version > 0xFFFF:
        return ": something else lies where the table should be"
    return ""
