"""ARM64-008."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Confidence,
    EfiMemoryType,
    Finding,
    Good,
    Hardware,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Revision,
    Severity,
    rule,
    size_text,
)

_SINCE = Revision(2, 11)
_REACHED_BY_ALL = AddressRange(0, 1 << 48)
_ALLOCATED = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiACPIMemoryNVS,
    }
)
_LPA_WITHOUT_LPA2 = "hardware: {address_features: [LPA, LVA]}"


@rule(
    "arm64/firmware-memory-above-48-bits",
    severity=Severity.WARNING,
    requirements=("ARM64-008",),
    sources=("UEFI 2.11 §2.3.6", "EDK II commit a5274cdc87"),
    help="allocate firmware's own memory below 2^48",
    architectures=("arm64",),
    confidence=Confidence.LIKELY,
    examples=(
        Bad(
            "EfiConventionalMemory   0x80000000       0xa00000  WB",
            "EfiRuntimeServicesData  0x1000000000000  16        RUNTIME WB",
            uefi="2.11",
            at=2,
        ),
        # The last byte below 2^48 is reached, the next one is not.
        Bad(
            "EfiConventionalMemory  0x80000000      0xa00000  WB",
            "EfiBootServicesData    0xffffffff0000  17        WB",
            at=2,
        ),
        # Without LPA2 nothing excuses it, not even that there is no other memory.
        Bad(
            "EfiRuntimeServicesData  0x1000000000000  16  RUNTIME WB",
            sections=_LPA_WITHOUT_LPA2,
            extent="partial",
        ),
        Good(
            "EfiConventionalMemory   0x80000000     0xa00000  WB",
            "EfiRuntimeServicesData  0xffff0000000  16        RUNTIME WB",
            uefi="2.11",
        ),
        Good(
            "EfiConventionalMemory  0x80000000      0xa00000  WB",
            "EfiBootServicesData    0xffffffff0000  16        WB",
            uefi="2.11",
        ),
        # Nothing is free below.
        Good(
            "EfiLoaderData           0x80000000       0xa00000  WB",
            "EfiRuntimeServicesData  0x1000000000000  16        RUNTIME WB",
            uefi="2.11",
        ),
        Good(
            "EfiConventionalMemory   0x80000000       0xa00000  WB",
            "EfiRuntimeServicesData  0x1000000000000  16        RUNTIME WB",
            uefi="2.10",
        ),
    ),
)
def firmware_memory_above_48_bits(
    memory_map: MemoryMap, hardware: Hardware | None = None, revision: Revision | None = None
) -> Iterator[Finding | NotJudged]:
    """Firmware keeps memory where 48 bits of address do not reach, and lower memory is free.

    AArch64 has physical addresses of 52 bits, and page tables that reach them only with further
    extensions. An operating system with a granule of 4 KiB translates 48 bits unless it was built
    for FEAT_LPA2; firmware's tables and runtime regions beyond 2^48 do not exist for it.

    UEFI 2.11 therefore has firmware allocate pages below 48 bits, with two exceptions: when lower
    memory is exhausted, and when the caller asked for the very address. On a processor that has
    FEAT_LPA or FEAT_LVA and lacks FEAT_LPA2 there is none. EDK II could not simply forbid such
    addresses, since images ask for them.

    The map shows what is free in the end and not what somebody asked for, so the finding is likely
    and not certain. Memory counts as exhausted when no EfiConventionalMemory below 2^48 is as large
    as the region. A platform that declares less than UEFI 2.11 is not judged; one that declares
    nothing is judged by 2.11.
    """
    if revision is not None and revision < _SINCE:
        return
    beyond = [
        descriptor
        for descriptor in memory_map.descriptors
        if descriptor.type in _ALLOCATED and descriptor.physical.end > _REACHED_BY_ALL.end
    ]
    features = (hardware.address_features if hardware else None) or ()
    without_exception = bool(features) and "LPA2" not in features
    largest = _largest_free(memory_map) if beyond else 0
    for descriptor in beyond:
        if without_exception:
            why = f"the processor has {' and '.join(features)} without LPA2"
        elif largest >= descriptor.physical.size:
            why = f"{size_text(largest)} in one piece are free below"
        elif memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
            continue
        else:
            continue
        yield _finding(descriptor, why, assumed=revision is None)


def _largest_free(memory_map: MemoryMap) -> int:
    """Bytes of the largest free piece below 2^48."""
    free = EfiMemoryType.EfiConventionalMemory
    pieces = (d.physical & _REACHED_BY_ALL for d in memory_map.descriptors if d.type == free)
    return max((piece.size for piece in pieces), default=0)


def _finding(descriptor: MemoryDescriptor, why: str, *, assumed: bool) -> Finding:
    start = max(descriptor.physical.start, _REACHED_BY_ALL.end)
    rule_of = "UEFI 2.11, taken to apply here," if assumed else "UEFI 2.11"
    return Finding(
        descriptor,
        f"{descriptor} ends beyond 2^48 and {why}; {rule_of} wants it below",
        AddressRange(start, descriptor.physical.end),
        field="physical_start",
    )
