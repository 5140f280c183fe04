"""Draw a word bit by bit: its fields, what they hold, and what each of them means.

The highest bit is at the left, 32 bits a row. Fields with room have their name and value inside;
the others have it below, at the end of a stem.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from efipolicy.drawing.bit_field_cells import (
    BIT,
    BitWord,
    Piece,
    WordField,
    bits_text,
    hex_text,
    pieces_of,
)
from efipolicy.drawing.bit_field_labels import GAP, PITCH, Label, labels_of
from efipolicy.drawing.document import WIDTH, document
from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.notation import TypeStyle
from efipolicy.drawing.svg import Form, SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.drawing.textures import draw_patterns, pattern_id
from efipolicy.model.finding import Severity

__all__ = ["BitWord", "WordField", "bit_field_svg", "bit_field_told", "describe_bit_field"]

_FIRST_ROW: Final = 44
_CELL: Final = 26
_TICK: Final = 4
_FIRST_LABEL: Final = 46
"""From the top of a row to the baseline of its first label."""

_NEXT_ROW: Final = 35
_BELOW: Final = 23
_RESERVED: Final = TypeStyle("reserved", "conv", "cross")


def describe_bit_field(word: BitWord) -> str:
    """What the picture shows, a line for each cell and label, in the order they are drawn."""
    lines = [f"{word.bits} bits{_of_value(word)}"]
    for row in rows_of(word):
        lines += [f"row {bits_text(row[0].high, row[-1].low)}", *(f"  {piece}" for piece in row)]
        lines += [f"    {label}" for label in labels_of(row)]
    return "\n".join(lines)


def bit_field_svg(
    word: BitWord, *, figure_id: str, title: str, facts: str = "", form: Form = "inline"
) -> str:
    """Draw a word as SVG.

    ``figure_id`` starts every id of the picture. At the right of the title stands the value, or
    ``facts`` where there is none. A set bit of a reserved field is drawn as an error.
    """
    svg = SvgWriter(form)
    _draw_title(svg, title, word, facts)
    if any(field.reserved for field in word.fields):
        draw_patterns(svg, figure_id, (_RESERVED,))
    top: float = _FIRST_ROW
    for row in rows_of(word):
        for piece in row:
            _draw_piece(svg, figure_id, piece, top)
        _draw_ticks(svg, row, top + _CELL)
        labels = labels_of(row)
        for label in labels:
            _draw_label(svg, label, top)
        below = max((label.line for label in labels), default=-1)
        bottom = top + _FIRST_LABEL + below * PITCH
        top = bottom + _NEXT_ROW
    told = bit_field_told(word)
    height = bottom + _BELOW
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def bit_field_told(word: BitWord) -> str:
    """The picture in words, for those who do not see it: the conclusion, then every field."""
    told = [f"A word of {word.bits} bits{_of_value(word)}."]
    wrong = word.reserved_bits_set
    if wrong:
        told.append(f"Reserved, but set: {', '.join(f'bit {bit}' for bit in wrong)}.")
    told.append("; ".join(field.told(word.value) for field in word.fields) + ".")
    return " ".join(told)


def rows_of(word: BitWord) -> list[list[Piece]]:
    """The pieces of the fields, the highest bit first, 32 bits a row."""
    return [
        list(pieces_of(word, high, max(high - 31, 0))) for high in range(word.bits - 1, -1, -32)
    ]


def _of_value(word: BitWord) -> str:
    return "" if word.value is None else f", {hex_text(word.value, word.bits)}"


def _draw_title(svg: SvgWriter, title: str, word: BitWord, facts: str) -> None:
    """The first line: the title, cut where it must be, and the value or facts at the right."""
    if word.value is None:
        taken = text_width(facts, 11)
    else:
        facts = hex_text(word.value, word.bits)
        taken = text_width(facts, 11.5, mono=True)
    svg.text(0, 15, shortened(title, WIDTH - taken - 16, 14, bold=True), "h")
    if word.value is not None:
        svg.text(WIDTH, 15, facts, "m", "b", "e")
    elif facts:
        svg.text(WIDTH, 15, facts, "s", "u", "e")


def _draw_piece(svg: SvgWriter, figure_id: str, piece: Piece, top: float) -> None:
    """A cell with the numbers of its bits above it and what it holds inside."""
    field = piece.field
    with svg.group("a", title=piece.told(), href=field.href, tabindex="-1"):
        box = (piece.left, top, piece.width, _CELL)
        if field.reserved:
            svg.rect(*box, "track")
            svg.textured(*box, pattern_id(figure_id, _RESERVED))
            svg.rect(*box, "break")
        else:
            svg.rect(*box, *(("ro",) if field.address else ("break", "pill")))
        _draw_numbers(svg, piece, top - 4)
        if field.reserved:
            _draw_reserved(svg, piece, top)
        elif piece.inside:
            text = [(field.name, "b"), *(((f" {piece.digits}", "m"),) if piece.digits else ())]
            svg.text_in_parts(piece.middle, top + 17, list(text), "s", "c")
        else:
            _draw_bits(svg, piece, top)
        if field.emphasised:
            _draw_frame(svg, piece, top)


def _draw_numbers(svg: SvgWriter, piece: Piece, y: float) -> None:
    """The numbers of a cell's bits: one in the middle, or one at either end."""
    if piece.bits == 1:
        svg.text(piece.middle, y, str(piece.high), "m", "xs", "u", "c")
        return
    svg.text(piece.left + 2, y, str(piece.high), "m", "xs", "u")
    svg.text(piece.left + piece.width - 2, y, str(piece.low), "m", "xs", "u", "e")


