"""Below a mapping: how much of each window is used, what is wrong, and what is not drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.mapping_regions import MappedRegion
from efipolicy.drawing.notation import address_text, counted, type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, wrapped
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.extents import united
from efipolicy.model.finding import Severity
from efipolicy.model.mapping import MappingPlan, PlacementWindow

_TRACK: Final = 260
_TRACK_X: Final = 80
_NARROWEST: Final = 3
_TOLD: Final = 3
_NOTE_LINES: Final = 3


def use_of(
    regions: Sequence[MappedRegion], window: PlacementWindow | None
) -> tuple[AddressRange, int]:
    """From the lowest to the highest mapped address in a window, and the bytes mapped there.

    Empty where nothing is mapped; with no window, of all addresses.
    """
    mapped = [region.virtual for region in regions if region.virtual is not None]
    if window is not None:
        mapped = [one for one in mapped if window.virtual.covers(one)]
    parts = united(mapped)
    if not parts:
        return AddressRange(0, 0), 0
    return AddressRange(parts[0].start, parts[-1].end), sum(one.size for one in parts)


def use_text(regions: Sequence[MappedRegion], window: PlacementWindow | None) -> str:
    """``20 MiB spanned, 18.6 MiB mapped, of 64 GiB (0.031 %)``."""
    span, mapped = use_of(regions, window)
    told = f"{size_text(span.size)} spanned, {size_text(mapped)} mapped"
    if window is None:
        return told
    return (
        f"{told}, of {size_text(window.virtual.size)} ({percent(span.size, window.virtual.size)})"
    )


def percent(part: int, whole: int) -> str:
    """A share with two significant digits: ``3.1 %``, ``< 0.01 %``, ``0 %``."""
    if not part or not whole:
        return "0 %"
    share = 100 * (part / whole)
    if share < 0.01:
        return "< 0.01 %"
    if part == whole:
        return "100 %"
    digits = 1 if share >= 1 else 2 if share >= 0.1 else 3
    return f"{min(share, 99.9):.{digits}f} %"


def draw_mapping_foot(
    svg: SvgWriter,
    *,
    regions: Sequence[MappedRegion],
    windows: Sequence[PlacementWindow],
    problems: Sequence[tuple[Severity, str]],
    notes: Sequence[str],
    y: float,
) -> float:
    """Everything below the columns, and where that ends."""
    svg.path(f"M0 {number(y)}H{WIDTH}", "axis")
    y += 17
    for window in windows:
        name = window.low_name.partition(",")[0] if len(windows) > 1 else "window use"
        svg.text(1, y, shortened(name, _TRACK_X - 6, 11), "s", "u")
        svg.rect(_TRACK_X, y - 9, _TRACK, 10, "track")
        _draw_use(svg, regions, window, y - 9)
        svg.text(352, y, use_text(regions, window), "s")
        y += 17
    if not windows:
        svg.text(1, y, "addresses", "s", "u")
        svg.text(_TRACK_X, y, use_text(regions, None), "s")
        y += 17
    for severity, text in problems:
        draw_severity(svg, severity, 6.5, y - 4)
        for line in wrapped(text, WIDTH - 22, 11):
            svg.text(18, y, shortened(line, WIDTH - 20, 11), "s", severity.value)
            y += 15
    for line in _noted(notes):
        svg.text(1, y, line, "s", "u")
        y += 15
    return y - 4


def _draw_use(
    svg: SvgWriter, regions: Sequence[MappedRegion], window: PlacementWindow, y: float
) -> None:
    """The used span at its true place, wide enough to be seen."""
    span, _ = use_of(regions, window)
    if not span.size:
        return
    size = window.virtual.size
    width = max(float(_NARROWEST), _TRACK * (span.size / size))
    left = _TRACK_X + _TRACK * ((span.start - window.start) / size)
    used = f"{address_text(span.start, 4)} to {address_text(span.end, 4)} ({size_text(span.size)})"
    left = min(left, _TRACK_X + _TRACK - width)
    svg.rect(left, y, width, 10, "rtd", title=f"used span: {used}")


def _noted(notes: Sequence[str]) -> list[str]:
    """The notes in at most three lines; those that would need more are left out from the end."""
    lines: list[str] = []
    for note in notes:
        more = [shortened(line, WIDTH - 4, 11) for line in wrapped(note, WIDTH - 4, 11)]
        if len(lines) + len(more) > _NOTE_LINES:
            break
        lines += more
    return lines


def problems_of(plan: MappingPlan, regions: Sequence[MappedRegion]) -> list[tuple[Severity, str]]:
    """The status of a plan where it is not ok, and what is told nowhere else, three at most."""
    severity = {
        "impossible": Severity.ERROR,
        "incomplete": Severity.WARNING,
        "assumption": Severity.INFO,
    }.get(plan.status)
    told: list[tuple[Severity, str]] = []
    if severity is not None:
        told.append((severity, STATUS_WORDS[plan.status]))
    worst = Severity.INFO if severity is None else severity
    others = _reasons(regions)
    reasons = {region.reason for region in regions if region.reason}
    for problem in plan.problems:
        if problem.message not in reasons:
            where = f" at {problem.region}" if problem.region else ""
            others.append(f"{problem.message}{where} ({problem.rule})")
    told += [(worst, text) for text in others[:_TOLD]]
    if len(others) > _TOLD:
        told.append((worst, counted(len(others) - _TOLD, "more problem")))
    return told


def _reasons(regions: Sequence[MappedRegion]) -> list[str]:
    """Why regions are not mapped, each reason once with where that is so first."""
    where: dict[str, list[MappedRegion]] = {}
    for region in regions:
        if region.reason:
            where.setdefault(region.reason, []).append(region)
    told = []
    for alike in where.values():
        label = type_style(alike[0].type).label
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        told.append(f"{label} at {alike[0].physical.start:#x}{more}, {alike[0].missing}")
    return told


STATUS_WORDS: Final = {
    "ok": "Every address is known.",
    "incomplete": "The plan is incomplete: not every address can be told.",
    "impossible": "The plan is impossible: the strategy cannot do this.",
    "assumption": "The plan is an assumption.",
}


def notes_of(plan: MappingPlan) -> list[str]:
    """What is mapped besides the regions that are drawn."""
    notes: list[str] = []
    again = _again(plan)
    if again:
        notes.append(again)
    whys = dict.fromkeys(
        mapping.why or "mapped besides"
        for mapping in plan.extra
        if not _is_again(mapping.physical, plan)
    )
    whys |= dict.fromkeys(one.why for one in plan.unforeseen)
    if whys:
        names = list(whys)
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        notes.append(f"Mapped besides, not drawn: {'; '.join(names[:2])}{more}.")
    return notes


def _is_again(physical: AddressRange, plan: MappingPlan) -> bool:
    return any(mapping.physical == physical for mapping in plan.mappings)


def _again(plan: MappingPlan) -> str | None:
    """That regions are mapped at more addresses than the one that is drawn."""
    drawn = {mapping.physical for mapping in plan.mappings}
    twice = [mapping for mapping in plan.extra if mapping.physical in drawn]
    repeated = len(plan.mappings) - len(drawn)
    if repeated:
        return (
            f"Ranges that the plan maps more than once: {repeated}; drawn at the address it names "
            "first."
        )
    if not twice:
        return None
    regions = {mapping.physical for mapping in twice}
    every = regions == drawn
    whose = "Every region" if every else counted(len(regions), "region")
    verb = "has" if every or len(regions) == 1 else "have"
    whys = list(dict.fromkeys(mapping.why for mapping in twice if mapping.why))
    why = f": {'; '.join(whys[:2])}" if whys else ""
    return f"{whose} {verb} a second mapping, which is not drawn{why}."
