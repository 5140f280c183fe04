"""UEFI-MAP-010, the size of the buffer."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Platform, Severity, rule


@rule(
    "uefi/memory-map-size-mismatch",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-010",),
    sources=("UEFI 2.10 §7.2.3", "Project Mu MemmapAndMatTestApp"),
    help="return the descriptor size times the number of descriptors as the size of the map",
    needs=("memory_map.size", "memory_map.descriptor_size"),
    unless=("uefi/invalid-descriptor-size",),
    examples=(
        # 4096 bytes hold 85 descriptors of 48 bytes and 16 bytes of another.
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            at=0,
            extent="partial",
            descriptor_size=48,
            size=4096,
        ),
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            "EfiLoaderData          0x110000  16  WB",
            at=0,
            descriptor_size=48,
            size=48,
        ),
        Good(
            "EfiConventionalMemory  0x100000  16  WB",
            extent="partial",
            descriptor_size=48,
            size=4080,
        ),
        Good("EfiConventionalMemory  0x100000  16  WB", descriptor_size=48, size=48),
        # The buffer may be larger than what is in it.
        Good("EfiConventionalMemory  0x100000  16  WB", descriptor_size=48, size=96),
    ),
)
def memory_map_size_mismatch(platform: Platform) -> Iterator[Finding]:
    """The size of the map does not fit its descriptors.

    GetMemoryMap returns the bytes of the map and the bytes from one descriptor to the next, and
    readers divide one by the other to learn where to stop. A rest means that one of the numbers is
    wrong: either the last descriptor is cut off, or the reader steps by another distance than the
    firmware did and every descriptor after the first is made of two halves.

    A map with more descriptors than its size has room for was cut off by whoever copies that many
    bytes. Fewer are no fault: platform files often state the buffer that was allocated, which is
    larger than the map because allocating it splits a descriptor.
    """
    # The map as it was read: descriptors that other rules set aside take their room too.
    memory_map = platform.memory_map
    size, stride = memory_map.size or 0, memory_map.descriptor_size or 0
    if not stride:
        return
    number, rest = divmod(size, stride)
    there = len(memory_map.descriptors)
    room = f"{number} descriptor{'' if number == 1 else 's'} of {stride} bytes"
    if rest:
        why = f"{room} and {rest} bytes of another"
    elif number < there:
        why = f"{room}, and the map has {there}"
    else:
        return
    yield Finding(memory_map, f"the {size} bytes of the map hold {why}", field="size")
