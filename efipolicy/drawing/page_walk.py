"""Draw a page walk: what each part of a virtual address selects, entry by entry, and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.drawing.document import WIDTH, document, draw_title
from efipolicy.drawing.findings import draw_severity
from efipolicy.drawing.notation import address_text, grouped
from efipolicy.drawing.page_table_leaves import draw_rounded
from efipolicy.drawing.page_table_texts import ACCESS_STYLES
from efipolicy.drawing.svg import Form, SvgWriter, number
from efipolicy.drawing.text_width import shortened, text_width, wrapped
from efipolicy.drawing.textures import draw_patterns, pattern_id
from efipolicy.engine.walking import Walked, fault_text
from efipolicy.model.address import size_text
from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging.geometry import Geometry, RadixGeometry
from efipolicy.paging.walker import WalkStep

__all__ = [
    "AddressPart",
    "address_parts",
    "describe_page_walk",
    "entry_text",
    "page_walk_ends",
    "page_walk_svg",
    "step_words",
]

_ADDRESS_BITS: Final = 64
_STRIP: Final = 44
_STRIP_HEIGHT: Final = 26
_FIRST_STEP: Final = 86
_STEP: Final = 30
_GAP: Final = 14
_LINE: Final = 16
_INDEX, _ENTRY, _WORDS = 12, 132, 296
"""Where the columns of a step begin."""

_RANGE: Final = "\N{EN DASH}"


class AddressPart(NamedTuple):
    """Bits of a virtual address that are read together, and what for.

    ``name`` is a level, ``offset`` or ``region``; it is empty for bits that select nothing, which
    are the copies of the highest bit that counts.
    """

    name: str
    high: int
    low: int
    value: int

    @property
    def bits_text(self) -> str:
        """``47-39``, or one number."""
        return f"{self.high}{_RANGE}{self.low}" if self.high > self.low else f"{self.low}"

    @property
    def value_text(self) -> str:
        """A number of a table's entry in decimal, everything else in hexadecimal."""
        return f"{self.value:#x}" if self.name in ("", "offset") else str(self.value)


def address_parts(walked: Walked, geometry: Geometry) -> tuple[AddressPart, ...]:
    """The parts of the address that was walked, the highest bits first; together all 64 bits.

    Levels below the entry at which the walk ended are part of the offset. An address of Itanium has
    its region and what it spells (Itanium SDM 2.3, volume 2, 4.1).
    """
    if not isinstance(geometry, RadixGeometry):
        # What an address spells below its region is the physical one.
        return _part("region", walked.address, 63, 61), _part("offset", walked.address, 60, 0)
    parts: list[AddressPart] = []
    low = _ADDRESS_BITS
    for step in walked.steps:
        high = step.level.shift + step.level.bits - 1
        if not parts and high < _ADDRESS_BITS - 1:
            parts.append(_part("", walked.address, _ADDRESS_BITS - 1, high + 1))
        low = step.level.shift
        parts.append(_part(step.level.name, walked.address, high, low))
    return (*parts, _part("offset", walked.address, low - 1, 0))


def _part(name: str, address: int, high: int, low: int) -> AddressPart:
    return AddressPart(name, high, low, address >> low & ((1 << high - low + 1) - 1))


def describe_page_walk(walked: Walked, geometry: Geometry) -> str:
    """What the picture shows, a line for each part of the address, each entry, and the end."""
    parts = [
        f"bits {part.bits_text} {part.name or 'select nothing'} {part.value_text}"
        for part in address_parts(walked, geometry)
    ]
    steps = [
        f"{step.level.name}[{step.number}] {entry_text(step)} {step_words(step)}"
        for step in walked.steps
    ]
    return "\n".join([*parts, *steps, *page_walk_ends(walked)])


