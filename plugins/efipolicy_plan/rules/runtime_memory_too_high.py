"""How high runtime memory lies."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Option,
    Severity,
    rule,
    size_text,
)
from efipolicy_plan.limits import unless_whole, unset


@rule(
    "plan/runtime-memory-too-high",
    severity=Severity.WARNING,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.12 arch/x86/platform/efi/efi_64.c"),
    help="allocate runtime memory below the limit",
    needs=("attributes",),
    options=(
        Option(
            name="below",
            kind="address",
            default=None,
            doc="the physical address below which all of it has to lie, 0x100000000 for 4 GiB; "
            "without it there is no limit",
        ),
    ),
    examples=(
        Bad(
            "EfiRuntimeServicesData  0xffff0000  17  RUNTIME WB",
            options={"below": 0x1_0000_0000},
        ),
        Good(
            "EfiRuntimeServicesData  0xffff0000   16       RUNTIME WB",
            "EfiConventionalMemory   0x100000000  0x80000  WB",
            options={"below": 0x1_0000_0000},
        ),
    ),
)
def runtime_memory_too_high(
    memory_map: MemoryMap, options: Mapping[str, Any]
) -> Iterator[Finding | NotJudged]:
    """Memory for runtime services lies above the address the limit allows.

    Where that address is depends on who has to reach it: 4 GiB for 32-bit firmware under a 64-bit
    kernel, and for a System Management Mode handler of 32 bits; 512 GiB for an arm64 kernel of 39
    bits that leaves firmware at its physical addresses; the same after a kexec into one. A platform
    knows its own readers, so there is no limit unless a policy sets one.

    Device registers count too: an operating system maps them like memory.
    """
    limit = options["below"]
    if limit is None:
        yield unset("below")
        return
    high = [descriptor for descriptor in memory_map.runtime if descriptor.physical.end > limit]
    for descriptor in high:
        region = AddressRange(max(descriptor.physical.start, limit), descriptor.physical.end)
        yield Finding(
            descriptor,
            f"{descriptor} has {size_text(region.size)} at {region}, not below {limit:#x}",
            region,
            field="physical_start",
        )
    if not high:
        yield from unless_whole(memory_map)
