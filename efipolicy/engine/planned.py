"""A plan together with the page tables it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efipolicy.model.mapping import MappingPlan
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry
from efipolicy.plugin import Architecture, KexecRole, StrategyChoice

if TYPE_CHECKING:
    from efipolicy.paging.tables import PageTables


class Planned(NamedTuple):
    """What a strategy installs on a platform, and in what tables.

    ``choice`` is why this strategy, where nobody named one; ``role`` what its kernel does with
    firmware after another one, where its strategy says so.
    """

    plan: MappingPlan
    architecture: Architecture
    geometry: Geometry
    choice: StrategyChoice | None = None
    role: KexecRole | None = None

    def page_tables(self) -> PageTables | None:
        """The tables as they stay after the boot; ``None`` for a geometry that is no tree."""
        from efipolicy.paging.builder import tables_of

        if not isinstance(self.geometry, RadixGeometry):
            return None
        return tables_of(self.plan, self.geometry)
