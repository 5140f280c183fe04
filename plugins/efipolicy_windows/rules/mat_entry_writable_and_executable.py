"""UEFI-MAT-013, and WIN-002 where there is a table."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_XP,
    Bad,
    Finding,
    Good,
    MemoryAttributesTable,
    Platform,
    Severity,
    rule,
)
from efipolicy_windows.hvci import with_hvci

_PROTECTION = EFI_MEMORY_RO | EFI_MEMORY_XP


@rule(
    "windows/mat-entry-writable-and-executable",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-013", "WIN-002"),
    sources=(
        "UEFI 2.10 §4.6.4 Table 4.1",
        "MicrosoftDocs bringup/unified-extensible-firmware-interface.md",
        "Project Mu MemmapAndMatTestApp",
    ),
    help="set EFI_MEMORY_RO for code, EFI_MEMORY_XP for data",
    needs=("entry_attributes",),
    unless=("uefi/mat-entry-of-other-type",),
    examples=(
        Bad(
            architecture="x86_64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME",),
        ),
        Good(memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",)),
        Good(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME XP",)),
        Good(memory_attributes_table=("EfiRuntimeServicesData  0x7f000000  16  RUNTIME RO XP",)),
    ),
)
def mat_entry_writable_and_executable(
    memory_attributes_table: MemoryAttributesTable, platform: Platform
) -> Iterator[Finding]:
    """An entry of the Memory Attributes Table leaves memory both writable and executable.

    An entry with neither EFI_MEMORY_RO nor EFI_MEMORY_XP says that its memory cannot be protected.
    UEFI permits it, so by the specification alone this is no fault. Windows does not: with
    virtualisation-based security on, no page may be writable and executable, and firmware with such
    an entry does not qualify.

    Linux rejects the entry too, says that both bits are clear and leaves the memory writable and
    executable, which is what the entry asks for. The tables of OVMF and AAVMF hold none; three
    machines in the field do, one of them for a page at 0x90000 in low memory.
    """
    for entry in memory_attributes_table.entries:
        if entry.attribute is not None and not entry.has(_PROTECTION):
            yield Finding(
                entry,
                f"the entry for {entry} has neither RO nor XP",
                field="attribute",
                requirements=with_hvci(platform, "UEFI-MAT-013"),
            )
