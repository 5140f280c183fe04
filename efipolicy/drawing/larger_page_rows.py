"""The rows of a larger page: how kernels map it, its memory, and what that memory offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.findings import DrawnFinding, draw_pills, draw_severity
from efipolicy.drawing.larger_pages import (
    CACHE_TYPES,
    LARGER_PAGE_SIZES,
    Fit,
    LargerPage,
    PageRun,
    strongest,
    words,
)
from efipolicy.drawing.notation import TypeStyle, address_text, type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_filled
from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange, size_text
from efipolicy.model.finding import Severity

LEFT: Final = 112
RIGHT: Final = 624
_LABELS = LEFT - 10
_LANE = 22
_BAND = 28
_OFFER = 15
_OVERLAP = TypeStyle("overlap", "rwx", "cross")
_OF_VERDICT = {"none": Severity.ERROR, "differs": Severity.WARNING}


def run_style(run: PageRun) -> TypeStyle:
    """How the memory of a run is drawn; a run that nothing describes has no style."""
    return _OVERLAP if run.overlap else type_style(run.descriptors[0].type)


def run_title(run: PageRun, groups: int) -> str:
    """The complete fact of a run."""
    start, end = (address_text(at, groups) for at in run.range)
    place = f"{start} to {end} ({size_text(run.range.size)})"
    if not run.descriptors:
        return f"no descriptor: {place}"
    which = ", ".join(f"mem{d.index}" for d in run.descriptors)
    kept = ", kept by firmware" if run.kept else ""
    return f"{which}: {run.name}, {place}, offers {words(run.offers)}{kept}"


@dataclass(slots=True)
class PageDrawing:
    """One page being drawn; addresses are linear from `LEFT` to `RIGHT`."""

    svg: SvgWriter
    figure_id: str
    page: LargerPage
    groups: int
    severity: Severity | None = field(init=False, default=None)

    def draw(self, y: float, findings: list[DrawnFinding]) -> float:
        """Draw everything from ``y`` down and return where it ends."""
        findings = sorted(findings, key=lambda finding: finding.rank)
        self.severity = _OF_VERDICT.get(self.page.verdict)
        y = self._draw_verdict(y, findings)
        svg = self.svg
        svg.text(LEFT, y + 11, address_text(self.page.range.start, self.groups), "m", "u")
        svg.text(RIGHT, y + 11, address_text(self.page.range.end, self.groups), "m", "u", "e")
        y += 16
        page_size = self.page.range.size
        for size in sorted({page_size, *LARGER_PAGE_SIZES}, reverse=True):
            if size <= page_size:
                y = self._draw_lane(y, size, self.page.fits(size))
        y = self._draw_lane(y, EFI_PAGE_SIZE, [self.page.fit(run.range) for run in self.page.runs])
        y = self._draw_memory(y + 5, findings)
        y = self._draw_labels(y + 2)
        for word, bit in CACHE_TYPES.items():
            self._draw_offer(y, word, bit)
            y += _OFFER
        return y

    def _x(self, address: int) -> float:
        return LEFT + (RIGHT - LEFT) * (address - self.page.range.start) / self.page.range.size

    def _span(self, part: AddressRange) -> tuple[float, float]:
        left = self._x(part.start)
        return left, self._x(part.end) - left

    def _draw_verdict(self, y: float, findings: list[DrawnFinding]) -> float:
        """The conclusion first, and the findings it led to."""
        svg, x = self.svg, 0.0
        if self.severity or self.page.verdict == "fits":
            _draw_sign(svg, self.severity, 6, y + 6)
            x = 18
        told = self.page.sentence()
        svg.text(x, y + 10.5, told, "b")
        text_end = x + text_width(told, 12, bold=True)
        if findings:
            draw_pills(
                svg,
                findings,
                x=RIGHT + 8,
                y=y - 3,
                leftmost=text_end + 8,
                subject=f"the page at {address_text(self.page.range.start, self.groups)}",
                more_href=None,
            )
        company = self.page.company()
        if company:
            y += 16
            svg.text(x, y + 10.5, company, "s", "u")
        return y + 17

    def _draw_lane(self, y: float, size: int, fits: Sequence[Fit]) -> float:
        """How a kernel with pages of a size maps it: a box for each thing mapped as one."""
        self.svg.text(_LABELS, y + 13.5, f"{size_text(size)} kernel", "s", "e")
        for fit in fits:
            if any(run.descriptors and run.range.overlaps(fit.range) for run in self.page.runs):
                self._draw_box(y, fit, size)
        return y + _LANE

    def _draw_box(self, y: float, fit: Fit, size: int) -> None:
        left, width = self._span(fit.range)
        start, end = (address_text(at, self.groups) for at in fit.range)
        severity = self._severity_of(fit)
        text = _box_text(fit, width - (38 if severity else 8))
        title = f"{start} to {end} as {size_text(size)} pages: {_box_text(fit, 1000)}"
        with self.svg.group(title=title):
            self.svg.rect(left + 1.5, y + 1, width - 3, _LANE - 5, "hit")
            outline = f"{severity.value}-l" if severity else "clear"
            if fit.common is None:
                outline = "accepted-l"
            self.svg.element(
                "rect",
                x=left + 1.5,
                y=y + 0.5,
                width=width - 3,
                height=_LANE - 4,
                rx=3,
                class_=f"ep-{outline}",
            )
            middle = left + width / 2
            if severity:
                half = text_width(text, 11, bold=True) / 2
                draw_severity(self.svg, severity, middle - half - 2, y + 9.5)
                middle += 8
            self.svg.text(middle, y + 13.5, text, "s", "b", "c")

    def _severity_of(self, fit: Fit) -> Severity | None:
        """The sign of a box; none where the rule does not apply."""
        if self.severity is None or fit.common is None:
            return None
        if not fit.common:
            return Severity.ERROR
        return Severity.WARNING if len(fit.best) > 1 else None

    def _draw_memory(self, y: float, findings: list[DrawnFinding]) -> float:
        """The memory, run by run, and under it the cells that firmware keeps."""
        self.svg.text(_LABELS, y + 18, "memory", "s", "e")
        for run in self.page.runs:
            left, width = self._span(run.range)
            with self.svg.group(title=run_title(run, self.groups)):
                if run.descriptors:
                    draw_filled(self.svg, self.figure_id, run_style(run), (left, y, width, _BAND))
                else:
                    self._draw_hole(left, y, width)
        severity = findings[0].severity if findings else self.severity
        if severity:
            outline = f"{severity.value}-l"
            self.svg.rect(LEFT - 3, y - 3, RIGHT - LEFT + 6, _BAND + 6, outline)
        return self._draw_cells(y + _BAND + 6)

    def _draw_hole(self, left: float, y: float, width: float) -> None:
        """Dashed edges and wide hatching, which no type of memory has."""
        right, bottom = left + width, y + _BAND
        lines = []
        x = left - _BAND
        while x < right:
            low, high = max(x, left), min(x + _BAND, right)
            lines.append(f"M{number(low)} {number(bottom - (low - x))}")
            lines.append(f"L{number(high)} {number(bottom - (high - x))}")
            x += 10
        self.svg.path("".join(lines), "axis")
        self.svg.element(
            "rect", x=left + 0.5, y=y, width=width - 1, height=_BAND, class_="ep-boundary"
        )

    def _draw_cells(self, y: float) -> float:
        """A cell for each 4 KiB, filled as far as it holds memory that firmware keeps."""
        self.svg.text(_LABELS, y + 7, "4 KiB cells", "xs", "u", "e")
        for run in self.page.runs:
            if run.kept:
                left, width = self._span(run.range)
                self.svg.rect(left, y, width, 7, "set")
        count = self.page.range.size // EFI_PAGE_SIZE
        edges = [self._x(self.page.range.start + place * EFI_PAGE_SIZE) for place in range(count)]
        lines = "".join(f"M{number(x)} {number(y)}v7" for x in edges[1:])
        self.svg.element("rect", x=LEFT, y=y, width=RIGHT - LEFT, height=7, class_="ep-clear")
        self.svg.path(lines, "break")
        return y + 7

    def _draw_labels(self, y: float) -> float:
        """Name, size and start of each run, those without room on a lower step."""
        svg = self.svg
        steps = self._steps()
        for run, step in zip(self.page.runs, steps, strict=True):
            left = self._x(run.range.start)
            top = y + 27 * step
            svg.path(f"M{number(left + 0.5)} {number(y - 1)}V{number(top + 23)}", "break")
            look = "b" if run.kept or run.overlap else None if run.descriptors else "i"
            name, size = self._label(run)
            svg.text_in_parts(left + 5, top + 11, [(name, look), (f" {size}", "u")])
            start = address_text(run.range.start, self.groups)
            svg.text(left + 5, top + 23, start, "m", "xs", "u")
        return y + 27 * (max(steps, default=0) + 1) + 3

    def _label(self, run: PageRun) -> tuple[str, str]:
        size = size_text(run.range.size)
        room = WIDTH - self._x(run.range.start) - 6 - text_width(f" {size}", 12)
        return shortened(run.name, room, 12, bold=run.kept or run.overlap), size

    def _steps(self) -> list[int]:
        """The step of each label: below every later label whose stem its text would cross."""
        places: list[tuple[float, int]] = []
        steps: list[int] = []
        for run in reversed(self.page.runs):
            name, size = self._label(run)
            wide = text_width(name, 12, bold=run.kept or run.overlap) + text_width(f" {size}", 12)
            start = address_text(run.range.start, self.groups)
            wide = 5 + max(wide, text_width(start, 10, mono=True))
            left = self._x(run.range.start)
            step = max((step + 1 for x, step in places if x < left + wide + 6), default=0)
            places.append((left, step))
            steps.append(step)
        return steps[::-1]

    def _draw_offer(self, y: float, word: str, bit: int) -> None:
        """Where one cache type is offered, thick where it is the best offer."""
        svg = self.svg
        svg.text(_LABELS, y + 10, f"offers {word}", "s", "e")
        offered = 0
        svg.rect(LEFT, y + 4, RIGHT - LEFT, 4, "track")
        for run in self.page.runs:
            left, width = self._span(run.range)
            if run.offers is None:
                svg.rect(left, y + 4, width, 4, "page")
                svg.path(f"M{number(left)} {number(y + 6)}h{number(width)}", "boundary")
            elif run.offers & bit:
                thick = 9 if strongest(run.offers) == word else 3
                title = f"{run_title(run, self.groups)}"
                svg.rect(left, y + 6 - thick / 2, width, thick, "set", title=title)
                offered += run.range.size
        common = self.page.fit(self.page.range).common
        if common and common & bit:
            _draw_sign(svg, None, RIGHT + 16, y + 6)
            svg.text(RIGHT + 27, y + 10, "fits all", "s")
        elif offered:
            svg.text(RIGHT + 27, y + 10, size_text(offered), "s", "u")


def _draw_sign(svg: SvgWriter, severity: Severity | None, x: float, y: float) -> None:
    """The shape of a severity, or the tick that says all is well."""
    if severity:
        draw_severity(svg, severity, x, y)
        return
    svg.element("circle", cx=x, cy=y, r=5.5, class_="ep-ok")
    svg.path(f"M{number(x - 2.6)} {number(y + 0.1)}l2 2l3.4 -4", "ok-x")


def _box_text(fit: Fit, room: float) -> str:
    """What is mapped how, as long as there is room."""
    if fit.common and len(fit.best) > 1:
        whole = f"{fit} fits, but the best offers are {' and '.join(fit.best)}"
    else:
        whole = str(fit)
    for text in (whole, str(fit)):
        if text_width(text, 11, bold=True) <= room:
            return text
    return "?" if fit.common is None else "\N{MULTIPLICATION SIGN}"
