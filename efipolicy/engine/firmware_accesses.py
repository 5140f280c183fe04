"""What firmware touches during a call, held against what is mapped then."""

from __future__ import annotations

from collections.abc import Iterable

from efipolicy.engine.firmware import (
    FirmwareState,
    convert_pointer,
    firmware_of,
    set_virtual_address_map,
)
from efipolicy.engine.planned import Planned
from efipolicy.model.access import AccessOutcome
from efipolicy.model.address import round_down, round_up
from efipolicy.model.declared import FirmwareAccess
from efipolicy.model.mapping import Mapping
from efipolicy.model.platform import Platform
from efipolicy.paging import Geometry, RadixGeometry

Live = dict[int, list[Mapping]]
"""What is mapped, in order, by the distance of its virtual from its physical addresses."""


def accesses(
    platform: Platform, firmware: FirmwareState, mapped: Iterable[Mapping], geometry: Geometry
) -> tuple[AccessOutcome, ...]:
    """Each declared access of the platform's firmware, under these mappings."""
    live: Live = {}
    for mapping in mapped if platform.firmware_accesses else ():
        if mapping.virtual_start is not None:
            distance = mapping.virtual_start - mapping.physical.start
            live.setdefault(distance, []).append(mapping)
    return tuple(
        _outcome(access, firmware, live, geometry) for access in platform.firmware_accesses or ()
    )


def accesses_of_plan(platform: Platform, made: Planned) -> tuple[AccessOutcome, ...]:
    """Each declared access after a first boot with a plan: mapped in what stays of its tables."""
    firmware = firmware_of(platform)
    plan = made.plan
    if plan.svam is not None:
        firmware, _ = set_virtual_address_map(firmware, plan.svam)
    live = [one for one in (*plan.mappings, *plan.extra) if not one.temporary]
    return accesses(platform, firmware, live, made.geometry)


def _outcome(
    access: FirmwareAccess, firmware: FirmwareState, live: Live, geometry: Geometry
) -> AccessOutcome:
    if access.converted is not None or not firmware.virtual:
        return _exactly(access, bool(access.converted), firmware, live, geometry)
    either = [_exactly(access, told, firmware, live, geometry) for told in (True, False)]
    if either[0].works == either[1].works:
        return either[1]
    unsure = "nobody says whether firmware converts the pointer"
    return either[1]._replace(works=None, sentence=f"{either[1].sentence}; {unsure}")


def _exactly(
    access: FirmwareAccess,
    converted: bool,
    firmware: FirmwareState,
    live: Live,
    geometry: Geometry,
) -> AccessOutcome:
    physical = access.physical
    address = convert_pointer(firmware, physical).address if converted else physical
    what = f"firmware touches {physical:#x}"
    if address is None:
        return AccessOutcome(access, None, None, None, f"{what} at an address that is not known")
    at = what if address == physical else f"{what} at {address:#x}"
    through = mapping_at(address, physical, live.get(address - physical, ()), geometry)
    if through:
        why = through.why or f"the mapping of {through.physical}"
        return AccessOutcome(access, address, True, through, f"{at}, through {why}")
    if _untranslated(address, physical, firmware, geometry):
        return AccessOutcome(access, address, True, None, f"{at}, which no table translates")
    forgotten = "" if converted or not firmware.virtual else ", a pointer it did not convert"
    sentence = f"{at}{forgotten}, and nothing maps it there"
    return AccessOutcome(access, address, False, None, sentence)


def mapping_at(
    address: int, physical: int, live: Iterable[Mapping], geometry: Geometry
) -> Mapping | None:
    """The mapping through which an address reaches that memory, in whole pages."""
    size = geometry.page_size
    for mapping in live:
        start, length = mapping.virtual_start, mapping.physical.end - mapping.physical.start
        if start is None or address - start != physical - mapping.physical.start:
            continue
        if round_down(start, size) <= address < round_up(start + length, size):
            return mapping
    return None


def _untranslated(address: int, physical: int, firmware: FirmwareState, geometry: Geometry) -> bool:
    """Whether the processor needs no table: a fixed window, or Itanium's physical mode."""
    if not isinstance(geometry, RadixGeometry):
        return not firmware.virtual
    return any(
        address in window.virtual
        and address - window.virtual.start + window.physical_start == physical
        for window in geometry.windows
    )
