"""Judge one platform by the rules of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from efipolicy.engine.accepting import Acceptances
from efipolicy.engine.facts import Facts
from efipolicy.errors import PluginError
from efipolicy.model.finding import (
    Checked,
    Confidence,
    Finding,
    InputReport,
    NotChecked,
    ReportedFinding,
    Severity,
)
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.plugin import Architecture, Rule
from efipolicy.plugin.rules import FACTS
from efipolicy.policy import Selection

DOCUMENTATION = "https://efipolicy.readthedocs.io/en/latest"


class RuleFailedError(PluginError):
    """A rule raised instead of judging."""

    def __init__(self, rule: Rule, problem: Exception) -> None:
        self.rule = rule
        super().__init__(f"rule {rule.id} failed: {type(problem).__name__}: {problem}")


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
    ) -> None:
        self.platform = platform
        self.rules = list(rules)
        self.architectures = architectures
        self.selection = selection
        self.path = path
        self.acceptances = Acceptances(platform, today=today)
        self.fingerprints = _Fingerprints(platform)
        self.found: dict[str, list[Finding]] = {}
        self.not_applicable: list[str] = []
        self.not_checked: list[NotChecked] = []
        self.errors: list[PluginError] = []
        self.reported: list[ReportedFinding] = []

    def judge(self) -> None:
        """Garbage first, then everything else on what is left."""
        garbage: set[MemoryDescriptor] = set()
        facts = Facts(self.platform, self.architectures)
        disqualifying = [rule for rule in self.rules if rule.disqualifies is not None]
        for rule in sorted(disqualifying, key=lambda rule: (rule.disqualifies or 0, rule.id)):
            fresh = {
                finding.subject
                for finding in self._apply(rule, facts)
                if isinstance(finding.subject, MemoryDescriptor)
            }
            if fresh:
                garbage |= fresh
                facts = Facts(self.platform, self.architectures, set_aside=garbage)
        for rule in self.rules:
            if rule.disqualifies is None and self.selection.severity(rule) is not None:
                self._apply(rule, facts)
        for rule in self.rules:
            severity = self.selection.severity(rule)
            if severity is not None:
                self._report(rule, severity)

    def _apply(self, rule: Rule, facts: Facts) -> list[Finding]:
        """What a rule finds, or note why it was not asked."""
        counts = self.selection.severity(rule) is not None
        if self._is_foreign(rule):
            if counts:
                self.not_applicable.append(rule.id)
            return []
        missing = facts.missing(rule)
        if rule.architectures and facts.architecture is None:
            missing = tuple(dict.fromkeys((*missing, "architecture")))
        if missing:
            if missing == ("capture",):
                # A platform file is not a captured text: there is nothing to add to it.
                self.not_applicable.append(rule.id)
            elif counts:
                needs = ", ".join(FACTS[name] for name in missing)
                self.not_checked.append(NotChecked(rule=rule.id, needs=needs))
            return []
        try:
            findings = list(rule.check(**facts.arguments(rule)))
        except Exception as problem:  # noqa: BLE001 - a stranger's rule may raise anything
            self.errors.append(RuleFailedError(rule, problem))
            if counts:
                self.not_checked.append(NotChecked(rule=rule.id, needs="a rule that works"))
            return []
        if counts:
            self.found[rule.id] = findings
            if not findings and "attributes" in rule.needs and facts.unknown_attributes:
                entries = "descriptor" if facts.unknown_attributes == 1 else "descriptors"
                needs = f"{FACTS['attributes']} ({facts.unknown_attributes} {entries})"
                self.not_checked.append(NotChecked(rule=rule.id, needs=needs))
        return findings

    def _is_foreign(self, rule: Rule) -> bool:
        """Whether a rule is about other architectures than the platform's, which is known."""
        return bool(
            rule.architectures
            and self.platform.architecture in self.architectures
            and self.platform.architecture not in rule.architectures
        )

    def _report(self, rule: Rule, severity: Severity) -> None:
        silenced = {
            id(finding.subject) for other in rule.unless for finding in self.found.get(other, ())
        }
        kept = [f for f in self.found.get(rule.id, ()) if id(f.subject) not in silenced]
        if rule.id in self.found:
            self.found[rule.id] = kept
        for finding in kept:
            self.reported.append(self._reported(rule, severity, finding))

    def _reported(self, rule: Rule, severity: Severity, finding: Finding) -> ReportedFinding:
        confidence = rule.confidence
        depends_on_architecture = (
            rule.architectures or "architecture" in rule.facts + rule.optional_facts
        )
        if depends_on_architecture and self.platform.architecture_reason.kind == "dialect":
            # Only the shape of the log suggests this architecture (contract, section 5).
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
            fingerprint=self.fingerprints.of(rule, finding),
            accepted=self.acceptances.of(rule.id, region),
        )

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
) -> tuple[InputReport, list[PluginError]]:
    """Judge a platform. The findings come in the order of their places in the input.

    ``today`` is an ISO date, the day on which acceptances are looked at. The errors are those of
    rules that raised.
    """
    judging = _Judging(platform, rules, architectures, selection, path=path, today=today)
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
    )
    return report, judging.errors


class _Fingerprints:
    """What a finding is, independent of where its region lies: rule, platform, type, role, size."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    @cached_property
    def _places(self) -> dict[int, tuple[str, ...]]:
        """For each descriptor its traits, and its place among those with equal traits."""
        seen: dict[tuple[str, ...], int] = {}
        places: dict[int, tuple[str, ...]] = {}
        for descriptor in self.platform.memory_map.descriptors:
            role = "runtime" if descriptor.runtime else "other"
            size_class = str(descriptor.number_of_pages.bit_length())
            traits = (descriptor.type_name, role, size_class)
            place = seen[traits] = seen.get(traits, -1) + 1
            places[id(descriptor)] = (*traits, str(place))
        return places

    def of(self, rule: Rule, finding: Finding) -> str:
        """The fingerprint: 32 hexadecimal digits."""
        from hashlib import blake2b

        traits = self._places.get(id(finding.subject), ())
        if not traits and finding.region is not None:
            traits = (str(finding.region.size.bit_length()),)
        text = "\0".join((self.platform.name, rule.id, *traits))
        return blake2b(text.encode(), digest_size=16).hexdigest()
