"""ARM64-003 for reserved memory and ACPI NVS."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, EfiMemoryType, Finding, Good, MemoryMap, Severity, rule
from efipolicy_linux.frames import fills_frames, misalignment

_TYPES = frozenset({EfiMemoryType.EfiReservedMemoryType, EfiMemoryType.EfiACPIMemoryNVS})


@rule(
    "linux/reserved-memory-not-64k-aligned",
    severity=Severity.INFO,
    requirements=("ARM64-003",),
    sources=("EDK II MdePkg/Include/AArch64/ProcessorBind.h", "UEFI 2.10 §2.3.6"),
    help="allocate reserved memory and ACPI NVS in units of 64 KiB, as EDK II does",
    architectures=("arm64",),
    unless=("uefi/misaligned-physical-start",),
    examples=(
        Bad("EfiReservedMemoryType  0x81f30000  8   WC"),
        Bad("EfiACPIMemoryNVS       0xd6c9e000  18  WB"),
        Good("EfiReservedMemoryType  0x81f30000  16  WC"),
        Good("EfiACPIMemoryNVS       0xd6c90000  16  WB"),
        # Of type 9 not even EDK II asks it.
        Good("EfiACPIReclaimMemory   0xd6d03000  1   WB"),
    ),
)
def reserved_memory_not_64k_aligned(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reserved memory or ACPI NVS does not fill the 64 KiB pages it lies in.

    EDK II allocates these types in units of 64 KiB on AArch64, as it does runtime services memory.
    The specification asks for 4 KiB, and besides for equal attributes in each 64 KiB page that
    holds such memory (``arm64/mixed-cacheability-in-64k-page``).

    Nothing follows from the alignment alone: no operating system maps these regions for firmware,
    and what shares their pages is mapped by rules of its own. It is worth knowing that this
    firmware does not allocate as EDK II does, and that its neighbours matter. Three of 38 maps of
    arm64 machines have it and are clean otherwise.
    """
    for descriptor in memory_map.descriptors:
        if descriptor.type in _TYPES and not fills_frames(descriptor):
            yield Finding(
                descriptor,
                f"{descriptor} {misalignment(descriptor)}",
                field="physical_start" if descriptor.physical.start % 0x10000 else "pages",
            )
