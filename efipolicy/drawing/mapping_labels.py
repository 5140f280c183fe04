"""The addresses beside the two columns of a mapping, pushed down where they would overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.drawing.mapping_layout import Cell, Frame, MappingColumn
from efipolicy.drawing.mapping_ribbons import Ribbon
from efipolicy.drawing.notation import address_groups
from efipolicy.drawing.svg import SvgWriter, class_names
from efipolicy.drawing.text_width import shortened
from efipolicy.model.address import size_text
from efipolicy.named_tuple import NamedTuple

PITCH: Final = 13
"""The least distance of two baselines."""

_TOP: Final = 1 << 64
_BESIDE_ARROW: Final = 146
_TO_EDGE: Final = 168


class Label(NamedTuple):
    """A line beside a column. ``address`` is ``None`` for one of words only."""

    y: float
    address: int | None
    text: str = ""
    classes: tuple[str, ...] = ()


def limit_name(address: int, name: str) -> str:
    """``-4 GiB, EFI_VA_START``: how far below the end of the addresses a limit is, and its name."""
    below = _TOP - address
    whole = [unit for unit in (1 << 40, 1 << 30) if not below % unit]
    told = []
    if whole and 0 < below // whole[0] < 1 << 10:
        told.append(f"\N{MINUS SIGN}{size_text(below)}")
    return ", ".join([*told, name] if name else told)


def physical_labels(column: MappingColumn) -> list[Label]:
    """The start of each band, and its end where no band follows there."""
    return _pushed(_bands(column.cells))


def virtual_labels(column: MappingColumn, ribbons: Sequence[Ribbon]) -> list[Label]:
    """The limits of windows with their names, the starts and ends of bands, and what is outside."""
    labels: list[Label] = []
    limits = {frame.window.start for frame in column.frames}
    limits |= {frame.window.end for frame in column.frames}
    bottom = max((frame.y + frame.height for frame in column.frames), default=0.0)
    for place, frame in enumerate(column.frames):
        labels += _limit(frame, high=False)
        inside = [c for c in column.cells if frame.y <= c.y < frame.y + frame.height]
        labels += [one for one in _bands(inside) if one.address not in limits]
        after = column.frames[place + 1] if place + 1 < len(column.frames) else None
        if after is None or after.window.start != frame.window.end:
            labels += _limit(frame, high=True)
    outside = [cell for cell in column.cells if not column.frames or cell.y >= bottom]
    for label in _bands(outside):
        labels.append(label)
        ribbon = _starting(outside, ribbons, label)
        if ribbon and ribbon.outside:
            words = f"outside the window by {size_text(ribbon.outside)}"
            labels.append(Label(label.y + PITCH, None, words, ("xs", "error")))
    return _pushed(labels)


def _starting(cells: Sequence[Cell], ribbons: Sequence[Ribbon], label: Label) -> Ribbon | None:
    for cell in cells:
        if cell.ribbon is not None and cell.span.start == label.address:
            return ribbons[cell.ribbon]
    return None


def _limit(frame: Frame, *, high: bool) -> list[Label]:
    window = frame.window
    address = window.end if high else window.start
    y = frame.y + (frame.height if high else 0) + 4
    name = limit_name(address, window.high_name if high else window.low_name)
    labels = [Label(y, address, classes=("b",))]
    if name:
        labels.append(Label(y + (13 if high else 14), None, name, ("xs", "u")))
    return labels


def _bands(cells: Sequence[Cell]) -> Iterator[Label]:
    bands = [cell for cell in cells if cell.kind == "band"]
    for place, cell in enumerate(bands):
        yield Label(cell.y + 10, cell.span.start)
        after = bands[place + 1] if place + 1 < len(bands) else None
        follows = after is not None and after.span.start == cell.span.end
        if cell.span.size and not follows:
            yield Label(cell.bottom + 3, cell.span.end, classes=("u",))


def _pushed(labels: Iterator[Label] | Sequence[Label]) -> list[Label]:
    """The labels at least `PITCH` apart, in their order."""
    pushed: list[Label] = []
    for label in labels:
        lowest = pushed[-1].y + PITCH if pushed else label.y
        pushed.append(label._replace(y=max(label.y, lowest)))
    return pushed


def draw_labels(
    svg: SvgWriter, labels: Sequence[Label], x: float, groups: int, *anchor: str
) -> None:
    """The labels at ``x``; leading groups that the address above has too are muted."""
    above: list[str] | None = None
    with svg.group(class_=class_names("m", *anchor)):
        for label in labels:
            if label.address is None:
                continue
            dimmed = None if "b" in label.classes else above
            parts = _parts(label.address, groups, dimmed)
            svg.text_in_parts(x, label.y, parts, *label.classes)
            above = address_groups(label.address, groups) if label.address < _TOP else None
    for label in labels:
        if label.address is None:
            # The arrow of the direction stands beside windows, not beside what is outside.
            room = _BESIDE_ARROW if "u" in label.classes else _TO_EDGE
            svg.text(x, label.y, shortened(label.text, room, 10), *label.classes, *anchor)


def _parts(address: int, groups: int, above: list[str] | None) -> list[tuple[str, str | None]]:
    """An address that may be an end: one group more has no zeros in front; 2^64 is named so."""
    if address >= _TOP:
        return [("2^64" if address == _TOP else "above 2^64", None)]
    digits = address_groups(address, groups)
    same = 0
    if above is not None and len(above) == len(digits):
        while same < len(digits) - 1 and digits[same] == above[same]:
            same += 1
    if len(digits) > groups:
        digits[0] = digits[0].lstrip("0")
    dim = "0x" + "".join(f"{group}_" for group in digits[:same]) if same else ""
    rest = "_".join(digits[same:])
    return [(dim, "u"), (rest if dim else f"0x{rest}", None)]
