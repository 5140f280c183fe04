"""The conformance suite for rules, which runs the examples on their pages.

.. code-block:: python

    TestRules = RuleConformance.of("efipolicy-acme")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

from efipolicy.engine.linting import lint
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.plugin import Architecture, Bad, Finding, Good, NotJudged, Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.testing.contributions import Kind, Source, contributed
from efipolicy.testing.examples import EXAMPLE_DAY, RuleCase, examples_of
from efipolicy.testing.option_values import complaints, defaults_complaints
from efipolicy.testing.suite import Conformance

_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")


class RuleConformance(Conformance):
    """What every rule promises: its examples are true, and its page has what a page needs.

    ``architectures`` are the ones that rules may be about besides the installed ones.
    """

    kind: ClassVar[Kind] = "rules"
    architectures: ClassVar[Source | None] = None

    def cases(self, argument: str) -> Iterable[Any] | None:
        """Rules, and each example of theirs."""
        match argument:
            case "rule":
                return self.contributions()
            case "case":
                return examples_of(self.contributions(), architectures=self.known_architectures())
        return None

    @classmethod
    def known_architectures(cls) -> dict[str, Architecture]:
        """The architectures by name."""
        known = dict(Registry().architectures)
        if cls.architectures is not None:
            known |= {one.name: one for one in contributed(cls.architectures, "architectures")}
        return known

    def test_an_example_is_true(self, case: RuleCase) -> None:
        """The rule reports the entries that the example says, or none, each in a line of words.

        It leaves the platform as it was, and says the same when it is asked again.
        """
        platform = case.platform
        before = deepcopy(platform)
        yielded = case.yielded(platform)
        for item in yielded:
            assert isinstance(item, (Finding, NotJudged)), f"{case}: it yields {item!r}"
        messages = [item.message for item in yielded if isinstance(item, Finding)]
        for message in messages:
            assert message.strip(), f"{case}: a finding without a message"
            assert "\n" not in message, f"{case}: a message of several lines: {message!r}"
        again = [finding.message for finding in case.findings(platform)]
        assert messages == again, f"{case}: asked again it says something else"
        assert same(before, platform), f"{case}: the rule changes the platform"
        found, expected = case.found(), case.expected
        assert found == expected, f"{case}: it reports the entries {found}, not {expected}"

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
        assert all(rule.sources), f"{rule.id}: an empty source"

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
        """Defaults are values that may be written, and what is none is refused."""
        assert [*defaults_complaints(rule.options), *complaints(rule.options)] == []


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
