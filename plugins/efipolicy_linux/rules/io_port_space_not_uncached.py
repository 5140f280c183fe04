"""IA64-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "linux/io-port-space-not-uncached",
    severity=Severity.WARNING,
    requirements=("IA64-004",),
    sources=("Linux 6.6 arch/ia64/kernel/efi.c",),
    help="offer EFI_MEMORY_UC for the I/O port space",
    needs=("attributes",),
    architectures=("ia64",),
    fix="unsafe",
    examples=(
        Bad("EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  RUNTIME"),
        Bad("EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  RUNTIME UCE"),
        Good("EfiMemoryMappedIOPortSpace  0xffffc000000  0x4000  RUNTIME UC"),
        Good("EfiMemoryMappedIO           0xffffc000000  0x4000  RUNTIME UCE"),
    ),
)
def io_port_space_not_uncached(memory_map: MemoryMap) -> Iterator[Finding]:
    """The I/O port space of an Itanium machine does not offer to be mapped uncached.

    Linux looks for the first EfiMemoryMappedIOPortSpace that has EFI_MEMORY_UC and takes its start
    as the base of port I/O. One without the bit does not count; where there is no other, the base
    is 0, and port accesses go to low memory. The serial console falls silent first.

    The specification asks for one such descriptor (``ia64/several-io-port-spaces``) and says
    nothing of its attribute, but a port that is cached makes no sense.
    """
    for descriptor in memory_map.descriptors:
        kind = EfiMemoryType.EfiMemoryMappedIOPortSpace
        if descriptor.type == kind and not descriptor.has(EFI_MEMORY_UC):
            uncached = (descriptor.attribute or 0) | EFI_MEMORY_UC
            edit = Edit(descriptor, "attribute", uncached)
            yield Finding(
                descriptor,
                f"{descriptor} has {descriptor.attribute_text} and not UC; Linux passes over it",
                field="attribute",
                fix=Fix("unsafe", "set EFI_MEMORY_UC", (edit,)),
            )
