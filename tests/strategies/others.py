"""Plans of one strategy for one platform, asked for directly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from efipolicy.engine.planned import Planned
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from efipolicy.plugin import Architecture, PlanRequest, Strategy
from efipolicy.plugin.registry import Registry
from tests.plugin.plans import RUNTIME, Row

OVMF5: list[Row] = [
    (5, 0x00800000, 0x800000, RUNTIME | 0xF),
    (6, 0x7C000000, 0x20000, RUNTIME | 0xF),
    (5, 0x7DC5B000, 0x4EB000, RUNTIME | 0xF),
    (6, 0x7FA65000, 0x57B000, RUNTIME | 0xF),
    (5, 0x7FFE0000, 0x20000, RUNTIME | 0xF),
]


@cache
def architectures() -> Mapping[str, Architecture]:
    """The installed architectures, looked for once."""
    return Registry().architectures


def planned(
    strategy: Strategy,
    platform: Platform,
    *,
    page_size: int | None = None,
    bits: int | None = None,
    **options: Any,
) -> Planned:
    """The plan with its geometry; options are values, those left out have their defaults."""
    architecture = architectures()[platform.architecture]
    offered = architecture.geometries[page_size or architecture.default_page_size]
    geometry = next(one for one in offered if bits in (None, one.virtual_address_bits))
    values = {option.name: option.default for option in strategy.options}
    assert options.keys() <= values.keys()
    request = PlanRequest(platform, architecture, geometry, values | options)
    return Planned(strategy.plan(request), architecture, geometry)


def plan(strategy: Strategy, platform: Platform, **more: Any) -> MappingPlan:
    """The plan alone."""
    return planned(strategy, platform, **more).plan


def disjoint(shapes: list[tuple[int, int, int, int]]) -> list[Row]:
    """Rows one above the other, of type, pages left out before, pages and attribute."""
    start, rows = 0x100000, []
    for type, gap, pages, attribute in shapes:
        start += gap * 0x1000
        rows.append((type, start, pages * 0x1000, attribute))
        start += pages * 0x1000
    return rows


def assert_apart(made: MappingPlan) -> None:
    """No two mappings of a plan share a virtual address."""
    end = 0
    for virtual in sorted(mapping.virtual for mapping in made.mappings if mapping.virtual):
        assert end <= virtual.start
        end = virtual.end
