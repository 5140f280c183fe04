"""Tests of the Acme plugin, with the kit."""

from hypothesis import given

import efipolicy_acme
from efipolicy.testing import RuleConformance
from efipolicy.testing.strategies import memory_maps

BOARD = """\
efipolicy: 1
platform: {name: board, architecture: x86_64}
memory_map:
  descriptors:
    - {type: EfiPersistentMemory, physical_start: 0x1_0000_0000, pages: 16, attribute: [WB, NV]}
"""

TestRules = RuleConformance.of(efipolicy_acme)


def test_persistent_memory_is_reported_where_it_stands(efipolicy):
    efipolicy.write("board.yaml", BOARD)
    outcome = efipolicy.lint("board.yaml", "--select", "acme/*")
    (finding,) = outcome.findings
    assert (finding.rule, finding.line) == ("acme/persistent-memory", 5)
    assert outcome.status == 0  # a warning


@given(memory_maps())
def test_the_rule_survives_whatever_firmware_reports(memory_map):
    for finding in efipolicy_acme.persistent_memory.check(memory_map):
        assert finding.subject in memory_map.descriptors
