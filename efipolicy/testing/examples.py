"""The examples on a rule's page as cases a test can run.

.. code-block:: python

    @pytest.mark.parametrize("case", examples_of("acme"), ids=str)
    def test_every_example_on_a_rule_page_is_true(case):
        assert case.found() == case.expected
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from efipolicy.engine.facts import Facts
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.model.finding import AcceptanceUse, Finding, NotJudged
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.plugin.rules import FACTS, Rule
from efipolicy.plugin.types import Architecture, Bad, Good
from efipolicy.policy import Selection
from efipolicy.testing import factories
from efipolicy.testing.contributions import Source, contributed
from efipolicy.testing.finding_promises import Judged


class ExampleError(AssertionError):
    """An example that proves nothing, because its rule cannot judge it."""


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One example of a rule, and what running the rule on it comes to.

    ``number`` counts the rule's bad and good examples apart, from 1. ``plugins`` plan what an
    example declares, and default to the installed ones.
    """

    rule: Rule
    example: Bad | Good
    number: int
    architectures: Mapping[str, Architecture] = field(default_factory=dict, repr=False)
    plugins: Registry | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        kind = "bad" if self.is_bad else "good"
        return f"{self.rule.id}-{kind}-{self.number}"

    @property
    def is_bad(self) -> bool:
        """Whether it shows what the rule reports."""
        return isinstance(self.example, Bad)

    @property
    def expected(self) -> tuple[int, ...]:
        """The places of the entries that are to be reported, ascending; none for a `Good`."""
        return tuple(sorted(self.example.at)) if isinstance(self.example, Bad) else ()

    @property
    def platform(self) -> Platform:
        """The example as a platform."""
        return example_platform(self.example, self.rule)

    def found(self) -> tuple[int, ...]:
        """The places of the entries the rule reports, ascending, as often as it reports them.

        Places count from 1 in the list the rule judges: the memory map, the Memory Attributes
        Table, the configuration tables or the lines of a capture. 0 is the list itself. Raises
        `ExampleError` when the example lacks a fact the rule needs.
        """
        platform = self.platform
        return tuple(sorted(_place(finding, platform) for finding in self.findings(platform)))

    def findings(self, platform: Platform | None = None) -> list[Finding]:
        """What the rule says of the example, by the same road the engine takes.

        Raises `ExampleError` when the rule cannot judge the example.
        """
        yielded = self.yielded(platform)
        findings = [item for item in yielded if isinstance(item, Finding)]
        if yielded and not findings:
            needs = " and ".join(item.needs for item in yielded if isinstance(item, NotJudged))
            raise ExampleError(f"{self} could not be judged for want of {needs}")
        return findings

    def yielded(self, platform: Platform | None = None) -> list[Finding | NotJudged]:
        """All that the rule yields for the example; none on a platform it is not about.

        Raises `ExampleError` when the example lacks a fact the rule needs.
        """
        yielded = [item for judged in self.judged(platform) for item in judged.yielded]
        return [item for item in yielded if isinstance(item, (Finding, NotJudged))]

    def judged(self, platform: Platform | None = None) -> list[Judged]:
        """What the rule is shown of the example and what it yields, each time that it is asked.

        A rule about what a kernel does is asked about each kernel, one about another processor
        never. Raises `ExampleError` when the example lacks a fact the rule needs.
        """
        platform = platform or self.platform
        rule = self.rule
        if rule.architectures and platform.architecture not in rule.architectures:
            return []
        judged: list[Judged] = []
        for facts, case in self._cases(platform):
            missing = facts.missing(rule, case)
            if missing:
                raise ExampleError(f"{self} does not state {', '.join(missing)}")
            shown = facts.arguments(rule, case)
            if "options" in shown:
                stated = self.example.given.get("options", {})
                shown["options"] = {o.name: o.default for o in rule.options} | stated
            judged.append(Judged(rule, shown, tuple(rule.check(**shown))))
        return judged

    def _cases(self, platform: Platform) -> list[tuple[Facts, Mapping[str, Any]]]:
        """The facts and each case the rule is asked with, as the engine would ask it."""
        registry = self.plugins or _registry()
        facts = Facts(
            platform,
            self.architectures,
            planner=planner_of(platform, registry, []),
            other_boots=other_boots(self.example, self.rule),
            acceptances=_acceptances(platform, registry) if platform.accept else (),
        )
        cases = list(facts.cases(self.rule))
        if not cases:
            raise ExampleError(f"{self} does not state {FACTS['mapping']}")
        return [(facts, case) for case in cases]


@cache
def _registry() -> Registry:
    """The installed plugins, whose strategies plan what an example declares."""
    return Registry()


def _acceptances(platform: Platform, registry: Registry) -> tuple[AcceptanceUse, ...]:
    """What becomes of a platform's acceptances when every rule counts, on `EXAMPLE_DAY`."""
    report, _ = lint(
        platform,
        registry.rules.values(),
        registry.architectures,
        Selection(()),
        path="example",
        today=EXAMPLE_DAY,
    )
    return report.acceptances


EXAMPLE_DAY = "2027-01-01"
"""The day on which the examples of rules are looked at."""


def example_platform(example: Bad | Good, rule: Rule | None = None) -> Platform:
    """The platform an example describes.

    What the example does not give is a whole map of the firmware's own, and the first of the
    rule's architectures. Raises `ValueError` for a line that does not follow the notation.
    """
    given: dict[str, Any] = dict(example.given)
    for fact in ("other_boots", "options"):
        given.pop(fact, None)
    if rule and rule.architectures:
        given.setdefault("architecture", min(rule.architectures))
    return factories.platform(*example.descriptors, **given)


def other_boots(example: Bad | Good, rule: Rule | None = None) -> tuple[Platform, ...]:
    """The further boots an example gives in ``other_boots``, each a list of its descriptors."""
    return tuple(
        example_platform(Good(*lines, **{**example.given, "other_boots": ()}), rule)
        for lines in example.given.get("other_boots", ())
    )


def examples_of(
    source: Registry | Source | None = None,
    *,
    architectures: Mapping[str, Architecture] | None = None,
) -> list[RuleCase]:
    """The cases of all rules: of a registry, or of a source as of `contributed`.

    Without a source they are those of every installed plugin. ``architectures`` defaults to the
    installed ones. Raises what `contributed` raises: no test passes because it has no cases.
    """
    registry = source if isinstance(source, Registry) else Registry()
    rules: Iterable[Rule]
    if source is None or isinstance(source, Registry):
        rules = registry.rules.values()
    else:
        rules = contributed(source, "rules", registry)
    if architectures is None:
        architectures = registry.architectures
    return [case for rule in rules for case in _cases(rule, architectures)]


def _cases(rule: Rule, architectures: Mapping[str, Architecture]) -> Iterator[RuleCase]:
    for kind in (Bad, Good):
        examples = [example for example in rule.examples if isinstance(example, kind)]
        for number, example in enumerate(examples, 1):
            yield RuleCase(rule, example, number, architectures)


def _place(finding: Finding, platform: Platform) -> int:
    """Where the subject of a finding stands in its list, from 1; 0 for what is no entry."""
    table = platform.memory_attributes_table
    lists: tuple[Sequence[object], ...] = (
        platform.memory_map.descriptors,
        table.entries if table else (),
        platform.configuration_tables or (),
        platform.capture.unreadable if platform.capture else (),
        platform.accept,
    )
    for entries in lists:
        for place, entry in enumerate(entries, 1):
            if entry is finding.subject:
                return place
    return 0
