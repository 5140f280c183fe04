"""What directives about a strategy's plan for a platform share."""

from __future__ import annotations

from docutils.parsers.rst import directives

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.platform_directive import PlatformDirective


class PlanDirective(PlatformDirective):
    """A directive about what a strategy makes of a platform.

    ``:strategy:`` names the strategy, else it is the platform's own; each line of ``:option:`` is a
    ``NAME=VALUE`` of it.
    """

    option_spec = {  # noqa: RUF012 - docutils reads it so
        **PlatformDirective.option_spec,
        "strategy": directives.unchanged_required,
        "option": directives.unchanged_required,
    }

    def planned(self, platform: Platform) -> Planned:
        """What the strategy makes of the platform. Raises what planning raises."""
        choice = PlanChoice(strategy=self.options.get("strategy"), options=self.stated())
        return planned(platform, registry(), choice)

    def stated(self) -> dict[str, str]:
        """The options of the strategy, one a line. Ends the directive for one that is none."""
        stated: dict[str, str] = {}
        for line in self.options.get("option", "").splitlines():
            name, equals, value = line.strip().partition("=")
            if not name or not equals:
                raise self.error(f"`{line.strip()}` in :option:, expected NAME=VALUE")
            stated[name] = value
        return stated