def _draw_bits(svg: SvgWriter, piece: Piece, top: float) -> None:
    """A digit for each bit: set ones are filled."""
    if piece.value is None:
        return
    for bit in range(piece.high, piece.low - 1, -1):
        x = piece.left_of(bit)
        if piece.is_set(bit):
            svg.rect(x, top, BIT, _CELL, "rtc")
            svg.text(x + BIT / 2, top + 17.5, "1", "m", "b", "on", "c")
        else:
            svg.text(x + BIT / 2, top + 17.5, "0", "m", "u", "c")


def _draw_reserved(svg: SvgWriter, piece: Piece, top: float) -> None:
    """The word in the widest part where no bit is set, and each set bit as an error."""
    place = piece.word_place
    if place is not None:
        box = svg.attributes(x=place - 29, y=top + 5, width=58, height=16, rx=3, class_="ep-track")
        svg.lines.append(f"<rect{box}/>")
        svg.text(place, top + 17, "reserved", "xs", "u", "c")
    for bit in piece.set_bits:
        x = piece.left_of(bit)
        svg.rect(x, top, BIT, _CELL, "error")
        svg.text(x + BIT / 2, top + 17.5, "1", "m", "b", "on", "c")


def _draw_frame(svg: SvgWriter, piece: Piece, top: float) -> None:
    """An outline in ink: two rectangles, the inner one left out."""
    left, width, n = piece.left, piece.width, number
    outer = f"M{n(left - 0.5)} {n(top - 0.5)}h{n(width + 1)}v{_CELL + 1}h{n(-width - 1)}z"
    inner = f"M{n(left + 0.5)} {n(top + 0.5)}h{n(width - 1)}v{_CELL - 1}h{n(1 - width)}z"
    svg.element("path", d=outer + inner, fill_rule="evenodd", class_="ep-set")


def _draw_ticks(svg: SvgWriter, row: list[Piece], y: float) -> None:
    """A tick every four bits, so that digits of a hexadecimal number can be counted."""
    end = row[-1].left + row[-1].width
    data = (
        f"M{number(end - 4 * count * BIT)} {number(y)}v{_TICK}"
        for count in range(int((end - row[0].left) / BIT) // 4 + 1)
    )
    svg.path("".join(data), "axis")


def _draw_label(svg: SvgWriter, label: Label, top: float) -> None:
    """A stem down from the middle of its bits, then across to the text."""
    baseline = top + _FIRST_LABEL + label.line * PITCH
    start, turn = top + _CELL + _TICK, baseline - 4
    across = GAP - 4 if label.right else 4 - GAP
    # Two straight lines: as one path its inside would be filled where colours are forced.
    data = f"M{number(label.x)} {number(start)}V{number(turn)}"
    data += f"M{number(label.x)} {number(turn)}h{number(across)}"
    with svg.group("a", title=label.told, href=label.href, tabindex="-1"):
        if label.wrong:
            svg.path(data, "error-l")
            draw_severity(svg, Severity.ERROR, label.marker, turn)
        elif label.on:
            svg.element("path", d=data, class_="ep-p-rtc-s", stroke_width=1.4)
        else:
            svg.path(data, "axis")
        svg.text_in_parts(label.text_x, baseline, list(_text(label)), "s", *label.anchor)


def _text(label: Label) -> Iterator[tuple[str, str]]:
    yield label.name, "b"
    if label.phrase:
        yield f" {label.phrase}", "error" if label.wrong else "u"
