"""UEFI-MAP-018."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Related,
    Severity,
    rule,
)


@rule(
    "uefi/several-runtime-code-descriptors",
    severity=Severity.INFO,
    requirements=("UEFI-MAP-018",),
    sources=("UEFI 2.10 §2.2.2", "UEFI 2.10 §4.6.3"),
    help="merge neighbours of equal type and attribute, and leave the rest as it is",
    needs=("whole_map",),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7f010000  16  RUNTIME WB",
        ),
        Bad(
            "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7f800000  16  RUNTIME WB",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  32  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f800000  16  RUNTIME WB",
        ),
    ),
)
def several_runtime_code_descriptors(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services code is described in more than one piece.

    Once firmware split its runtime images into descriptors of code and data, and operating
    systems that placed the pieces one by one tore the images apart; the Memory Attributes Table
    replaced that. U-Boot's SetVirtualAddressMap accepts exactly one descriptor of runtime code.
    Elsewhere several are normal: EDK II on AArch64 has three to seven, AMI up to eighteen.
    """
    code = [
        descriptor
        for descriptor in memory_map.by_address
        if descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
    ]
    if len(code) > 1:
        first, *others = code
        yield Finding(
            first,
            f"{len(code)} descriptors of EfiRuntimeServicesCode; {_neighbours(code)}",
            field="type",
            related=tuple(Related(other, f"{other} as well") for other in others),
        )


def _neighbours(code: Sequence[MemoryDescriptor]) -> str:
    touching = [
        below for below, above in pairwise(code) if below.physical.end == above.physical_start
    ]
    if not touching:
        return "no two are back to back"
    return f"back to back at {', '.join(f'{below.physical.end:#x}' for below in touching)}"
