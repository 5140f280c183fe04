"""The staircase below a row of bits: where the label of each narrow field stands.

A label is at the left of its stem, the one of the highest bit first, so that no stem crosses a
text. Where there is no room for that, it is at the right, the one of the lowest bit first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import permutations
from typing import Final

from efipolicy.drawing.bit_field_cells import BIT, Piece, bits_text, named_bits
from efipolicy.drawing.document import WIDTH
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.named_tuple import NamedTuple

PITCH: Final = 17
"""From baseline to baseline."""

GAP: Final = 12
"""From a stem to its text."""

_MARKER: Final = 16
_SPACE: Final = 8
_LONGEST_PHRASES: Final = (400, 300, 200, 120)
_MOST_PARTED: Final = 4
_MOST_ORDERED: Final = 4


class Label(NamedTuple):
    """The name and the phrase of a field, below it on a line counted from 0.

    ``x`` is where its stem is. ``on`` says that a bit is set, ``wrong`` that it must not be.
    """

    x: float
    line: int
    right: bool
    name: str
    phrase: str
    told: str
    on: bool = False
    wrong: bool = False
    href: str | None = None

    def __str__(self) -> str:
        """``line 0 left: NX no execute, set``."""
        side = "right" if self.right else "left"
        state = ", wrong" if self.wrong else ", set" if self.on else ""
        return f"line {self.line} {side}: {self.name} {self.phrase}".rstrip() + state

    @property
    def width(self) -> float:
        """How wide the text is, its marker included."""
        width = text_width(self.name, 11, bold=True)
        if self.phrase:
            width += text_width(f" {self.phrase}", 11)
        return width + (_MARKER if self.wrong else 0)

    @property
    def start(self) -> float:
        """The left edge of text and marker."""
        return self.x + GAP if self.right else self.x - GAP - self.width

    @property
    def end(self) -> float:
        """Their right edge."""
        return self.start + self.width

    @property
    def fits(self) -> bool:
        """Whether there is room for it at one side of its stem at least."""
        return GAP + self.width <= max(self.x, WIDTH - self.x)

    @property
    def text_x(self) -> float:
        """Where the text is anchored; a marker stands at its far end."""
        return self.start if self.right else self.end

    @property
    def marker(self) -> float:
        """The middle of the marker."""
        return self.end - 6 if self.right else self.start + 6

    @property
    def anchor(self) -> tuple[str, ...]:
        """The class that anchors the text."""
        return () if self.right else ("e",)

    def with_phrase(self, longest: float) -> Label:
        """The label with its phrase cut to a width."""
        return self._replace(phrase=shortened(self.phrase, longest, 11))

    def within(self, room: float) -> Label:
        """The label with its phrase, and if need be its name, cut to the room."""
        room -= _MARKER if self.wrong else 0
        name = shortened(self.name, room, 11, bold=True)
        left = room - text_width(f"{name} ", 11, bold=True)
        phrase = shortened(self.phrase, left, 11) if left > _SPACE * 2 else ""
        return self._replace(name=name, phrase=phrase)


def labels_of(row: Sequence[Piece]) -> list[Label]:
    """The labels of a row, those of neighbouring fields in the order of their lines.

    Neighbours make a cluster. The clusters are placed one after the other, from the left if that
    works out, else in another order. Where none does, what has no room at its left is parted from
    its neighbours, with ever more of them; then phrases are cut, at last names too.
    """
    clusters = list(_clusters(row))
    for longest in _LONGEST_PHRASES:
        shorter = [[label.with_phrase(longest) for label in cluster] for cluster in clusters]
        if not all(label.fits for cluster in shorter for label in cluster):
            continue
        for parts in _all_parted(shorter):
            for order in _orders(parts):
                placed = _all_placed(order)
                if placed:
                    return placed
    return _cut(clusters)


def _all_parted(clusters: list[list[Label]]) -> Iterator[list[list[Label]]]:
    """The clusters as they are, then with some of them in two, each way once."""
    tried: list[list[int]] = []
    for more in range(-1, _MOST_PARTED):
        parts = [part for cluster in clusters for part in _parted(cluster, more)]
        lengths = [len(part) for part in parts]
        if lengths not in tried:
            tried.append(lengths)
            yield parts


def _orders(clusters: list[list[Label]]) -> Iterable[Sequence[list[Label]]]:
    """The orders to try: from the left first, and only two where there are many."""
    if len(clusters) > _MOST_ORDERED:
        return clusters, clusters[::-1]
    return permutations(clusters)


def _all_placed(clusters: Sequence[list[Label]]) -> list[Label]:
    """All labels, each cluster as high as those before it let it; none if one fits nowhere."""
    placed: list[Label] = []
    for cluster in clusters:
        found = _placed(cluster, placed)
        if not found:
            return []
        placed += found
    return placed


def _clusters(row: Sequence[Piece]) -> Iterator[list[Label]]:
    """The labels without a place, those of neighbours together, the highest bit first."""
    cluster: list[Label] = []
    for piece in row:
        labels = list(_labels(piece))
        if cluster and not labels:
            yield cluster
            cluster = []
        cluster += labels
    if cluster:
        yield cluster


def _parted(cluster: list[Label], more: int) -> list[list[Label]]:
    """A cluster in two: what has to be at the right and so many after it, and the rest."""
    tight = [place for place, label in enumerate(cluster) if label.start < 0]
    first = tight[-1] + 1 + more if tight and more >= 0 else 0
    if not 0 < first < len(cluster):
        return [cluster]
    return [cluster[:first], cluster[first:]]


def _labels(piece: Piece) -> Iterator[Label]:
    """The labels a piece needs: none where it has its name inside."""
    field = piece.field
    if field.reserved:
        for high, low in _runs(piece.set_bits):
            x = (piece.left_of(high) + piece.left_of(low) + BIT) / 2
            told = f"{named_bits(high, low)} reserved, but set"
            yield Label(x, 0, False, bits_text(high, low), "must be clear", told, wrong=True)
        if not piece.set_bits and piece.explained:
            name = ("reserved", field.phrase)
            yield Label(piece.middle, 0, False, *name, piece.told(), href=field.href)
    elif not piece.inside:
        on = bool(piece.value)
        label = Label(piece.middle, 0, False, field.name, field.phrase, piece.told(), on)
        yield label._replace(href=field.href)


def _runs(bits: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The highest and the lowest of neighbouring bits, the highest first."""
    start = 0
    for place in range(1, len(bits) + 1):
        if place == len(bits) or bits[place] != bits[place - 1] - 1:
            yield bits[start], bits[place - 1]
            start = place


