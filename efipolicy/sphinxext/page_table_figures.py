"""The page tables that a plan needs: a picture, and everything in it as rows of tables."""

from __future__ import annotations

from docutils import nodes

from efipolicy.drawing.notation import counted
from efipolicy.drawing.page_table_regions import regions_svg
from efipolicy.drawing.page_tables import page_tables_svg
from efipolicy.drawing.svg import Form
from efipolicy.engine.planned import Planned
from efipolicy.engine.whatif import region_translations
from efipolicy.paging.regions import RegionTranslations
from efipolicy.paging.tables import PageTables
from efipolicy.sphinxext.elements import efi_figure, efi_fold
from efipolicy.sphinxext.leaves_table import granules_table, leaves_table
from efipolicy.sphinxext.tables_table import tables_table


def needed_tables(made: Planned) -> PageTables | RegionTranslations | None:
    """What a plan needs to translate its addresses: tables, or regions where there are none.

    ``None`` where nothing is translated.
    """
    tables = made.page_tables()
    if tables is not None:
        return tables if tables.runs else None
    translations = region_translations(made)
    return translations if translations is not None and translations.granules else None


def page_table_figure(
    needed: PageTables | RegionTranslations, *, figure_id: str, title: str
) -> list[nodes.Node]:
    """The picture, its leaves or granules as a table, and each of its tables as a row of another.

    The tables are folded. That of leaves has the id ``figure_id-leaves``.
    """

    def drawn(form: Form) -> str:
        if isinstance(needed, PageTables):
            return page_tables_svg(needed, figure_id=figure_id, title=title, form=form)
        return regions_svg(needed, figure_id=figure_id, title=title, form=form)

    leaves_id = f"{figure_id}-leaves"
    figure = efi_figure(
        svg=drawn("inline"),
        standalone=drawn("standalone"),
        figure=figure_id,
        table=leaves_id,
        label=f"Page tables of {title}",
    )
    if not isinstance(needed, PageTables):
        granules = granules_table(needed, title, table_id=leaves_id)
        return [figure, _fold(granules, len(needed.granules), "run of granules", "granules")]
    leaves = leaves_table(needed, title, table_id=leaves_id)
    tables = tables_table(needed, title)
    return [
        figure,
        _fold(leaves, len(needed.runs), "run of leaves", "leaves"),
        _fold(tables, needed.total, "table", "tables"),
    ]


def _fold(table: nodes.table, number: int, one: str, kind: str) -> efi_fold:
    many = f"runs of {kind}" if one != "table" else "tables"
    summary = f"The only {one}" if number == 1 else f"All {counted(number, one, many)}"
    return efi_fold("", table, summary=summary)
