"""UEFI-ATTR-007, but for runtime regions on AArch64."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_ISA_MASK,
    EFI_MEMORY_ISA_VALID,
    Architecture,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Revision,
    Severity,
    rule,
)

_FIELD_SINCE = Revision(2, 10)


@rule(
    "uefi/isa-mask-without-isa-valid",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-007",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §2.3.6.1"),
    help="clear bits 44 to 59 and 62, unless the architecture defines them and they are meant",
    needs=("attributes",),
    fix="unsafe",
    unless=("arm64/isa-mask-without-isa-valid-at-runtime",),
    examples=(
        Bad("EfiConventionalMemory  0x100000    16   0x00ff000000000008"),
        Bad("EfiReservedMemoryType  0x7ad00000  256  0x0100000000000008", architecture="x86_64"),
        Bad("EfiConventionalMemory  0x100000    16   ISA_VALID WB", architecture="x86_64"),
        Good("EfiConventionalMemory  0x100000   16   0x40ff000000000008"),
        Good("EfiConventionalMemory  0x100000   16   0x40ff000000000008", architecture="arm64"),
    ),
)
def isa_mask_without_isa_valid(
    memory_map: MemoryMap,
    architecture: Architecture | None = None,
    revision: Revision | None = None,
) -> Iterator[Finding]:
    """An attribute has stray bits in the field that holds an architecture's own memory type.

    Bits 44 to 59 count only together with bit 62, and AArch64 alone has a meaning for them: the
    value of a MAIR field. Firmware older than the field set bits 56 to 58 on a reserved megabyte
    of several laptops, and bit 59 on RAM. No operating system acts on them on x86; one that
    learns to would map the memory in an arbitrary way.

    The field came with UEFI 2.10. Under an older revision the bits have no meaning at all, so the
    finding is the same with any revision and with none; where one is declared it says which.
    """
    unknown = f"; UEFI {revision} has no such field" if revision and revision < _FIELD_SINCE else ""
    meaningless = architecture is not None and not architecture.isa_mask_defined
    for descriptor in memory_map.descriptors:
        mask = (descriptor.attribute or 0) & EFI_MEMORY_ISA_MASK
        if descriptor.has(EFI_MEMORY_ISA_VALID):
            if meaningless and architecture:
                yield Finding(
                    descriptor,
                    f"{descriptor.type_name} has EFI_MEMORY_ISA_VALID, "
                    f"for which {architecture.title} has no meaning{unknown}",
                    field="attribute",
                    fix=_cleared(descriptor),
                )
        elif mask:
            yield Finding(
                descriptor,
                f"{descriptor.type_name} has the ISA mask bits {mask:#x} "
                f"without EFI_MEMORY_ISA_VALID{unknown}",
                field="attribute",
                fix=_cleared(descriptor),
            )


def _cleared(descriptor: MemoryDescriptor) -> Fix:
    """Clear the field. Whether its bits or the missing bit 62 are the mistake, nobody can tell."""
    others = (descriptor.attribute or 0) & ~(EFI_MEMORY_ISA_MASK | EFI_MEMORY_ISA_VALID)
    return Fix("unsafe", "clear bits 44 to 59 and 62", (Edit(descriptor, "attribute", others),))
