"""ARM64-013."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    firmware_is_virtual,
    rule,
)

_NEVER_39 = """
mapping: [{os: linux, virtual_address_bits: 39, set_virtual_address_map: {calls: never}}]
"""


@rule(
    "linux/identity-mapping-out-of-reach",
    severity=Severity.ERROR,
    requirements=("ARM64-013",),
    sources=(
        "Linux 6.12 drivers/firmware/efi/libstub/arm64.c",
        "Linux commit d3549a938b73",
    ),
    help="call SetVirtualAddressMap with addresses in reach, or use a kernel with more bits",
    needs=("attributes", "mapping.virtual_address_bits"),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad("EfiMemoryMappedIO  0x8000000000  1  RUNTIME UC", sections=_NEVER_39, at=0),
        # The first page is in reach, the second is not.
        Bad("EfiMemoryMappedIO  0x7ffffff000  2  RUNTIME UC", sections=_NEVER_39, at=0),
        Bad(
            "EfiMemoryMappedIO  0x8000000000  1  RUNTIME UC",
            sections="mapping: [{strategy: identity, virtual_address_bits: 39}]",
            at=0,
        ),
        Good("EfiMemoryMappedIO  0x7ffffff000  1  RUNTIME UC", sections=_NEVER_39),
        Good("EfiMemoryMappedIO  0x8000000000  1  UC", sections=_NEVER_39),
        Good(
            "EfiMemoryMappedIO  0x8000000000  1  RUNTIME UC",
            sections=_NEVER_39.replace("39", "48"),
        ),
        Good(
            "EfiMemoryMappedIO  0x8000000000  1  RUNTIME UC",
            sections=_NEVER_39.replace("never", "once"),
        ),
    ),
)
def identity_mapping_out_of_reach(
    platform: Platform,
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """Runtime regions at physical addresses lie beyond what the kernel can translate.

    Without SetVirtualAddressMap firmware runs at its physical addresses. On arm64 these are
    translated through TTBR0, which reaches from 0 to 2^VA_BITS. A kernel of three levels with pages
    of 4 KiB, 39 bits, or of two levels with 64 KiB, 42 bits, does not reach what many servers have:
    of 13 public machines three have runtime regions beyond 2^39, one of them a device beyond 2^47.

    Linux leaves the call out since 6.1, but only where it was built for 48 bits at least; a 52-bit
    kernel counts as 48 with pages of 4 and 64 KiB, as 47 with 16 KiB. With fewer bits it calls
    SetVirtualAddressMap with addresses from 512 MiB on. What it does not do by itself it can be
    told: ``efi=novamap``, or firmware whose EFI_RT_PROPERTIES_TABLE says that the call is not
    supported, leaves such a kernel without those regions, and a service that touches them faults.
    """
    virtual = firmware_is_virtual(mapping, platform, plan)
    limit = 1 << (mapping.virtual_address_bits or 0)
    beyond = [each for each in memory_map.runtime if each.physical.end > limit]
    if virtual or not beyond:
        return
    if virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
        return
    first = beyond[0].physical
    listed = ", ".join(map(str, beyond))
    yield Finding(
        mapping,
        f"{len(beyond)} runtime {'region ends' if len(beyond) == 1 else 'regions end'} beyond "
        f"2^{mapping.virtual_address_bits} ({limit:#x}) and firmware is called at physical "
        f"addresses: {listed}",
        AddressRange(max(first.start, limit), first.end),
        field="virtual_address_bits",
        related=tuple(Related(each, "out of reach") for each in beyond),
    )
