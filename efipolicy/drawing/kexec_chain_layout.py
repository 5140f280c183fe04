"""Where the cards and the columns of a kexec chain stand, and how an address fits a column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.kexec_chain_figure import ChainFigure
from efipolicy.drawing.kexec_chain_rows import ChainRow
from efipolicy.drawing.kexec_chain_words import ChainCard
from efipolicy.drawing.notation import address_groups, address_text, groups_for
from efipolicy.drawing.text_width import text_width, wrapped

LABELS: Final = 128
"""Units at the left, for the regions."""

MARK_X: Final = WIDTH - 10
ROW: Final = 36
SPLIT_ROW: Final = 48
FOLD_ROW: Final = 26
LINE: Final = 15
_SHORTEST_LINE: Final = 34
_GAP: Final = 7


@dataclass(frozen=True, slots=True)
class ChainLayout:
    """A column for each card.

    ``groups`` is the width of addresses in groups of four digits, ``physical_groups`` that of the
    places of regions. Where a column is too narrow for
    one and the line to the next column, addresses are ``split`` over two lines.
    """

    columns: int
    groups: int
    physical_groups: int
    split: bool
    card_height: float

    @property
    def gap(self) -> float:
        """Units between cards."""
        return 23 if self.columns == 3 else 17

    @property
    def card_width(self) -> float:
        """Units of a card."""
        return float((WIDTH - LABELS - self.gap * (self.columns - 1)) // self.columns)

    @property
    def inset(self) -> float:
        """Units from the left of a card to its text."""
        return 11.5 if self.columns == 3 else 8.5

    def card_x(self, column: int) -> float:
        """The left of a card; the last one ends where the picture does."""
        pitch = (WIDTH - 0.5 - self.card_width - LABELS - 0.5) / (self.columns - 1)
        return LABELS + 0.5 + float(round(pitch * column))

    def text_x(self, column: int) -> float:
        """Where the texts of a column begin."""
        return self.card_x(column) + self.inset

    def room(self, column: int) -> float:
        """Units for text in a column of addresses."""
        if column + 1 == self.columns:
            return MARK_X - 12 - self.text_x(column)
        return self.text_x(column + 1) - 6 - self.text_x(column)

    def parts(self, address: int, before: int | None) -> tuple[list[str], list[bool]]:
        """The groups of an address as text, and which of them stood in the address above."""
        groups = address_groups(address, self.groups)
        above = address_groups(before, self.groups) if before is not None else []
        same: list[bool] = []
        for place, group in enumerate(groups[:-1]):
            known = place < len(above) and above[place] == group
            same.append(known and all(same))
        return [*[f"{group}_" for group in groups[:-1]], groups[-1]], [*same, False]

    @property
    def address_width(self) -> float:
        """Units of an address on one line, or of the wider of its two lines."""
        if not self.split:
            return text_width(address_text(0, self.groups), 11.5, mono=True)
        return text_width("0x0000_0000_", 10, mono=True)

    def row_height(self, row: ChainRow) -> float:
        """Units of a row."""
        if row.regions > 1:
            return FOLD_ROW
        return SPLIT_ROW if self.split and any(one.note for one in row.used) else ROW


def layout_of(figure: ChainFigure) -> ChainLayout:
    """The layout of a picture."""
    columns = len(figure.cards)
    groups = groups_for(max(_addresses(figure.rows), default=0))
    physical = groups_for(max((row.physical.start for row in figure.rows), default=0))
    draft = ChainLayout(columns, groups, physical, False, 0)
    split = draft.room(0) - draft.address_width - _GAP < _SHORTEST_LINE
    lines = max(
        len(name_lines(draft, card)) + len(card_lines(draft, card.lines)) for card in figure.cards
    )
    return ChainLayout(columns, groups, physical, split, max(85.0, 40.0 + LINE * lines))


def _addresses(rows: Sequence[ChainRow]) -> Iterator[int]:
    for row in rows:
        shown = (row.given.address, row.frozen, *[one.address for one in row.used])
        yield from [address for address in shown if address is not None]


def card_lines(layout: ChainLayout, lines: Sequence[str]) -> list[str]:
    """What a card says, in lines that fit it."""
    room = layout.card_width - 2 * layout.inset + 4
    return [line for text in lines for line in wrapped(text, room, 11)]


def name_lines(layout: ChainLayout, card: ChainCard) -> list[str]:
    """A card's name in lines that fit it, after the architecture where there is room for that."""
    room = layout.card_width - 2 * layout.inset + 2
    whole = f"{card.architecture} \N{MIDDLE DOT} {card.name}"
    if card.architecture and text_width(whole, 11, mono=True) <= room:
        return [whole]
    lines = [""]
    for piece in _pieces(card.name):
        if lines[-1] and text_width(lines[-1] + piece, 11, mono=True) > room:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def _pieces(name: str) -> Iterator[str]:
    """A name cut after hyphens and before capitals."""
    start = 0
    for place in range(1, len(name)):
        last, letter = name[place - 1], name[place]
        if last in "- " or (last.islower() and letter.isupper()):
            yield name[start:place]
            start = place
    yield name[start:]
