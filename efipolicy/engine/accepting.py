"""Findings that someone took responsibility for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from efipolicy.model.finding import AcceptanceUse, ReportedFinding
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Acceptance


class Day(NamedTuple):
    """What acceptances are judged by.

    ``today`` is an ISO date, ``rules`` maps the known ids, old ones included, to the present ones,
    and ``judged`` holds the ids that were judged.
    """

    today: str
    rules: Mapping[str, str]
    judged: Collection[str]


def accept(
    findings: list[ReportedFinding], acceptances: Iterable[Acceptance], day: Day
) -> list[AcceptanceUse]:
    """Mark, in place, the findings that are accepted, and tell what became of each acceptance.

    A finding that is pinned, or about acceptances, is nobody's to accept.
    """
    by_rule: dict[str, list[int]] = {}
    pinned: set[str] = set()
    for place, item in enumerate(findings):
        if item.pinned:
            pinned.add(item.rule)
        else:
            by_rule.setdefault(item.rule, []).append(place)
    uses = []
    for acceptance in acceptances:
        rule = day.rules.get(acceptance.rule)
        candidates = by_rule.get(rule or "", [])
        places, moved = _matching(acceptance, findings, candidates)
        use = _use(acceptance, rule, day, matched=bool(places), moved=moved)
        if use.state in ("used", "moved"):
            for place in places:
                if findings[place].accepted is None:
                    findings[place] = findings[place]._replace(accepted=acceptance)
            use = use._replace(region=findings[places[0]].region)
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


def _matching(
    acceptance: Acceptance, findings: list[ReportedFinding], candidates: list[int]
) -> tuple[list[int], bool]:
    """The findings an acceptance is about, and whether their region is not where it says.

    What the region is decides. An address alone is enough while it holds; when it has nothing to
    point at any more, and only one finding of the rule is left, that is the region, moved.
    """
    at = acceptance.at
    alike = [place for place in candidates if _is_alike(acceptance, findings[place])]
    if at is None:
        return alike, False
    here = [place for place in alike if _holds(findings[place], at)]
    if here:
        return here, False
    described = acceptance.fingerprint or acceptance.type is not None
    return (alike, True) if described or len(alike) == 1 else ([], False)


def _is_alike(acceptance: Acceptance, item: ReportedFinding) -> bool:
    if acceptance.fingerprint is not None:
        return item.fingerprint == acceptance.fingerprint
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


def merged(uses: Iterable[AcceptanceUse]) -> list[AcceptanceUse]:
    """What became of the same acceptances over several inputs: the best each of them came to."""
    order = ("used", "moved", "expired", "unmatched", "idle", "reasonless", "unknown-rule")
    best: dict[int, AcceptanceUse] = {}
    for use in uses:
        before = best.setdefault(id(use.acceptance), use)
        if order.index(use.state) < order.index(before.state):
            best[id(use.acceptance)] = use
    return list(best.values())
