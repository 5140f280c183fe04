"""X64-005."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryDescriptor, MemoryMap, Severity, rule
from efipolicy_linux.x86_topdown import WINDOW, place, regions_of


@rule(
    "linux/runtime-window-overflow",
    severity=Severity.WARNING,
    requirements=("X64-005",),
    sources=("Linux 6.12 Documentation/arch/x86/x86_64/mm.rst",),
    help="declare less memory as runtime, or as boot services, until all of it fits 64 GiB",
    needs=("attributes", "whole_map"),
    architectures=("x86_64",),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x100000      16         RUNTIME WB",
            "EfiMemoryMappedIO       0x4000000000  0x2000000  RUNTIME UC",
            at=(2, 1),
            architecture="x86_64",
        ),
        Good(
            "EfiRuntimeServicesCode  0x100000      16         RUNTIME WB",
            "EfiMemoryMappedIO       0x4000000000  0x800000   RUNTIME UC",
            architecture="x86_64",
        ),
    ),
)
def runtime_window_overflow(memory_map: MemoryMap) -> Iterator[Finding]:
    """The runtime regions do not fit the 64 GiB that x86-64 Linux sets aside for them.

    Linux places runtime and boot-services regions downwards from -4 GiB to -68 GiB, each at its
    physical offset within 2 MiB. What would end up below the window gets no virtual address, and
    neither does anything after it; Linux prints "VA address range overflow" and firmware that
    touches such a region faults.
    """
    regions = regions_of(memory_map.descriptors)
    for region in place(reversed(regions)):
        if region.virtual_start is None:
            descriptor: MemoryDescriptor = region.descriptors[0]
            yield Finding(
                descriptor,
                f"{descriptor.type_name} is left without a virtual address in {WINDOW}",
                region.physical,
                field="pages",
            )
