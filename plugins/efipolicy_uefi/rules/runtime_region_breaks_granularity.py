"""UEFI-RT-005 and the codes of the architectures that have a unit of their own."""

from collections.abc import Iterator

from efipolicy.plugin import Architecture, Bad, Finding, Good, MemoryMap, Severity, rule
from efipolicy_uefi.granularity import breach


@rule(
    "uefi/runtime-region-breaks-granularity",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-005",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "EFI 1.10 §2.3.3"),
    help="widen the region until its start and size are multiples of the unit",
    needs=("attributes",),
    examples=(
        Bad("EfiRuntimeServicesData  0x3f001000  2  RUNTIME WB", architecture="ia64"),
        Bad("EfiRuntimeServicesCode  0x3f002000  3  RUNTIME WB", architecture="ia64"),
        Good("EfiRuntimeServicesData  0x3f002000  2  RUNTIME WB", architecture="ia64"),
        Good("EfiBootServicesData     0x3f001000  1  WB", architecture="ia64"),
        Good("EfiRuntimeServicesData  0x3f001000  3  RUNTIME WB", architecture="x86_64"),
    ),
)
def runtime_region_breaks_granularity(
    memory_map: MemoryMap, architecture: Architecture
) -> Iterator[Finding]:
    """A region for runtime services has a start or a size the architecture does not allow.

    An operating system cannot map part of its page, so each architecture names the unit of the
    regions it must map: 4 KiB, but 8 KiB on Itanium and 64 KiB on LoongArch. EDK II makes
    ExitBootServices fail when a runtime region breaks it.
    """
    for descriptor in memory_map.runtime:
        finding = breach(descriptor, architecture.runtime_granularity, "UEFI-RT-005")
        if finding:
            yield finding
