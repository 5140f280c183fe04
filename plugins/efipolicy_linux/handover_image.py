"""The kernel image that a boot loader hands over to: where it lies, and on what boundary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.plugin import (
    AddressRange,
    EfiMemoryType,
    HandoverRequest,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Responsible,
    size_text,
)
from efipolicy.plugin.handovers import Footprint, FootprintPart, Precondition

_64K: Final = 0x10000
_2M: Final = 0x200000
_OLD_TEXT_OFFSET: Final = 0x80000
_NO_TEXT_OFFSET: Final = (5, 8)
"""From this release on the image wants to be at a multiple of 2 MiB (commit cfa7ede20f13)."""

_MAY_HOLD_IMAGE = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiPersistentMemory,
    }
)

_IN_ONE_REGION: Final = Precondition(
    name="image-in-one-region",
    demand="one entry of the memory map holds the whole image, the zeroed part included",
    rule="linux/handover-image-outside-one-region",
    responsible=Responsible.LOADER,
)
_ALIGNED: Final = Precondition(
    name="image-alignment",
    demand="the image starts where its header and its segments want it",
    rule="linux/handover-image-misaligned",
    responsible=Responsible.LOADER,
)


def footprint(request: HandoverRequest) -> Footprint | None:
    """The image's memory and what lies there; ``None`` where no image is declared."""
    image = request.declared.image
    if image is None:
        return None
    file = AddressRange(image.base, image.base + image.size)
    whole = image.memory_size
    physical = AddressRange(image.base, image.base + whole) if whole is not None else None
    return Footprint(file, physical, tuple(_parts(request.platform.memory_map, physical or file)))


def _parts(memory_map: MemoryMap, extent: AddressRange) -> Iterator[FootprintPart]:
    """A range cut at the borders of descriptors; where these overlap, the lower one counts."""
    reached = extent.start
    for descriptor in memory_map.sharing(extent):
        shared = descriptor.physical & extent
        if shared.start > reached:
            yield FootprintPart(AddressRange(reached, shared.start), None)
        if shared.end > reached:
            yield FootprintPart(AddressRange(max(reached, shared.start), shared.end), descriptor)
            reached = shared.end
    if reached < extent.end:
        yield FootprintPart(AddressRange(reached, extent.end), None)


def in_one_region(request: HandoverRequest) -> Precondition:
    """Whether one entry of the map holds the image with its BSS.

    So the boot stub looks at it: the first and the last byte have to be in the same entry (Linux
    5.15 and 6.1, drivers/firmware/efi/libstub/arm64-stub.c, check_image_region).
    """
    image, held = request.declared.image, footprint(request)
    if image is None or held is None:
        return _IN_ONE_REGION.unknown("handover.image")
    if not held.parts:
        return _IN_ONE_REGION.broken("the image is said to have no bytes", image, "size")
    if held.physical and held.physical.size < held.file.size:
        return _IN_ONE_REGION.broken(
            f"the image is said to fill {held.physical.size:#x} bytes of memory, less than the "
            f"{held.file.size:#x} that are loaded",
            image,
            "memory_size",
        )
    memory_map = request.platform.memory_map
    gap = any(part.descriptor is None for part in held.parts)
    if not memory_map.descriptors or (gap and memory_map.extent != "whole"):
        return _IN_ONE_REGION.unknown("memory_map.extent: whole")
    wrong = _fault(held)
    if wrong:
        found, why = wrong
        related = tuple(Related(d, "holds a part of it") for d in _descriptors(held))
        field = "memory_size" if found.start >= held.file.end else "base"
        return _IN_ONE_REGION.broken(why, image, field, found, related)
    if held.physical is None:
        return _IN_ONE_REGION.unknown("handover.image.memory_size")
    return _IN_ONE_REGION.met(f"{_descriptors(held)[0]} holds {held.physical}")


def _descriptors(held: Footprint) -> tuple[MemoryDescriptor, ...]:
    return tuple(part.descriptor for part in held.parts if part.descriptor)


def _fault(held: Footprint) -> tuple[AddressRange, str] | None:
    """The first part of the image that is not where the image starts, or not its to have."""
    first = held.parts[0].descriptor
    for extent, descriptor in held.parts:
        what = _what(extent, held)
        if descriptor is None:
            return extent, f"{what} lies at {extent}, which the memory map does not describe"
        if descriptor.type not in _MAY_HOLD_IMAGE:
            return extent, f"{what} lies in {descriptor}, which is not the image's to use"
        if descriptor is not first:
            return extent, f"{what} lies in {descriptor}, and the image starts in {first}"
    return None


def _what(extent: AddressRange, held: Footprint) -> str:
    if extent.start >= held.file.end:
        return f"{size_text(extent.size)} of the part that is zeroed"
    return f"{size_text(extent.size)} of the image"


def segment_alignment(request: HandoverRequest) -> Precondition:
    """Whether the image lies on a boundary of 64 KiB, or of 2 MiB where KASLR is off.

    64 KiB is the alignment of the image's segments; with ``nokaslr`` on the command line the stub
    asks for 2 MiB (Linux 6.6, drivers/firmware/efi/libstub/arm64-stub.c).
    """
    image, kernel = request.declared.image, request.kernel
    if image is None:
        return _ALIGNED.unknown("handover.image")
    if image.base % _64K:
        return _ALIGNED.broken(
            f"the image starts at {image.base:#x}, which is no multiple of 64 KiB", image, "base"
        )
    if image.base % _2M == 0:
        return _ALIGNED.met(f"{image.base:#x} is a multiple of 2 MiB")
    words = kernel.command_line if kernel else None
    if words is None:
        return _ALIGNED.unknown("mapping[].command_line")
    if "nokaslr" in words:
        return _ALIGNED.broken(
            f"the image starts at {image.base:#x}, which is no multiple of 2 MiB, and KASLR is "
            "disabled",
            image,
            "base",
        )
    return _ALIGNED.met(f"{image.base:#x} is a multiple of 64 KiB, and KASLR is not disabled")


def header_alignment(request: HandoverRequest) -> Precondition:
    """Whether the image lies at a multiple of 2 MiB plus its header's ``text_offset``.

    The offset is 0 since Linux 5.8 and was 0x80000 before, but for a test option that drew a
    multiple of the page. A stub that randomises the address itself stops at 64 KiB.
    """
    image = request.declared.image
    if image is None:
        return _ALIGNED.unknown("handover.image")
    offset = image.base % _2M
    release = _release(request)
    if offset == 0 and (release is None or release >= _NO_TEXT_OFFSET):
        return _ALIGNED.met(f"{image.base:#x} is a multiple of 2 MiB")
    if offset == _OLD_TEXT_OFFSET and (release is None or release < _NO_TEXT_OFFSET):
        return _ALIGNED.met(f"{image.base:#x} is {_OLD_TEXT_OFFSET:#x} above a multiple of 2 MiB")
    if offset % 0x1000:
        why = f"the image starts at {image.base:#x}, within a page"
        return _ALIGNED.broken(why, image, "base")
    if release is not None and release >= _NO_TEXT_OFFSET and offset % _64K:
        why = f"the image starts at {image.base:#x}, {offset:#x} above a multiple of 2 MiB"
        return _ALIGNED.broken(why, image, "base")
    return _ALIGNED.unknown(
        "mapping[].kernel" if release is None else "the text_offset of the image's header"
    )


def _release(request: HandoverRequest) -> tuple[int, ...] | None:
    """Major and minor number of the kernel's release, where it is known."""
    release = request.kernel.kernel if request.kernel else None
    return tuple(map(int, release.split(".")[:2])) if release else None
