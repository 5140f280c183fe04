"""The examples on the rules' pages are true."""

import pytest

from efipolicy.testing import RuleCase, examples_of


@pytest.mark.parametrize("case", examples_of(), ids=str)
def test_every_example_on_a_rule_page_is_true(case: RuleCase) -> None:
    assert case.found() == case.expected
