"""Runtime memory that can be written and executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    EFI_MEMORY_RO,
    EFI_MEMORY_XP,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryAttributesTable,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
    size_text,
)
from efipolicy_plan.executable import by_descriptor, places
from efipolicy_plan.leaves import Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables

_CODE = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiBootServicesCode)
_ONE_PAGE_OF_CODE = """
memory_attributes_table:
  entries:
    - {type: 5, physical_start: 0x7f000000, pages: 16, attribute: [RUNTIME, RO]}
"""


@rule(
    "plan/writable-and-executable",
    severity=Severity.INFO,
    requirements=(),
    sources=(
        "UEFI 2.10 §4.6.4",
        "Linux 6.12 arch/x86/platform/efi/efi_64.c",
        "Linux 6.12 drivers/firmware/efi/memattr.c",
    ),
    help="publish a Memory Attributes Table, and apply it after SetVirtualAddressMap",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections='mapping: [{strategy: x86-topdown, options: {kernel: "4.19"}}]',
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]" + _ONE_PAGE_OF_CODE,
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def writable_and_executable(
    page_tables: PageTables,
    plan: MappingPlan,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
    memory_attributes_table: MemoryAttributesTable | None = None,
) -> Iterator[Finding]:
    """Runtime memory stays both writable and executable once the boot is over.

    Whoever can write to it decides what runs with the kernel's rights at the next service call. The
    Memory Attributes Table says which parts of a runtime region are code, to be read-only, and
    which are data, not to be executed; an operating system can apply it as soon as
    SetVirtualAddressMap has returned.

    It is common: without that table nobody outside firmware can tell code from data inside
    EfiRuntimeServicesCode, and everybody maps all of it so. Linux on x86-64 mapped data so as well
    before 5.10, and a kernel started by kexec does not apply the table at all. So this is off in
    the policy ``recommended``.

    Counted are bytes of a region's virtual memory; a region that is mapped twice counts twice. The
    firmware is named as responsible where the table is missing, says nothing of the region or
    leaves it so, and the kernel where it had what it needs.
    """
    for one in by_descriptor(page_tables, plan, Owners(memory_map, mapping)):
        if not one.assigned:
            continue  # plan/identity-mapping-writable-and-executable
        descriptor, pieces = one.descriptor, [*one.assigned, *one.besides]
        size = sum(piece.size for piece in pieces)
        responsible, why = _blame(descriptor, memory_attributes_table)
        yield Finding(
            descriptor,
            f"{descriptor} has {size_text(size)} mapped writable and executable after the boot, at "
            f"{places(pieces)}: {why}",
            responsible=responsible,
            related=(Related(mapping, f"the mapping of {mapping.strategy}"),),
        )


def _blame(
    descriptor: MemoryDescriptor, table: MemoryAttributesTable | None
) -> tuple[Responsible, str]:
    """Whose work it is to protect a descriptor, and why."""
    if descriptor.type not in _CODE:
        return Responsible.KERNEL, "nothing in it is to be executed"
    if table is None:
        return Responsible.FIRMWARE, "no Memory Attributes Table tells its code from its data"
    entries = [e for e in table.entries if e.physical.overlaps(descriptor.physical)]
    if not entries:
        return Responsible.FIRMWARE, "the Memory Attributes Table says nothing of it"
    if all(entry.has(EFI_MEMORY_RO | EFI_MEMORY_XP) for entry in entries):
        return Responsible.KERNEL, "the Memory Attributes Table that protects it is not applied"
    return Responsible.FIRMWARE, "the Memory Attributes Table leaves it writable and executable"
