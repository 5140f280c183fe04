"""ARM64-003 for runtime services code and data."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Severity,
    rule,
)
from efipolicy_linux.frames import Frames, fills_frames, misalignment

_CODE = EfiMemoryType.EfiRuntimeServicesCode
_TYPES = frozenset({_CODE, EfiMemoryType.EfiRuntimeServicesData})


@rule(
    "linux/runtime-region-not-64k-aligned",
    severity=Severity.WARNING,
    requirements=("ARM64-003",),
    sources=(
        "Linux 6.12 arch/arm64/kernel/efi.c",
        "Linux 6.12 drivers/firmware/efi/memattr.c",
        "EDK II MdePkg/Include/AArch64/ProcessorBind.h",
        "EDK II commit e1e7e0fb37",
    ),
    help="allocate runtime services memory from multiples of 64 KiB up to multiples of 64 KiB",
    needs=("attributes",),
    architectures=("arm64",),
    unless=("uefi/misaligned-physical-start",),
    examples=(
        Bad("EfiRuntimeServicesData  0x7f001000  15  RUNTIME WB"),
        Bad("EfiRuntimeServicesData  0x7f000000  15  RUNTIME WB"),
        Bad(
            "EfiRuntimeServicesCode  0xd5cee000  0x190  RUNTIME WB",
            "EfiRuntimeServicesData  0xd5e7e000  0xe10  RUNTIME WB",
            at=(1, 2),
        ),
        Good("EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB"),
        # Nobody maps it for firmware.
        Good("EfiRuntimeServicesData  0x7f001000  15  WB"),
        Good("EfiMemoryMappedIO  0x09010000  1  RUNTIME UC"),
    ),
)
def runtime_region_not_64k_aligned(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services code or data does not fill the 64 KiB pages it lies in.

    **No clause is broken.** UEFI asks runtime regions of AArch64 for multiples of 4 KiB, like all
    memory. What it asks of 64 KiB is something else, that the memory in such a page has one set of
    attributes: ``arm64/mixed-cacheability-in-64k-page``. The stronger reading is that of programs.
    EDK II allocates runtime, reserved and ACPI NVS memory in units of 64 KiB on AArch64 and does
    not leave boot services with a runtime region that is not aligned so; Linux expects it of
    firmware that wants its runtime memory protected.

    A page of 16 or 64 KiB has one set of permissions, and those of two neighbours cannot both
    hold in it::

        0xd5e70000                                                    0xd5e7e000  0xd5e80000
        | code code code code code code code code code code code code code code | data data |
          EfiRuntimeServicesCode, to be read and executed                         to be written

    What it costs depends on the pages of the operating system:

    4 KiB
        Nothing. Every region has pages of its own. FreeBSD maps firmware so, too.

    16 and 64 KiB
        Where the region does not fill pages of that size, Linux rounds it outwards and leaves out
        what the Memory Attributes Table says of it: it stays writable, and code executable too.
        Misaligned data that comes after misaligned code in the map is executable too. Two regions
        that share a page are mapped over each other at physical addresses, and at virtual ones
        both map that page, each in its own way. Runtime services keep working.

    Legal, and common: 11 of 38 maps of arm64 machines have it. U-Boot does it with data, its code
    is aligned; two vendors' firmware does it with code, such as that of a laptop with a
    Snapdragon X Elite, the one drawn above. EDK II for QEMU and the Raspberry Pi and two servers
    never do. The worst case is code that shares a page with data, and the finding says
    whether it is this one.
    """
    runtime = [descriptor for descriptor in memory_map.runtime if descriptor.type in _TYPES]
    misaligned = [descriptor for descriptor in runtime if not fills_frames(descriptor)]
    frames = Frames(runtime)
    for descriptor in misaligned:
        sharing, related = _company(descriptor, frames)
        yield Finding(
            descriptor,
            f"{descriptor} {misalignment(descriptor)}; {sharing}",
            field="physical_start" if descriptor.physical.start % 0x10000 else "pages",
            related=related,
        )


def _company(descriptor: MemoryDescriptor, frames: Frames) -> tuple[str, tuple[Related, ...]]:
    """Whether code shares a 64 KiB page with data here, and every runtime region in its pages."""
    mixed: list[int] = []
    alike: list[int] = []
    related: list[Related] = []
    for frame, others in frames.shared_with(descriptor):
        kinds = {other.type == _CODE for other in (descriptor, *others)}
        (mixed if len(kinds) > 1 else alike).append(frame)
        related += [Related(other, f"{other} lies in the page at {frame:#x}") for other in others]
    kind = "code" if descriptor.type == _CODE else "data"
    if mixed:
        return f"code shares the 64 KiB page at {_list(mixed)} with data", tuple(related)
    if alike:
        return f"shares the 64 KiB page at {_list(alike)} with other {kind}", tuple(related)
    return f"this {kind} shares no 64 KiB page with other runtime memory", ()


def _list(frames: list[int]) -> str:
    return " and at ".join(f"{frame:#x}" for frame in frames)
