"""What changed between two boots of one platform, region by region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from efipolicy.plugin import EfiMemoryType, MemoryDescriptor

_KEPT = (
    EfiMemoryType.EfiReservedMemoryType,
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
    EfiMemoryType.EfiPalCode,
)
_REUSED = (
    EfiMemoryType.EfiLoaderCode,
    EfiMemoryType.EfiLoaderData,
    EfiMemoryType.EfiBootServicesCode,
    EfiMemoryType.EfiBootServicesData,
    EfiMemoryType.EfiConventionalMemory,
)

What = Literal["retyped", "resized", "moved", "vanished", "appeared"]


class Change(NamedTuple):
    """One region before and after; ``None`` where it is not there."""

    what: What
    old: MemoryDescriptor | None
    new: MemoryDescriptor | None


def outlives_boot(descriptor: MemoryDescriptor) -> bool:
    """Whether an operating system has to leave a region alone for as long as it runs.

    Boot-services memory marked as runtime memory is a kernel's doing.
    """
    runtime = descriptor.runtime and descriptor.type not in _REUSED
    return descriptor.type in _KEPT or runtime


def changes(old: Iterable[MemoryDescriptor], new: Iterable[MemoryDescriptor]) -> Iterator[Change]:
    """The regions that outlive a boot and differ. Those of equal type and size moved in order."""
    before, after = _only_here(old, new)
    pairings: tuple[tuple[What, tuple[str, ...]], ...] = (
        ("retyped", ("physical_start", "number_of_pages")),
        ("resized", ("physical_start", "type")),
        ("moved", ("type", "number_of_pages")),
    )
    for what, same in pairings:
        before, after, pairs = _paired(before, after, same)
        yield from (Change(what, one, other) for one, other in pairs)
    yield from (Change("vanished", one, None) for one in before)
    yield from (Change("appeared", None, other) for other in after)


def _only_here(
    old: Iterable[MemoryDescriptor], new: Iterable[MemoryDescriptor]
) -> tuple[list[MemoryDescriptor], list[MemoryDescriptor]]:
    before = sorted(filter(outlives_boot, old), key=_place)
    after = sorted(filter(outlives_boot, new), key=_place)
    in_both = set(map(_place, before)) & set(map(_place, after))
    return (
        [one for one in before if _place(one) not in in_both],
        [one for one in after if _place(one) not in in_both],
    )


def _place(descriptor: MemoryDescriptor) -> tuple[int, ...]:
    return (descriptor.physical_start, descriptor.number_of_pages, descriptor.type)


def _paired(
    before: list[MemoryDescriptor], after: list[MemoryDescriptor], same: tuple[str, ...]
) -> tuple[
    list[MemoryDescriptor], list[MemoryDescriptor], list[tuple[MemoryDescriptor, MemoryDescriptor]]
]:
    """What is left of both lists, and the pairs that agree in these fields, in order."""
    waiting: dict[tuple[int, ...], list[MemoryDescriptor]] = {}
    for other in reversed(after):
        waiting.setdefault(tuple(getattr(other, name) for name in same), []).append(other)
    left: list[MemoryDescriptor] = []
    pairs: list[tuple[MemoryDescriptor, MemoryDescriptor]] = []
    for one in before:
        candidates = waiting.get(tuple(getattr(one, name) for name in same))
        if candidates:
            pairs.append((one, candidates.pop()))
        else:
            left.append(one)
    taken = {id(other) for _, other in pairs}
    return left, [other for other in after if id(other) not in taken], pairs
