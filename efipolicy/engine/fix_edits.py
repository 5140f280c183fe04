"""Turn a fix, which speaks of the model, into edits of the text a platform was read from."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Names
from functools import reduce
from operator import or_
from typing import Any

from efipolicy.engine.fix_targets import Place, Target, Value
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, Scalar, Sequence
from efipolicy.source.edit import TextEdit, disjoint
from efipolicy.source.lines import keep_column
from efipolicy.source.node_edit import drop_items, insert_item, insert_key
from efipolicy.source.shape import INVALID, Bits, Flag, Integer, Number, Reading, Shape
from efipolicy.source.spelling import (
    UnspellableError,
    in_quotes,
    is_plain,
    quoted_like,
    respelled,
    spell_integer,
)

_WORD_BITS = 64


def text_edits(wanted: Iterable[Target]) -> list[TextEdit]:
    """The edits of the text that bring the targets about, and change nothing else.

    Raises `UnspellableError` for what cannot be written in the file as it stands.
    """
    edits: list[TextEdit] = []
    columns: dict[int, TextEdit] = {}
    dropped: dict[int, tuple[Place, set[int]]] = {}
    for target in wanted:
        if target.value is None:
            dropped.setdefault(id(target.place.node), (target.place, set()))[1].add(int(target.key))
        else:
            field = _field_edits(target, target.value)
            edits += field
            kept = _column_kept(target, field)
            if kept:
                columns.setdefault(kept.end, kept)
    for place, indices in dropped.values():
        if isinstance(place.node, Sequence):
            edits += drop_items(place.node, indices, key=place.key_node)
    edits += columns.values()
    if not disjoint(edits):
        raise UnspellableError("its parts overlap")
    return edits


def _field_edits(target: Target, value: Value) -> list[TextEdit]:
    node, shape = target.node, target.shape
    mapping = target.place.node
    if isinstance(node, Sequence) and isinstance(shape, Bits) and isinstance(value, int):
        key = mapping.entries[str(target.key)][0] if isinstance(mapping, Mapping) else None
        return _bit_list(node, shape, value, key)
    if isinstance(node, Scalar):
        return [respelled(node, _spelled(shape, value, node.text))]
    if node is None and isinstance(mapping, Mapping):
        return [insert_key(mapping, *_new_entry(mapping, str(target.key), shape, value))]
    raise UnspellableError(f"`{target.key}` is {node.kind if node else 'absent'}")


def _column_kept(target: Target, edits: list[TextEdit]) -> TextEdit | None:
    """The change of the blanks behind an edited value that keeps the columns of a table."""
    text = target.place.node.source.text
    if not edits:
        return None
    end = target.node.end if target.node else edits[0].end
    changed = text[min(edit.start for edit in edits) : end]
    changed += "".join(edit.replacement for edit in edits)
    if len(changed.splitlines()) > 1 or changed.endswith(("\n", "\r")):
        return None
    growth = sum(len(edit.replacement) - (edit.end - edit.start) for edit in edits)
    return keep_column(text, end, growth)


def _spelled(shape: Shape, value: Value, old: str = "") -> str:
    """How a value is written where another stood. Raises `UnspellableError` for no value of it."""
    text = str(value)
    if isinstance(shape, Flag) and isinstance(value, int):
        text = {flag: word for word, flag in shape.words.items()}[bool(value)]
    elif isinstance(value, int):
        names = shape.names if isinstance(shape, Number) else {}
        name = next((word for word, number in names.items() if number == value), None)
        if name and (old in names or not old):
            text = name
        elif old.endswith("K") and value % 1024 == 0:
            text = f"{value // 1024}K"
        else:
            text = spell_integer(old, value)
    if not _says(shape, text, value):
        shown = f"{value:#x}" if isinstance(value, int) else f"`{value}`"
        raise UnspellableError(f"{shown} is not {shape.phrase}")
    return text


def _says(shape: Shape, text: str, value: Value) -> bool:
    """Whether a text, with quotes or without, says the value where the shape is expected."""
    read = [_read(shape, text, plain=plain) for plain in (True, False)]
    if isinstance(value, int):
        return value in read
    return any(item is not INVALID for item in read)


def _read(shape: Shape, text: str, *, plain: bool) -> Any:
    return shape.read(Scalar(SourceText("", text), 0, len(text), text, plain), Reading())


def _bit_list(node: Sequence, shape: Bits, value: int, key: Scalar | None) -> list[TextEdit]:
    """Take the names out whose bits are gone, put those in that are new; the rest stays."""
    if value not in (_read(shape, f"{value:#x}", plain=True), _read(shape, "0x0", plain=True)):
        raise UnspellableError(f"{value:#x} is not {shape.phrase}")
    names = shape.names
    items = [item for item in node.items if isinstance(item, Scalar)]
    bits = [names[i.text] if i.text in names else int(i.text, 0) for i in items]
    held = reduce(or_, bits, 0)
    new = [name for name, bit in names.items() if bit & value & ~held]
    if reduce(or_, (names[name] for name in new), 0) != value & ~held:
        raise UnspellableError(f"a bit of {value & ~held:#x} has no name to put into the list")
    gone = [place for place, bit in enumerate(bits) if not bit & value]
    edits = [
        respelled(item, spell_integer(item.text, bit & value))
        for item, bit in zip(items, bits, strict=True)
        if 0 != bit & value != bit
    ]
    # A name that replaces another takes its place.
    edits += [respelled(items[place], name) for place, name in zip(gone, new, strict=False)]
    if len(gone) > len(new):
        edits += drop_items(node, gone[len(new) :], key=key)
    return edits + _new_names(node, names, new[len(gone) :], items[0] if items else key)


def _new_names(
    node: Sequence, names: Names[str, int], new: list[str], neighbour: Scalar | None
) -> list[TextEdit]:
    """Each new name before the first that is written after it in a list in the usual order."""
    texts = {name: quoted_like(neighbour, name) for name in new}
    if not node.items:
        return [insert_item(node, 0, ", ".join(texts.values()))] if new else []
    order = {name: place for place, name in enumerate(names)}
    ranks = [order.get(getattr(item, "text", ""), len(order)) for item in node.items]
    return [
        insert_item(
            node, next((p for p, r in enumerate(ranks) if r > order[name]), len(ranks)), text
        )
        for name, text in texts.items()
    ]


def _new_entry(mapping: Mapping, key: str, shape: Shape, value: Value) -> tuple[str, str]:
    """A key that was absent and its value, in the quotes and the base of those beside it."""
    keys = [name for name, _ in mapping.entries.values()]
    neighbour = keys[-1] if keys else None
    quoted = neighbour is not None and not neighbour.plain
    if isinstance(shape, Bits) and isinstance(value, int):
        names = [name for name, bit in shape.names.items() if bit & value]
        if reduce(or_, (shape.names[name] for name in names), 0) == value:
            text = f"[{', '.join(quoted_like(neighbour, name) for name in names)}]"
            return quoted_like(neighbour, key), text
        shape = shape.number
    numbers = [
        node.text
        for _, node in mapping.entries.values()
        if isinstance(node, Scalar) and node.text[:1].isdigit()
    ]
    wide = isinstance(shape, Integer) and shape.bits == _WORD_BITS
    hexadecimal = wide and (not numbers or any(text[:2] in ("0x", "0X") for text in numbers))
    old = "" if isinstance(shape, Number) else "0x0" if hexadecimal else "0"
    text = _spelled(shape, value, old)
    if not isinstance(value, int) or not text[:1].isdigit():
        plain = _read(shape, text, plain=True) is not INVALID and is_plain(text)
        text = quoted_like(neighbour, text) if quoted else text if plain else in_quotes(text)
    return quoted_like(neighbour, key), text
