"""The configuration's acceptances over all inputs of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from efipolicy.model.finding import AcceptanceUse, InputReport


def merged(uses: Iterable[AcceptanceUse]) -> list[AcceptanceUse]:
    """What became of the same acceptances over several inputs: the best each of them came to."""
    order = ("used", "moved", "expired", "unmatched", "idle", "reasonless", "unknown-rule")
    best: dict[int, AcceptanceUse] = {}
    for use in uses:
        before = best.setdefault(id(use.acceptance), use)
        if order.index(use.state) < order.index(before.state):
            best[id(use.acceptance)] = use
    return list(best.values())


def at_home(reports: list[InputReport]) -> list[InputReport]:
    """The reports of one run, with the configuration's acceptances only where they belong.

    One whose address holds for one platform has not moved to a finding of another: that finding
    is nobody's, and stays.
    """
    homes: dict[int, set[str]] = {}
    for report in reports:
        for use in report.configured:
            if use.state == "used" and use.acceptance.at is not None and report.platform:
                homes.setdefault(id(use.acceptance), set()).add(report.platform.name)
    return [_without_strays(report, homes) for report in reports] if homes else reports


def _without_strays(report: InputReport, homes: Mapping[int, set[str]]) -> InputReport:
    name = report.platform.name if report.platform else ""
    strays = {
        id(use.acceptance)
        for use in report.configured
        if use.state == "moved" and name not in homes.get(id(use.acceptance), {name})
    }
    if not strays:
        return report
    return report._replace(
        findings=tuple(
            item._replace(accepted=None) if id(item.accepted) in strays else item
            for item in report.findings
        ),
        configured=tuple(
            use._replace(state="idle", region=None) if id(use.acceptance) in strays else use
            for use in report.configured
        ),
    )
