"""The conformance suite for rules, which runs the examples on their pages.

.. code-block:: python

    TestRules = RuleConformance.of("efipolicy-acme")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, ClassVar

from efipolicy.engine.linting import lint
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.plugin import Architecture, Bad, Good, Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.testing.contributions import Kind, Source, contributed
from efipolicy.testing.examples import EXAMPLE_DAY, ExampleError, RuleCase, examples_of
from efipolicy.testing.finding_promises import broken, told
from efipolicy.testing.hash_seeds import HASH_SEEDS, digests_under
from efipolicy.testing.memory_maps import NamedMap, edge_maps, notation, random_maps, smallest
from efipolicy.testing.option_values import complaints, defaults_complaints
from efipolicy.testing.suite import Conformance, none

_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")


class RuleConformance(Conformance):
    """What every rule promises: its examples are true, and its page has what a page needs.

    ``architectures`` are the ones that rules may be about besides the installed ones.
    ``random_maps`` is how many are judged beside the edges of what a descriptor can say.
    """

    kind: ClassVar[Kind] = "rules"
    architectures: ClassVar[Source | None] = None
    random_maps: ClassVar[int] = 5

    def cases(self, argument: str) -> Iterable[Any] | None:
        """Rules, each example of theirs, and the first example of each."""
        match argument:
            case "rule":
                return self.contributions()
            case "case":
                return self.examples()
            case "first":
                return [one for one in self.examples() if one.number == 1 and one.is_bad]
        return None

    @classmethod
    def examples(cls) -> list[RuleCase]:
        """The examples on the pages of the rules."""
        return examples_of(cls.contributions(), architectures=cls.known_architectures())

    @classmethod
    def known_architectures(cls) -> dict[str, Architecture]:
        """The architectures by name."""
        known = dict(_installed().architectures)
        if cls.architectures is not None:
            known |= {one.name: one for one in contributed(cls.architectures, "architectures")}
        return known

    def test_an_example_is_true(self, case: RuleCase) -> None:
        """The rule reports the entries that the example says, or none, each in a line of words.

        It leaves the platform as it was, and says the same when it is asked again.
        """
        platform = case.platform
        before = deepcopy(platform)
        judged = case.judged(platform)
        complaint = broken(judged)
        assert complaint is None, f"{case}: {complaint}"
        assert told(judged) == told(case.judged(platform)), f"{case}: asked again it says other"
        assert same(before, platform), f"{case}: the rule changes the platform"
        found, expected = case.found(), case.expected
        hint = "; 0 is what is no entry of a list" if 0 in {*found} ^ {*expected} else ""
        assert found == expected, f"{case}: it reports the entries {found}, not {expected}{hint}"

    def test_it_judges_every_map(self, first: RuleCase) -> None:
        """With any memory map in the place of its first example's it raises nothing.

        What it finds is as sound as in the examples, and asked again it finds the same.
        """
        for name, memory_map in self.maps(first):
            complaint = _complaint(first, memory_map)
            if complaint is None:
                continue
            least = smallest(memory_map, lambda tried: _complaint(first, tried) is not None)
            lines = "\n    ".join(map(notation, least.descriptors))
            complaint = _complaint(first, least)
            raise AssertionError(
                f"{first.rule.id}: {complaint}\n  with the memory map ({name}):\n    {lines}"
            )

    @classmethod
    def maps(cls, case: RuleCase) -> Iterator[NamedMap]:
        """The memory maps that are judged."""
        yield from edge_maps()
        yield from random_maps(str(case), cls.random_maps)

    def test_its_pack_is_its_own(self, rule: Rule) -> None:
        """No other plugin has rules in it: one that does fails to load."""
        if isinstance(self.plugin, str) or not hasattr(rule.check, "__code__"):
            return  # it is loaded, or comes from where it was
        ours = str(getattr(rule.check, "__module__", "")).partition(".")[0]
        for other in _installed().rules.values():
            owner = _installed().owner("rules", other.id)
            theirs = owner.entry_point.module.partition(".")[0]
            assert other.pack != rule.pack or theirs == ours, (
                f"{rule.id}: the pack `{rule.pack}` belongs to {owner.owner}"
            )

    def test_its_id_is_pack_and_name(self, rule: Rule) -> None:
        """Both in lower case, words joined by hyphens; the name says the bad thing."""
        assert _ID.fullmatch(rule.id), f"`{rule.id}` is not pack/kebab-name"

    def test_its_page_is_whole(self, rule: Rule) -> None:
        """A sentence for every table, an explanation below, help, and no empty source."""
        first, _, rest = rule.page.strip().partition("\n")
        assert first.endswith("."), f"{rule.id}: the first line of its page is no sentence"
        assert len(first) <= 100, f"{rule.id}: its first line has {len(first)} characters"
        assert not rest or rest.startswith("\n"), f"{rule.id}: its first sentence goes on"
        assert rule.help.strip(), f"{rule.id}: no help"
        assert all(one.strip() for one in rule.sources), f"{rule.id}: an empty source"
        assert all(one.strip() for one in rule.requirements), f"{rule.id}: an empty requirement"

    def test_it_has_examples_of_both_kinds(self, rule: Rule) -> None:
        """One that it reports, and one that it lets pass."""
        for kind in (Bad, Good):
            assert any(isinstance(one, kind) for one in rule.examples), (
                f"{rule.id} has no {kind.__name__}(…) among its examples"
            )

    def test_its_architectures_are_spelt_as_they_are_known(self, rule: Rule) -> None:
        """A rule about `x86-64` would never be asked. One may be of a plugin not installed."""
        known = {_spelling(name): name for name in self.known_architectures()}
        for name in sorted(rule.architectures):
            meant = known.get(_spelling(name), name)
            assert name == meant, f"{rule.id} is about `{name}`, which is called {meant}"

    def test_it_finds_nothing_on_an_empty_platform(self, rule: Rule) -> None:
        """Of what nobody stated no rule complains, whatever the architecture."""
        architectures = self.known_architectures()
        for name in sorted(rule.architectures & architectures.keys()) or sorted(architectures):
            platform = Platform(
                name="empty",
                architecture=name,
                architecture_reason=ArchitectureReason(kind="stated", evidence="the suite"),
                memory_map=MemoryMap(),
            )
            report, errors = lint(
                platform, [rule], architectures, Selection(()), path="empty", today=EXAMPLE_DAY
            )
            assert errors == [], f"{rule.id} on {name}: {errors[0]}"
            messages = [one.finding.message for one in report.findings]
            assert messages == [], f"{rule.id} complains of an empty platform ({name})"

    def test_its_options_are_sound(self, rule: Rule) -> None:
        """Defaults are values that may be written, what is none is refused, and they are read."""
        asked = "options" in (*rule.facts, *rule.optional_facts)
        assert asked or not rule.options, f"{rule.id} has options and no parameter `options`"
        none(rule.id, [*defaults_complaints(rule.options), *complaints(rule.options)])

    def test_what_it_gives_way_to_is_there(self, rule: Rule) -> None:
        """A rule that is named in ``unless`` exists where its pack does."""
        known = {**_installed().rules, **{one.id: one for one in contributed(self.plugin, "rules")}}
        packs = {one.pack for one in known.values()}
        for name in rule.unless:
            assert name in known or name.partition("/")[0] not in packs, (
                f"{rule.id} gives way to {name}, which is no rule"
            )

    def test_hash_seeds_change_nothing(self) -> None:
        """Its findings are the same in processes that hash strings differently."""
        here = digests_under(HASH_SEEDS, self.kind, self.plugin, self.architectures, self.only)
        different = [rule for rule, digests in here.items() if len(set(digests)) > 1]
        assert different == [], f"with another PYTHONHASHSEED {different[0]} says other"


@cache
def _installed() -> Registry:
    """The installed plugins."""
    return Registry()


def _complaint(case: RuleCase, memory_map: MemoryMap) -> str | None:
    """What is wrong with what a rule says of a map; a rule that raises says nothing right."""
    platform = replace(case.platform, memory_map=memory_map)
    before = deepcopy(platform)
    try:
        judged = case.judged(platform)
        again = case.judged(platform)
    except ExampleError:
        return None  # the map lacks what the rule needs
    except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
        return f"it raised {type(problem).__name__}: {problem}"
    if told(judged) != told(again):
        return "asked again it says other"
    return broken(judged) if same(before, platform) else "it changes the platform"


def same(before: object, after: object) -> bool:
    """Whether two values are equal, their parts compared one by one.

    Parts that compare by identity, such as the place in a file that a value was read from, are
    equal when they are of one type.
    """
    if type(before) is not type(after):
        return False
    if is_dataclass(before):
        names = [field.name for field in fields(before) if field.compare]
        return all(same(getattr(before, name), getattr(after, name)) for name in names)
    if isinstance(before, (tuple, list)) and isinstance(after, (tuple, list)):
        return len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return [*before] == [*after] and all(same(before[key], after[key]) for key in before)
    return type(before).__eq__ is object.__eq__ or before == after


def _spelling(architecture: str) -> str:
    """A name without what people spell differently."""
    bare = architecture.lower().replace("-", "").replace("_", "")
    return {"aarch64": "arm64", "amd64": "x8664", "x64": "x8664", "itanium": "ia64"}.get(bare, bare)
