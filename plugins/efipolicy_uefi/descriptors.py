"""What several rules ask of a descriptor."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from efipolicy.plugin import (
    EFI_MEMORY_HOT_PLUGGABLE,
    EFI_MEMORY_MORE_RELIABLE,
    EFI_MEMORY_NV,
    EFI_MEMORY_SP,
    EFI_PAGE_SIZE,
    FIRST_OEM_TYPE,
    HIGHEST_PAGE_START,
    Edit,
    EfiMemoryType,
    Fix,
    MemoryDescriptor,
    MemoryMap,
    Responsible,
    Revision,
)

_LAST_ASSIGNED_TYPE = max(EfiMemoryType)
_LAST_TYPE = 0xFFFF_FFFF
_EFI_1_10 = Revision(1, 10)

RAM_TYPES = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiACPIMemoryNVS,
        EfiMemoryType.EfiPersistentMemory,
    }
)
"""The types that are memory one can compute in, on every architecture."""

MMIO_TYPES = frozenset({EfiMemoryType.EfiMemoryMappedIO, EfiMemoryType.EfiMemoryMappedIOPortSpace})

FIRST_REVISION_OF_BIT = {
    EFI_MEMORY_NV: Revision(2, 5),
    EFI_MEMORY_MORE_RELIABLE: Revision(2, 5),
    EFI_MEMORY_SP: Revision(2, 8),
    EFI_MEMORY_HOT_PLUGGABLE: Revision(2, 11),
}
"""The revision of UEFI that gave a bit the meaning a rule goes by."""


def unassigned(memory_type: int) -> bool:
    """Whether a type is neither the specification's nor an OEM's nor a loader's (7.2.1)."""
    return not (memory_type <= _LAST_ASSIGNED_TYPE or FIRST_OEM_TYPE <= memory_type <= _LAST_TYPE)


def wraps(start: int, number_of_pages: int) -> bool:
    """Whether the last page would start where no page can (UEFI 2.10, 7.2.3)."""
    return start + (number_of_pages - 1) * EFI_PAGE_SIZE > HIGHEST_PAGE_START


def blamed_for_garbage(memory_map: MemoryMap) -> Responsible | None:
    """Who wrote nonsense into the map, if not the rule's usual suspect.

    A list that came through kexec was rebuilt, and often overwritten, by a kernel.
    """
    return Responsible.KERNEL if memory_map.origin == "kexec" else None


def vendor_owned(descriptor: MemoryDescriptor) -> bool:
    """Whether only an OEM or an operating system loader knows what the type means."""
    return descriptor.type >= FIRST_OEM_TYPE


def other_meaning(descriptor: MemoryDescriptor, revision: Revision | None) -> bool:
    """Whether the type is 14 of EFI 1.02, where it was memory that firmware reserved."""
    return (
        descriptor.type == EfiMemoryType.EfiPersistentMemory
        and revision is not None
        and revision < _EFI_1_10
    )


def has_meaning(bit: int, revision: Revision | None) -> bool:
    """Whether a bit means today's thing in a revision; where none is declared it does."""
    return revision is None or revision >= FIRST_REVISION_OF_BIT[bit]


def assumption(bit: int, revision: Revision | None) -> str:
    """What a message about a bit adds where nobody declares the revision."""
    if revision:
        return ""
    return f" (no revision is declared; the bit means this since UEFI {FIRST_REVISION_OF_BIT[bit]})"


def cleared(descriptor: MemoryDescriptor, bit: int, name: str) -> Fix:
    """The fix that takes a bit without effect out of a declaration."""
    without = (descriptor.attribute or 0) & ~bit
    return Fix("safe", f"clear {name}", (Edit(descriptor, "attribute", without),))


class Overlap(NamedTuple):
    """A descriptor that starts inside others, those that reach furthest first.

    ``number`` counts all of the others, of which ``others`` holds the first few.
    """

    descriptor: MemoryDescriptor
    others: tuple[MemoryDescriptor, ...]
    number: int


def overlaps(descriptors: Iterable[MemoryDescriptor], *, most: int = 8) -> Iterator[Overlap]:
    """Each descriptor that shares addresses with ones before it by address.

    So every pair that overlaps is met once, at the one of the two that starts later.
    """
    ordered = sorted(descriptors, key=lambda descriptor: descriptor.physical_start)
    reaching: list[tuple[int, int]] = []  # ends, ascending, and the places of their descriptors
    for place, descriptor in enumerate(ordered):
        if not descriptor.number_of_pages:
            continue
        del reaching[: bisect_right(reaching, descriptor.physical_start, key=lambda each: each[0])]
        if reaching:
            furthest = (ordered[other] for _, other in reversed(reaching[-most:]))
            yield Overlap(descriptor, tuple(furthest), len(reaching))
        insort(reaching, (descriptor.physical.end, place))
