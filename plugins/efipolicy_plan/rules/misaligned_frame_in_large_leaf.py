"""Large leaves whose frames are not aligned to their size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    Architecture,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    NotJudged,
    Responsible,
    Severity,
    rule,
    size_text,
)
from efipolicy_plan.leaves import Leaf, Owners, misaligned_leaves, number_of_leaves

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables

_TWO_GIB = "EfiRuntimeServicesData  0x100200000  0x80000  RUNTIME WB"


@rule(
    "plan/misaligned-frame-in-large-leaf",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Intel SDM volume 3, 5.5.4, 5.7 and 5.9.2",
        "AMD64 APM volume 2, 5.4 and 7.8",
        "Linux 6.12 arch/x86/mm/pat/set_memory.c",
    ),
    help="place the region where virtual and physical address agree within a leaf of that size",
    responsible=Responsible.KERNEL,
    examples=(
        # Placed at a multiple of 1 GiB, the frame is 2 MiB above one.
        Bad(
            _TWO_GIB,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            _TWO_GIB,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, options: {gbpages: false}}]",
        ),
        Good(
            "EfiRuntimeServicesData  0x100000000  0x80000  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(_TWO_GIB, architecture="x86_64", sections="mapping: [{strategy: identity}]"),
    ),
)
def misaligned_frame_in_large_leaf(
    page_tables: PageTables,
    plan: MappingPlan,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
    architecture: Architecture,
) -> Iterator[Finding | NotJudged]:
    """A large leaf has a frame that is not aligned to it, and faults or maps other memory.

    An entry that maps 2 MiB or 1 GiB at once has no room for the lower bits of a physical address:
    on x86-64 bits 20:13, or 29:13, are reserved. Where one of them is set, every access through the
    entry is a page fault with the bit RSVD in its error code, though the entry is present. Firmware
    faults as soon as it touches the memory.

    Bit 12 of such an entry is not reserved: it is the highest bit of the index into the PAT. A
    frame that is just 4 KiB above a multiple of the leaf's size therefore does not fault. The
    processor takes the frame 4 KiB below, and another of the eight memory types. Under the PAT of
    Linux, types 4 and 6 are those of 0 and 2 again, so that the memory type stays what it was, and
    firmware quietly reads and writes what lies one page beside. The message tells the two apart.

    Linux on x86 takes the largest leaf that the virtual address and the length allow, and does not
    look at the physical address. ``x86-topdown`` keeps the physical offset within 2 MiB, so its
    leaves of 2 MiB are always right; those of 1 GiB are not, which takes a region of more than
    1 GiB. The layouts discussed in October 2013 kept no offset at all, and ran into it with regions
    of a few MiB.

    The entry shown is that of the first such leaf. Leaves of a region that come to the same are one
    finding.
    """
    if architecture.entry_formats is None:
        yield NotJudged(f"the page-table entries of {architecture.name}")
        return
    owners = Owners(memory_map, mapping)
    try:
        found = misaligned_leaves(page_tables, plan, architecture)
    except ValueError as problem:
        yield NotJudged(f"page-table entries for this plan: {problem}")
        return
    for index, leaves in found.items():
        mapped = page_tables.mappings[index]
        faulty = [leaf for leaf in leaves if leaf.decoded.reserved]
        silent = [leaf for leaf in leaves if not leaf.decoded.reserved]
        for alike in filter(None, (faulty, silent)):
            first = alike[0]
            yield from owners.finding(
                mapped,
                f"{owners.what(mapped)} is mapped with {number_of_leaves(x.run for x in alike)} "
                f"from {first.run.start:#x} on, whose frame {first.run.physical:#x} is no multiple "
                f"of {size_text(first.run.leaf_size)}{_outcome(first)}",
                first.run.frames,
            )


def _outcome(leaf: Leaf) -> str:
    """What the processor makes of the entry, the end of a sentence."""
    if leaf.decoded.reserved:
        return (
            f": entry {leaf.entry:#x} has the reserved bits {leaf.decoded.reserved:#x} set; "
            f"reading there is {leaf.fault}"
        )
    return f", and nothing faults: {_instead(leaf)}"


def _instead(leaf: Leaf) -> str:
    """What the processor makes of the entry."""
    frame, cache = leaf.decoded.physical, leaf.decoded.cache
    bits = leaf.run.physical % leaf.run.leaf_size
    became = "stays" if cache == leaf.run.cache else f"turns from {leaf.run.cache} to"
    return (
        f"entry {leaf.entry:#x} makes the processor use the frame {frame or 0:#x} and take the "
        f"bits {bits:#x} for something else; the memory type {became} {cache or 'unknown'}"
    )
