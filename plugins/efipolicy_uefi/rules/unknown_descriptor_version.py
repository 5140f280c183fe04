"""UEFI-MAP-009."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Severity, rule


@rule(
    "uefi/unknown-descriptor-version",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-009",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §8.4.1"),
    help="report version 1 and its layout",
    needs=("descriptor_version",),
    examples=(
        Bad("EfiConventionalMemory  0x100000  16  WB", at=0, descriptor_version=2),
        Good("EfiConventionalMemory  0x100000  16  WB", descriptor_version=1),
    ),
)
def unknown_descriptor_version(memory_map: MemoryMap) -> Iterator[Finding]:
    """The map has descriptors of a version nobody has defined.

    Only version 1 has a layout, in every revision of UEFI. Linux warns and reads on; EDK II and
    U-Boot answer SetVirtualAddressMap with EFI_INVALID_PARAMETER.
    """
    if memory_map.descriptor_version != 1:
        yield Finding(
            memory_map,
            f"the descriptor version is {memory_map.descriptor_version}; only 1 is defined",
            field="descriptor_version",
        )
