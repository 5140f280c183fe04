"""Where everything in a picture of a mapping stands: two columns of bands and holes, and frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Final, Literal

from efipolicy.drawing.mapping_ribbons import Ribbon
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.mapping import PlacementWindow
from efipolicy.named_tuple import NamedTuple

ZIGZAG_FROM: Final = 1 << 30
"""A hole of this many bytes has broken edges."""

FRAME_PAD: Final = 3
"""Between a limit of a window and the hole beside it."""

_SHORTEST: Final = 24
_TALLEST: Final = 46
_UNMAPPED: Final = 32
_FLAT_UP_TO: Final = 2 << 20
_HOLE: Final = 20
_TALLEST_HOLE: Final = 40
_BEFORE_OUTSIDE: Final = 40
_BETWEEN_OUTSIDE: Final = 12


class Cell(NamedTuple):
    """A band or a hole of a column: ``y`` from its top, what it spans, the ribbon of a band.

    ``window`` is the number of the window a hole lies in.
    """

    kind: Literal["band", "hole"]
    y: float
    height: float
    span: AddressRange
    ribbon: int | None = None
    window: int | None = None

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height

    def __str__(self) -> str:
        return f"{self.kind} {self.span} {size_text(self.span.size)}"


class Frame(NamedTuple):
    """The frame of a window: from its low to its high limit."""

    window: PlacementWindow
    y: float
    height: float


class MappingColumn(NamedTuple):
    """The cells of a column from the lowest address down, its frames, and its height."""

    cells: tuple[Cell, ...]
    frames: tuple[Frame, ...]
    height: float

    def moved(self, by: float) -> MappingColumn:
        """The same column so much lower."""
        return self._replace(
            cells=tuple([cell._replace(y=cell.y + by) for cell in self.cells]),
            frames=tuple([frame._replace(y=frame.y + by) for frame in self.frames]),
        )


def band_height(ribbon: Ribbon) -> float:
    """24 units up to 2 MiB, 3 more each doubling, at most 46; never too low for a reason."""
    size = ribbon.size
    height = _SHORTEST + (3 * log2(size / _FLAT_UP_TO) if size > _FLAT_UP_TO else 0.0)
    return min(_TALLEST, max(height, _UNMAPPED if ribbon.virtual is None else 0))


def hole_height(size: int) -> float:
    """20 units up to 2 MiB, 1.6 more each doubling, at most 40."""
    grown = _HOLE + (1.6 * log2(size / _FLAT_UP_TO) if size > _FLAT_UP_TO else 0.0)
    return min(_TALLEST_HOLE, grown)


@dataclass(slots=True)
class _Stack:
    """Cells stacked below one another so far."""

    y: float = 0.0
    cells: list[Cell] = field(default_factory=list)

    def band(self, ribbon: Ribbon, number: int, span: AddressRange) -> None:
        height = band_height(ribbon)
        self.cells.append(Cell("band", self.y, height, span, ribbon=number))
        self.y += height

    def hole(self, start: int, end: int, window: int | None = None, *, pad: int = 0) -> None:
        """A hole, unless nothing is left out."""
        if end <= start:
            return
        self.y += pad
        span = AddressRange(start, end)
        height = hole_height(span.size)
        self.cells.append(Cell("hole", self.y, height, span, window=window))
        self.y += height + pad


def physical_column(ribbons: Sequence[Ribbon]) -> MappingColumn:
    """The regions by physical address. What overlaps stands one below the other."""
    stack = _Stack()
    _stack_bands(
        stack, [(ribbon.physical, number) for number, ribbon in enumerate(ribbons)], ribbons
    )
    return MappingColumn(tuple(stack.cells), (), stack.y)


def virtual_column(ribbons: Sequence[Ribbon], windows: Sequence[PlacementWindow]) -> MappingColumn:
    """The windows with the regions in them by virtual address; regions outside come below."""
    placed = sorted(
        (ribbon.virtual, number)
        for number, ribbon in enumerate(ribbons)
        if ribbon.virtual is not None
    )
    stack, frames = _Stack(), []
    outside = placed if not windows else [one for one in placed if ribbons[one[1]].outside]
    for at, window in enumerate(windows):
        top = stack.y
        inside = [one for one in placed if window.virtual.covers(one[0])]
        _fill_window(stack, window, at, inside, ribbons)
        frames.append(Frame(window, top, stack.y - top))
        after = windows[at + 1] if at + 1 < len(windows) else None
        if after and after.start != window.end:
            stack.y += _BEFORE_OUTSIDE
    if windows and outside:
        stack.y += _BEFORE_OUTSIDE
        for span, number in outside:
            stack.band(ribbons[number], number, span)
            stack.y += _BETWEEN_OUTSIDE
        stack.y -= _BETWEEN_OUTSIDE
    else:
        _stack_bands(stack, outside, ribbons)
    return MappingColumn(tuple(stack.cells), tuple(frames), stack.y)


def _fill_window(
    stack: _Stack,
    window: PlacementWindow,
    at: int,
    inside: Sequence[tuple[AddressRange, int]],
    ribbons: Sequence[Ribbon],
) -> None:
    if not inside:
        stack.hole(window.start, window.end, at, pad=FRAME_PAD)
        return
    stack.hole(window.start, inside[0][0].start, at, pad=FRAME_PAD)
    _stack_bands(stack, inside, ribbons, window=at)
    highest = max(span.end for span, _ in inside)
    stack.hole(highest, window.end, at, pad=FRAME_PAD)


def _stack_bands(
    stack: _Stack,
    placed: Iterable[tuple[AddressRange, int]],
    ribbons: Sequence[Ribbon],
    window: int | None = None,
) -> None:
    end: int | None = None
    for span, number in placed:
        if end is not None:
            stack.hole(end, span.start, window)
        stack.band(ribbons[number], number, span)
        end = span.end if end is None else max(end, span.end)
