"""What the rules on page tables say of a plan, also of one the platform file does not declare."""

from __future__ import annotations

from dataclasses import replace

from efipolicy.engine.linting import lint
from efipolicy.engine.planned import Planned
from efipolicy.errors import PluginError
from efipolicy.model.finding import NotChecked
from efipolicy.model.mapping import PlanProblem
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection

_EVERY_RULE = Policy(name="every rule", summary="", settings=(), preview=True)
_NO_DAY = "1970-01-01"
"""The day acceptances are looked at: there are none."""


class TablesJudged(NamedTuple):
    """What was found, what could not be checked and why, and the rules that failed."""

    problems: tuple[PlanProblem, ...]
    not_checked: tuple[NotChecked, ...] = ()
    errors: tuple[PluginError, ...] = ()


def table_problems(
    planned: Planned, platform: Platform, registry: Registry
) -> tuple[PlanProblem, ...]:
    """What `tables_judged` finds. Raises `PluginError` for the first rule that fails."""
    judged = tables_judged(planned, platform, registry)
    if judged.errors:
        raise judged.errors[0]
    return judged.problems


def tables_judged(
    planned: Planned, platform: Platform, registry: Registry, *, path: str | None = None
) -> TablesJudged:
    """What every installed rule that asks for the fact ``page_tables`` says of this very plan.

    Severities, policies and acceptances play no part: a plan is looked at, nobody is blamed.
    ``path`` is the input as errors name it.
    """
    rules = [rule for rule in registry.rules.values() if _is_about_tables(rule)]
    report, errors = lint(
        replace(platform, mapping=(_declaration(planned, platform),), accept=()),
        rules,
        registry.architectures,
        Selection([_EVERY_RULE]),
        path=path or platform.name,
        today=_NO_DAY,
        planner=lambda _declared: planned,
    )
    problems = tuple(
        PlanProblem(found.rule, found.finding.message, found.region) for found in report.findings
    )
    return TablesJudged(problems, report.checked.not_checked, tuple(errors))


def all_problems(planned: Planned, judged: TablesJudged) -> tuple[PlanProblem, ...]:
    """The plan's own problems, and what rules say; what both tell of a region, once."""
    found = {(problem.rule, problem.region) for problem in judged.problems}
    own = [one for one in planned.plan.problems if (one.rule, one.region) not in found]
    return (*own, *judged.problems)


def _is_about_tables(rule: Rule) -> bool:
    return "page_tables" in rule.facts or "page_tables" in rule.optional_facts


def _declaration(planned: Planned, platform: Platform) -> MappingDeclaration:
    """The declaration that the plan was made from, else one that names its strategy.

    Without the kernels that follow: their plans are others.
    """
    declared = platform.mapping[0] if platform.mapping else None
    if declared and declared.strategy == planned.plan.strategy:
        return replace(declared, kexec=())
    return MappingDeclaration(
        strategy=planned.plan.strategy,
        options={},
        page_size=planned.geometry.page_size,
        virtual_address_bits=planned.geometry.virtual_address_bits,
    )
