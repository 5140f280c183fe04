"""Tables of leaves and of granules that say what a picture of page tables shows."""

from __future__ import annotations

from docutils import nodes

from efipolicy.drawing.notation import address_text, groups_for
from efipolicy.model.address import size_text
from efipolicy.paging.regions import RegionTranslations
from efipolicy.paging.tables import PageTables
from efipolicy.sphinxext.parts import Cell, literal, table


def leaves_table(tables: PageTables, title: str, *, table_id: str | None = None) -> nodes.table:
    """Neighbouring leaves that are alike, a row each. The tables have one leaf at least."""
    virtual = groups_for(tables.runs[-1].end - 1)
    physical = groups_for(max(run.frames.end for run in tables.runs))
    rows: list[list[Cell]] = [
        [
            literal(address_text(run.start, virtual)),
            literal(address_text(run.physical, physical)),
            f"{run.number_of_leaves} \N{MULTIPLICATION SIGN} {size_text(run.leaf_size)}",
            run.access,
            run.cache,
            "misaligned frame" if run.misaligned else "contiguous" if run.contiguous else "",
        ]
        for run in tables.runs
    ]
    heads = ("virtual", "physical", "leaves", "access", "cache", "")
    ids = [table_id] if table_id else []
    return table(heads, rows, ids=ids, title=f"Leaves: {title}", classes=["ep-plan"])


def granules_table(
    translations: RegionTranslations, title: str, *, table_id: str | None = None
) -> nodes.table:
    """Neighbouring granules that are alike, a row each; nothing in them is protected."""
    rows: list[list[Cell]] = [
        [
            literal(address_text(run.virtual.start, 4)),
            literal(address_text(run.physical_start, 4)),
            f"{run.number_of_granules} \N{MULTIPLICATION SIGN} {size_text(run.granule)}",
            "RWX",
            run.cache,
        ]
        for run in translations.granules
    ]
    heads = ("virtual", "physical", "granules", "access", "cache")
    ids = [table_id] if table_id else []
    return table(heads, rows, ids=ids, title=f"Granules: {title}", classes=["ep-plan"])
