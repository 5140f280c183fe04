"""Judge one platform by the rules of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

from efipolicy.engine.accepting import Day, accept
from efipolicy.engine.configured import merged
from efipolicy.engine.facts import Facts, Planner, no_plan
from efipolicy.engine.fingerprints import Fingerprints
from efipolicy.engine.planned import Planned
from efipolicy.errors import PluginError
from efipolicy.model.finding import (
    AcceptanceUse,
    Checked,
    Confidence,
    Finding,
    InputReport,
    JudgedStrategy,
    NotChecked,
    ReportedFinding,
    ReportedFix,
    Severity,
)
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    Acceptance,
    ArchitectureReason,
    Platform,
)
from efipolicy.plugin import Architecture, NotJudged, Rule
from efipolicy.plugin.calling import failure
from efipolicy.plugin.rules import FACTS
from efipolicy.policy import Selection

_NO_GAPS = frozenset(("capture", "other_boots", "acceptances"))
DOCUMENTATION = "https://efipolicy.readthedocs.io/en/latest"


def help_uri(rule_id: str) -> str:
    """Where the page of a rule is published."""
    return f"{DOCUMENTATION}/reference/rules/{rule_id}.html"


class _Judging:
    """The rules of a policy applied to one platform, one after the other."""

    def __init__(
        self,
        platform: Platform,
        rules: Iterable[Rule],
        architectures: Mapping[str, Architecture],
        selection: Selection,
        *,
        path: str,
        today: str,
        planner: Planner = no_plan,
        other_boots: tuple[Platform, ...] = (),
        acceptances: tuple[Acceptance, ...] = (),
    ) -> None:
        self.platform = platform
        self.planner = planner
        self.other_boots = other_boots
        self.rules = list(rules)
        self.architectures = architectures
        self.selection = selection
        self.path = path
        self.today = today
        self.accepted_by_configuration = acceptances
        self.acceptances: list[AcceptanceUse] = []
        self.configured: list[AcceptanceUse] = []
        self.fingerprints = Fingerprints(platform)
        self.found: dict[str, list[Finding]] = {}
        self.subjects: dict[str, set[int]] = {}
        self.not_applicable: list[str] = []
        self.not_checked: list[NotChecked] = []
        self.assumed: set[int] = set()
        self.strategies: tuple[JudgedStrategy, ...] = ()
        self.errors: list[PluginError] = []
        self.reported: list[ReportedFinding] = []

    def judge(self) -> None:
        """Garbage first, then everything else on what is left."""
        counted = self.selection.counted(self.rules)
        garbage: set[MemoryDescriptor] = set()
        facts = self._facts(garbage)
        for rule in counted.disqualifying:
            self._apply(rule, facts)
            subjects = [finding.subject for finding in self.found.get(rule.id, ())]
            fresh = [subject for subject in subjects if isinstance(subject, MemoryDescriptor)]
            if fresh:
                garbage.update(fresh)
                facts = self._facts(garbage)
        for rule, _ in counted.rules:
            if rule.disqualifies is None:
                self._apply(rule, facts)
        self.strategies = tuple(map(_strategy, facts.judged))
        for rule, severity in counted.rules:
            if self.found.get(rule.id):
                self._report(rule, severity)
        self._accept()
        self.judge_acceptances()

    def judge_acceptances(self) -> None:
        """Ask the rules about acceptances, whose facts are what the others found."""
        about = self.selection.counted(self.rules).of_acceptances
        if not self.acceptances:
            self.not_applicable += [rule.id for rule, _ in about]
            return
        facts = self._facts(set())
        for rule, severity in about:
            self._apply(rule, facts)
            self._report(rule, severity)

    def _accept(self) -> None:
        """Mark what is accepted, in the platform file and in the configuration."""
        if not self.platform.accept and not self.accepted_by_configuration:
            return
        ids = {rule.id: rule.id for rule in self.rules}
        ids |= {alias: rule.id for rule in self.rules for alias in rule.aliases}
        judged = {*self.found, *(rule.id for rule in self.rules if "acceptances" in rule.facts)}
        day = Day(self.today, ids, judged, self.platform.memory_map.descriptors)
        self.acceptances = accept(self.reported, self.platform.accept, day)
        self.configured = accept(self.reported, self.accepted_by_configuration, day)

    def _facts(self, garbage: set[MemoryDescriptor]) -> Facts:
        return Facts(
            self.platform,
            self.architectures,
            set_aside=garbage,
            planner=self.planner,
            other_boots=self.other_boots,
            acceptances=tuple(self.acceptances),
            native=self.selection.native_strategy,
        )

    def _apply(self, rule: Rule, facts: Facts) -> None:
        """Ask a rule about each of its cases, or note why it was not asked."""
        if (rule.architectures and self._is_foreign(rule)) or self._is_about_nothing(rule):
            self.not_applicable.append(rule.id)
            return
        cases = facts.cases(rule)
        if not cases and self.platform.mapping:
            self.not_applicable.append(rule.id)  # no kernel does what the rule is about
            return
        findings: list[Finding] = []
        needs: dict[str, None] = {}
        if not cases:
            needs[FACTS["mapping"]] = None
        for case in cases:
            missing = facts.missing(rule, case)
            if rule.architectures and self.platform.architecture == UNKNOWN_ARCHITECTURE:
                missing = (*missing, FACTS["architecture"])
            needs |= dict.fromkeys(missing)
            if missing:
                continue
            try:
                found, unjudged = self._ask(rule, facts, case)
            except Exception as problem:  # noqa: BLE001 - a stranger's rule may raise anything
                self.errors.append(failure(f"rule {rule.id}", problem, path=self.path))
                self._not_checked(rule, ["a rule that works"])
                return
            findings += found
            if found and facts.is_assumed(rule, case):
                self.assumed.update(map(id, found))
            questions = (*facts.open_questions(rule, case), *unjudged)
            if questions:
                needs |= dict.fromkeys(questions)
        if findings or not needs:
            self.found[rule.id] = findings
        if needs and not findings:
            self._not_checked(rule, list(needs))

    def _ask(
        self, rule: Rule, facts: Facts, case: Mapping[str, Any]
    ) -> tuple[list[Finding], list[str]]:
        """What a rule finds, and what it would have needed where it could not judge."""
        arguments = facts.arguments(rule, case)
        if "options" in arguments:
            arguments["options"] = self.selection.options(rule)
        yielded = list(rule.check(**arguments))
        if not yielded:
            return [], []
        findings = [item for item in yielded if isinstance(item, Finding)]
        unjudged = [item.needs for item in yielded if isinstance(item, NotJudged)]
        if len(findings) + len(unjudged) < len(yielded):
            raise TypeError("it yielded something that is neither Finding nor NotJudged")
        return findings, unjudged

    def _is_about_nothing(self, rule: Rule) -> bool:
        """Whether a rule is about the reading of a text, other boots, or acceptances, without any.

        That they are not there is no gap in what the platform states.
        """
        return not rule.asked.isdisjoint(_NO_GAPS) and (
            ("capture" in rule.facts and not self.platform.capture)
            or ("other_boots" in rule.facts and not self.other_boots)
            or ("acceptances" in rule.facts and not self.acceptances)
        )

    def _not_checked(self, rule: Rule, needs: list[str]) -> None:
        self.not_checked.append(_not_checked(rule.id, ", ".join(needs)))

    def _is_foreign(self, rule: Rule) -> bool:
        """Whether a rule of some architectures is about others than the platform's, if known."""
        architecture = self.platform.architecture
        return architecture != UNKNOWN_ARCHITECTURE and architecture not in rule.architectures

    def _report(self, rule: Rule, severity: Severity) -> None:
        """Report what a rule found, but for faults that another rule reports."""
        for finding in self.found.get(rule.id, ()):
            others = rule.unless if finding.unless is None else finding.unless
            if not any(id(finding.subject) in self._subjects(other) for other in others):
                self.reported.append(self._reported(rule, severity, finding))

    def _subjects(self, rule_id: str) -> set[int]:
        """What a rule's findings are about."""
        subjects = self.subjects.get(rule_id)
        if subjects is None:
            findings = self.found.get(rule_id, ())
            subjects = self.subjects[rule_id] = {id(finding.subject) for finding in findings}
        return subjects

    def _reported(self, rule: Rule, severity: Severity, finding: Finding) -> ReportedFinding:
        confidence = rule.confidence
        judged_by_architecture = self.platform.architecture in self.architectures and (
            rule.architectures or "architecture" in rule.facts + rule.optional_facts
        )
        suggested = judged_by_architecture and self.platform.architecture_reason.kind == "dialect"
        if suggested or id(finding) in self.assumed:
            # Only the shape of the log suggests this architecture (contract, section 5), or the
            # plan is an assumption.
            confidence = Confidence.POSSIBLE
            severity = Severity.WARNING if severity is Severity.ERROR else severity
        region = finding.region
        if region is None and isinstance(finding.subject, MemoryDescriptor):
            region = finding.subject.physical
        located = finding.subject.located
        span = located.span if located else None
        if located and finding.field:
            span = located.span_of(finding.field) or span
        return ReportedFinding(
            finding=finding,
            rule=rule.id,
            severity=severity,
            confidence=confidence,
            responsible=finding.responsible or rule.responsible,
            requirements=finding.requirements or rule.requirements,
            sources=rule.sources,
            help=finding.help or rule.help,
            help_uri=help_uri(rule.id),
            region=region,
            path=self.path,
            span=span,
            fingerprint=self.fingerprints.of(rule, finding, region),
            fix=self._fix(finding) if finding.fix else None,
            pinned=self.selection.pinned(rule),
        )

    def _fix(self, finding: Finding) -> ReportedFix | None:
        """The finding's fix as edits of the text. Most inputs have no use for the code."""
        from efipolicy.engine.fixing import reported_fix

        return reported_fix(finding, self.platform)

    @property
    def checked(self) -> Checked:
        """Each rule of the policy in exactly one of the four outcomes."""
        unchecked = {item.rule for item in self.not_checked}
        return Checked(
            passed=tuple(id for id, f in self.found.items() if not f and id not in unchecked),
            failed=tuple(id for id, f in self.found.items() if f),
            not_applicable=tuple(self.not_applicable),
            not_checked=tuple(self.not_checked),
        )


