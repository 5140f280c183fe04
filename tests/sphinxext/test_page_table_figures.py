"""Pictures of page tables, and the tables that say the same."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from efipolicy.drawing.page_table_boxes import describe_page_tables
from efipolicy.paging.tables import LeafRun, PageTables
from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext.page_table_figures import needed_tables, page_table_figure
from efipolicy.sphinxext.strategy_examples import example_of
from efipolicy.sphinxext.tables_table import table_rows


class Shown(NamedTuple):
    """The text of a picture, and the texts of its tables."""

    svg: str
    tables: list[str]


def shown(registry: Registry, strategy: str) -> Shown:
    example = example_of(registry.strategies[strategy])
    assert example
    needed = needed_tables(example.made)
    assert needed
    figure, *folds = page_table_figure(needed, figure_id="pt", title="t")
    return Shown(figure["svg"], [fold.astext() for fold in folds])


def page_tables(registry: Registry, strategy: str) -> PageTables:
    example = example_of(registry.strategies[strategy])
    assert example
    needed = needed_tables(example.made)
    assert isinstance(needed, PageTables)
    return needed


STRATEGIES = ["x86-topdown", "arm64-stub-virtmap", "x86-dense-from-4g", "i386-ioremap", "identity"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_table_has_a_row_and_there_are_as_many_as_are_counted(registry, strategy):
    tables = page_tables(registry, strategy)
    rows = list(table_rows(tables))
    assert len(rows) == tables.total
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.table.level.name] = counts.get(row.table.level.name, 0) + row.number
    assert counts == {name: number for name, number in tables.tables.items() if number}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_box_of_the_picture_is_a_row_by_the_same_name(registry, strategy):
    tables = page_tables(registry, strategy)
    rows = {(row.name, row.table.start) for row in table_rows(tables)}
    boxes = [box for box in describe_page_tables(tables) if box.kind in ("root", "table")]
    assert boxes
    assert {(box.name, box.start) for box in boxes} <= rows


def test_the_base_of_a_table_that_no_leaf_tells_is_in_a_row(registry):
    seen = shown(registry, "x86-topdown")
    leaves, tables = seen.tables
    assert "0xffff_fffe_c000_0000" in tables
    assert "0xffff_fffe_c000_0000" not in leaves


def test_granules_have_rows_where_there_are_no_tables(registry):
    seen = shown(registry, "ia64-region67")
    (granules,) = seen.tables
    assert re.search(r"0xe000_\w+_\w+_\w+", granules)


def test_terabytes_in_small_pages_have_few_rows(registry):
    tables = page_tables(registry, "x86-topdown")
    leaf = tables.runs[0].leaf_size
    run = LeafRun(0, 1 << 46, 0, leaf, "RW", "WB", contiguous=False, mapping=0)
    pages = (1 << 46) // (1 << 21)
    counts = {"PGD": 1, "PUD": 128, "PMD": 128 * 512, "PTE": pages}
    huge = tables._replace(runs=(run,), tables=counts)
    rows = list(table_rows(huge))
    assert len(rows) == 4
    assert [row.number for row in rows] == [1, 128, 128 * 512, pages]
    assert rows[1].name == "PUD [0]\N{HORIZONTAL ELLIPSIS}[127], 128 alike"
