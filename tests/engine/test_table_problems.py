"""What rules on page tables say of a plan that nobody declared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.engine.table_problems import table_problems, tables_judged
from efipolicy.errors import PluginError
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import Finding, Severity
from efipolicy.model.mapping import MappingPlan, PlanProblem
from efipolicy.model.platform import Acceptance, MappingDeclaration, Platform
from efipolicy.paging.tables import PageTables
from efipolicy.plugin import Rule, rule
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from tests.conftest import FIXTURES

OVMF = FIXTURES / "platforms" / "ovmf5.yaml"


class OnlyRules(Registry):
    """The installed plugins with other rules."""

    def __init__(self, *rules: Rule) -> None:
        super().__init__()
        self._rules = {one.id: one for one in rules}

    @property
    def rules(self) -> dict[str, Rule]:
        return self._rules


def a_rule(name: str, check: Any, **named: Any) -> Rule:
    check.__doc__ = "Says something of page tables."
    named.setdefault("severity", Severity.INFO)
    return rule(name, requirements=(), sources=(), help="", examples=(), **named)(check)


def says_where_memory_can_be_written_and_executed(
    mapping: MappingDeclaration, page_tables: PageTables
) -> Iterator[Finding]:
    for run in page_tables.runs:
        if run.access == "RWX":
            yield Finding(mapping, f"{run.virtual} is RWX", run.frames)


def fails(page_tables: PageTables) -> Iterator[Finding]:
    raise ZeroDivisionError("by nothing")
    yield


def ovmf(mapping: str = "") -> Platform:
    platform, errors = read_platform(SourceText("p.yaml", OVMF.read_text() + mapping))
    assert errors == []
    assert platform
    return platform


def by(strategy: str, platform: Platform) -> Planned:
    return planned(platform, Registry(), PlanChoice(strategy=strategy))


WRITABLE = a_rule("test/writable", says_where_memory_can_be_written_and_executed)


def test_a_plan_that_no_file_declares_is_judged() -> None:
    platform = ovmf()
    assert not platform.mapping
    found = table_problems(by("identity", platform), platform, OnlyRules(WRITABLE))
    assert [problem.rule for problem in found] == ["test/writable"] * len(found)
    assert found[0] == PlanProblem("test/writable", "0x800000-0x1000000 is RWX", found[0].region)
    assert found[0].region == (0x800000, 0x1000000)


def test_the_very_plan_is_judged_and_not_the_declared_one() -> None:
    platform = ovmf("mapping:\n  - {os: linux, strategy: identity, page_size: 4K}\n")
    found = table_problems(by("x86-topdown", platform), platform, OnlyRules(WRITABLE))
    assert any("0xfffffffefffe0000" in problem.message for problem in found)


def test_a_rule_sees_what_the_file_declares_besides_the_strategy() -> None:
    seen: list[MappingDeclaration] = []

    def look(mapping: MappingDeclaration, plan: MappingPlan, page_tables: PageTables) -> Any:
        seen.append(mapping)
        return ()

    declared = (
        "mapping:\n  - os: linux\n    strategy: identity\n"
        "    kexec:\n      - {kind: kexec, strategy: identity}\n"
    )
    platform = ovmf(declared)
    registry = OnlyRules(a_rule("test/look", look))
    table_problems(by("identity", platform), platform, registry)
    assert [one.os for one in seen] == ["linux"], "asked once, not for the kernel after it"
    table_problems(by("x86-topdown", platform), platform, registry)
    assert [one.os for one in seen] == ["linux", None], "another strategy is not that kernel's"
    assert seen[-1].virtual_address_bits == 48


def test_neither_severity_nor_acceptance_nor_preview_hides_a_problem() -> None:
    platform = replace(
        ovmf(), accept=(Acceptance(rule="test/writable", reason="so be it", owner="me"),)
    )
    preview = a_rule("test/writable", says_where_memory_can_be_written_and_executed, preview=True)
    assert table_problems(by("identity", platform), platform, OnlyRules(preview))


def test_rules_about_other_things_are_not_asked(registry: Registry) -> None:
    def about_the_platform(platform: Platform) -> Iterator[Finding]:
        yield Finding(platform, "seen")

    platform = ovmf()
    other = OnlyRules(a_rule("test/other", about_the_platform))
    assert table_problems(by("identity", platform), platform, other) == ()


def test_a_rule_that_fails_is_an_error_and_the_others_are_asked() -> None:
    platform = ovmf()
    installed = OnlyRules(a_rule("test/fails", fails), WRITABLE)
    judged = tables_judged(by("identity", platform), platform, installed)
    assert judged.problems
    assert [str(error) for error in judged.errors] == [
        f"{platform.name}: rule test/fails failed: ZeroDivisionError: by nothing"
    ]
    with pytest.raises(PluginError, match="by nothing"):
        table_problems(by("identity", platform), platform, installed)


def test_what_a_rule_lacks_is_told() -> None:
    def wants_more(page_tables: PageTables, hardware: Any) -> Iterator[Finding]:
        yield from ()

    platform = ovmf()
    installed = OnlyRules(a_rule("test/more", wants_more))
    judged = tables_judged(by("identity", platform), platform, installed)
    assert [(one.rule, one.needs) for one in judged.not_checked] == [("test/more", "hardware")]
