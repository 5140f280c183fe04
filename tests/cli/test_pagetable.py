"""``efipolicy pagetable``: tables, leaves, ranges, problems."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Finding, Severity
from efipolicy.model.mapping import Mapping, MappingPlan, RuntimeCall, Unforeseen
from efipolicy.paging.tables import PageTables
from efipolicy.plugin import PlanRequest, Rule, Strategy, rule
from efipolicy.plugin.registry import Registry
from tests.conftest import FIXTURES, MINIMAL, Run

SCHEMA: dict[str, Any] = json.loads((FIXTURES / "schemas" / "pagetable.json").read_text())
OVMF = FIXTURES / "platforms" / "ovmf5.yaml"
RX8620 = """\
efipolicy: 1
platform: {name: rx8620, architecture: ia64}
memory_map:
  descriptors:
    - {type: EfiPalCode, physical_start: 0x723ff000000, pages: 64, attribute: [RUNTIME, WB]}
"""
MORE_PAL_CODE = """\
    - {type: EfiPalCode, physical_start: 0x4000000000, pages: 1, attribute: [RUNTIME, WB]}
"""
SHARED_PAGE = """\
efipolicy: 1
platform: {name: shared, architecture: arm64}
memory_map:
  descriptors:
    - {type: EfiRuntimeServicesCode, physical_start: 0x80000000, pages: 8, attribute: [RUNTIME, WB]}
    - {type: EfiRuntimeServicesData, physical_start: 0x80008000, pages: 8, attribute: [RUNTIME, WB]}
    - {type: EfiMemoryMappedIO, physical_start: 0x1000000000000, pages: 16, attribute: [RUNTIME]}
