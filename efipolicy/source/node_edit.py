"""Add and remove items of lists and keys of mappings, in the style they are written in."""

from __future__ import annotations

import re
from collections.abc import Collection

from efipolicy.source.document import Mapping, Scalar, Sequence
from efipolicy.source.edit import TextEdit
from efipolicy.source.lines import (
    LINE_END,
    LINE_ENDS,
    line_break,
    line_end,
    line_start,
    next_line,
)
from efipolicy.source.spelling import UnspellableError

_REST_OF_LINE = re.compile(f"[ \t]*(?:#[^{LINE_ENDS}]*)?(?=[{LINE_ENDS}]|$)")
_BLANKS = re.compile("[ \t]*")
_GAP = rf"(?:[ \t{LINE_ENDS}]|#[^{LINE_ENDS}]*)*"
_COMMA = re.compile(f"{_GAP},")
_DASH = re.compile(f"{_GAP}-")
_COLON = re.compile("[ \t]*:")
_SEPARATOR = re.compile(rf"[ \t{LINE_ENDS}]*,[ \t{LINE_ENDS}]*")


def in_flow(node: Mapping | Sequence) -> bool:
    """Whether a collection is written with brackets or braces."""
    return node.source.text[node.start : node.start + 1] in ("[", "{")


def drop_items(
    sequence: Sequence, dropped: Collection[int], *, key: Scalar | None
) -> list[TextEdit]:
    """Remove items of a list, by their places, each with the comment at the end of its line.

    ``key`` is the key whose value the list is; a block list that is left empty becomes ``[]``
    behind it. Raises `UnspellableError` where other things share the lines of an item.
    """
    if in_flow(sequence):
        return _drop_from_flow(sequence, dropped)
    edits = [_block_item(sequence, place) for place in sorted(dropped)]
    if len(dropped) == len(sequence.items):
        colon = _COLON.match(sequence.source.text, key.end) if key else None
        if colon is None:
            raise UnspellableError("the list would be empty, and has no key to stand behind")
        edits.insert(0, TextEdit(colon.end(), colon.end(), " []"))
    return edits


def _dash(sequence: Sequence, place: int) -> int:
    """Where the dash of an item of a block list is."""
    if place == 0:
        return sequence.start
    dash = _DASH.match(sequence.source.text, sequence.items[place - 1].end)
    if dash is None:
        raise UnspellableError("the item does not begin with a dash")
    return dash.end() - 1


def _block_item(sequence: Sequence, place: int) -> TextEdit:
    """The removal of the lines of an item."""
    text = sequence.source.text
    dash, end = _dash(sequence, place), sequence.items[place].end
    start = line_start(text, dash)
    if text[start:dash].strip(" \t"):
        raise UnspellableError("the item begins in the middle of a line")
    if text[end - 1] in LINE_ENDS:  # a block scalar reaches up to the line after it
        return TextEdit(start, end, "")
    if not _REST_OF_LINE.match(text, end):
        raise UnspellableError("something else follows the item on its line")
    return TextEdit(start, next_line(text, end), "")


def _comma_after(sequence: Sequence, place: int) -> int | None:
    """Where the comma after an item of a flow list is, if there is one."""
    comma = _COMMA.match(sequence.source.text, sequence.items[place].end, sequence.end - 1)
    return comma.end() - 1 if comma else None


def _drop_from_flow(sequence: Sequence, dropped: Collection[int]) -> list[TextEdit]:
    """Each item goes with the comma after it; the last ones, with the comma before them."""
    edits: list[TextEdit] = []
    items = sequence.items
    if len(dropped) == len(items) and "#" not in sequence.span.text:
        return [TextEdit(sequence.start + 1, sequence.end - 1, "")]
    kept = max((place for place in range(len(items)) if place not in dropped), default=-1)
    last = len(items) - 1
    if 0 <= kept < last and _comma_after(sequence, last) is None:
        edits.append(_comma_before_dropped(sequence, kept))
        if edits[0].end == items[last].end:
            dropped = [place for place in dropped if place < kept]
    done = -1
    for place in sorted(dropped):
        edit = _flow_item(sequence, place)
        if edit.start < done <= edit.end:
            edit = edit._replace(start=done)
        edits.append(edit)
        done = edit.end
    return [edit for edit in edits if edit.start < edit.end]


