"""Regions that do not fill the 64 KiB pages they lie in (Linux 6.12, arch/arm64/kernel/efi.c)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from efipolicy.plugin import EFI_PAGE_SIZE, MemoryDescriptor, round_down

FRAME_SIZE = 0x10000
"""Bytes of the largest page an arm64 kernel can have, and of EDK II's unit of allocation."""


_ROOM = FRAME_SIZE // EFI_PAGE_SIZE
"""How many descriptors fit into a page of 64 KiB without overlapping."""


def fills_frames(descriptor: MemoryDescriptor) -> bool:
    """Whether a region starts and ends on a multiple of 64 KiB."""
    return not (descriptor.physical.start % FRAME_SIZE or descriptor.physical.end % FRAME_SIZE)


def misalignment(descriptor: MemoryDescriptor) -> str:
    """By how much a region misses the multiples of 64 KiB, in words."""
    start, end = (place % FRAME_SIZE for place in descriptor.physical)
    parts = [f"starts {start:#x}"] if start else []
    parts += [f"ends {end:#x}"] if end else []
    return f"{' and '.join(parts)} beyond a multiple of 64 KiB"


class Frames:
    """The descriptors that begin or end in each 64 KiB page.

    Of each type as many as can be there; overlapping ones beyond that are another rule's business.
    """

    def __init__(self, descriptors: Iterable[MemoryDescriptor]) -> None:
        self._inside: dict[int, list[MemoryDescriptor]] = {}
        of_a_type: dict[tuple[int, int], int] = {}
        for descriptor in descriptors:
            for frame in _ends(descriptor):
                number = of_a_type.setdefault((frame, descriptor.type), 0)
                if number < _ROOM:
                    self._inside.setdefault(frame, []).append(descriptor)
                of_a_type[frame, descriptor.type] = number + 1

    def shared_with(
        self, descriptor: MemoryDescriptor
    ) -> Iterator[tuple[int, list[MemoryDescriptor]]]:
        """The pages at both ends of a region in which others lie, with these."""
        for frame in _ends(descriptor):
            others = [other for other in self._inside.get(frame, ()) if other is not descriptor]
            if others:
                yield frame, others


def _ends(descriptor: MemoryDescriptor) -> tuple[int, ...]:
    first = round_down(descriptor.physical.start, FRAME_SIZE)
    last = round_down(descriptor.physical.last, FRAME_SIZE)
    return (first,) if first == last else (first, last)
