"""Findings that someone took responsibility for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from efipolicy.engine.fingerprints import kind_of
from efipolicy.model.finding import AcceptanceUse, ReportedFinding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Acceptance
from efipolicy.named_tuple import NamedTuple


class Day(NamedTuple):
    """What acceptances are judged by.

    ``today`` is an ISO date, ``rules`` maps the known ids, old ones included, to the present ones,
    ``judged`` holds the ids that were judged, and ``descriptors`` are those of the memory map.
    """

    today: str
    rules: Mapping[str, str]
    judged: Collection[str]
    descriptors: Iterable[MemoryDescriptor] = ()


class _Matched(NamedTuple):
    """The places of the findings an acceptance is about, and whether their region has moved."""

    places: list[int]
    moved: bool = False


def accept(
    findings: list[ReportedFinding], acceptances: Iterable[Acceptance], day: Day
) -> list[AcceptanceUse]:
    """Mark, in place, the findings that are accepted, and tell what became of each acceptance.

    A finding that is pinned, or about acceptances, is nobody's to accept.
    """
    acceptances = list(acceptances)
    by_rule: dict[str, list[int]] = {}
    pinned: set[str] = set()
    for place, item in enumerate(findings):
        if item.pinned:
            pinned.add(item.rule)
        else:
            by_rule.setdefault(item.rule, []).append(place)
    uses = []
    for acceptance, matched in zip(
        acceptances, _matches(acceptances, findings, by_rule, day), strict=True
    ):
        rule = day.rules.get(acceptance.rule)
        use = _use(acceptance, rule, day, matched=bool(matched.places), moved=matched.moved)
        if use.state in ("used", "moved"):
            for place in matched.places:
                if findings[place].accepted is None:
                    findings[place] = findings[place]._replace(accepted=acceptance)
            use = use._replace(region=findings[matched.places[0]].region)
        elif use.state == "unmatched" and rule in pinned:
            use = use._replace(state="idle")  # the finding itself says that it is pinned
        uses.append(use)
    return uses


def _use(
    acceptance: Acceptance, rule: str | None, day: Day, *, matched: bool, moved: bool
) -> AcceptanceUse:
    if not (acceptance.reason or "").strip():
        return AcceptanceUse(acceptance, "reasonless")
    if rule is None:
        return AcceptanceUse(acceptance, "unknown-rule")
    if not matched:
        return AcceptanceUse(acceptance, "unmatched" if rule in day.judged else "idle")
    if acceptance.until is not None and acceptance.until < day.today:
        return AcceptanceUse(acceptance, "expired")
    return AcceptanceUse(acceptance, "moved" if moved else "used")


def _matches(
    acceptances: list[Acceptance],
    findings: list[ReportedFinding],
    by_rule: Mapping[str, list[int]],
    day: Day,
) -> list[_Matched]:
    """What each acceptance is about: first what lies where it says, then what has moved."""
    matches: list[_Matched] = []
    lost: dict[tuple[str, int | None, int | None, str | None], list[int]] = {}
    for number, acceptance in enumerate(acceptances):
        rule = day.rules.get(acceptance.rule, "")
        alike = _alike(acceptance, findings, by_rule.get(rule, []))
        at = acceptance.at
        here = [p for p in alike.places if at is None or _holds(findings[p], at)]
        if here:
            matches.append(_Matched(here, alike.moved))
            continue
        matches.append(_Matched([]))
        if alike.places:
            meant = (rule, acceptance.type, acceptance.pages, acceptance.fingerprint)
            lost.setdefault(meant, []).append(number)
    taken = {place for matched in matches for place in matched.places}
    for (rule, *_), numbers in lost.items():
        alike = _alike(acceptances[numbers[0]], findings, by_rule[rule])
        free = [p for p in alike.places if p not in taken and findings[p].region is not None]
        for number, places in _moved(numbers, free, acceptances, findings, day).items():
            matches[number] = _Matched(places, moved=True)
    return matches


def _moved(
    lost: list[int],
    free: list[int],
    acceptances: list[Acceptance],
    findings: list[ReportedFinding],
    day: Day,
) -> dict[int, list[int]]:
    """The findings of acceptances, alike but for the address, where nothing is found any more.

    What the region is decides. When there are as many acceptances as findings left, the regions
    have moved, in the order of their addresses. When there are more findings, only what is stated
    besides the address tells which are meant.
    """
    subjects = [findings[place].finding.subject for place in free]
    types = {s.type for s in subjects if isinstance(s, MemoryDescriptor)}
    # A region of the type that still begins there has not moved: it was fixed.
    still = {d.physical_start for d in day.descriptors if d.type in types}
    lost = [number for number in lost if acceptances[number].at not in still]
    if not lost or not free:
        return {}
    if len(lost) >= len(free):
        lost.sort(key=lambda number: acceptances[number].at or 0)
        free = sorted(free, key=lambda place: _start(findings[place]))
        return {number: [place] for number, place in zip(lost, free, strict=False)}
    first = acceptances[lost[0]]
    described = first.fingerprint or first.type is not None or first.pages is not None
    return dict.fromkeys(lost, free) if described else {}


def _start(item: ReportedFinding) -> int:
    return item.region.start if item.region else 0


def _alike(
    acceptance: Acceptance, findings: list[ReportedFinding], candidates: list[int]
) -> _Matched:
    """The findings that are what an acceptance says, wherever they lie.

    A fingerprint names one of several equal findings; when that one has gone and one is left, the
    others were dropped from before it.
    """
    alike = [place for place in candidates if _is_alike(acceptance, findings[place])]
    exact = [p for p in alike if findings[p].fingerprint == acceptance.fingerprint]
    if acceptance.fingerprint is None or exact:
        return _Matched(exact or alike)
    return _Matched(alike, moved=True) if len(alike) == 1 else _Matched([])


def _is_alike(acceptance: Acceptance, item: ReportedFinding) -> bool:
    if acceptance.fingerprint is not None:
        return kind_of(item.fingerprint) == kind_of(acceptance.fingerprint)
    subject = item.finding.subject
    if acceptance.type is None and acceptance.pages is None:
        return True
    if not isinstance(subject, MemoryDescriptor):
        return False
    if acceptance.type is not None and acceptance.type != subject.type:
        return False
    size_class = subject.number_of_pages.bit_length()
    return acceptance.pages is None or acceptance.pages.bit_length() == size_class


def _holds(item: ReportedFinding, address: int) -> bool:
    """Whether an address lies in a finding's region; an empty one has its start to be named by.

    A finding with a narrower region than its descriptor is found by any address of that too.
    """
    regions = [item.region]
    if isinstance(item.finding.subject, MemoryDescriptor):
        regions.append(item.finding.subject.physical)
    return any(
        region is not None and (address in region or address == region.start) for region in regions
    )