def _comma_before_dropped(sequence: Sequence, kept: int) -> TextEdit:
    """The removal of the comma after the last item that stays, with all behind it if it can be."""
    text = sequence.source.text
    comma = _comma_after(sequence, kept)
    if comma is None:
        raise UnspellableError("there is no comma after an item")
    end = sequence.items[-1].end
    if "#" not in text[sequence.items[kept].end : line_end(text, end)]:
        return TextEdit(sequence.items[kept].end, end, "")
    following = _BLANKS.match(text, comma + 1)
    comment = following is not None and text[following.end() : following.end() + 1] == "#"
    return TextEdit(comma, comma + 1, " " if comment else "")


def _flow_item(sequence: Sequence, place: int) -> TextEdit:
    """The removal of an item and its comma: whole lines where they have lines of their own."""
    text, item = sequence.source.text, sequence.items[place]
    comma = _comma_after(sequence, place)
    end = item.end if comma is None else comma + 1
    first = line_start(text, item.start)
    rest = _REST_OF_LINE.match(text, end)
    if rest and not text[first : item.start].strip(" \t"):
        return TextEdit(first, next_line(text, end), "")
    following = sequence.items[place + 1].start if place + 1 < len(sequence.items) else end
    if text[item.start - 1] == "[" and not text[end:following].strip():
        return TextEdit(item.start, following, "")
    blanks = _BLANKS.match(text, end)
    closed = blanks is not None and blanks.end() == sequence.end - 1
    if blanks and not (rest or closed or comma is None):
        return TextEdit(item.start, blanks.end(), "")
    start = item.start
    while start > first and text[start - 1] in " \t":
        start -= 1
    return TextEdit(start if start > first else item.start, end, "")


def insert_item(sequence: Sequence, place: int, text: str) -> TextEdit:
    """Put a new item before the one at a place, or after the last.

    Raises `UnspellableError` for a block list within a line.
    """
    written, items = sequence.source.text, sequence.items
    if in_flow(sequence):
        between = _separator(written, [(item.start, item.end) for item in items])
        if not items:
            return TextEdit(sequence.start + 1, sequence.start + 1, text)
        if place < len(items):
            return TextEdit(items[place].start, items[place].start, text + between)
        return TextEdit(items[-1].end, items[-1].end, between + text)
    near = min(place, len(items) - 1)
    dash = _dash(sequence, near)
    start = line_start(written, dash)
    indentation, mark = written[start:dash], written[dash : items[near].start]
    if indentation.strip(" \t"):
        raise UnspellableError("the list begins in the middle of a line")
    if mark.strip(" \t") != "-":
        mark = "- "
    ending = line_break(written)
    if place < len(items):
        return TextEdit(start, start, f"{indentation}{mark}{text}{ending}")
    end = line_end(written, items[-1].end)
    return TextEdit(end, end, f"{ending}{indentation}{mark}{text}")


def insert_key(mapping: Mapping, key: str, value: str) -> TextEdit:
    """Put a new key behind the last one of a mapping."""
    text, entries = mapping.source.text, list(mapping.entries.values())
    if in_flow(mapping):
        if not entries:
            return TextEdit(mapping.start + 1, mapping.start + 1, f"{key}: {value}")
        between = _separator(text, [(name.start, node.end) for name, node in entries])
        last_key, last_value = entries[-1]
        colon = ":" if text[last_key.end : last_value.start] == ":" else ": "
        return TextEdit(last_value.end, last_value.end, f"{between}{key}{colon}{value}")
    last_key, last_value = entries[-1]
    before = text[line_start(text, last_key.start) : last_key.start]
    line = f"{before if before.isspace() else ' ' * len(before)}{key}: {value}"
    end, ending = last_value.end, line_break(text)
    if text[end - 1] in LINE_ENDS:  # a block scalar reaches up to the line after it
        return TextEdit(end, end, line + ending)
    end = line_end(text, end)
    return TextEdit(end, end, ending + line)


def _separator(text: str, spans: list[tuple[int, int]]) -> str:
    """What stands between the last two parts of a flow collection, or a comma and a blank."""
    if len(spans) > 1:
        (_, end), (start, _) = spans[-2:]
        between = text[end:start]
        # Wider blanks align a column that the new part is not in.
        narrow = len(between) <= len(", ") or LINE_END.search(between)
        if narrow and _SEPARATOR.fullmatch(between):
            return between
    return ", "
