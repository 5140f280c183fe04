"""Every strategy with every page size and address width."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from efipolicy.engine.planning import PlanChoice
from efipolicy.engine.whatif import WhatIf, shared_pages, status_of, what_if
from efipolicy.errors import UsageError
from efipolicy.formats.platform import read_platform
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, Mapping, MappingPlan, RuntimeCall
from efipolicy.model.platform import Platform
from efipolicy.paging.builder import build
from efipolicy.paging.geometry import Level, RadixGeometry
from efipolicy.plugin import PlanRequest, Strategy
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText

WIDE = RadixGeometry("wide", (Level("L2", 29, 13, leaf=True), Level("L3", 16, 13, leaf=True)))
"""Pages of 64 KiB."""


def platform_of(architecture: str = "arm64", more: str = "") -> Platform:
    text = (
        f"efipolicy: 1\nplatform: {{name: p, architecture: {architecture}}}\n"
        "memory_map:\n  descriptors:\n"
        "    - {type: EfiRuntimeServicesCode, physical_start: 0x80000000, pages: 8, "
        "attribute: [RUNTIME, WB]}\n"
        "    - {type: EfiRuntimeServicesData, physical_start: 0x80008000, pages: 8, "
        f"attribute: [RUNTIME, WB]}}\n{more}"
    )
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform
    return platform


def mapped(start: int, size: int, type: int = 5, access: Access = "RW") -> Mapping:
    return Mapping(AddressRange(start, start + size), start, type, access, "normal", True, (0,))


def pages_shared(mappings: Iterable[Mapping]) -> int:
    return shared_pages(build(WIDE, mappings))


def test_a_page_in_which_two_types_meet_is_shared() -> None:
    assert pages_shared([mapped(0x10000, 0x8000), mapped(0x18000, 0x8000, type=6)]) == 1


def test_memory_that_is_mapped_beneath_a_region_is_no_region() -> None:
    all_memory = mapped(0x10000, 0x80000, type=7)._replace(descriptors=())
    assert pages_shared([mapped(0x10000, 0x8000), all_memory]) == 0


def test_a_page_in_which_two_accesses_meet_is_shared() -> None:
    assert pages_shared([mapped(0x10000, 0x8000), mapped(0x18000, 0x8000, access="RX")]) == 1


def test_regions_that_are_alike_may_share_a_page() -> None:
    assert pages_shared([mapped(0x10000, 0x8000), mapped(0x18000, 0x8000)]) == 0


def test_regions_in_pages_of_their_own_share_none() -> None:
    assert pages_shared([mapped(0x10000, 0x10000), mapped(0x20000, 0x10000, type=6)]) == 0


def test_a_page_that_many_regions_share_counts_once() -> None:
    four = [mapped(0x10000 + place * 0x4000, 0x4000, type=5 + place % 2) for place in range(4)]
    assert pages_shared(four) == 1


def test_each_page_of_an_overlap_counts() -> None:
    assert pages_shared([mapped(0x10000, 0x40000), mapped(0x20000, 0x20000, type=6)]) == 2


def test_each_page_size_and_width_gets_a_row(registry: Registry) -> None:
    rows, errors = what_if(platform_of(), registry, PlanChoice(strategy="identity"))
    assert errors == ()
    seen = [(row.page_size >> 10, row.virtual_address_bits) for row in rows]
    assert seen == [
        (4, 39), (4, 48), (4, 52), (16, 36), (16, 47), (16, 48), (16, 52), (64, 42), (64, 48),
        (64, 52),
    ]  # fmt: skip
    assert {row.shared_pages for row in rows if row.page_size == 0x1000} == {0}
    assert {row.shared_pages for row in rows if row.page_size == 0x10000} == {1}
    assert {row.kexec_to_itself for row in rows} == {"ok"}


def test_only_strategies_of_the_architecture_get_rows(registry: Registry) -> None:
    rows, _ = what_if(platform_of(), registry, PlanChoice())
    names = [row.strategy for row in rows]
    assert "identity" in names
    assert "x86-topdown" not in names
    assert names == sorted(names)


def test_a_declared_strategy_has_the_options_it_was_declared_with(registry: Registry) -> None:
    declared = (
        "mapping:\n  - {strategy: identity}\n"
        "  - {strategy: x86-topdown, options: {page0: false}, virtual_address_bits: 57}\n"
    )
    for choice in (PlanChoice(), PlanChoice(strategy="x86-topdown")):
        rows, _ = what_if(platform_of("x86_64", declared), registry, choice)
        by_width = {r.virtual_address_bits: r for r in rows if r.strategy == "x86-topdown"}
        assert set(by_width) == {48, 57}
        plain, _ = what_if(platform_of("x86_64"), registry, choice)
        usual = next(row for row in plain if row.strategy == "x86-topdown")
        assert usual.leaves[0x1000] == by_width[48].leaves[0x1000] + 1


def test_an_option_of_the_command_line_comes_on_top(registry: Registry) -> None:
    platform = platform_of(
        "x86_64", "mapping:\n  - {strategy: x86-topdown, options: {page0: false}}\n"
    )
    choice = PlanChoice(strategy="x86-topdown", options={"boot_services": "false"})
    rows, _ = what_if(platform, registry, choice)
    with_page0, _ = what_if(platform, registry, choice._replace(options={"page0": "true"}))
    assert with_page0[0].leaves[0x1000] == rows[0].leaves[0x1000] + 1


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (PlanChoice(options={"a": "b"}), "choose it with --strategy"),
        (PlanChoice(strategy="identty"), "did you mean `identity`"),
        (PlanChoice(strategy="x86-topdown"), "which is for x86_64"),
        (PlanChoice(page_size=0x2000), "arm64's: 4K, 16K, 64K"),
        (PlanChoice(virtual_address_bits=57), "arm64's: 36, 39, 42, 47, 48, 52"),
        (PlanChoice(page_size=0x10000, virtual_address_bits=39), "pages of 64K: 42, 48, 52"),
    ],
)
def test_a_choice_that_leaves_nothing_is_refused(
    registry: Registry, choice: PlanChoice, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        what_if(platform_of(), registry, choice)


def test_an_unknown_architecture_is_said_to_be_unknown(registry: Registry) -> None:
    with pytest.raises(UsageError, match="the architecture is unknown"):
        what_if(platform_of("unknown"), registry, PlanChoice())


class OnlyStrategies(Registry):
    """The installed plugins with other strategies."""

    def __init__(self, *strategies: Strategy) -> None:
        super().__init__()
        self._strategies = {one.name: one for one in strategies}

    @property
    def strategies(self) -> dict[str, Strategy]:
        return self._strategies


def plan_out_of_reach(request: PlanRequest) -> MappingPlan:
    """Map everything where 48 bits do not lead."""
    mapping = mapped(1 << 50, 0x1000)
    return MappingPlan("far", {}, "ok", (mapping,), (), None, RuntimeCall("CR3", "nothing"))


def plan_badly(request: PlanRequest) -> MappingPlan:
    """Fail, but only with the widest addresses."""
    if request.geometry.virtual_address_bits == 57:
        raise KeyError("oops")
    return plan_out_of_reach(request)._replace(strategy="bad")


FAR = Strategy(name="far", title="", plan=plan_out_of_reach)
BAD = Strategy(name="bad", title="", plan=plan_badly)


def row_of(rows: Iterable[WhatIf], strategy: str, bits: int) -> WhatIf:
    return next(r for r in rows if (r.strategy, r.virtual_address_bits) == (strategy, bits))


def test_what_no_table_can_hold_is_impossible_whatever_the_strategy_says() -> None:
    rows, _ = what_if(platform_of("x86_64"), OnlyStrategies(FAR), PlanChoice())
    narrow, wide = row_of(rows, "far", 48), row_of(rows, "far", 57)
    assert (narrow.status, wide.status) == ("impossible", "ok")
    assert narrow.problem is not None
    assert narrow.problem.endswith("no address that x86_64-4level translates")
    assert wide.problem is None


def test_a_strategy_that_fails_costs_only_its_own_rows() -> None:
    rows, errors = what_if(platform_of("x86_64"), OnlyStrategies(FAR, BAD), PlanChoice())
    assert [(row.strategy, row.virtual_address_bits) for row in rows] == [
        ("bad", 48), ("far", 48), ("far", 57),
    ]  # fmt: skip
    assert [str(error) for error in errors] == ["strategy bad failed: KeyError: 'oops'"]


def test_itanium_has_granules_and_no_tables(registry: Registry) -> None:
    rows, errors = what_if(platform_of("ia64"), registry, PlanChoice(strategy="identity"))
    assert errors == ()
    assert {row.page_size >> 10 for row in rows} == {4, 8, 16, 64}
    assert {row.status for row in rows} == {"ok"}
    assert all(row.tables == {} for row in rows)


def test_what_no_translation_of_itanium_reaches_is_impossible(registry: Registry) -> None:
    far = (
        "    - {type: EfiRuntimeServicesData, physical_start: 0x10000000000000, pages: 16, "
        "attribute: [RUNTIME, WB]}\n"
    )
    choice = PlanChoice(strategy="ia64-region67", page_size=0x4000)
    ((row,), _) = what_if(platform_of("ia64", far), registry, choice)
    assert (row.status, row.leaves) == ("impossible", {16 << 20: 1})
    assert row.problem == "a translation names 50 bits of a physical address"


def plan_granules(request: PlanRequest) -> MappingPlan:
    """Map code cached and data uncached, side by side in one granule."""
    code, data = request.platform.memory_map.descriptors
    cached = Mapping(code.physical, 7 << 61 | code.physical_start, 5, "RWX", "WB", True)
    uncached = Mapping(data.physical, 6 << 61 | data.physical_start, 6, "RW", "UC", True)
    call = RuntimeCall("rr6 and rr7", "everything")
    return MappingPlan("granules", {}, "ok", (cached, uncached), (), None, call)


def plan_odd_granules(request: PlanRequest) -> MappingPlan:
    """Ask for granules that do not exist."""
    return plan_granules(request)._replace(strategy="odd", largest_leaf=0x3000)


def test_granules_with_two_cache_types_are_shared_pages() -> None:
    strategies = OnlyStrategies(
        Strategy(name="granules", title="", plan=plan_granules),
        Strategy(name="odd", title="", plan=plan_odd_granules),
    )
    rows, errors = what_if(platform_of("ia64"), strategies, PlanChoice(page_size=0x4000))
    (row,) = rows
    assert row.leaves == {16 << 20: 2}
    assert row.write_execute_bytes == 32 << 20
    assert row.shared_pages == (16 << 20) // 0x4000
    assert [str(error).partition(":")[0] for error in errors] == ["strategy odd failed"]


def test_the_status_of_a_plan_stays_where_everything_is_mapped(registry: Registry) -> None:
    plan = MappingPlan("s", {}, "assumption", (), (), None, RuntimeCall("", ""))
    assert status_of(plan, build(WIDE, [])) == "assumption"
    assert status_of(plan, None) == "assumption"
