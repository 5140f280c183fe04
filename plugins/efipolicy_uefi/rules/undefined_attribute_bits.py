"""UEFI-ATTR-001."""

from collections.abc import Iterator

from efipolicy.plugin import DEFINED_ATTRIBUTES, Bad, Finding, Good, MemoryMap, Severity, rule


@rule(
    "uefi/undefined-attribute-bits",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-001",),
    sources=("UEFI 2.11 §7.2.3",),
    help="clear the bits; a field that was never initialised is the usual cause",
    needs=("attributes",),
    examples=(
        Bad("EfiRuntimeServicesData  0x7f000000  16  0x8000000000000028"),
        Bad("EfiConventionalMemory   0x100000    16  0x2000000000000008"),
        Good("EfiRuntimeServicesData  0x7f000000  16  0x8000000000000008"),
        # Bits 44 to 59 are the ISA mask and have a rule of their own.
        Good("EfiReservedMemoryType   0x7ad00000  256  0x0100000000000008"),
    ),
)
def undefined_attribute_bits(memory_map: MemoryMap) -> Iterator[Finding]:
    """An attribute has bits without a meaning.

    Bits 5 to 11, 21 to 43, 60 and 61 are unassigned up to UEFI 2.11. Set bits there hint at a
    field that was not initialised, so the bits beside them deserve no trust either; Linux and Xen
    act on single bits of it.
    """
    for descriptor in memory_map.descriptors:
        undefined = (descriptor.attribute or 0) & ~DEFINED_ATTRIBUTES
        if undefined:
            yield Finding(
                descriptor,
                f"the attribute of {descriptor.type_name} has the undefined bits {undefined:#x}",
                field="attribute",
            )