def page_walk_svg(
    walked: Walked,
    geometry: Geometry,
    *,
    figure_id: str,
    title: str,
    facts: str = "",
    form: Form = "inline",
) -> str:
    """Draw a page walk as SVG.

    At the top is the address, each part as wide as it has bits; below it the entry that is read at
    each level, and at the foot what it comes to. ``figure_id`` starts every id of the picture; that
    of an entry ends in its level, as in ``walk-PMD``.
    """
    svg = SvgWriter(form)
    draw_title(svg, title, facts)
    draw_patterns(svg, figure_id, ACCESS_STYLES.values())
    _draw_address(svg, address_parts(walked, geometry))
    y: float = _FIRST_STEP if walked.steps else _FIRST_STEP - _GAP
    for place, step in enumerate(walked.steps):
        _draw_step(svg, figure_id, step, y)
        y += _STEP
        _draw_arrow(svg, y, last=place == len(walked.steps) - 1)
        y += _GAP
    height = _draw_ends(svg, walked, y)
    told = _description(walked)
    return document(svg, figure_id=figure_id, title=title, description=told, height=height)


def _draw_address(svg: SvgWriter, parts: Sequence[AddressPart]) -> None:
    """The parts as cells; the numbers of their bits above, what they hold inside."""
    x = 0.0
    for part in parts:
        width = WIDTH * (part.high - part.low + 1) / _ADDRESS_BITS
        with svg.group(title=_told(part)):
            level = part.name not in ("", "offset")
            svg.rect(x, _STRIP, width, _STRIP_HEIGHT, *(("ro",) if level else ("break", "pill")))
            _draw_part(svg, part, x + width / 2, width - 4)
        x += width


def _draw_part(svg: SvgWriter, part: AddressPart, middle: float, room: float) -> None:
    """The words of a cell, as many as have room: its value at least."""
    if text_width(part.bits_text, 10, mono=True) <= room:
        svg.text(middle, _STRIP - 5, part.bits_text, "m", "xs", "u", "c")
    name = f"{part.name or 'not used'} "
    said: list[tuple[str, str | None]] = [(name, "b"), (part.value_text, "m")]
    taken = text_width(part.value_text, 11.5, mono=True)
    if text_width(name, 11, bold=True) + taken > room:
        said.pop(0)
    if taken <= room:
        svg.text_in_parts(middle, _STRIP + 17, said, "s", "c")


def _told(part: AddressPart) -> str:
    if not part.name:
        return f"bits {part.bits_text} of the address select nothing: {part.value_text}"
    return f"{part.name}: bits {part.bits_text} of the address, {part.value_text}"


def _draw_step(svg: SvgWriter, figure_id: str, step: WalkStep, y: float) -> None:
    """One entry: which, its bits, and what it says."""
    decoded = step.decoded
    with svg.group(id=f"{figure_id}-{step.level.name}", title=step_title(step)):
        draw_rounded(svg, (0.5, y + 0.5, WIDTH - 1, _STEP - 1), 3, class_="ep-axis ep-pill")
        style = ACCESS_STYLES.get(decoded.access) if decoded.access else None
        if style and decoded.kind == "leaf":
            svg.rect(0, y, 5, _STEP, style.family, "plain")
            if style.texture:
                svg.textured(0, y, 5, _STEP, pattern_id(figure_id, style))
        base = y + 19
        name = shortened(step.level.name, 56, 12, bold=True)
        svg.text(_INDEX, base, name, "b")
        taken = text_width(f"{name} ", 12, bold=True)
        svg.text(_INDEX + taken, base, f"[{step.number}]", "m", "s")
        svg.text(_ENTRY, base, entry_text(step), "m", "s")
        wrong = _is_wrong(step)
        if wrong:
            draw_severity(svg, Severity.ERROR, _WORDS + 7, y + _STEP / 2)
        words = step_words(step)
        x = _WORDS + (20 if wrong else 0)
        room = WIDTH - x - 10
        said = shortened(words, room, 11)
        svg.text(x, base, said, "s", *(("error",) if wrong else ()))
        names = " ".join(_set_fields(step))
        left = room - text_width(said, 11) - 14
        if names and left > 40:
            svg.text(WIDTH - 10, base, shortened(names, left, 10, mono=True), "m", "xs", "u", "e")


