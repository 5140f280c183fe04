"""Findings that someone took responsibility for."""

from __future__ import annotations

from efipolicy.model.address import AddressRange
from efipolicy.model.platform import Acceptance, Platform


class Acceptances:
    """The ``accept:`` list of a platform on a day (an ISO date); what has ended counts no more."""

    def __init__(self, platform: Platform, *, today: str) -> None:
        self.live = [item for item in platform.accept if item.until is None or item.until >= today]

    def of(self, rule: str, region: AddressRange | None) -> Acceptance | None:
        """The acceptance that covers a finding, if there is one."""
        for item in self.live:
            if item.rule == rule and (item.at is None or _holds(region, item.at)):
                return item
        return None


def _holds(region: AddressRange | None, address: int) -> bool:
    """Whether an address lies in a region; an empty one has its start to be named by."""
    return region is not None and (address in region or address == region.start)
