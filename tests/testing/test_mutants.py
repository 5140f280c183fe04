"""A suite that a wrong plugin passes is worth nothing: each mistake here breaks a promise."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from efipolicy.plugin import AddressRange, Option, Window
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ArchitectureConformance, StrategyConformance
from efipolicy.testing import table_promises as tables
from efipolicy.testing.architectures import Laid
from tests.testing import mutants
from tests.testing.mutants import (
    FOUR_LEVEL,
    PAGE,
    RIGHT,
    TOP,
    X86_64,
    broken,
    changed,
    strategy,
    with_first,
    with_leaf,
    wrong_entries,
    wrong_levels,
)

WINDOW = AddressRange(3 << 62, TOP)
PROMISED = {"window": WINDOW, "placement": "down", "order_matters": False, "random_maps": 4}


def of_strategy(mutant: Any, only: str | None = None) -> set[str]:
    return broken(StrategyConformance.of([mutant], **PROMISED), only)


def of_architecture(mutant: Any, only: str | None = None) -> set[str]:
    return broken(ArchitectureConformance.of([mutant], rounds=6), only)


def test_a_right_strategy_breaks_no_promise() -> None:
    assert of_strategy(RIGHT) == set()


def test_a_right_architecture_breaks_no_promise() -> None:
    assert of_architecture(X86_64) == set()
    assert of_architecture(windowed(9 << 60, 1 << 48)) == set()


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        pytest.param(
            changed(lambda plan: mutants.moved(plan, PAGE, tell=False)),
            "test_firmware_is_told_what_is_mapped",
            id="told-one-page-off",
        ),
        pytest.param(
            changed(lambda plan: mutants.moved(plan, PAGE, tell=True)),
            "test_no_address_stands_for_two",
            id="placed-one-page-off",
        ),
        pytest.param(
            changed(lambda plan: mutants.moved(plan, 0x10, tell=True)),
            "test_its_plans_are_well_formed",
            id="not-congruent",
        ),
        pytest.param(
            changed(mutants.shortened),
            "test_every_runtime_region_is_mapped_or_told",
            id="one-page-short",
        ),
        pytest.param(
            changed(mutants.dropped),
            "test_every_runtime_region_is_mapped_or_told",
            id="dropped-region",
        ),
        pytest.param(
            changed(lambda plan: plan._replace(mappings=plan.mappings[::-1])),
            "test_what_is_promised_besides_is_kept",
            id="forward-order",
        ),
        pytest.param(
            strategy(mutants.in_map_order),
            "test_what_is_promised_besides_is_kept",
            id="map-order",
        ),
        pytest.param(
            changed(lambda plan: with_first(plan, virtual_start=0x1000)),
            "test_what_is_promised_besides_is_kept",
            id="outside-the-window",
        ),
        pytest.param(
            changed(lambda plan: with_first(plan, cache="FAST")),
            "test_entries_can_express_every_cache_type",
            id="cache-type-of-nobody",
        ),
        pytest.param(
            changed(lambda plan: with_first(plan, descriptors=(99,))),
            "test_its_plans_are_well_formed",
            id="descriptor-of-nobody",
        ),
        pytest.param(
            changed(lambda plan: plan._replace(strategy="other")),
            "test_its_plans_are_well_formed",
            id="name-of-another",
        ),
        pytest.param(
            changed(lambda plan: plan._replace(status="impossible", problems=())),
            "test_the_status_is_honest",
            id="impossible-for-no-reason",
        ),
        pytest.param(
            changed(
                lambda plan: mutants.dropped(plan)._replace(
                    problems=plan.problems
                    + tuple(
                        mutants.PlanProblem("acme/left-out", "left out", one.physical)
                        for one in plan.mappings[:1]
                    )
                )
            ),
            "test_the_status_is_honest",
            id="ok-and-left-out",
        ),
        pytest.param(
            strategy(mutants.counting()),
            "test_the_same_request_gives_the_same_plan",
            id="remembers",
        ),
        pytest.param(
            strategy(mutants.clearing), "test_a_request_stays_as_it_was", id="writes-into-options"
        ),
        pytest.param(
            changed(
                lambda plan: plan._replace(
                    problems=(mutants.PlanProblem("no room", AddressRange(0, PAGE)),)  # type: ignore[arg-type]
                )
            ),
            "test_it_plans_for_every_map",
            id="problem-of-no-rule",
        ),
        pytest.param(
            changed(lambda plan: with_first(plan, physical=AddressRange(TOP, 1 << 65))),
            "test_it_plans_for_every_map",
            id="memory-beyond-64-bits",
        ),
        pytest.param(strategy(mutants.raising), "test_it_plans_for_every_map", id="raises"),
        pytest.param(strategy(lambda _: None), "test_it_plans_for_every_map", id="gives-nothing"),
        pytest.param(
            strategy(
                mutants.flat,
                options=(
                    Option(name="order", kind="choice", choices=("a",), default="b", doc="x"),
                ),
            ),
            "test_defaults_are_values_that_may_be_written",
            id="default-that-is-none",
        ),
    ],
)
def test_a_wrong_strategy_breaks_the_promise(mutant: Any, test: str) -> None:
    assert of_strategy(mutant, test) == {test}


@pytest.mark.parametrize(
    ("cache", "physical", "test"),
    [
        ("WB", 0, None),
        ("UC", 0, "test_page_tables_lead_where_the_plan_says"),
    ],
)
def test_a_plan_in_a_window_has_what_the_window_has(
    cache: str, physical: int, test: str | None
) -> None:
    """The right strategy maps everything below ``TOP``, here a window of the right memory type."""

    def in_window(request: Any) -> Any:
        plan = mutants.flat(request)
        base = 9 << 60
        low = [one for one in plan.mappings if one.physical.end <= 1 << 48]
        moved = tuple(one._replace(virtual_start=base + one.physical.start) for one in low)
        told = tuple(
            mutants.PlanProblem("plan/mapping-out-of-reach", "too high", one.physical)
            for one in plan.mappings
            if one not in low
        )
        status = "impossible" if told or plan.problems else "ok"
        return plan._replace(
            mappings=moved,
            svam=tuple(map(mutants.told, moved)),
            problems=(*plan.problems, *told),
            status=status,
        )

    architecture = windowed(9 << 60, 1 << 48, physical, cache)
    suite = StrategyConformance.of(
        [strategy(in_window)], architectures=[architecture], random_maps=4
    )
    found = broken(suite, test or "test_page_tables_lead_where_the_plan_says")
    assert found == ({test} if test else set())


def test_what_breaks_a_promise_is_told_with_the_least_map() -> None:
    suite = StrategyConformance.of([changed(mutants.dropped)])
    on = next(iter(suite.on_tables()))
    with pytest.raises(AssertionError) as told:
        suite().test_every_runtime_region_is_mapped_or_told(on)
    assert str(told.value) == (
        "flat-x86_64-4level: 0x7e9c3000-0x7e9c4000 of EfiRuntimeServicesCode "
        "0x7e9c3000-0x7e9c4000 is not mapped, and no problem says why\n"
        "  with the memory map (one page):\n"
        "    EfiRuntimeServicesCode 0x7e9c3000 1 RUNTIME WB"
    )


PTE, PMD = FOUR_LEVEL.levels[-1], FOUR_LEVEL.levels[-2]


def windowed(start: int, size: int, physical: int = 0, cache: str = "WB") -> Any:
    """x86-64 with a range that needs no tables, and one of 4 KiB at the top."""
    windows = (
        Window(AddressRange(start, start + size), physical, cache),
        Window(AddressRange((1 << 64) - PAGE, 1 << 64), 0, "UC"),
    )
    return wrong_levels(lambda tree: tree._replace(windows=windows))


def leaf_of(level: str, **fields: Any) -> Any:
    return wrong_entries(lambda formats: with_leaf(formats, level, **fields))


def without(formats: Any, kind: str, level: str) -> Any:
    kept = {name: one for name, one in getattr(formats, kind).items() if name != level}
    return formats._replace(**{kind: kept})


def address_moved(level: str, by: int) -> Any:
    def change(formats: Any) -> Any:
        (part, *rest) = formats.leaves[level].address
        moved = part._replace(entry_low=part.entry_low + by, bits=part.bits - max(by, 0))
        return with_leaf(formats, level, address=(moved, *rest))

    return wrong_entries(change)


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        pytest.param(
            wrong_levels(
                lambda tree: tree._replace(levels=(*tree.levels[:-1], PTE._replace(shift=13)))
            ),
            "test_levels_continue_each_other",
            id="gap-between-levels",
        ),
        pytest.param(
            wrong_levels(
                lambda tree: tree._replace(levels=(*tree.levels[:-1], PTE._replace(leaf=False)))
            ),
            "test_levels_continue_each_other",
            id="no-smallest-leaf",
        ),
        pytest.param(
            windowed(9 << 60, 1 << 48, cache="FAST"),
            "test_windows_lead_to_the_memory_they_name",
            id="window-with-a-cache-type-of-nobody",
        ),
        pytest.param(
            windowed((1 << 64) - (1 << 48), 1 << 48),
            "test_windows_lead_to_the_memory_they_name",
            id="window-over-a-window",
        ),
        pytest.param(
            windowed(9 << 60, 1 << 61, physical=15 << 60),
            "test_windows_lead_to_the_memory_they_name",
            id="window-to-beyond-64-bits",
        ),
        pytest.param(
            wrong_entries(lambda formats: formats._replace(present=1 << 62)),
            "test_tables_are_read_back",
            id="present-is-another-bit",
        ),
        pytest.param(
            wrong_entries(
                lambda formats: formats._replace(
                    leaves={**formats.leaves, "PGD": formats.leaves["PUD"]}
                )
            ),
            "test_every_level_has_its_entries",
            id="leaf-where-none-can-stand",
        ),
        pytest.param(
            wrong_entries(lambda formats: without(formats, "leaves", "PMD")),
            "test_every_level_has_its_entries",
            id="no-format-for-a-leaf",
        ),
        pytest.param(
            wrong_entries(lambda formats: without(formats, "tables", "PUD")),
            "test_every_level_has_its_entries",
            id="no-format-for-a-table",
        ),
        pytest.param(
            address_moved("PTE", -11), "test_what_is_written_is_read_back", id="address-over-access"
        ),
        pytest.param(
            address_moved("PTE", 1), "test_every_bit_has_one_meaning", id="address-over-a-field"
        ),
        pytest.param(
            leaf_of("PTE", access={"R": 0, "RW": 0, "RX": 2, "RWX": 2}),
            "test_what_is_written_is_read_back",
            id="two-accesses-alike",
        ),
        pytest.param(
            leaf_of("PTE", access={"R": 0, "RW": 2}),
            "test_access_is_never_narrower_than_asked_for",
            id="nothing-executable",
        ),
        pytest.param(
            leaf_of("PMD", cache={"WB": 0}),
            "test_entries_have_the_cache_types_of_attributes",
            id="no-uncached-leaf",
        ),
        pytest.param(
            leaf_of("PMD", reserved=1 << 63 | 1 << 7),
            "test_what_is_written_is_read_back",
            id="reserved-bit-in-use",
        ),
        pytest.param(
            leaf_of("PTE", fields=()), "test_every_bit_has_one_meaning", id="bits-of-nobody"
        ),
        pytest.param(
            wrong_entries(lambda formats: formats._replace(describe=lambda _: "")),
            "test_faults_have_words",
            id="speechless",
        ),
        pytest.param(
            mutants.replace(X86_64, geometries={0x4000: (FOUR_LEVEL,)}),
            "test_page_tables_stand_under_their_page_size",
            id="wrong-page-size",
        ),
        pytest.param(
            mutants.replace(X86_64, cacheability={8: "WB"}),
            "test_cache_types_are_those_of_attributes",
            id="no-uncached-memory",
        ),
        pytest.param(
            mutants.replace(X86_64, physical_address_bits=40),
            "test_numbers_fit_each_other",
            id="assumes-more-than-there-is",
        ),
    ],
)
def test_a_wrong_architecture_breaks_the_promise(mutant: Any, test: str) -> None:
    assert of_architecture(mutant, test) == {test}


def building_wrongly(monkeypatch: pytest.MonkeyPatch, change: Any, test: str) -> set[str]:
    """What fails when the builder makes another run of the first one."""
    right = tables.build

    def build(*arguments: Any, **named: Any) -> Any:
        built = right(*arguments, **named)
        if not built.runs:
            return built
        return built._replace(runs=(change(built.runs[0]), *built.runs[1:]))

    monkeypatch.setattr(tables, "build", build)
    return of_architecture(mutants.replace(X86_64, geometries={PAGE: (FOUR_LEVEL,)}), test)


@pytest.mark.parametrize(
    ("change", "test"),
    [
        (
            lambda run: run._replace(physical=run.physical + run.leaf_size),
            "test_every_mapped_address_is_reached",
        ),
        (lambda run: run._replace(end=run.end + run.leaf_size), "test_nothing_else_is_reached"),
        (lambda run: run._replace(leaf_size=0x8000), "test_leaves_are_whole_and_aligned"),
        (
            lambda run: run._replace(physical=run.physical + 0x1000),
            "test_tables_are_counted_as_page_by_page",
        ),
        (
            lambda run: run._replace(cache="UC" if run.cache != "UC" else "WB"),
            "test_every_mapped_address_is_reached",
        ),
    ],
    ids=["frame-off", "one-leaf-too-many", "leaf-of-no-size", "small-frame-off", "other-cache"],
)
def test_a_wrong_tree_breaks_the_promise(
    monkeypatch: pytest.MonkeyPatch, change: Any, test: str
) -> None:
    assert building_wrongly(monkeypatch, change, test) == {test}


def test_halves_that_are_no_whole_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right, counter = tables.build, count()

    def build(*arguments: Any, **named: Any) -> Any:
        built = right(*arguments, **named)
        return built._replace(runs=built.runs[next(counter) % 2 :])

    monkeypatch.setattr(tables, "build", build)
    laid = Laid(X86_64, FOUR_LEVEL)
    with pytest.raises(AssertionError):
        ArchitectureConformance.of([X86_64])().test_two_halves_are_one_whole(laid)


def test_a_suite_without_anything_to_test_fails() -> None:
    with pytest.raises(LookupError, match="contributes no strategies"):
        StrategyConformance.of([]).contributions()
    with pytest.raises(LookupError, match="no plugin `nobody` is installed"):
        StrategyConformance.of("nobody").contributions()
    with pytest.raises(LookupError, match="no strategies named flat"):
        StrategyConformance.of("linux", only=("flat",)).contributions()


def test_a_promise_that_is_misspelt_is_refused() -> None:
    with pytest.raises(TypeError, match="no attribute windows"):
        StrategyConformance.of("linux", windows=WINDOW)


def test_a_strategy_for_an_architecture_that_is_not_there_fails() -> None:
    suite = StrategyConformance.of([RIGHT], architectures=[Registry().architectures["arm64"]])
    with pytest.raises(LookupError, match=r"no architecture for flat is at hand \(x86_64\)"):
        list(suite.on_tables())
