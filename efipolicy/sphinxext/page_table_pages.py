"""``efi:page-tables``: the page tables that a strategy's plan comes to, drawn and as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from docutils import nodes
from docutils.parsers.rst import directives

from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import EfipolicyError
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.platform_directive import PlatformDirective
from efipolicy.sphinxext.platform_strategies import page_table_nodes


class EfiPageTables(PlatformDirective):
    """``.. efi:page-tables:: name-or-path``: the tables as they stay after the boot.

    ``:strategy:`` names the strategy, else the platform's own is drawn; each line of ``:option:``
    is a ``NAME=VALUE`` of it.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **PlatformDirective.option_spec,
        "strategy": directives.unchanged_required,
        "option": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The figure and the table of leaves."""
        platform = cast(Platform, self.linted().platform)
        choice = PlanChoice(strategy=self.options.get("strategy"), options=self._options())
        try:
            made = planned(platform, registry(), choice)
            drawn = page_table_nodes(_named(platform, made.plan.strategy, self.options), made)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        if not drawn:
            raise self.error(f"{made.plan.strategy} maps nothing of {platform.name}")
        return drawn

    def _options(self) -> dict[str, str]:
        stated: dict[str, str] = {}
        for line in self.options.get("option", "").splitlines():
            name, equals, value = line.strip().partition("=")
            if not name or not equals:
                raise self.error(f"`{line.strip()}` in :option:, expected NAME=VALUE")
            stated[name] = value
        return stated


def _named(platform: Platform, strategy: str, stated: Mapping[str, Any]) -> Platform:
    """The platform by a name that tells this picture from others of it on the same page."""
    words = "-".join([platform.name, strategy, *stated.get("option", "").split()])
    return replace(platform, name=words, title=platform.title or platform.name)
