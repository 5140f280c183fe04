"""The conformance suite for strategies.

.. code-block:: python

    TestStrategies = StrategyConformance.of("efipolicy-acme")

    TestFlat = StrategyConformance.of(
        "efipolicy-acme", only=("acme-flat",), window=AddressRange(0, 1 << 47), placement="up"
    )
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, ClassVar

from efipolicy.model.address import AddressRange
from efipolicy.model.memory_map import MemoryMap
from efipolicy.plugin import Architecture, Strategy
from efipolicy.plugin.registry import Registry
from efipolicy.plugin.sound import BrokenPromiseError
from efipolicy.testing import strategy_promises as promises
from efipolicy.testing.contributions import Kind, Source, contributed
from efipolicy.testing.hash_seeds import HASH_SEEDS, digests_under
from efipolicy.testing.memory_maps import NamedMap, edge_maps, notation, random_maps, smallest
from efipolicy.testing.option_values import complaints, defaults_complaints, values_of
from efipolicy.testing.planned_answers import StrategyOnTables
from efipolicy.testing.strategy_promises import Placement, Promise
from efipolicy.testing.suite import Conformance, none


class StrategyConformance(Conformance):
    """What every strategy promises, on every architecture and kind of page tables it is for.

    ``architectures`` are the architectures to try, the installed ones when it is ``None``; a
    strategy that names its own is tried on those alone. What an author promises besides is tested
    where it is stated. Windows and direction are those of each plan's own ``placement``; for a plan
    that states none, ``window`` holds all that it is about, and ``placement`` is the direction in
    which addresses go from one mapping to the next. ``order_matters`` is false where the order of
    the map's entries changes no address. ``random_maps`` is how many are tried beside the
    edges; each set of tables has its own.
    """

    kind: ClassVar[Kind] = "strategies"
    architectures: ClassVar[Source | None] = None
    window: ClassVar[AddressRange | None] = None
    placement: ClassVar[Placement | None] = None
    order_matters: ClassVar[bool] = True
    random_maps: ClassVar[int] = 10

    def cases(self, argument: str) -> Iterable[Any] | None:
        """Strategies; strategies on tables; and those with one option set to another value."""
        match argument:
            case "strategy":
                return self.contributions()
            case "on":
                return list(self.on_tables())
            case "varied":
                return list(self.variations())
        return None

    @classmethod
    def on_tables(cls) -> Iterator[StrategyOnTables]:
        """Each strategy on each kind of page tables of each architecture it is for.

        Raises `LookupError` for a strategy of which no architecture is at hand.
        """
        architectures = list(cls._architectures())
        for strategy in cls.contributions():
            fitting = [one for one in architectures if _fits(strategy, one)]
            if not fitting:
                made_for = ", ".join(sorted(strategy.architectures)) or "any"
                raise LookupError(f"no architecture for {strategy.name} is at hand ({made_for})")
            for architecture in fitting:
                for offered in architecture.geometries.values():
                    for geometry in offered:
                        yield StrategyOnTables(strategy, architecture, geometry)

    @classmethod
    def _architectures(cls) -> Iterable[Architecture]:
        if cls.architectures is None:
            return _installed()
        return contributed(cls.architectures, "architectures")

    @classmethod
    def variations(cls) -> Iterator[StrategyOnTables]:
        """Each strategy on the usual tables, with one option at a time at another value.

        The last of each has a Memory Attributes Table instead.
        """
        for on in cls.on_tables():
            architecture = on.architecture
            if on.geometry is not architecture.geometries[architecture.default_page_size][0]:
                continue
            for option in on.strategy.options:
                for value in values_of(option):
                    yield on._replace(options={option.name: value})
            yield on._replace(attributes_table=True)

    @classmethod
    def maps(cls, on: StrategyOnTables) -> Iterator[NamedMap]:
        """The memory maps that are tried."""
        yield from edge_maps()
        yield from random_maps(str(on), cls.random_maps)

    def holds(self, promise: Promise, on: StrategyOnTables) -> None:
        """Assert a promise for every map. What fails is told with the least map that shows it."""
        for name, memory_map in self.maps(on):
            complaint = _broken(promise, on, memory_map)
            if complaint is None:
                continue
            least = smallest(memory_map, lambda tried: _broken(promise, on, tried) is not None)
            lines = "\n    ".join(map(notation, least.descriptors))
            told = _broken(promise, on, least)
            raise AssertionError(f"{on}: {told}\n  with the memory map ({name}):\n    {lines}")

    def test_it_plans_for_every_map(self, on: StrategyOnTables) -> None:
        """It raises nothing but an `EfipolicyError`, and makes some plans."""
        self.holds(lambda _: None, on)
        answers = (on.answer(named.memory_map) for named in self.maps(on))
        assert any(answers), f"{on} refuses every map"

    def test_its_plans_are_well_formed(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.well_formed` says."""
        self.holds(promises.well_formed, on)

    def test_the_same_request_gives_the_same_plan(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.deterministic` says."""
        self.holds(promises.deterministic, on)

    def test_a_request_stays_as_it_was(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.untouched` says."""
        self.holds(promises.untouched, on)

    def test_no_address_stands_for_two(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.apart` says."""
        self.holds(promises.apart, on)

    def test_every_runtime_region_is_mapped_or_told(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.accounted` says."""
        self.holds(promises.accounted, on)

    def test_the_status_is_honest(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.honest` says."""
        self.holds(promises.honest, on)

    def test_firmware_is_told_what_is_mapped(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.tellable` says."""
        self.holds(promises.tellable, on)

    def test_entries_can_express_every_cache_type(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.expressible` says."""
        self.holds(promises.expressible, on)

    def test_page_tables_lead_where_the_plan_says(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.walkable` says."""
        self.holds(promises.walkable, on)

    def test_regions_lie_in_the_windows_of_the_plan(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.inside` says."""
        self.holds(promises.inside, on)

    def test_addresses_go_in_the_direction_of_the_plan(self, on: StrategyOnTables) -> None:
        """As `efipolicy.testing.strategy_promises.directed` says."""
        self.holds(promises.directed, on)

    def test_what_is_promised_besides_is_kept(self, on: StrategyOnTables) -> None:
        """What the class states of ``window``, ``placement`` and ``order_matters``."""
        if self.window is not None:
            self.holds(promises.within(self.window), on)
        if self.placement is not None:
            self.holds(promises.placed(self.placement), on)
        if not self.order_matters:
            self.holds(promises.indifferent_to_order, on)

    def test_every_promise_holds_for_every_option(self, varied: StrategyOnTables) -> None:
        """One option at a time has another value than by default."""
        self.holds(promises.all_kept, varied)

    def test_defaults_are_values_that_may_be_written(self, strategy: Strategy) -> None:
        """As `efipolicy.testing.option_values.defaults_complaints` says."""
        none(strategy.name, defaults_complaints(strategy.options))

    def test_options_refuse_what_they_cannot_be(self, strategy: Strategy) -> None:
        """As `efipolicy.testing.option_values.complaints` says."""
        none(strategy.name, complaints(strategy.options))

    def test_hash_seeds_change_nothing(self) -> None:
        """Plans are the same in processes that hash strings differently."""
        here = digests_under(HASH_SEEDS, self.kind, self.plugin, self.architectures, self.only)
        different = [on for on, digests in here.items() if len(set(digests)) > 1]
        assert different == [], f"with another PYTHONHASHSEED {different[0]} plans otherwise"


@cache
def _installed() -> tuple[Architecture, ...]:
    """The installed architectures, which every suite asks for as its tests are collected."""
    return tuple(Registry().architectures.values())


def _fits(strategy: Strategy, architecture: Architecture) -> bool:
    return not strategy.architectures or architecture.name in strategy.architectures


def _broken(promise: Promise, on: StrategyOnTables, memory_map: MemoryMap) -> str | None:
    """What breaks a promise for a map; a strategy that raises breaks every one."""
    try:
        answer = on.answer(memory_map)
        return promise(answer) if answer else None
    except BrokenPromiseError as problem:
        return str(problem)
    except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
        return f"it raised {type(problem).__name__}: {problem}"
