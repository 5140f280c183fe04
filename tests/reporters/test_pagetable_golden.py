"""Page tables as they are printed, and each table of random ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import LeafPolicy, Mapping
from efipolicy.paging.builder import build
from efipolicy.paging.geometry import Level, RadixGeometry
from efipolicy.plugin import Rule
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.pagetable_boxes import boxes
from efipolicy.reporters.pagetable_ranges import size_name, what
from tests.conftest import FIXTURES, PLATFORMS, Run

COMMANDS = [
    "pagetable ovmf5.yaml --strategy x86-topdown -v",
    "pagetable ovmf5.yaml --strategy identity --va-bits 57 --format json",
    "pagetable aavmf-arm64.yaml --strategy identity --page-size 64K --color always",
    "whatif ovmf5.yaml --strategy identity",
    "whatif aavmf-arm64.yaml --strategy identity --page-size 16K --format json",
]


class NoRules(Registry):
    """The installed plugins without what their rules would say."""

    @property
    def rules(self) -> dict[str, Rule]:
        return {}


@pytest.mark.parametrize("line", COMMANDS)
def test_the_output_of_a_command_is_the_recorded_one(
    folder: Path, run: Run, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("efipolicy.cli.pagetable_.load_registry", NoRules)
    (folder / "ovmf5.yaml").write_text((FIXTURES / "platforms" / "ovmf5.yaml").read_text())
    (folder / "aavmf-arm64.yaml").write_text((PLATFORMS / "aavmf-arm64.yaml").read_text())
    status, out, err = run(*line.split())
    assert f"status {status}\n{out}{err}" == snapshot


SMALL = RadixGeometry(
    "small",
    (
        Level("A", 18, 2),
        Level("B", 16, 2, leaf=True),
        Level("C", 14, 2, leaf=True),
        Level("D", 12, 2, leaf=True),
    ),
    address_space="unsigned",
)
EXTENTS = st.tuples(st.integers(0, 255), st.integers(1, 200))


@given(st.lists(EXTENTS, max_size=6), st.sampled_from(["strict", "va-only"]))
def test_there_is_a_line_for_each_table(extents: list[tuple[int, int]], policy: LeafPolicy) -> None:
    mappings = [
        Mapping(AddressRange(0x3000, 0x3000 + size), start << 12, 5, "RW", "WB", True)
        for start, pages in extents
        if (size := min(pages, 256 - start) << 12)
    ]
    tables = build(SMALL, mappings, leaf_policy=policy)
    root, *lines = boxes(tables)
    assert root.startswith("A: ")
    for level, below in (("A", "B"), ("B", "C"), ("C", "D")):
        counted = 0
        for line in lines:
            entry, arrow, rest = line.strip().partition(f" -> {below}: ")
            if arrow:
                assert entry.startswith(f"{level}[")
                assert not rest.startswith("0 of")
                counted += 1 + int(entry.split()[2]) if " and " in entry else 1
        assert counted == tables.tables[below]


def test_full_tables_of_a_large_mapping_share_a_line() -> None:
    geometry = SMALL._replace(levels=(Level("A", 39, 9), Level("B", 12, 27, leaf=True)))
    size = 64 << 40
    mapping = Mapping(AddressRange(0x1000, size), 0x1000, 7, "RW", "WB", False)
    root, first, full, last = boxes(build(geometry, [mapping]))
    assert root == "A: 128 of 512 entries"
    assert first.startswith("  A[0] -> B: 134217727 of 134217728 entries, 0x0-0x8000000000 ")
    assert full.startswith("  A[1] and 125 more -> B: all 134217728 entries each, 0x8000000000-")
    assert last.startswith("  A[127] -> B: 134217728 of 134217728 entries, 0x3f8000000000-")


@pytest.mark.parametrize(
    ("size", "name"),
    [
        (1 << 12, "4K"), (1 << 14, "16K"), (1 << 16, "64K"), (1 << 21, "2M"), (1 << 24, "16M"),
        (1 << 25, "32M"), (1 << 29, "512M"), (1 << 30, "1G"), (1 << 36, "64G"), (1 << 39, "512G"),
        (1 << 42, "4T"), (1 << 50, "1024T"),
    ],
)  # fmt: skip
def test_a_leaf_is_named_as_people_name_it(size: int, name: str) -> None:
    assert size_name(size) == name


def test_descriptors_in_a_row_are_one_range_of_them() -> None:
    def mapping(*indices: int, why: str | None = None) -> Mapping:
        return Mapping(AddressRange(0, 1), 0, 6, "RW", "WB", True, indices, why)

    assert what([mapping(3), mapping(4, 5), mapping(9)], verbose=True) == (
        "EfiRuntimeServicesData [mem03-mem05, mem09]"
    )
    assert what([mapping(1, why="1:1, for all")]) == "EfiRuntimeServicesData, 1:1"
    assert what([mapping(why="page 0, for all")], verbose=True) == "page 0, for all"
