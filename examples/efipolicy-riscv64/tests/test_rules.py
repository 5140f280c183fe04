"""The rules: every example of their pages, and what the pages promise besides."""

import pytest
from efipolicy.plugin import NotJudged, Revision
from efipolicy.testing import RuleCase, examples_of, platform

from efipolicy_riscv64.brs import BRS_1_0
from efipolicy_riscv64.rules.translation_on_at_handover import translation_on_at_handover


@pytest.mark.parametrize("case", examples_of("riscv64"), ids=str)
def test_every_example_on_a_rule_page_is_true(case: RuleCase) -> None:
    assert case.found() == case.expected


@pytest.mark.parametrize(
    ("revision", "profiles", "needs"),
    [
        (Revision(2, 10), "[]", "platform.uefi that tells 2.10 from 2.10A"),
        (Revision(2, 10), f"[{BRS_1_0.upper()}]", "handover.identity_mapped"),
        (Revision(2, 11), "[]", "handover.identity_mapped"),
    ],
)
def test_what_nobody_can_tell_is_not_judged(revision: Revision, profiles: str, needs: str) -> None:
    said = f"handover: {{mmu: on}}\nconformance_profiles: {{profiles: {profiles}}}"
    there = platform(sections=said)
    found = translation_on_at_handover.check(revision, there.handover, there.conformance_profiles)
    assert list(found) == [NotJudged(needs)]
