"""The architecture: what every architecture promises, and words computed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efipolicy.plugin.paging import decode, encode
from efipolicy.testing import ArchitectureConformance

from efipolicy_acme64.architecture import GEOMETRY
from efipolicy_acme64.entries import L, U, V, W, X, formats_of

if TYPE_CHECKING:
    from efipolicy.testing import Workspace

TestArchitecture = ArchitectureConformance.of("efipolicy-acme64")
"""Entries are read back, no bit is lost, walks lead where the mappings say, counts are right."""

BOARD = """\
efipolicy: 1
platform: {name: board, architecture: "acme64"}
memory_map:
  descriptors:
    - {type: 7, physical_start: 0x100000, pages: 0x100, attribute: [WB]}
    - {type: 5, physical_start: 0x7e9c4000, pages: 16, attribute: [RUNTIME, WB]}
    - {type: 6, physical_start: 0x7e9d4000, pages: 64, attribute: [RUNTIME, WB]}
"""

LEAVES = formats_of(GEOMETRY).leaves


def test_three_levels_translate_47_bits() -> None:
    assert GEOMETRY.virtual_address_bits == 47
    assert GEOMETRY.leaf_sizes == (32 << 20, 16 << 10)


def test_the_word_of_an_executable_page() -> None:
    word = encode(LEAVES["LAST"], 0x7E9C4000, access="RX", cache="cached")
    assert word == 0x7E9C4000 | V | L | X
    assert word == 0x7E9C400B


def test_the_word_of_a_large_page_of_device_memory() -> None:
    word = 0xFE000000 | V | L | W | U
    assert encode(LEAVES["MIDDLE"], 0xFE000000, access="RW", cache="uncached") == word
    decoded = decode(formats_of(GEOMETRY), GEOMETRY.levels[1], word)
    assert (decoded.kind, decoded.physical, decoded.access) == ("leaf", 0xFE000000, "RW")


def test_a_map_that_pages_can_hold_is_clean(efipolicy: Workspace) -> None:
    efipolicy.write("board.yaml", BOARD)
    outcome = efipolicy.lint("board.yaml", "--select", "uefi/runtime-region-breaks-granularity")
    assert (outcome.status, outcome.rules) == (0, ())


def test_a_region_that_is_no_whole_page_breaks_our_requirement(efipolicy: Workspace) -> None:
    efipolicy.write("board.yaml", BOARD.replace("0x7e9d4000, pages: 64", "0x7e9d5000, pages: 63"))
    outcome = efipolicy.lint("board.yaml", "--select", "uefi/runtime-region-breaks-granularity")
    (finding,) = outcome.findings
    assert finding.line == 7
    assert "ACME64-001" in finding.requirements


def test_page_tables_are_counted_and_drawn(efipolicy: Workspace) -> None:
    efipolicy.write("board.yaml", BOARD)
    asked = ("pagetable", "board.yaml", "--strategy", "identity")
    tables = efipolicy.run(*asked, "--format", "json").json
    assert tables["geometry"] == "acme64-3level"
    assert (tables["tables"]["total"], tables["leaves"]["16K"]) == (3, 20)
    assert efipolicy.run(*asked, "--format", "svg").out.startswith("<svg ")


def test_an_address_is_walked_to_its_entry(efipolicy: Workspace) -> None:
    efipolicy.write("board.yaml", BOARD)
    asked = ("where", "board.yaml", "0x7e9c4000", "--strategy", "identity", "--format", "json")
    (address,) = efipolicy.run(*asked).json["addresses"]
    assert [step["level"] for step in address["walk"]] == ["ROOT", "MIDDLE", "LAST"]
    assert int(address["walk"][-1]["entry"], 0) == 0x7E9C4000 | V | L | W | X
