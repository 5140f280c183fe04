"""Draw larger pages: how kernels map them, the memory in them, and what that memory offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from efipolicy.drawing.document import WIDTH, document, draw_title
from efipolicy.drawing.findings import DrawnFinding
from efipolicy.drawing.larger_page_rows import PageDrawing, run_style, run_title
from efipolicy.drawing.larger_pages import RULED_PAGE_SIZE, LargerPage, describe_larger_pages
from efipolicy.drawing.notation import address_text, counted, groups_for
from efipolicy.drawing.svg import Form, SvgWriter, number
from efipolicy.drawing.text_width import wrapped
from efipolicy.drawing.textures import draw_patterns
from efipolicy.model.address import EFI_PAGE_SIZE, size_text
from efipolicy.model.memory_map import MemoryMap

_NOTES = (
    "Filled cells: memory that firmware keeps (types 0, 5, 6, 10); one cell puts the page under "
    "the rule. Thick bar: the best offer of the memory above it; thin: another it may be mapped "
    "with. A cache type fits a page when its bar has no gap but where nothing is described."
)


def larger_pages_svg(
    memory_map: MemoryMap,
    starts: Sequence[int],
    *,
    figure_id: str,
    title: str,
    page_size: int = RULED_PAGE_SIZE,
    findings: Mapping[int, Sequence[DrawnFinding]] | None = None,
    form: Form = "inline",
) -> str:
    """Draw the pages at these addresses, one below the other.

    ``page_size`` is that of the drawn pages in bytes, a multiple of 4 KiB; ``findings`` are those
    about each page by its start. Raises `ValueError` for a start that is no multiple of the size.
    """
    pages = describe_larger_pages(memory_map, starts, page_size)
    svg = SvgWriter(form)
    draw_title(svg, title, _facts(pages, page_size))
    styles = [run_style(run) for page in pages for run in page.runs if run.descriptors]
    draw_patterns(svg, figure_id, dict.fromkeys(styles))
    groups = groups_for(max((page.range.end for page in pages), default=0))
    y = 34.0
    for page in pages:
        drawing = PageDrawing(svg, figure_id, page, groups)
        y = drawing.draw(y, list((findings or {}).get(page.range.start, ()))) + 22
    svg.path(f"M0 {number(y - 8)}H{WIDTH}", "axis")
    for line in wrapped(_NOTES, WIDTH - 4, 10):
        svg.text(0, y + 6, line, "xs", "u")
        y += 14
    told = " ".join(_told(page, groups) for page in pages) or "No page is drawn."
    return document(svg, figure_id=figure_id, title=title, description=told, height=y + 2)


def _facts(pages: Sequence[LargerPage], page_size: int) -> str:
    cells = counted(page_size // EFI_PAGE_SIZE, "cell")
    return f"{counted(len(pages), 'page')} of {size_text(page_size)}, {cells} of 4 KiB each"


def _told(page: LargerPage, groups: int) -> str:
    """A page in words, for those who do not see it."""
    runs = "; ".join(run_title(run, groups) for run in page.runs)
    return f"Page at {address_text(page.range.start, groups)}: {page.sentence()} {runs}."
