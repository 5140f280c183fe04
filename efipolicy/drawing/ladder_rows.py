"""Draw the rows of a ladder: bands, runs, holes, overlaps, and the columns beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from efipolicy.drawing.bands import brace, draw_stripes, sides, zigzag
from efipolicy.drawing.columns import Columns
from efipolicy.drawing.findings import DrawnFinding, draw_pills
from efipolicy.drawing.ladder import (
    ADDRESS_SPACE_END,
    LadderRow,
    type_counts,
)
from efipolicy.drawing.legend import draw_mark
from efipolicy.drawing.notation import (
    TypeStyle,
    address_groups,
    address_text,
    cache_words,
    permission_style,
    type_style,
)
from efipolicy.drawing.row_titles import (
    hole_title,
    mat_title,
    overlap_title,
    region_title,
    run_title,
)
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_filled
from efipolicy.model.address import size_text
from efipolicy.model.efi import EFI_MEMORY_RO, EFI_MEMORY_XP
from efipolicy.model.memory_map import MemoryDescriptor

_NOT_LISTED = "\N{EN DASH}"
_UNKNOWN = "?"
_DOT = " \N{MIDDLE DOT} "
_MARK_MEANINGS = {
    "set": "set",
    "clear": "clear",
    _NOT_LISTED: "not in the Memory Attributes Table",
    _UNKNOWN: "the source does not say",
}
_OVERLAP = TypeStyle("overlap", "rwx", "cross")


@dataclass(slots=True, kw_only=True)
class RowDrawing:
    """One ladder being drawn: where it goes, and what its rows look up."""

    svg: SvgWriter
    columns: Columns
    groups: int
    figure_id: str
    findings: dict[int, list[DrawnFinding]]
    has_table: bool
    table_id: str | None = None
    tinted: bool = False
    printed: list[str] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    anchors: set[str] = field(default_factory=set)
    pills: list[tuple[LadderRow, float, float]] = field(default_factory=list)

    def draw_rows(self, rows: Sequence[LadderRow], y: float) -> float:
        """Draw all rows from ``y`` down, their pills last, and return where they end."""
        before: LadderRow | None = None
        for row in rows:
            if row.boundary:
                y += self._draw_boundary(row.boundary, before, y)
            getattr(self, f"_draw_{row.kind}")(row, y)
            y = round(y + row.height, 1)
            before = row
        for row, top, text_end in self.pills:
            self._draw_pills(row, top, text_end)
        return y

    def marks_used(self) -> list[tuple[str, str]]:
        """The marks that occur, each with its meaning, for the legend."""
        return [(mark, told) for mark, told in _MARK_MEANINGS.items() if mark in self.marks]

    def _draw_boundary(self, label: str, before: LadderRow | None, y: float) -> float:
        """A dashed line across; returns the room made for its label beside a busy row."""
        extra = 13 if before is None or self._reaches_label(before) else 0
        y += extra
        self.svg.path(f"M{self.columns.address + 2} {number(y)}H760", "boundary")
        self.svg.text(760, y - 4, f"{label} boundary", "xs", "u", "e")
        return extra

    def _reaches_label(self, row: LadderRow) -> bool:
        """Whether the lower right corner of a row is taken."""
        if row.kind == "run":
            return row.height < 46
        return row.height < 32 and bool(self._findings_of(row))

    def _draw_region(self, row: LadderRow, y: float) -> None:
        descriptor = row.descriptors[0]
        at = self.columns
        with self._row_group(row, y, region_title(row, self.groups)):
            self._draw_band(row, y)
            self._draw_start(row, y, str(descriptor.index))
            text_end = self._draw_columns(row, descriptor, y + 13.5)
        if self._findings_of(row):
            self.pills.append((row, y, max(text_end, at.cache)))

    def _draw_band(self, row: LadderRow, y: float) -> None:
        descriptor, at = row.descriptors[0], self.columns
        style = type_style(descriptor.type)
        wider = 1 if descriptor.runtime else 0
        x = at.band - 5 * wider
        width = at.band_end - at.band + 18 * wider
        if row.size == 0:
            self.svg.path(sides(at, y, row.height), "side")
            self.svg.rect(x, y + 8, width, 3, style.family)
            return
        draw_filled(self.svg, self.figure_id, style, (x, y, width, row.height))

    def _draw_start(self, row: LadderRow, y: float, index: str | None, *classes: str) -> None:
        """The start address, what it shares with the one above dimmed, and the index before it."""
        at = self.columns
        if index is not None:
            x = max(at.mem, 1 + text_width(index, 10, mono=True))
            self.svg.text(x, y + 13.5, index, "m", "xs", "u", "e")
        groups = address_groups(row.drawn.start, self.groups)
        shared = 0
        while shared < self.groups - 1 and groups[: shared + 1] == self.printed[: shared + 1]:
            shared += 1
        self.printed = groups
        text = address_text(row.drawn.start, self.groups)
        cut = 2 + 5 * shared if shared else 0
        dimmed = "ep-u" if cut and "u" not in classes else None
        parts = [(text[:cut], "u" if dimmed else None), (text[cut:], None)]
        self.svg.text_in_parts(at.address, y + 13.5, parts, "m", "e", *classes)

    def _draw_columns(self, row: LadderRow, descriptor: MemoryDescriptor, baseline: float) -> float:
        """Type, size, marks and cache; returns where the last text ends."""
        svg, at = self.svg, self.columns
        bold = ("b",) if descriptor.runtime else ()
        size, classes = self._size_of(row, descriptor)
        svg.text(at.size, baseline, size, "m", "e", *classes)
        self._draw_type(descriptor, at.size - text_width(size, 11.5, mono=True) - 7, baseline, bold)
        if descriptor.attribute is None:
            self._draw_mark(_UNKNOWN, at.rt, baseline)
            svg.text(at.cache, baseline, _UNKNOWN, "m", "s", "u")
            self.marks.add(_UNKNOWN)
            return at.cache + 7
        if descriptor.runtime:
            self._draw_mark("set", at.rt, baseline)
            self._draw_protection(row, descriptor, baseline)
        words = cache_words(descriptor.attribute, short=at.wide)
        svg.text(at.cache, baseline, words, "m", "s", *(() if descriptor.runtime else ("u",)))
        return at.cache + text_width(words, 11, mono=True)

    def _draw_type(
        self, descriptor: MemoryDescriptor, end: float, baseline: float, bold: tuple[str, ...]
    ) -> None:
        label, x = type_style(descriptor.type).label, self.columns.type
        if text_width(label, 12, bold=bool(bold)) <= end - x:
            self.svg.text(x, baseline, label, *bold)
        else:
            cut = shortened(label, end - x, 11, bold=bool(bold))
            self.svg.text(x, baseline, cut, "s", *bold)

    def _size_of(self, row: LadderRow, descriptor: MemoryDescriptor) -> tuple[str, tuple[str, ...]]:
        if descriptor.physical.end > ADDRESS_SPACE_END:
            return "past 2^64", ("error",)
        return size_text(row.size), ()

    def _draw_protection(
        self, row: LadderRow, descriptor: MemoryDescriptor, baseline: float
    ) -> None:
        """XP and RO of a runtime region, from the table or as capabilities, never mixed."""
        at = self.columns
        whole = len(row.entries) == 1 and row.entries[0].physical.covers(row.drawn)
        if row.entries and not whole:
            return  # the entries follow in rows of their own
        word = descriptor.attribute
        if self.has_table:
            word = row.entries[0].attribute if whole else None
        for x, bit in ((at.xp, EFI_MEMORY_XP), (at.ro, EFI_MEMORY_RO)):
            if self.has_table and not whole:
                self._draw_mark(_NOT_LISTED, x, baseline)
            else:
                self._draw_mark(_bit_mark(word, bit), x, baseline, muted=not self.has_table)

    def _draw_mark(self, mark: str, x: float, baseline: float, *, muted: bool = False) -> None:
        self.marks.add(mark)
        draw_mark(self.svg, mark, x, baseline - 4, muted=muted)

    def _draw_mat(self, row: LadderRow, y: float) -> None:
        """One entry of the Memory Attributes Table in the colour of what it permits, or a count."""
        svg, at = self.svg, self.columns
        first, baseline = row.entries[0], y + 12
        box = (at.band + 1, y, at.band_end - at.band + 12, row.height)
        with svg.group(title=mat_title(row, self.groups)):
            if len(row.entries) > 1:
                draw_filled(svg, self.figure_id, type_style(first.type), box)
                svg.text(at.type + 8, baseline, f"{len(row.entries)} MAT entries", "s", "u")
                for x, bit in ((at.xp, EFI_MEMORY_XP), (at.ro, EFI_MEMORY_RO)):
                    having = str(sum(entry.has(bit) for entry in row.entries))
                    svg.text(x, baseline, having, "m", "xs", "u", "c")
                return
            style = permission_style(first.attribute)
            draw_filled(svg, self.figure_id, style, box)
            text = address_text(row.drawn.start, self.groups)
            svg.text(at.address, baseline, text, "m", "xs", "u", "e")
            svg.text(at.type + 8, baseline, style.label, "s", "u")
            svg.text(at.size, baseline, size_text(row.size), "m", "xs", "u", "e")
            for x, bit in ((at.xp, EFI_MEMORY_XP), (at.ro, EFI_MEMORY_RO)):
                self._draw_mark(_bit_mark(first.attribute, bit), x, baseline)

    def _draw_run(self, row: LadderRow, y: float) -> None:
        svg, at = self.svg, self.columns
        with self._row_group(row, y, run_title(row, self.groups)):
            draw_stripes(svg, at, row, y)
            self._draw_start(row, y, str(row.descriptors[0].index))
            count = f"{len(row.descriptors)} collapsed"
            svg.text(at.type, y + 13.5, count, "b")
            svg.text(at.size, y + 13.5, size_text(row.size), "m", "e")
            note = row.note
            if row.gaps:
                note += f"; {size_text(row.gaps)} in between without a descriptor"
            svg.text(at.size + 16, y + 13.5, shortened(note, 740 - at.size, 11), "s", "u")
            counts = type_counts(row.descriptors, _DOT)
            svg.text(at.type, y + 27, shortened(counts, 756 - at.type, 11), "s", "u")
            svg.path(brace(at.band_end + 4, y, row.height), "axis")

    def _draw_hole(self, row: LadderRow, y: float) -> None:
        svg, at = self.svg, self.columns
        with svg.group(title=hole_title(row, self.groups)):
            svg.rect(0, y, 760, row.height, "hit")
            waves = 0 if row.size < 1 << 20 else 1 if row.size < 1 << 30 else 2
            svg.path(sides(at, y, row.height, broken=waves > 0), "side")
            for wave in range(waves):
                middle = y + row.height / 2 + (wave - (waves - 1) / 2) * 6
                svg.path(zigzag(at.band - 6, middle), "break")
            baseline = y + row.height / 2 + 4
            self._draw_start(row, baseline - 13.5, None, "u")
            svg.text(at.type, baseline, "no descriptor", "s", "u", "i")
            svg.text(at.size, baseline, size_text(row.size), "m", "u", "e")

    def _draw_overlap(self, row: LadderRow, y: float) -> None:
        svg, at = self.svg, self.columns
        with svg.group(title=overlap_title(row, self.groups)):
            svg.path(sides(at, y, row.height), "side")
            width = (at.band_end - at.band) * 0.4
            box = (at.band_end - width, y, width, row.height)
            draw_filled(svg, self.figure_id, _OVERLAP, box)
            self._draw_start(row, y, None, "error")
            svg.text(at.type, y + 13.5, "overlap", "b", "error")
            svg.text(at.size, y + 13.5, size_text(row.size), "m", "e", "error")

    def _draw_end(self, row: LadderRow, y: float) -> None:
        text = address_text(row.drawn.start, self.groups)
        if row.drawn.start == ADDRESS_SPACE_END:
            text = "2^64"
        self.svg.text(self.columns.address, y + 13.5, text, "m", "u", "e")
        self.svg.text(self.columns.type, y + 13.5, "end of map", "s", "u")

    @contextmanager
    def _row_group(self, row: LadderRow, y: float, title: str) -> Iterator[None]:
        """A row as a whole: its id, its link to the data table, and what a pointer touches."""
        index = row.descriptors[0].index
        name = f"{self.figure_id}-{index}"
        new = name not in self.anchors
        self.anchors.add(name)
        with self.svg.group(
            "a",
            title=title,
            href=f"#{self.table_id}-{index}" if self.table_id else None,
            id=name if new else None,
            tabindex="-1",
        ):
            if self.tinted and self._findings_of(row):
                self.svg.rect(0, y, 760, row.height, "tint")
            elif self.svg.form != "print":
                self.svg.rect(0, y, 760, row.height, "hit")
            yield

    def _draw_pills(self, row: LadderRow, y: float, text_end: float) -> None:
        index = row.descriptors[0].index
        findings = self._findings_of(row)
        x = draw_pills(
            self.svg,
            findings,
            x=self.columns.findings,
            y=y + 1,
            leftmost=text_end + 8,
            subject=f"mem{index}",
            more_href=f"#{self.table_id}-{index}" if self.table_id else None,
        )
        if x - text_end > 16:
            line = "accepted" if findings[0].accepted else f"{findings[0].severity.value}-l"
            self.svg.path(
                f"M{number(text_end + 4)} {number(y + 9.5)}H{number(x - 5)}", line, "lead"
            )

    def _findings_of(self, row: LadderRow) -> list[DrawnFinding]:
        if row.kind != "region":
            return []
        return self.findings.get(row.descriptors[0].index, [])


def _bit_mark(word: int | None, bit: int) -> str:
    if word is None:
        return _UNKNOWN
    return "set" if word & bit else "clear"
