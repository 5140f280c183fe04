"""Memory that can be written and executed at its physical address only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
    size_text,
)
from efipolicy_plan.executable import by_descriptor, joined, places
from efipolicy_plan.leaves import Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import LeafRun, PageTables


@rule(
    "plan/identity-mapping-writable-and-executable",
    severity=Severity.WARNING,
    requirements=(),
    sources=("UEFI 2.10 §4.6.4", "Linux 6.12 arch/x86/platform/efi/efi_64.c"),
    help="protect both mappings of a region, and nothing but code may be executable besides",
    responsible=Responsible.KERNEL,
    unless=("linux/runtime-window-overflow",),
    examples=(
        # Nothing is left of the window: the code has its physical address only.
        Bad(
            "EfiRuntimeServicesCode  0x100000      16         RUNTIME WB",
            "EfiMemoryMappedIO       0x4000000000  0x2000000  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
mapping: [{strategy: x86-topdown}]
memory_attributes_table:
  entries:
    - {type: 5, physical_start: 0x7f000000, pages: 16, attribute: [RUNTIME, RO]}
""",
        ),
        # Both mappings are: plan/writable-and-executable.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def identity_mapping_writable_and_executable(
    page_tables: PageTables,
    plan: MappingPlan,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
) -> Iterator[Finding]:
    """A second mapping at physical addresses stays writable and executable after the boot.

    Beside the virtual addresses that firmware was told, some kernels map memory at its physical
    address, for firmware that did not convert all its pointers; others map all memory there for the
    time of a call. Permissions are often thought of for the one mapping only. Then the
    protection of the Memory Attributes Table is there to be seen, and has no effect: the same
    memory can be written, and executed, one mapping further.

    Reported are regions whose virtual mapping is protected, or missing, while the 1:1 mapping is
    not, and further 1:1 mappings of memory. Where both can be written and executed, or a region is
    called at its physical address, that is ``plan/writable-and-executable``; the first page is
    ``plan/page-zero-mapped``.

    Linux on x86-64 applies the table to both mappings.
    """
    for one in by_descriptor(page_tables, plan, Owners(memory_map, mapping)):
        if one.besides and not one.assigned:
            virtual = "its virtual mapping is protected" if one.is_mapped else "it has no other"
            size = size_text(sum(piece.size for piece in one.besides))
            yield Finding(
                one.descriptor,
                f"{one.descriptor} has {size} writable and executable at {places(one.besides)}, "
                f"while {virtual}",
                related=(Related(mapping, f"the mapping of {mapping.strategy}"),),
            )
    for why, pieces in _of_nobody(page_tables, plan).items():
        size = size_text(sum(piece.size for piece in pieces))
        yield Finding(
            mapping,
            f"{why} has {size} writable and executable at {places(pieces)}",
            pieces[0],
            field="strategy",
        )


def _of_nobody(tables: PageTables, plan: MappingPlan) -> dict[str, list[AddressRange]]:
    """The addresses of 1:1 mappings that no descriptor asks for, page 0 left out, by their reason.

    Memory that is mapped for one reason is often in pieces, with registers between them.
    """
    found: dict[str, list[AddressRange]] = {}
    for run in tables.runs:
        is_further = run.mapping >= len(plan.mappings) and _beyond_page_0(run, tables)
        open_to_all = run.access == "RWX" and run.start == run.physical
        mapped = tables.mappings[run.mapping]
        if is_further and open_to_all and not mapped.descriptors:
            found.setdefault(mapped.why or "memory", []).append(run.virtual)
    return {why: joined(pieces) for why, pieces in found.items()}


def _beyond_page_0(run: LeafRun, tables: PageTables) -> bool:
    return run.end > tables.geometry.page_size
