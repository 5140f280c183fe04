"""What every rule owes its readers."""

import re
from pathlib import Path

import pytest

from efipolicy.plugin import Bad, Good, Rule
from efipolicy.plugin.registry import Registry

REQUIREMENT_CODES = frozenset((Path(__file__).parent / "requirement_codes.txt").read_text().split())
ALL_RULES = list(Registry().rules.values())


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.id)
class TestEveryRule:
    def test_shows_what_it_reports_and_what_it_lets_pass(self, rule: Rule) -> None:
        kinds = {type(example) for example in rule.examples}
        assert kinds == {Bad, Good}

    def test_cites_requirements_that_exist(self, rule: Rule) -> None:
        assert REQUIREMENT_CODES.issuperset(rule.requirements)

    def test_has_a_kebab_name_and_a_file_of_that_name(self, rule: Rule) -> None:
        assert re.fullmatch(r"[a-z0-9_]+/[a-z0-9]+(-[a-z0-9]+)*", rule.id)
        module = rule.check.__module__.rpartition(".")[2]
        assert module.rstrip("_") == rule.name.replace("-", "_")

    def test_is_summed_up_in_one_sentence(self, rule: Rule) -> None:
        assert re.fullmatch(r"[A-Z][^.]*(\.[0-9][^.]*)*\.", rule.summary)

    def test_explains_why_it_matters_beyond_its_summary(self, rule: Rule) -> None:
        _, _, why = rule.page.partition("\n\n")
        assert len(why.split()) >= 15

    def test_says_what_to_do_without_a_full_stop(self, rule: Rule) -> None:
        assert rule.help
        assert not rule.help.endswith(".")

    def test_defers_to_rules_that_exist(self, rule: Rule) -> None:
        installed = {other.id for other in ALL_RULES}
        assert installed.issuperset(rule.unless)


def test_garbage_is_recognised_by_its_gravest_fault_first(registry: Registry) -> None:
    ranked = {rule.disqualifies: rule.id for rule in ALL_RULES if rule.disqualifies is not None}
    assert [ranked[rank] for rank in sorted(ranked)] == [
        "uefi/range-wraps-address-space",
        "uefi/zero-pages",
        "uefi/address-beyond-physical-limit",
        "uefi/unassigned-memory-type",
    ]


@pytest.mark.parametrize(
    ("code", "rules"),
    [
        ("UEFI-MAP-008", {"runtime-bit-on-vendor-type", "configuration-table-in-vendor-type"}),
        (
            "UEFI-RT-004",
            {
                "runtime-bit-on-reusable-memory",
                "runtime-bit-on-boot-services-memory",
                "kernel-kept-boot-services",
            },
        ),
        (
            "UEFI-ATTR-003",
            {
                "ram-without-cacheability",
                "reserved-memory-without-cacheability",
                "runtime-region-without-cacheability",
            },
        ),
        (
            "ARM64-001",
            {"mixed-cacheability-in-64k-page", "differing-cacheability-in-64k-page"},
        ),
    ],
)
def test_a_requirement_with_two_verdicts_has_a_rule_for_each(code: str, rules: set[str]) -> None:
    assert {rule.name for rule in ALL_RULES if code in rule.requirements} == rules
