"""IA64-005, number."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Related,
    Severity,
    rule,
)


@rule(
    "linux/several-pal-code-regions",
    severity=Severity.WARNING,
    requirements=("IA64-005",),
    sources=("Linux 6.6 arch/ia64/kernel/efi.c",),
    help="describe all PAL code in one EfiPalCode",
    architectures=("ia64",),
    examples=(
        Bad(
            "EfiPalCode  0x3ffc0000  64  RUNTIME WB",
            "EfiPalCode  0x4ffc0000  64  RUNTIME WB",
        ),
        Good("EfiPalCode  0x3ffc0000  64  RUNTIME WB"),
    ),
)
def several_pal_code_regions(memory_map: MemoryMap) -> Iterator[Finding]:
    """The map has more than one region of PAL code.

    Linux on Itanium pins the code of the Processor Abstraction Layer with one translation register
    on each processor, because calls to it must never miss. It takes the first EfiPalCode of the
    map, complains about each further one and drops it. Code that lies there is not mapped when
    it is called.

    The specification does not limit the number.
    """
    found = [d for d in memory_map.descriptors if d.type == EfiMemoryType.EfiPalCode]
    if len(found) > 1:
        first, *others = found
        yield Finding(
            first,
            f"{len(found)} descriptors of EfiPalCode, of which Linux maps the first: "
            f"{', '.join(str(descriptor.physical) for descriptor in found)}",
            field="type",
            related=tuple(Related(other, "not mapped by Linux") for other in others),
        )
