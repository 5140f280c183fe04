"""UEFI-ATTR-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_CPU_CRYPTO,
    EFI_MEMORY_HOT_PLUGGABLE,
    EFI_MEMORY_ISA_MASK,
    EFI_MEMORY_ISA_VALID,
    EFI_MEMORY_MORE_RELIABLE,
    EFI_MEMORY_NV,
    EFI_MEMORY_RO,
    EFI_MEMORY_SP,
    Architecture,
    Bad,
    Finding,
    Good,
    MemoryMap,
    Revision,
    Severity,
    attribute_names,
    rule,
)
from efipolicy_uefi.ranges import listed

_ISA = EFI_MEMORY_ISA_VALID | EFI_MEMORY_ISA_MASK
_ADDED = (
    (Revision(2, 5), EFI_MEMORY_NV | EFI_MEMORY_MORE_RELIABLE | EFI_MEMORY_RO),
    (Revision(2, 8), EFI_MEMORY_SP | EFI_MEMORY_CPU_CRYPTO),
    (Revision(2, 10), _ISA),
    (Revision(2, 11), EFI_MEMORY_HOT_PLUGGABLE),
)


@rule(
    "uefi/attribute-newer-than-revision",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-002",),
    sources=(
        "revision history of UEFI 2.5, #1167, #1201, #1224",
        "revision history of UEFI 2.8, #1872, #1919",
        "revision history of UEFI 2.10, #2229",
        "revision history of UEFI 2.11, #2365",
    ),
    help="declare the revision the firmware was written for, or leave the bits clear",
    needs=("attributes",),
    examples=(
        Bad("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO WB", uefi="2.4"),
        Bad("EfiConventionalMemory   0x100000    16  SP WB", uefi="2.7"),
        Bad("EfiConventionalMemory   0x100000    16  HOT_PLUGGABLE WB", uefi="2.10"),
        Bad(
            "EfiConventionalMemory   0x100000    16  0x40ff000000000008",
            uefi="2.9",
            architecture="arm64",
        ),
        Good("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO WB", uefi="2.5"),
        Good("EfiConventionalMemory   0x100000    16  SP CPU_CRYPTO WB", uefi="2.8"),
        Good("EfiConventionalMemory   0x100000    16  WP RP XP WB", uefi="2.0"),
        # Stray bits of the ISA mask are uefi/isa-mask-without-isa-valid.
        Good("EfiReservedMemoryType   0x7ad00000  256  0x0100000000000008", uefi="2.4"),
    ),
)
def attribute_newer_than_revision(
    memory_map: MemoryMap, revision: Revision, architecture: Architecture | None = None
) -> Iterator[Finding]:
    """An attribute has bits that the declared revision of UEFI does not know.

    NV, MORE_RELIABLE and RO came with UEFI 2.5, SP and CPU_CRYPTO with 2.8, ISA_VALID and its mask
    with 2.10, HOT_PLUGGABLE with 2.11. A map with younger bits was put together from parts of
    different age, or its revision was never raised. Operating systems read the bits and not the
    revision, Linux among them, so nothing breaks; one that does go by the revision keeps specific
    purpose memory in its general pool, or takes RO for garbage.

    Without a declared revision there is nothing to compare with. Kernel logs print it in two ways
    that cannot always be told apart, and then it counts as not declared.
    """
    newer = [(first, bits) for first, bits in _ADDED if revision < first]
    if not newer:
        return
    mask_defined = architecture is None or architecture.isa_mask_defined
    for descriptor in memory_map.descriptors:
        attribute = descriptor.attribute or 0
        if not (mask_defined and attribute & EFI_MEMORY_ISA_VALID):
            attribute &= ~_ISA
        added = [(first, attribute & bits) for first, bits in newer if attribute & bits]
        if added:
            words = [f"{listed(attribute_names(bits))} (since {first})" for first, bits in added]
            yield Finding(
                descriptor,
                f"{descriptor} has {listed(words)}; the firmware declares UEFI {revision}",
                field="attribute",
            )
