"""``efi:page-tables``: the page tables that a strategy's plan comes to, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from docutils import nodes

from efipolicy.errors import EfipolicyError
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.plan_directive import PlanDirective
from efipolicy.sphinxext.platform_strategies import page_table_nodes


class EfiPageTables(PlanDirective):
    """``.. efi:page-tables:: name-or-path``: the tables as they stay after the boot."""

    def run(self) -> list[nodes.Node]:
        """The figure and the table of leaves."""
        platform = cast(Platform, self.linted().platform)
        try:
            made = self.planned(platform)
            drawn = page_table_nodes(_named(platform, made.plan.strategy, self.options), made)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        if not drawn:
            raise self.error(f"{made.plan.strategy} maps nothing of {platform.name}")
        return drawn


def _named(platform: Platform, strategy: str, stated: Mapping[str, Any]) -> Platform:
    """The platform by a name that tells this picture from others of it on the same page."""
    words = "-".join([platform.name, strategy, *stated.get("option", "").split()])
    return replace(platform, name=words, title=platform.title or platform.name)
