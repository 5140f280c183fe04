"""Many equal offences as one finding with a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from efipolicy.model.finding import ReportedFinding

MOST_ALIKE = 4
"""As many findings of one rule in one input are shown one by one."""


def fold(
    findings: Iterable[ReportedFinding], *, whole: bool = False
) -> Iterator[tuple[ReportedFinding, list[ReportedFinding]]]:
    """Each finding with those that go with it: of a rule that found a lot, all but the first.

    Findings keep their order; a rule's list stands where its first one does. ``whole`` folds
    nothing.
    """
    groups: dict[tuple[object, ...], list[ReportedFinding]] = {}
    everything = list(findings)
    for item in everything:
        groups.setdefault(_kind(item), []).append(item)
    for item in everything:
        group = groups[_kind(item)]
        if whole or len(group) <= MOST_ALIKE:
            yield item, []
        elif item is group[0]:
            yield item, group[1:]


def _kind(item: ReportedFinding) -> tuple[object, ...]:
    return item.path, item.rule, item.severity, item.accepted is None
