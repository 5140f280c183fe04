"""The rows of a kexec chain: a region, its address at each stage, and the lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.kexec_chain_layout import MARK_X, ChainLayout
from efipolicy.drawing.kexec_chain_rows import Agreement, ChainRow, UsedAddress
from efipolicy.drawing.kexec_chain_verdict import draw_tick, draw_wrong
from efipolicy.drawing.notation import address_text, type_style
from efipolicy.drawing.svg import SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_filled

_BAD: tuple[Agreement, ...] = ("differs", "fault")
_WORDS = {
    "same": "same",
    "physical": "firmware is physical",
    "unused": "not used",
    "differs": "differs",
    "fault": "faults",
}


@dataclass(slots=True)
class ChainRowDrawing:
    """Draws rows; ``first`` is the number of the kernel at the left."""

    svg: SvgWriter
    layout: ChainLayout
    patterns: str
    figure_id: str
    first: int
    table_id: str | None
    _before: dict[int, int] = field(default_factory=dict)

    def draw_heads(self, heads: Sequence[str], y: float) -> None:
        """What the columns are, and the line below that."""
        self.svg.text(0, y, "runtime region", "xs", "u")
        for column, head in enumerate(self._short_enough(heads)):
            self.svg.text(self.layout.text_x(column), y, head, "xs", "u")
        self.svg.path(f"M0 {number(y + 6)}H{WIDTH}", "axis")

    def _short_enough(self, heads: Sequence[str]) -> list[str]:
        """The heads, each as long as the narrowest column lets all of them be."""
        wanted = [
            list(heads),
            [head.removeprefix("virtual ") for head in heads],
            [head.removeprefix("virtual ").replace("address ", "") for head in heads],
        ]
        for told in wanted[:-1]:
            widths = [text_width(head, 10) for head in told]
            if all(width <= self.layout.room(column) for column, width in enumerate(widths)):
                return told
        return wanted[-1]

    def draw(self, row: ChainRow, y: float) -> float:
        """A row from ``y`` on, and where it ends."""
        height = self.layout.row_height(row)
        href = f"#{self.table_id}-{row.number}" if self.table_id else None
        anchor = f"{self.figure_id}-{row.number}"
        title = self._title(row)
        with self.svg.group("a", title=title, id=anchor, href=href, tabindex="-1"):
            self.svg.rect(0, y, WIDTH, height, "hit")
            if row.regions > 1:
                self._fold(row, y, height)
            else:
                self._region(row, y, height)
        self.svg.path(f"M0 {number(y + height)}H{WIDTH}", "hair")
        return y + height

    def _title(self, row: ChainRow) -> str:
        groups = self.layout.groups
        physical = self.layout.physical_groups
        start = address_text(row.physical.start, physical)
        if row.regions > 1:
            end = address_text(row.physical.end, physical)
            return f"{row.fold_words}, from physical {start} to {end}"

        def told(one: int | None) -> str:
            return "no address" if one is None else address_text(one, groups)

        parts = [f"kernel {self.first} {told(row.given.address)}", f"firmware {told(row.frozen)}"]
        for place, one in enumerate(row.used):
            note = f" ({one.note})" if one.note else ""
            kernel = f"kernel {self.first + 1 + place} {told(one.address)}"
            parts.append(f"{kernel}: {_WORDS[one.agreement]}{note}")
        return f"{type_style(row.type).label} at physical {start}: {', '.join(parts)}"

    def _fold(self, row: ChainRow, y: float, height: float) -> None:
        middle = y + height / 2
        self.svg.text(16, middle + 4, row.fold_words, "s", "u")
        left = 16 + text_width(row.fold_words, 11) + 10
        line = "ok-l" if set(row.kinds) == {"same"} else "side"
        self.svg.path(f"M{number(left)} {number(middle)}H{number(MARK_X - 16)}", line)
        self._mark(row, middle)

    def _region(self, row: ChainRow, y: float, height: float) -> None:
        middle = y + height / 2
        style = type_style(row.type)
        draw_filled(self.svg, self.patterns, style, (0.5, middle - 11, 9, 22))
        label = shortened(style.label, 104, 12, bold=True)
        self.svg.text(16, middle - 1.5, label, "b")
        start = address_text(row.physical.start, self.layout.physical_groups)
        left = 16 if self.layout.physical_groups < 4 else 11
        self.svg.text(left, middle + 12, start, "m", "xs", "u")
        given = row.given.agreement
        frozen = UsedAddress(row.frozen, "same" if given in _BAD else given)
        addresses = [row.given, frozen, *row.used]
        for column, one in enumerate(addresses):
            self._address(column, one, middle)
        for column, agreement in enumerate((given, *row.kinds), start=1):
            self._line(column, addresses[column - 1], agreement, middle)
        self._mark(row, middle)

    def _address(self, column: int, one: UsedAddress, middle: float) -> None:
        x, room = self.layout.text_x(column), self.layout.room(column)
        bad = one.agreement in _BAD
        note = shortened(one.note, room, 10) if one.note else None
        if one.address is None:
            words = note or "no address"
            look = "error" if bad else "u"
            self.svg.text(x, middle + 3.5, words, "xs", look)
            return
        texts, same = self.layout.parts(one.address, self._before.get(column))
        self._before[column] = one.address
        plain = "error" if bad else "u" if one.agreement == "unused" else None
        parts = [
            ((("0x" if not place else "") + text), "u" if known else plain)
            for place, (text, known) in enumerate(zip(texts, same, strict=True))
        ]
        if self.layout.split:
            upper, lower = parts[:-2], parts[-2:]
            y = middle - (9 if note else 4)
            self.svg.text_in_parts(x, y, upper, "m", "xs")
            self.svg.text_in_parts(x, y + 14, lower, "m")
            y += 26
        else:
            y = middle - 1.5 if note else middle + 4
            self.svg.text_in_parts(x, y, parts, "m")
            y += 13
        if note:
            self.svg.text(x, y, note, "xs", "error" if bad else "u")

    def _width(self, one: UsedAddress) -> float:
        words = one.note or "no address"
        return text_width(words, 10) if one.address is None else self.layout.address_width

    def _line(self, column: int, left: UsedAddress, agreement: Agreement, middle: float) -> None:
        """From the address in the column before to the one in this: solid, muted or broken."""
        start = self.layout.text_x(column - 1) + self._width(left) + 7
        end = self.layout.text_x(column) - 6
        if end - start < 4:
            return
        if agreement not in _BAD:
            look = "ok-l" if agreement == "same" else "break"
            self.svg.path(f"M{number(start)} {number(middle)}H{number(end)}", look)
            return
        cross = start + 21 if end - start >= 40 else (start + end) / 2
        before, after = cross - 8, cross + 8
        if before > start and after < end:
            data = f"M{number(start)} {number(middle)}H{number(before)}"
            self.svg.path(f"{data}M{number(after)} {number(middle)}H{number(end)}", "error-l")
        cut = f"M{number(cross - 4)} {number(middle - 4)}l8 8m0 -8l-8 8"
        self.svg.path(cut, "error-l")

    def _mark(self, row: ChainRow, middle: float) -> None:
        """At the end of a row: a cross, a dash where firmware is not used, or a tick."""
        if any(kind in _BAD for kind in row.kinds):
            draw_wrong(self.svg, MARK_X, middle, 8)
        elif "unused" in row.kinds:
            self.svg.element("circle", cx=MARK_X, cy=middle, r=7.5, class_="ep-break")
            self.svg.path(f"M{number(MARK_X - 3.5)} {number(middle)}h7", "break")
        else:
            draw_tick(self.svg, MARK_X, middle, 8)
