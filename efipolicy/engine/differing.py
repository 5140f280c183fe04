"""What differs between two platforms, or two boots of one: regions, findings, hibernation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from efipolicy.engine.fingerprints import Fingerprints, kind_of
from efipolicy.engine.hibernation import Hibernation, Reason, Verdict, hibernation
from efipolicy.model.changes import RegionChange, region_changes
from efipolicy.model.finding import InputReport, ReportedFinding
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Capture, Platform, UnreadableLine
from efipolicy.named_tuple import NamedTuple
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

    @property
    def architecture(self) -> str:
        """The architecture of the boot; `unknown` where nothing says."""
        platform = self.report.platform
        return platform.architecture if platform else UNKNOWN_ARCHITECTURE


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
        return bool(self.regions or self.new_findings or self.fixed or self.architectures)

    @property
    def architectures(self) -> tuple[str, str] | None:
        """The architectures, where both are known and they are not the same."""
        return _architectures(self.old, self.new)


def difference(old: Boot, new: Boot, rules: Mapping[str, Rule]) -> Difference:
    """What differs between two boots that have been linted.

    Regions are compared where both have a map. Findings are compared by what they are about, as a
    baseline does it, as if both platforms had one name. Accepted ones are not new; one that is
    accepted now is not fixed.
    """
    here, there = old.memory_map, new.memory_map
    regions: tuple[RegionChange, ...] = ()
    if here.descriptors and there.descriptors:
        whole = "partial" not in (here.extent, there.extent)
        regions = region_changes(here.descriptors, there.descriptors, whole=whole)
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
        hibernation=_hibernation(old, new, regions),
    )


def _architectures(old: Boot, new: Boot) -> tuple[str, str] | None:
    both = old.architecture, new.architecture
    return None if len({*both}) == 1 or UNKNOWN_ARCHITECTURE in both else both


def _hibernation(old: Boot, new: Boot, regions: tuple[RegionChange, ...]) -> Hibernation:
    """The verdict on the regions, unless the boots are of two architectures.

    One that only the style of the text suggests proves nothing.
    """
    names = (old.name, new.name)
    found = hibernation(old.memory_map, new.memory_map, regions, names)
    architectures = _architectures(old, new)
    if architectures is None:
        return found
    why = Reason("{0} is of {2}, {1} of {3}".format(*names, *architectures))
    suggested = any(
        one.report.platform and one.report.platform.architecture_reason.kind == "dialect"
        for one in (old, new)
    )
    verdict: Verdict = "unknown" if suggested and found.verdict != "unsafe" else "unsafe"
    others = found.why if found.verdict == verdict else ()
    return Hibernation(verdict, (why, *others))


def _known_again(
    old: InputReport,
    new: InputReport,
    regions: tuple[RegionChange, ...],
    rules: Mapping[str, Rule],
) -> Iterator[tuple[ReportedFinding, ReportedFinding]]:
    """Findings that are the same: by fingerprint, about one region, of a kind, in equal words."""
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

    def words(_: str, one: ReportedFinding) -> _Key:
        # An imported file has no lines of its capture, by which findings about them are told apart.
        return one.rule, one.finding.message, str(one.region)

    def line(_: str, one: ReportedFinding) -> _Key:
        subject = one.finding.subject
        if isinstance(subject, UnreadableLine):
            return one.rule, subject.line or subject.located.span.line
        return (id(one),)

    keys = [exact, region, kind, words]
    if _captured(old) != _captured(new):  # in the file made of a capture, words may be left out
        keys.append(line)
    for key in keys:
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


def _captured(report: InputReport) -> bool:
    return bool(report.platform and report.platform.capture)


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
