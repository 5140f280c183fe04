"""Which runtime regions a plan maps at their physical addresses."""

from __future__ import annotations

from efipolicy.plugin import AddressRange, MappingPlan


def unmapped_at_physical(plan: MappingPlan) -> list[AddressRange]:
    """The runtime regions that are not, or not wholly, mapped at their physical addresses.

    What SetVirtualAddressMap alone needs does not count. Ascending.
    """
    live = [one for one in (*plan.mappings, *plan.extra) if not one.temporary]
    identity = sorted(one.physical for one in live if one.virtual_start == one.physical.start)
    regions = sorted({one.physical for one in plan.mappings if one.runtime and not one.temporary})
    found: list[AddressRange] = []
    place = 0
    reached = AddressRange(0, 0)
    for region in regions:
        while place < len(identity) and identity[place].start <= region.start:
            reached = _longer(reached, identity[place])
            place += 1
        ahead = place
        covered = reached
        while ahead < len(identity) and identity[ahead].start <= covered.end < region.end:
            covered = _longer(covered, identity[ahead])
            ahead += 1
        if not (covered.start <= region.start and covered.end >= region.end):
            found.append(region)
    return found


def _longer(reached: AddressRange, one: AddressRange) -> AddressRange:
    """What is covered without a gap up to the furthest end; a gap begins anew."""
    if one.start > reached.end:
        return one
    return AddressRange(reached.start, max(reached.end, one.end))