@lru_cache(maxsize=1024)
def _not_checked(rule: str, needs: str) -> NotChecked:
    """What is the same of thousands of inputs is one value."""
    return NotChecked(rule=rule, needs=needs)


def _strategy(planned: Planned) -> JudgedStrategy:
    reason = planned.choice.reason if planned.choice else None
    return JudgedStrategy(planned.plan.strategy, planned.plan.status, reason)


def lint(
    platform: Platform,
    rules: Iterable[Rule],
    architectures: Mapping[str, Architecture],
    selection: Selection,
    *,
    path: str,
    kind: Literal["platform", "capture", "evidence"] = "platform",
    format: str | None = "platform",
    today: str,
    planner: Planner = no_plan,
    other_boots: tuple[Platform, ...] = (),
    acceptances: tuple[Acceptance, ...] = (),
) -> tuple[InputReport, list[PluginError]]:
    """Judge a platform. The findings come in the order of their places in the input.

    ``today`` is an ISO date, the day on which acceptances are looked at. ``planner`` makes the plan
    of a declared mapping, ``other_boots`` are further readings of the same platform, and
    ``acceptances`` those of the configuration. The errors are those of rules that raised.
    """
    judging = _Judging(
        platform,
        rules,
        architectures,
        selection,
        path=path,
        today=today,
        planner=planner,
        other_boots=other_boots,
        acceptances=acceptances,
    )
    judging.judge()
    findings = sorted(
        judging.reported,
        key=lambda item: (item.span.start if item.span else 0, item.severity.rank, item.rule),
    )
    report = InputReport(
        path=path,
        kind=kind,
        format=format,
        platform=platform,
        checked=judging.checked,
        findings=tuple(findings),
        acceptances=tuple(judging.acceptances),
        configured=tuple(judging.configured),
        strategies=judging.strategies,
    )
    return report, judging.errors


def judge_configuration(
    reports: Iterable[InputReport],
    rules: Iterable[Rule],
    selection: Selection,
    *,
    path: str,
    today: str,
) -> tuple[ReportedFinding, ...]:
    """What is to be said of the configuration's acceptances after all inputs were linted."""
    uses = merged(use for report in reports for use in report.configured)
    nobody = Platform(
        name="configuration",
        architecture_reason=ArchitectureReason(kind="stated", evidence=path),
        memory_map=MemoryMap(),
    )
    judging = _Judging(nobody, rules, {}, selection, path=path, today=today)
    judging.acceptances = uses
    judging.judge_acceptances()
    return tuple(judging.reported)
