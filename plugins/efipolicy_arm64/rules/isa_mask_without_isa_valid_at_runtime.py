"""UEFI-ATTR-007 for runtime regions on AArch64."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_ISA_MASK,
    EFI_MEMORY_ISA_VALID,
    Bad,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "arm64/isa-mask-without-isa-valid-at-runtime",
    severity=Severity.ERROR,
    requirements=("UEFI-ATTR-007",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §2.3.6.1"),
    help="set EFI_MEMORY_ISA_VALID if the MAIR value is meant, else clear bits 44 to 59",
    needs=("attributes",),
    architectures=("arm64",),
    examples=(
        Bad("EfiRuntimeServicesData  0x80000000  16  0x80ff000000000008"),
        Good("EfiRuntimeServicesData  0x80000000  16  0xc0ff000000000008"),
        Good("EfiConventionalMemory   0x80000000  16  0x00ff000000000008"),
    ),
)
def isa_mask_without_isa_valid_at_runtime(memory_map: MemoryMap) -> Iterator[Finding]:
    """A runtime region carries a MAIR value that is not marked as valid.

    On AArch64 bits 44 to 59 hold the memory type an operating system shall use, once bit 62 says
    so. Without it one reader maps the region as the value says and another by the cacheability
    bits, and firmware runs on memory of the wrong type.
    """
    for descriptor in memory_map.runtime:
        mask = (descriptor.attribute or 0) & EFI_MEMORY_ISA_MASK
        if mask and not descriptor.has(EFI_MEMORY_ISA_VALID):
            yield Finding(
                descriptor,
                f"{descriptor.type_name} has the ISA mask bits {mask:#x} "
                "without EFI_MEMORY_ISA_VALID",
                field="attribute",
            )
