"""UEFI-MAP-013, the operating system's part."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    NotJudged,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)
from efipolicy_uefi.reuse import TYPES, dropped, found_in, taken

_UNACCEPTED = EfiMemoryType.EfiUnacceptedMemoryType


@rule(
    "uefi/unaccepted-memory-used",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-013", "UEFI-MAP-014"),
    sources=("UEFI 2.10 §7.2", "UEFI 2.10 §2.3.4"),
    help="accept the memory before its first use, or leave it out",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiUnacceptedMemoryType  0x100000000  0x80000  WB",
            sections="mapping: [{usable_memory: {types: [7, 15], unaccepted: not-accepted}}]",
            at=0,
        ),
        Good(
            "EfiUnacceptedMemoryType  0x100000000  0x80000  WB",
            sections="mapping: [{usable_memory: {types: [7, 15], unaccepted: accepted}}]",
        ),
        Good(
            "EfiUnacceptedMemoryType  0x100000000  0x80000  WB",
            sections="mapping: [{usable_memory: {types: [7], unaccepted: not-accepted}}]",
        ),
    ),
)
def unaccepted_memory_used(
    usable_memory: UsableMemory, memory_map: MemoryMap | None = None
) -> Iterator[Finding | NotJudged]:
    """An operating system uses memory of a confidential guest that was never accepted.

    A guest under TDX or SEV-SNP has to accept a page before it touches it, so that the host cannot
    put another one in its place. EfiUnacceptedMemoryType (UEFI 2.9) marks what firmware left to
    the operating system. Touching it unaccepted ends the guest: the processor leaves it with a
    fault that nothing inside can handle.

    Accepting late, page by page, is as good as accepting everything at boot. Linux takes the
    memory only when it was built for it, and else leaves it out, which is allowed too.
    """
    if _UNACCEPTED not in taken(usable_memory):
        if usable_memory.types is None:
            yield NotJudged(TYPES)
        return
    if usable_memory.unaccepted is None:
        yield NotJudged("mapping[].usable_memory.unaccepted")
    elif usable_memory.unaccepted == "not-accepted":
        yield Finding(
            usable_memory,
            "EfiUnacceptedMemoryType is given to the page allocator and not accepted first",
            field="unaccepted",
            related=found_in(memory_map, (_UNACCEPTED,)),
            fix=Fix(
                "unsafe",
                "leave EfiUnacceptedMemoryType out",
                dropped(usable_memory, (_UNACCEPTED,)),
            ),
        )
