"""Granularity: the unit an architecture demands of some regions."""

from efipolicy.plugin import EFI_PAGE_SIZE, Finding, Granularity, MemoryDescriptor, size_text

_SAME_FAULT = ("uefi/misaligned-physical-start",)


def breach(descriptor: MemoryDescriptor, granularity: Granularity, general: str) -> Finding | None:
    """The finding about a region whose start or size is no multiple of the unit, if it is one.

    It carries the code of the architecture's own requirement and the ``general`` one that this is
    an instance of. Where the unit is the page, a start
    off it is the same fault as uefi/misaligned-physical-start.
    """
    faults = []
    if descriptor.physical_start % granularity.size:
        faults.append(f"starts at {descriptor.physical_start:#x}")
    if descriptor.physical.size % granularity.size:
        faults.append(f"has {size_text(descriptor.physical.size)}")
    if not faults:
        return None
    return Finding(
        descriptor,
        f"{descriptor.type_name} {' and '.join(faults)}; "
        f"{granularity.source} wants multiples of {size_text(granularity.size)}",
        field="physical_start" if len(faults) > 1 or "starts" in faults[0] else "pages",
        requirements=tuple(dict.fromkeys((granularity.requirement, general))),
        unless=_SAME_FAULT if granularity.size == EFI_PAGE_SIZE else (),
    )