def _cut(clusters: Sequence[list[Label]]) -> list[Label]:
    """All labels, each cut so that it stays between its cluster and the next."""
    clusters = [half for cluster in clusters for half in _halves(cluster)]
    placed: list[Label] = []
    for number, cluster in enumerate(clusters):
        before = clusters[number - 1][-1].x if number else -_SPACE
        after = clusters[number + 1][0].x if number + 1 < len(clusters) else WIDTH + _SPACE
        left = [label.within(label.x - before - GAP - _SPACE) for label in cluster]
        right = _at_the_right(cluster)
        right = [label.within(after - label.x - GAP - _SPACE) for label in right]
        more = max((left, right), key=_legible)
        placed += _on_free_lines(more, placed) or _on_lines(more, _lowest(placed))
    return placed


def _halves(cluster: list[Label]) -> list[list[Label]]:
    """A cluster, in two where it reaches from one edge of the picture to the other."""
    room = _MARKER + GAP + text_width("\N{HORIZONTAL ELLIPSIS}", 11, bold=True)
    if cluster[0].x >= room or cluster[-1].x <= WIDTH - room:
        return [cluster]
    first = next(place for place, label in enumerate(cluster) if label.x > WIDTH / 2)
    return [cluster[:first], cluster[first:]]


def _legible(labels: Sequence[Label]) -> tuple[bool, int]:
    """Whether all of them are inside the picture, and how many letters are left of them."""
    inside = all(label.start >= 0 and label.end <= WIDTH for label in labels)
    return inside, sum(len(label.name + label.phrase) for label in labels)


def _placed(cluster: list[Label], placed: Sequence[Label]) -> list[Label]:
    """A cluster with its side, the left one if possible, and its lines; none if it fits nowhere."""
    found: list[Label] = []
    if all(label.start >= 0 for label in cluster):
        found = _on_free_lines(cluster, placed)
    right = _at_the_right(cluster)
    if not found and all(label.end <= WIDTH for label in right):
        found = _on_free_lines(right, placed)
    return found


def _at_the_right(cluster: Sequence[Label]) -> list[Label]:
    return [label._replace(right=True) for label in reversed(cluster)]


def _on_free_lines(cluster: list[Label], placed: Sequence[Label]) -> list[Label]:
    """The labels one line each, from the first line on where they touch nothing; none if nowhere.

    A stem comes down from the row through every line above its own, so that going lower does not
    always help.
    """
    for first in range(_lowest(placed) + 1):
        moved = _on_lines(cluster, first)
        if not any(_touches(label, other) for label in moved for other in placed):
            return moved
    return []


def _on_lines(cluster: Sequence[Label], first: int) -> list[Label]:
    return [label._replace(line=first + place) for place, label in enumerate(cluster)]


def _lowest(placed: Sequence[Label]) -> int:
    """The first line below everything."""
    return max((label.line for label in placed), default=-1) + 1


def _touches(label: Label, other: Label) -> bool:
    """Whether two labels are too near on one line, or a stem crosses the text of the other."""
    if label.line == other.line and (
        label.start < other.end + _SPACE and other.start < label.end + _SPACE
    ):
        return True
    crossed = other.line >= label.line and label.start - _SPACE / 2 < other.x < label.end
    crosses = label.line >= other.line and other.start < label.x < other.end + _SPACE / 2
    return crossed or crosses
