"""What differs between two platforms, or two boots of one: regions, findings, hibernation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from efipolicy.engine.fingerprints import Fingerprints, kind_of
from efipolicy.engine.hibernation import Hibernation, hibernation
from efipolicy.model.changes import RegionChange, region_changes
from efipolicy.model.finding import InputReport, ReportedFinding
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import Capture, Platform
from efipolicy.plugin import Rule

_Key: TypeAlias = tuple[str | int, ...]
_Known: TypeAlias = tuple[str, ReportedFinding]


class Boot(NamedTuple):
    """One boot: what was found in its map, and what to call it in messages."""

    name: str
    report: InputReport

    @property
    def memory_map(self) -> MemoryMap:
        """The map of the boot; empty where none could be read."""
        platform = self.report.platform
        return platform.memory_map if platform else MemoryMap()


class Difference(NamedTuple):
    """What differs between two boots.

    ``regions`` are in the order of addresses, ``same`` is how many others both maps have.
    ``unjudged`` are findings of the old one that are not there in the new one, where nothing that
    could be judged says so.
    """

    old: Boot
    new: Boot
    regions: tuple[RegionChange, ...]
    same: int
    new_findings: tuple[ReportedFinding, ...]
    fixed: tuple[ReportedFinding, ...]
    unjudged: tuple[ReportedFinding, ...]
    hibernation: Hibernation

    def __bool__(self) -> bool:
        """Whether there is a difference at all."""
        return bool(self.regions or self.new_findings or self.fixed)


def difference(old: Boot, new: Boot, rules: Mapping[str, Rule]) -> Difference:
    """What differs between two boots that have been linted.

    Regions are compared where both have a map. Findings are compared by what they are about, as a
    baseline does it, as if both platforms had one name. Accepted ones are not new; one that is
    accepted now is not fixed.
    """
    here, there = old.memory_map, new.memory_map
    regions: tuple[RegionChange, ...] = ()
    if here.descriptors and there.descriptors:
        regions = region_changes(here.descriptors, there.descriptors)
    pairs = list(_known_again(old.report, new.report, regions, rules))
    before = {id(one) for one, _ in pairs}
    after = {id(other) for one, other in pairs if one.accepted is None}
    gone = [one for one in old.report.findings if not one.accepted and id(one) not in before]
    unjudged = [one for one in gone if not _could_be_found(one, new, regions)]
    left_out = {id(one) for one in unjudged}
    changed = sum(change.old is not None for change in regions)
    return Difference(
        old,
        new,
        regions,
        same=len(here.descriptors) - changed if here.descriptors and there.descriptors else 0,
        new_findings=tuple(
            one for one in new.report.findings if not one.accepted and id(one) not in after
        ),
        fixed=tuple(one for one in gone if id(one) not in left_out),
        unjudged=tuple(unjudged),
        hibernation=hibernation(here, there, regions, (old.name, new.name)),
    )


def _known_again(
    old: InputReport,
    new: InputReport,
    regions: tuple[RegionChange, ...],
    rules: Mapping[str, Rule],
) -> Iterator[tuple[ReportedFinding, ReportedFinding]]:
    """Findings that are the same: by fingerprint, else about the same region, else of a kind."""
    name = old.platform.name if old.platform else None
    here = list(zip(_fingerprints(old, name, rules), old.findings, strict=True))
    there = list(zip(_fingerprints(new, name, rules), new.findings, strict=True))
    counterparts = {id(change.new): id(change.old) for change in regions if change.old}

    def exact(fingerprint: str, _: ReportedFinding) -> _Key:
        return (fingerprint,)

    def region(_: str, one: ReportedFinding) -> _Key:
        subject = id(one.finding.subject)
        return one.rule, counterparts.get(subject, subject)

    def kind(fingerprint: str, _: ReportedFinding) -> _Key:
        return (kind_of(fingerprint),)

    for key in (exact, region, kind):
        waiting: dict[_Key, list[_Known]] = {}
        for other in reversed(there):
            waiting.setdefault(key(*other), []).append(other)
        left: list[_Known] = []
        for one in here:
            others = waiting.get(key(*one))
            if others:
                yield one[1], others.pop()[1]
            else:
                left.append(one)
        here = left
        there = [other for others in waiting.values() for other in reversed(others)]


def _fingerprints(report: InputReport, name: str | None, rules: Mapping[str, Rule]) -> list[str]:
    """The fingerprints of a report's findings, were the platform of this name."""
    from dataclasses import replace

    platform = report.platform
    if platform is None or name is None or platform.name == name:
        return [one.fingerprint for one in report.findings]
    renamed = Fingerprints(replace(platform, name=name))
    return [renamed.of(rules[one.rule], one.finding, one.region) for one in report.findings]


def _could_be_found(finding: ReportedFinding, new: Boot, regions: tuple[RegionChange, ...]) -> bool:
    """Whether a finding would be there again, had nothing changed."""
    if any(entry.rule == finding.rule for entry in new.report.checked.not_checked):
        return False
    if new.memory_map.extent != "partial":
        return True
    subject = finding.finding.subject
    return not any(change.kind == "removed" and change.old is subject for change in regions)


def boots_in(platform: Platform) -> tuple[Platform, ...]:
    """The boots that a platform was read from: itself, or one for each firmware's map of a text.

    Of several boots in one text nobody can tell whose the tables are that it prints besides, so
    each has its map only.
    """
    capture = platform.capture
    others = [
        one
        for one in (capture.other_maps if capture else ())
        if one.origin == "firmware" and one.descriptors
    ]
    if capture is None or not others or not platform.memory_map.descriptors:
        return (platform,)
    maps = sorted([platform.memory_map, *others], key=_start)
    return tuple(
        Platform(
            name=platform.name,
            architecture=platform.architecture,
            architecture_reason=platform.architecture_reason,
            uefi=platform.uefi,
            firmware=platform.firmware,
            memory_map=one,
            capture=Capture(dialect=capture.dialect, located=one.located),
            located=one.located,
        )
        for one in maps
    )


def _start(memory_map: MemoryMap) -> int:
    return memory_map.located.span.start if memory_map.located else 0


def over_all(differences: Sequence[Difference]) -> Hibernation:
    """The verdict on any of these boots being resumed in a later one.

    One that is unsafe makes it unsafe, one that is unknown makes it unknown.
    """
    for verdict in ("unsafe", "unknown"):
        why = [
            reason._replace(message=f"{one.old.name} -> {one.new.name}: {reason.message}")
            for one in differences
            if one.hibernation.verdict == verdict
            for reason in one.hibernation.why
        ]
        if why:
            return Hibernation(verdict, tuple(why))
    return Hibernation("safe", differences[-1].hibernation.why)