def entry_text(step: WalkStep) -> str:
    """The bits of an entry; where a table stands nobody can say, only what else is in its entry."""
    if step.decoded.kind == "table":
        return f"flags {step.entry:#x}"
    return address_text(step.entry, 4)


def step_words(step: WalkStep) -> str:
    """What an entry says: where it leads, or what it maps and permits."""
    decoded = step.decoded
    if decoded.kind == "empty":
        return "empty"
    if decoded.kind == "table":
        return "leads to a table"
    if decoded.kind == "invalid":
        return "no valid entry"
    if decoded.reserved:
        return f"reserved bits {decoded.reserved:#x} are set"
    access = ACCESS_STYLES[decoded.access].label if decoded.access else "unknown access"
    words = [
        f"maps {size_text(step.level.entry_size)} at {address_text(decoded.physical or 0, 2)},",
        access,
    ]
    words.append(decoded.cache or "of an unknown cache type")
    return " ".join(words) + (", contiguous" if decoded.contiguous else "")


def step_title(step: WalkStep) -> str:
    """Everything about an entry, as a pointer shows it."""
    fields = "; ".join(
        f"{one.field.name} {one.value:#x}" + (f" {one.meaning}" if one.meaning else "")
        for one in step.decoded.fields
        if one.value
    )
    place = f"{step.level.name}[{step.number}], {entry_text(step)}: {step_words(step)}"
    return f"{place}; {fields}" if fields else place


def _is_wrong(step: WalkStep) -> bool:
    return step.decoded.kind in ("empty", "invalid") or bool(step.decoded.reserved)


def _set_fields(step: WalkStep) -> Iterator[str]:
    """The names of the fields that are set, the highest bits first."""
    for one in sorted(step.decoded.fields, key=lambda one: -one.field.low):
        if one.value:
            yield one.field.name if one.field.bits == 1 else f"{one.field.name}={one.value:#x}"


def _draw_arrow(svg: SvgWriter, y: float, *, last: bool) -> None:
    """From an entry to the next, or to the end."""
    x = _INDEX + 4
    svg.path(f"M{number(x)} {number(y)}v{_GAP - 5}", "arrow")
    tip = f"M{number(x - 3.5)} {number(y + _GAP - 6)}h7l-3.5 {5 if last else 6}z"
    svg.path(tip, "set-u")


def _draw_ends(svg: SvgWriter, walked: Walked, y: float) -> float:
    """What each kind of access comes to, or why there is none; the height of the picture."""
    base = y + 14
    for severity, line in _marked_ends(walked):
        if severity:
            draw_severity(svg, severity, 7, base - 4)
        for words in wrapped(line, WIDTH - 32, 12):
            svg.text(20, base, words)
            base += _LINE
    return base


def _marked_ends(walked: Walked) -> Iterator[tuple[Severity | None, str]]:
    """The address that is reached and by which accesses, what faults, and what was not meant."""
    if walked.without_tables:
        yield None, grouped(f"no tables: {walked.without_tables}")
    if walked.physical is None:
        yield Severity.ERROR, grouped(walked.fault or "no access gets through")
    else:
        through = [one.kind for one in walked.accesses if one.fault is None]
        cache = f", {walked.reached.cache}" if walked.reached and walked.reached.cache else ""
        yield None, f"physical {address_text(walked.physical, 2)}: {', '.join(through)}{cache}"
        for one in walked.accesses:
            if one.fault is not None:
                yield None, grouped(f"{one.kind}: {fault_text(one)}")
    for difference in walked.differences:
        yield Severity.INFO, grouped(difference)


def page_walk_ends(walked: Walked) -> list[str]:
    """What the picture says at its foot, a sentence each."""
    return [line for _, line in _marked_ends(walked)]


def _description(walked: Walked) -> str:
    steps = [f"{step.level.name}[{step.number}] {step_words(step)}" for step in walked.steps]
    told = "; ".join([*steps, *page_walk_ends(walked)])
    return f"Walk of {address_text(walked.address, 2)}: {told}."
