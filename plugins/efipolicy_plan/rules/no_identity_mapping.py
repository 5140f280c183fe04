"""Layouts that leave firmware's physical addresses unmapped: a note."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.identity import unmapped_at_physical

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"


@rule(
    "plan/no-identity-mapping",
    severity=Severity.INFO,
    requirements=(),
    sources=(
        "Linux commit d2f7cbe7b26a",
        "Linux arch/x86/platform/efi/efi_64.c",
        "linux-efi mailing list, June 2013",
    ),
    help="map each region at its physical address as well, or know that firmware converts all "
    "its pointers",
    responsible=Responsible.KERNEL,
    unless=("linux/no-identity-mapping-beside-virtual",),
    examples=(
        Bad(
            _DATA,
            architecture="arm64",
            sections="mapping: [{strategy: arm64-stub-virtmap}]",
            at=0,
        ),
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-fixed-window}]",
            at=0,
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            _DATA,
            architecture="arm64",
            sections="mapping: [{strategy: arm64-novamap}]",
        ),
    ),
)
def no_identity_mapping(plan: MappingPlan, mapping: MappingDeclaration) -> Iterator[Finding]:
    """After SetVirtualAddressMap nothing is mapped at the physical addresses of runtime regions.

    Why keep a mapping that firmware is told not to use? Because SetVirtualAddressMap asks every
    driver to convert its own pointers, one by one, and nobody checks that it found all. A pointer
    that was forgotten works as long as the same memory is still mapped where it points, and nobody
    notices. Where it is not, the first service that follows the pointer faults. Such firmware is
    the reason why Linux on x86-64 has kept both mappings since 3.14, and why FreeBSD does not call
    SetVirtualAddressMap at all: if physical addresses have to be there anyway, virtual ones add
    nothing.

    The other side has a point too. A second mapping is a second way in, for an exploit as for a
    stray access, and hides mistakes that ought to be found. Linux on arm64 maps regions once, at
    their virtual addresses, so that a pointer somebody forgot is found by the first who tries.

    So this is a remark about a choice. An access that is known to need the mapping is reported by
    ``plan/firmware-access-faults``.
    """
    missing = unmapped_at_physical(plan)
    if plan.svam is None or not missing:
        return
    regions = "region" if len(missing) == 1 else "regions"
    yield Finding(
        mapping.calls if mapping.calls else mapping,
        f"{plan.strategy} leaves the physical addresses of {len(missing)} runtime {regions} "
        f"unmapped, the first {missing[0]}: a pointer that firmware did not convert faults",
        AddressRange(*missing[0]),
        field="strategy" if not mapping.calls else None,
    )
