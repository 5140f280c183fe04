"""A precondition of a hand-over as what a rule yields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import Architecture, Finding, NotJudged, Platform

if TYPE_CHECKING:
    from efipolicy.plugin import HandoverVariant


def findings(
    rule: str, platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """What the declared hand-over has to say to a rule.

    Nothing, if it is none of Linux's or relies on no such thing.
    """
    from efipolicy.plugin.handovers import handover_request

    variant = _declared(platform)
    if variant is None:
        return
    judged = variant.judge(handover_request(platform, architecture))
    for found in judged.preconditions:
        if found.rule != rule:
            continue
        if found.state == "broken" and found.subject is not None:
            yield Finding(
                found.subject,
                f"{variant.name}: {found.why}",
                found.region,
                field=found.field,
                related=found.related,
                responsible=found.responsible,
            )
        elif found.state == "unknown":
            yield from map(NotJudged, found.needs)


def _declared(platform: Platform) -> HandoverVariant | None:
    from efipolicy_linux import efipolicy_handovers

    named = platform.handover.variant if platform.handover else None
    return next((v for v in efipolicy_handovers() if v.name == named), None)
