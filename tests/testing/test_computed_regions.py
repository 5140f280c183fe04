"""A finding may be about a region that no descriptor has: then its subject is the list, or more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding, MappingDeclaration, MemoryMap, Platform
from efipolicy.testing import factories
from efipolicy.testing.finding_promises import Judged, broken
from tests.testing.rule_mutants import RIGHT

PLATFORM = factories.platform(
    "EfiConventionalMemory  0x0  16  WB",
    "EfiConventionalMemory  0x20000  16  WB",
    mapping=(MappingDeclaration(os="acme", options={}),),
)
HOLE = AddressRange(0x10000, 0x20000)
VIRTUAL = AddressRange(0xFFFFFFFE_00000000, 0xFFFFFFFE_00010000)

Subject = Callable[[Platform], Platform | MemoryMap | MappingDeclaration]


def of_the_mapping(platform: Platform) -> MappingDeclaration:
    assert platform.mapping
    return platform.mapping[0]


@pytest.mark.parametrize("region", [HOLE, VIRTUAL])
@pytest.mark.parametrize(
    "subject", [lambda platform: platform, lambda platform: platform.memory_map, of_the_mapping]
)
def test_a_computed_region_is_the_lists_the_platforms_or_the_mappings(
    subject: Subject, region: AddressRange
) -> None:
    finding = Finding(subject(PLATFORM), "nothing is there", region=region)
    assert broken([Judged(RIGHT, {"platform": PLATFORM}, (finding,))]) is None


def test_of_a_descriptor_it_is_elsewhere_and_the_suite_says_whose_it_is() -> None:
    finding = Finding(PLATFORM.memory_map.descriptors[1], "nothing is before it", region=HOLE)
    told = broken([Judged(RIGHT, {"platform": PLATFORM}, (finding,))])
    assert told == (
        "it reports 0x10000-0x20000 of `EfiConventionalMemory 0x20000-0x30000`, elsewhere; what is "
        "no memory of it, such as a hole or a virtual address, is the map's or the mapping's"
    )
