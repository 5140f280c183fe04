"""Draw what Itanium has instead of tables: its eight regions, and the granules a plan needs.

Two regions translate each address they have from the address itself. What a granule holds besides
is mapped with it, so one that is used with two cache types is an error; to show it is what the
picture is for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH, document, draw_title
from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.notation import TypeStyle, address_text, counted
from efipolicy.drawing.page_table_boxes import BOX_GAP, EMPTY_ROW, HEAD, ROW
from efipolicy.drawing.page_table_columns import Column
from efipolicy.drawing.page_table_foot import draw_bar, draw_notes
from efipolicy.drawing.page_table_frames import draw_curves
from efipolicy.drawing.page_table_leaves import (
    MARGIN,
    chip_width,
    draw_chip,
    draw_ground,
    draw_rounded,
)
from efipolicy.drawing.page_table_texts import TIMES
from efipolicy.drawing.svg import Form, SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_filled
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.regions import GranuleRun, RegionTranslations

_REGIONS: Final = 8
_TOP: Final = 74
_ROWS: Final = 28
"""Rows in the box of a region: with one box a region there is room for more than elsewhere."""

_LEFT: Final = Column(0, 190)
_RIGHT: Final = Column(240, WIDTH - 240)
_PROBLEMS: Final = 8


class GranuleRow(NamedTuple):
    """Granules from ``first`` to ``last``: used with one cache type, folded, or not used.

    ``also`` is another cache type that the same granules are used with. ``runs`` are the runs that
    they are of, none where nobody asked for them.
    """

    first: int
    last: int
    size: int
    runs: tuple[GranuleRun, ...] = ()
    also: str | None = None

    @property
    def index_text(self) -> str:
        """``12-14``, or one number."""
        return f"{self.first}" if self.first == self.last else f"{self.first}\N{EN DASH}{self.last}"

    def __str__(self) -> str:
        caches = "/".join(dict.fromkeys(run.cache for run in self.runs)) or "not used"
        also = f", also {self.also}" if self.also else ""
        return f"{self.first}-{self.last} {caches}{also}"


def describe_regions(translations: RegionTranslations) -> dict[int, tuple[GranuleRow, ...]]:
    """The rows that a picture has, by region; ``str`` of a row is its text."""
    regions: dict[int, list[GranuleRun]] = {}
    for run in translations.granules:
        regions.setdefault(run.region, []).append(run)
    return {
        region: tuple(_few(list(_with_unused(translations, runs))))
        for region, runs in sorted(regions.items())
    }


def regions_svg(
    translations: RegionTranslations,
    *,
    figure_id: str,
    title: str,
    facts: str | None = None,
    form: Form = "inline",
) -> str:
    """Draw regions and granules as SVG.

    The rest is as of `efipolicy.drawing.page_tables.page_tables_svg`.
    """
    svg = SvgWriter(form)
    size = size_text(translations.granule)
    draw_title(svg, title, facts or f"granules of {size}, no tables")
    described = describe_regions(translations)
    for column, name, left, right in (
        (_LEFT, "Region", "VA bits 63\N{EN DASH}61", f"{_REGIONS} {TIMES} 2 EiB"),
        (_RIGHT, "Granule", f"index = PA / {size}", "identity"),
    ):
        svg.text(column.x, 40, name, "b")
        svg.text(column.x, 53, left, "m", "xs", "u")
        svg.text(column.end, 53, right, "xs", "u", "e")
        svg.path(f"M{number(column.x)} 59H{number(column.end)}", "axis")
    tops: dict[int, float] = {}
    y: float = _TOP
    for region, rows in described.items():
        tops[region] = y
        y += HEAD + sum(map(_height, rows)) + BOX_GAP
    dots, bottom = _draw_regions(svg, figure_id, translations, described)
    edges = [(dots[region], tops[region] + HEAD / 2) for region in described]
    draw_curves(svg, edges, _LEFT.end, _RIGHT.x)
    for region, rows in described.items():
        with svg.group(id=f"{figure_id}-region-{region}"):
            _draw_granules(svg, translations, region=region, rows=rows, top=tops[region])
    for dot in dots.values():
        svg.element("circle", cx=_LEFT.end, cy=dot, r=2.6, class_="ep-set-u")
    height = _draw_foot(svg, figure_id, translations, max(y - BOX_GAP, bottom) + 22)
    told = _description(translations)
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def cache_style(cache: str) -> TypeStyle:
    """How granules of a cache type are drawn; what they permit is the same for all."""
    return TypeStyle(cache, "ro" if cache == "WB" else "mmio")


def _with_unused(
    translations: RegionTranslations, runs: Sequence[GranuleRun]
) -> Iterator[GranuleRow]:
    """The rows of a region, cut where a conflict begins or ends, with what is not used between."""
    size = translations.granule
    free: int | None = None
    for run in runs:
        for row in _cut(translations, run):
            if free is not None and row.first > free:
                yield GranuleRow(free, row.first - 1, size)
            yield row
            free = max(free or 0, row.last + 1)


def _cut(translations: RegionTranslations, run: GranuleRun) -> Iterator[GranuleRow]:
    size, frames = translations.granule, run.frames
    against = [
        (conflict.physical & frames, conflict.caches)
        for conflict in translations.conflicts
        if run.cache in conflict.caches and conflict.physical.overlaps(frames)
    ]
    at = frames.start
    for shared, caches in sorted(against):
        if at < shared.start:
            yield GranuleRow(at // size, shared.start // size - 1, size, (run,))
        if at < shared.end:
            other = caches[caches[0] == run.cache]
            first = max(at, shared.start)
            yield GranuleRow(first // size, shared.end // size - 1, size, (run,), other)
            at = shared.end
    if at < frames.end:
        yield GranuleRow(at // size, frames.end // size - 1, size, (run,))


def _few(rows: list[GranuleRow]) -> list[GranuleRow]:
    """The rows with so many from the middle folded that they fit; conflicts never are."""
    while len(rows) > _ROWS:
        longest, start = range(0), 1
        for place in range(1, len(rows)):
            if rows[place].also or place == len(rows) - 1:
                longest = max(longest, range(start, place), key=len)
                start = place + 1
        if len(longest) < 2:
            break
        taken = min(len(longest), len(rows) - _ROWS + 1)
        first = longest.start + (len(longest) - taken) // 2
        part = rows[first : first + taken]
        runs = tuple(run for row in part for run in row.runs)
        folded = GranuleRow(part[0].first, part[-1].last, part[0].size, runs)
        rows = [*rows[:first], folded, *rows[first + taken :]]
    return rows


def _height(row: GranuleRow) -> int:
    return ROW if row.runs else EMPTY_ROW


def _draw_regions(
    svg: SvgWriter,
    figure_id: str,
    translations: RegionTranslations,
    described: dict[int, tuple[GranuleRow, ...]],
) -> tuple[dict[int, float], float]:
    """The box of the eight regions; returns where the curves of those in use begin, and its end."""
    geometry = translations.geometry
    kinds = {geometry.uncached_region: "uncached", geometry.cached_region: "cached"}
    rows = [region for region in range(_REGIONS) if region in kinds or region in described]
    dots: dict[int, float] = {}
    height = HEAD - 16 + sum(ROW if region in rows else EMPTY_ROW for region in range(_REGIONS))
    with svg.group(id=f"{figure_id}-regions"):
        frame = (_LEFT.x + 0.5, _TOP + 0.5, _LEFT.width - 1, height - 1)
        draw_rounded(svg, frame, 3, class_="ep-axis ep-pill", title="the eight regions")
        svg.text(_LEFT.x + MARGIN, _TOP + 14, "regions", "b")
        y: float = _TOP + HEAD - 16
        for region in range(_REGIONS):
            if region not in rows:
                svg.text(_LEFT.x + MARGIN, y + 11, f"{region}", "m", "xs", "u")
                svg.text(_LEFT.end - MARGIN, y + 11, "no identity", "xs", "u", "e")
                y += EMPTY_ROW
                continue
            used = sum(
                run.number_of_granules for run in translations.granules if run.region == region
            )
            svg.text(_LEFT.x + MARGIN, y + 13.5, f"{region}", "m", "s")
            svg.text(_LEFT.x + 24, y + 13.5, kinds.get(region, ""), "s")
            told = counted(used, "granule") if used else "not used"
            svg.text(_LEFT.end - MARGIN - 2, y + 13.5, told, "xs", "u", "e")
            if used:
                dots[region] = y + ROW / 2
            y += ROW
    return dots, y


def _draw_granules(
    svg: SvgWriter,
    translations: RegionTranslations,
    *,
    region: int,
    rows: Sequence[GranuleRow],
    top: float,
) -> None:
    """The box of one region."""
    height = HEAD + sum(map(_height, rows))
    frame = (_RIGHT.x + 0.5, top + 0.5, _RIGHT.width - 1, height - 1)
    draw_rounded(svg, frame, 3, class_="ep-axis ep-pill", title=f"region {region}")
    svg.text(_RIGHT.x + MARGIN, top + 14, f"region {region}", "b")
    svg.text(_RIGHT.x + MARGIN, top + 28, address_text(region << 61, 4), "m", "xs", "u")
    y = top + HEAD
    for row in rows:
        if len(row.runs) > 1:
            _draw_folded(svg, translations, row, y)
        elif row.runs:
            _draw_used(svg, translations, row, y)
        else:
            _draw_unused(svg, row, y)
        y += _height(row)


def _draw_folded(
    svg: SvgWriter, translations: RegionTranslations, row: GranuleRow, y: float
) -> None:
    words = "/".join(dict.fromkeys(run.cache for run in row.runs))
    told = f"\N{HORIZONTAL ELLIPSIS} {len(row.runs)} more runs, {words}"
    with svg.group(title=_title(translations, row)):
        svg.text(_RIGHT.x + MARGIN, y + 13.5, row.index_text, "m", "s")
        svg.text(_RIGHT.end - MARGIN, y + 13.5, told, "xs", "u", "e")


def _draw_used(svg: SvgWriter, translations: RegionTranslations, row: GranuleRow, y: float) -> None:
    style = cache_style(row.runs[0].cache)
    count, size = row.last - row.first + 1, size_text(row.size)
    told = f"{count} {TIMES} {size}" if count > 1 else size
    with svg.group(title=_title(translations, row)):
        draw_ground(svg, style, (_RIGHT.x, y, _RIGHT.end, ROW))
        svg.text(_RIGHT.x + 12, y + 13.5, row.index_text, "m", "s")
        draw_chip(svg, "", style, _RIGHT.x + 140 + chip_width(style), y)
        x = _RIGHT.x + 200
        if row.also:
            draw_severity(svg, Severity.ERROR, x + 5.5, y + 9.5)
            also = f"also {row.also}"
            svg.text(x + 15, y + 13.5, also, "s", "b", "error")
            x += 27 + text_width(also, 11, bold=True)
        words = [_words(translations, row), "pinned" if _pinned(translations, row) else ""]
        room = _RIGHT.end - MARGIN - text_width(told, 11) - 8 - x
        for_what = shortened(", ".join(filter(None, words)), room, 10)
        svg.text(x, y + 13.5, for_what, "xs", "u")
        svg.text(_RIGHT.end - MARGIN, y + 13.5, told, "s", "e")


def _pinned(translations: RegionTranslations, row: GranuleRow) -> bool:
    """Whether a translation register holds one of the granules."""
    return any(
        register.virtual.start in run.virtual
        and row.first <= register.physical_start // row.size <= row.last
        for register in translations.registers
        for run in row.runs
    )


def _draw_unused(svg: SvgWriter, row: GranuleRow, y: float) -> None:
    told = f"{row.last - row.first + 1} not used"
    left = _RIGHT.x + MARGIN + text_width(row.index_text, 10, mono=True)
    right = _RIGHT.end - MARGIN - text_width(told, 10)
    svg.text(_RIGHT.x + MARGIN, y + 11, row.index_text, "m", "xs", "u")
    svg.path(f"M{number(left + 4)} {number(y + 8)}H{number(right - 4)}", "side")
    svg.text(_RIGHT.end - MARGIN, y + 11, told, "xs", "u", "e")


def _words(translations: RegionTranslations, row: GranuleRow) -> str:
    """The descriptors that ask for granules of a row."""
    granules = AddressRange(row.first * row.size, (row.last + 1) * row.size)
    asking = [translations.mappings[at] for run in row.runs for at in run.mappings]
    found = dict.fromkeys(
        index
        for mapping in asking
        if mapping.physical.overlaps(granules)
        for index in mapping.descriptors
    )
    return " ".join(f"mem{index}" for index in found)


def _title(translations: RegionTranslations, row: GranuleRow) -> str:
    start, end = row.first * row.size, (row.last + 1) * row.size
    caches = "/".join(dict.fromkeys(run.cache for run in row.runs))
    also = f", error: also used as {row.also}" if row.also else ""
    words = "" if len(row.runs) > 1 else _words(translations, row)
    asked = f", for {words}" if words else ""
    return f"{caches}: physical {address_text(start, 4)} to {address_text(end, 4)}{asked}{also}"


def _sizes(translations: RegionTranslations) -> dict[str, int]:
    """Bytes of granules by cache type."""
    sizes: dict[str, int] = {}
    for run in translations.granules:
        sizes[run.cache] = sizes.get(run.cache, 0) + run.virtual.size
    return dict(sorted(sizes.items(), reverse=True))


def _draw_foot(svg: SvgWriter, figure_id: str, translations: RegionTranslations, y: float) -> float:
    svg.path(f"M0 {number(y)}H{WIDTH}", "axis")
    svg.text(0, y + 20, "no tables", "b")
    count = counted(translations.number_of_granules, "granule")
    pinned = len(translations.registers)
    told = f"{count} of {size_text(translations.granule)}, {pinned} pinned"
    svg.text(text_width("no tables", 12, bold=True) + 10, y + 20, told, "s", "u")
    sizes = _sizes(translations)
    draw_bar(svg, figure_id, {cache_style(cache): size for cache, size in sizes.items()}, y + 30)
    x = 0.5
    for cache, size in sizes.items():
        draw_filled(svg, figure_id, cache_style(cache), (x, y + 48, 18, 13))
        svg.text_in_parts(x + 24.5, y + 58, [(f"{cache} ", None), (size_text(size), "u")], "s")
        x += 150
    notes = ["All of a granule may be read, written and executed, whatever else lies in it."]
    return draw_notes(svg, notes, _problems(translations), y + 48 + (20 if sizes else 0))


def _problems(translations: RegionTranslations) -> list[str]:
    problems = []
    for conflict in translations.conflicts:
        caches = " and ".join(conflict.caches)
        problems.append(f"{conflict.physical} is used as {caches}")
    for refusal in (*translations.refused, *translations.unpinned):
        region = translations.mappings[refusal.mapping].physical
        problems.append(f"{region}: {refusal.reason}")
    if len(problems) > _PROBLEMS:
        more = len(problems) - _PROBLEMS + 1
        problems[_PROBLEMS - 1 :] = [f"{counted(more, 'more problem')} of these kinds"]
    return problems


def _description(translations: RegionTranslations) -> str:
    sizes = ", ".join(f"{cache} {size_text(size)}" for cache, size in _sizes(translations).items())
    conflicts = counted(len(translations.conflicts), "conflict")
    return (
        f"No tables; {counted(translations.number_of_granules, 'granule')} of "
        f"{size_text(translations.granule)}: {sizes or 'none'}; "
        f"{conflicts if translations.conflicts else 'no conflict'} of cache types."
    )