"""


def json_of(run: Run, *arguments: object, status: int = 0) -> dict[str, Any]:
    seen, out, _ = run("pagetable", *arguments, "--format", "json")
    assert seen == status
    data: dict[str, Any] = json.loads(out)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    return data


@pytest.mark.parametrize(
    ("strategy", "tables", "leaves"),
    [
        (
            "x86-topdown",
            {"PGD": 1, "PUD": 2, "PMD": 3, "PTE": 10, "total": 16},
            {"4K": 3405, "2M": 12, "1G": 0},
        ),
        (
            "identity",
            {"PGD": 1, "PUD": 1, "PMD": 2, "PTE": 5, "total": 9},
            {"4K": 1702, "2M": 6, "1G": 0},
        ),
    ],
)
def test_json_counts_tables_from_the_root_down_and_leaves_by_size(
    run: Run, strategy: str, tables: dict[str, int], leaves: dict[str, int]
) -> None:
    data = json_of(run, OVMF, "--strategy", strategy)
    assert list(data["tables"].items()) == list(tables.items())
    assert list(data["leaves"].items()) == list(leaves.items())
    assert (data["geometry"], data["page_size"], data["status"]) == ("x86_64-4level", "4K", "ok")


def test_ranges_ascend_and_hold_every_leaf(run: Run) -> None:
    data = json_of(run, OVMF, "--strategy", "x86-topdown")
    starts = [int(row["virtual_start"], 16) for row in data["ranges"]]
    assert starts == sorted(starts)
    for name, count in data["leaves"].items():
        assert sum(row["leaves"] for row in data["ranges"] if row["leaf"] == name) == count
    for access, size in data["access_bytes"].items():
        rows = [row for row in data["ranges"] if row["access"] == access]
        assert size == sum(
            int(row["virtual_end"], 16) - int(row["virtual_start"], 16) for row in rows
        )


def test_a_range_names_its_mapping_of_the_plan(run: Run) -> None:
    data = json_of(run, OVMF, "--strategy", "x86-topdown")
    plan = json.loads(run("plan", OVMF, "--strategy", "x86-topdown", "--format", "json")[1])
    mappings = [*plan["mappings"], *plan["extra"]]
    for row in data["ranges"]:
        mapping = mappings[row["mapping"]]
        assert row["descriptors"] == mapping["descriptors"]
        assert row["type"] == mapping["type"]
        assert row["why"] == mapping.get("why")


def test_a_level_without_a_table_is_there_with_0(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    data = json_of(run, "a.yaml", "--strategy", "identity")
    assert data["tables"] == {"PGD": 1, "PUD": 0, "PMD": 0, "PTE": 0, "total": 1}
    assert data["leaves"] == {"4K": 0, "2M": 0, "1G": 0}
    assert data["ranges"] == []
    out = run("pagetable", "a.yaml", "--strategy", "identity")[1]
    assert "nothing is mapped" in out
    assert "leaves  none" in out


def test_neighbours_that_continue_each_other_are_one_row_of_the_text(
    run: Run, folder: Path
) -> None:
    rows = "".join(
        f"    - {{type: {kind}, physical_start: {start:#x}, pages: 16, attribute: [RUNTIME, WB]}}\n"
        for kind, start in (
            ("EfiRuntimeServicesData", 0x100000),
            ("EfiReservedMemoryType", 0x110000),
        )
    )
    (folder / "a.yaml").write_text(MINIMAL + rows)
    out = run("pagetable", "a.yaml", "--strategy", "identity")[1]
    (row,) = (line for line in out.splitlines() if line.startswith("0x"))
    assert "128 KiB  32 x 4K" in row
    assert row.endswith("EfiRuntimeServicesData; EfiReservedMemoryType")
    ranges = json_of(run, "a.yaml", "--strategy", "identity")["ranges"]
    assert [row["mapping"] for row in ranges] == [0, 1]


def test_the_text_says_what_can_be_written_and_executed(run: Run) -> None:
    out = run("pagetable", OVMF, "--strategy", "identity")[1]
    assert "RWX (writable and executable)" in out
    painted = run("pagetable", OVMF, "--strategy", "identity", "--color", "always")[1]
    assert "\x1b[31mRWX   \x1b[0m" in painted


def test_quiet_leaves_the_ranges_out_and_verbose_adds_every_table(run: Run) -> None:
    quiet = run("pagetable", OVMF, "--strategy", "x86-topdown", "-q")[1]
    assert "  32 x 4K" not in quiet
    assert "tables  16" in quiet
    verbose = run("pagetable", OVMF, "--strategy", "x86-topdown", "-v")[1]
    tables = [line for line in verbose.splitlines() if line.startswith("  ") and " -> " in line]
    assert len(tables) == 15, "every table but the root"
    assert "    PUD[507] -> PMD: 10 of 512 entries" in verbose
    assert "[mem00]" in verbose


def test_overlaps_and_refusals_are_told(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(SHARED_PAGE)
    words = ("a.yaml", "--strategy", "identity", "--page-size", "64K", "--va-bits", "48")
    status, out, _ = run("pagetable", *words)
    assert status == 0
    assert out.startswith("identity: impossible, in arm64-64k-48")
    assert (
        "overlap: 0x80000000-0x80010000: EfiRuntimeServicesCode [mem00]; then, on top of it, "
        "EfiRuntimeServicesData [mem01]"
    ) in out
    assert "refused: EfiMemoryMappedIO [mem02]" in out
    data = json_of(run, *words)
    assert data["status"] == "impossible"
    assert data["overlaps"] == [
        {"virtual_start": "0x80000000", "virtual_end": "0x80010000", "earlier": 0, "later": 1}
    ]
    assert data["refused"][0]["mapping"] == 2


def test_an_svg_is_a_picture_of_its_own(run: Run, folder: Path) -> None:
    words = ("pagetable", OVMF, "--strategy", "x86-topdown", "--format", "svg", "-o", "tables.svg")
    assert run(*words) == (0, "", "")
    root = ET.fromstring((folder / "tables.svg").read_text())
    assert root.tag.endswith("svg")


def test_itanium_has_granules_and_nothing_to_draw(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(RX8620)
    data = json_of(run, "a.yaml", "--strategy", "identity")
    assert data["tables"] == {"total": 0}
    assert data["status"] == "ok"
    assert (data["refused"], data["untranslated"]) == ([], [0])
    out = run("pagetable", "a.yaml", "--strategy", "identity")[1]
    assert "tables  0: " in out
    status, out, err = run("pagetable", "a.yaml", "--strategy", "identity", "--format", "svg")
    assert (status, out) == (2, "")
    assert "no tables to draw" in err


def test_a_plan_may_come_from_the_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(OVMF.read_bytes())))
    assert "tables  16" in run("pagetable", "-", "--strategy", "x86-topdown")[1]


def test_errors_are_told_as_by_every_command(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(MINIMAL)
    (folder / "unknown.yaml").write_text(MINIMAL.replace("x86_64", "unknown"))
    assert run("pagetable", "a.yaml")[0] == 2
    assert run("pagetable", "a.yaml", "--strategy", "identity", "--format", "xml")[0] == 2
    assert "unknown" in run("pagetable", "unknown.yaml", "--strategy", "identity")[2]
    for file, status in (("a.yaml", 2), ("missing.yaml", 3)):
        assert json_of(run, file, "--strategy", "none", status=status)["errors"]


class OnlyRules(Registry):
    """The installed plugins with other rules."""

    @property
    def rules(self) -> dict[str, Rule]:
        return {one.id: one for one in (FAILS, WRITABLE)}


def _rule(name: str, check: Any) -> Rule:
    check.__doc__ = "Says something of page tables."
    return rule(name, severity=Severity.INFO, requirements=(), sources=(), help="", examples=())(
        check
    )


def _fails(page_tables: PageTables) -> Iterator[Finding]:
    raise ZeroDivisionError("by nothing")
    yield


def _writable(mapping: Any, page_tables: PageTables) -> Iterator[Finding]:
    for run in page_tables.runs:
        yield Finding(mapping, f"be wary of {run.virtual}", run.frames)


FAILS = _rule("test/fails", _fails)
WRITABLE = _rule("test/writable", _writable)


def test_problems_do_not_change_the_status_but_a_rule_that_fails_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efipolicy.cli.pagetable_.load_registry", OnlyRules)
    status, out, err = run("pagetable", OVMF, "--strategy", "identity")
    assert status == 4
    assert "problem[test/writable]: be wary of 0x800000-0x1000000\n" in out
    assert "ovmf5.yaml: rule test/fails failed: ZeroDivisionError: by nothing" in err
    data = json_of(run, OVMF, "--strategy", "identity", status=4)
    assert {problem["rule"] for problem in data["problems"]} == {"test/writable"}
    assert len(data["problems"]) == 9
    assert out.count("be wary of") == 8
    assert "problem[test/writable]: and 1 more (-v shows each)" in out
    verbose = run("pagetable", OVMF, "--strategy", "identity", "-v")[1]
    assert verbose.count("be wary of") == 9
    assert data["errors"][0]["status"] == 4
    monkeypatch.setattr(OnlyRules, "rules", {"test/writable": WRITABLE})
    assert run("pagetable", OVMF, "--strategy", "identity")[0] == 0


def _plan_granules(request: PlanRequest) -> MappingPlan:
    """Map each descriptor cached, and the last one uncached as well."""
    mappings = [
        Mapping(d.physical, CACHED | d.physical_start, int(d.type), "RWX", "WB", True, (d.index,))
        for d in request.platform.memory_map.descriptors
    ]
    last = mappings[-1]
    again = last._replace(
        virtual_start=UNCACHED | last.physical.start, cache="UC", why="again, for the test"
    )
    svam_list = Unforeseen("the list of SetVirtualAddressMap", (1, 2), "RW")
    return MappingPlan(
        "granules", {}, "ok", tuple(mappings), (again,), None, RuntimeCall("rr7", "everything"),
        unforeseen=(svam_list,),
    )  # fmt: skip


CACHED, UNCACHED = 7 << 61, 6 << 61


class WithGranules(Registry):
    """The installed plugins with a strategy that has granules."""

    @property
    def strategies(self) -> dict[str, Strategy]:
        return {"granules": Strategy(name="granules", title="", plan=_plan_granules)}


def test_granules_registers_and_conflicts_of_itanium_are_told(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efipolicy.cli.pagetable_.load_registry", WithGranules)
    (folder / "a.yaml").write_text(RX8620 + MORE_PAL_CODE)
    data = json_of(run, "a.yaml", "--strategy", "granules")
    assert data["leaves"] == {"16M": 3}
    assert data["access_bytes"]["RWX"] == 3 << 24
    assert [row["virtual_start"] for row in data["ranges"]] == [
        "0xc000004000000000",
        "0xe000004000000000",
        "0xe0000723ff000000",
    ]
    assert data["registers"][0]["number"] == 1
    assert data["not_pinned"][0]["reason"] == "the register holds other PAL code already"
    assert data["conflicts"][0]["region"] == {"start": "0x4000000000", "end": "0x4001000000"}
    assert data["unforeseen"][0]["pages"] == [1, 2]
    out = run("pagetable", "a.yaml", "--strategy", "granules")[1]
    assert "leaves  3 granules of 16M" in out
    assert "0xc000004000000000  0x0000004000000000  16 MiB  1 x 16M" in out
    assert "pinned: 0xe0000723ff000000-" in out
    assert "not pinned: EfiPalCode [mem01]" in out
    assert "conflict: 0x4000000000-0x4001000000 is mapped as UC and as WB" in out
    assert "not shown: the list of SetVirtualAddressMap: 1 or 2 pages RW" in out
    assert "EfiPalCode, again\n" in out
    quiet = run("pagetable", "a.yaml", "--strategy", "granules", "-q")[1]
    assert "1 x 16M" not in quiet


def test_a_large_page_whose_frame_is_misaligned_is_marked(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plan(request: PlanRequest) -> MappingPlan:
        mapping = Mapping(AddressRange(0x1000, 0x201000), 0x40000000, 5, "RWX", "WB", True)
        call = RuntimeCall("CR3", "nothing")
        return MappingPlan("odd", {}, "ok", (mapping,), (), None, call, leaf_policy="va-only")

    odd = {"odd": Strategy(name="odd", title="", plan=plan)}
    monkeypatch.setattr(WithGranules, "strategies", odd)
    monkeypatch.setattr("efipolicy.cli.pagetable_.load_registry", WithGranules)
    (folder / "a.yaml").write_text(MINIMAL)
    out = run("pagetable", "a.yaml", "--strategy", "odd")[1]
    assert "1 x 2M  RWX     WB     frame misaligned  EfiRuntimeServicesCode" in out


def test_itanium_called_with_translation_off_refuses_nothing(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(RX8620)
    data = json_of(run, "a.yaml", "--strategy", "ia64-physical")
    assert (data["status"], data["refused"], data["untranslated"]) == ("ok", [], [0])
    out = run("pagetable", "a.yaml", "--strategy", "ia64-physical")[1]
    assert "no granule is used\n\ntranslation off: 1 mapping at physical addresses: EfiPal" in out
    out = run("where", "a.yaml", "0x723ff000000", "--strategy", "ia64-physical")[1]
    assert "no tables    translation off, the address is a physical one" in out
    assert "fault" not in out


def test_a_mapping_beyond_what_itanium_translates_is_impossible(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(RX8620.replace("0x723ff000000", "0x10000000000000"))
    data = json_of(run, "a.yaml", "--strategy", "ia64-region67")
    assert (data["status"], data["untranslated"]) == ("impossible", [])
    assert data["refused"][0]["reason"] == "a translation names 50 bits of a physical address"


def test_the_granules_of_itanium_can_be_drawn(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(RX8620)
    status, out, err = run("pagetable", "a.yaml", "--strategy", "ia64-region67", "--format", "svg")
    assert (status, err) == (0, "")
    assert ET.fromstring(out).tag.endswith("svg")
    assert "granules of 16 MiB, no tables" in out
