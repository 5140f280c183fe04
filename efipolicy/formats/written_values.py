"""Values as the platform file writes them: the shapes that read a key say how it is written.

A key that is added to the format is written without further code as long as its shape is one of
those below and the model calls it by the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from efipolicy.formats.platform_values import (
    Bytes,
    Date,
    FormatVersion,
    PageSize,
    QuotedRevision,
    Width,
)
from efipolicy.source.document import Mapping, Node, Scalar
from efipolicy.source.shape import (
    AnyNode,
    Bits,
    Choice,
    Field,
    Flag,
    Integer,
    ListOf,
    MappingOf,
    Number,
    Pattern,
    Record,
    Shape,
    Text,
)

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./+=-]*(?: [A-Za-z0-9_./+()-]+)*")
_SPECIAL: Final = re.compile(r"(?i)(?:y|n|yes|no|on|off|true|false|null|none)")
_ANY_PLAIN: Final = re.compile(r"(?:-?[A-Za-z0-9_./+~][A-Za-z0-9_./+~-]*(?: [A-Za-z0-9_./+-]+)*)?")
"""Plain scalars that mean the same within braces as on a line of their own."""

_MODEL_NAMES: Final = {"pages": "number_of_pages", "table": "name"}
"""Keys that the model calls otherwise."""

_EMPTY_BY_DEFAULT: Final = ("exercised", "missing", "options", "kexec", "accept", "not_read")
"""Keys that the model has as an empty value when they are left out."""

_DECIMAL: Final = ("length", "stack_bytes", "backing_store_bytes", "memory_map_size", "map_key")
"""Words of 64 bits that count something; the others are addresses, and hexadecimal."""
_HEXADECIMAL: Final = ("fp_control", "mxcsr", "encodings")


def stated(record: Record, value: Any) -> Iterator[tuple[Field, Any]]:
    """The keys of a record that a value of the model states, each with its value."""
    given = False
    for field in record.fields.values():
        name = field.name
        known = hasattr(value, name)
        found = getattr(value, name if known else _MODEL_NAMES.get(name, name))
        if found is None or (name in _EMPTY_BY_DEFAULT and not found):
            continue
        if name in record.one_of:
            if given:
                continue
            given = True
        yield field, found


def flow(shape: Shape, value: Any, name: str = "") -> str:
    """A value on one line, as the shape reads it. ``name`` is the key it stands behind.

    Raises `TypeError` for a shape that nothing here knows.
    """
    match shape:
        case Record():
            pairs = (
                f"{one.name}: {flow(one.shape, v, one.name)}" for one, v in stated(shape, value)
            )
            return f"{{{', '.join(pairs)}}}"
        case ListOf():
            return f"[{', '.join(flow(shape.item, item, name) for item in value)}]"
        case MappingOf():
            parts = (f"{quoted(key)}: {flow(shape.value, v, name)}" for key, v in value.items())
            return f"{{{', '.join(parts)}}}"
        case AnyNode():
            return _node(value)
        case _:
            return _scalar(shape, value, name)


def _scalar(shape: Shape, value: Any, name: str) -> str:
    match shape:
        case Flag():
            return next(word for word, meaning in shape.words.items() if meaning is value)
        case Number():
            return next((word for word, v in shape.names.items() if v == value), f"{value:#x}")
        case Bits():
            return _bits(shape, value)
        case PageSize():
            return f"{value >> 10}K" if value in (0x1000, 0x2000, 0x4000, 0x10000) else f"{value}"
        case QuotedRevision():
            return f'"{value}"'
        case Bytes() | Width() | FormatVersion() | Date():
            return f"{value}"
        case Integer():
            wide = shape.bits > 32 and name not in _DECIMAL
            return f"{value:#x}" if wide or name in _HEXADECIMAL else f"{value}"
        case Text() | Pattern() | Choice():
            return quoted(value)
        case _:
            raise TypeError(f"nothing says how {type(shape).__name__} is written")


def _bits(shape: Bits, word: int) -> str:
    """The bits by name when each has one, else the word in all its digits."""
    names = [name for name, bit in shape.names.items() if word & bit == bit]
    if sum(shape.names[name] for name in names) == word:
        return f"[{', '.join(names)}]"
    return f"{word:#0{2 + shape.number.bits // 4}x}"


def _node(node: Node) -> str:
    """What a user wrote for an option, as it stands: whether it has quotes may matter."""
    if isinstance(node, Scalar):
        plain = node.plain and _ANY_PLAIN.fullmatch(node.text)
        return node.text if plain else quoted(node.text, always=True)
    if isinstance(node, Mapping):
        pairs = (f"{quoted(key)}: {_node(value)}" for key, (_, value) in node.entries.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(_node(item) for item in node.items)}]"


def quoted(text: str, *, always: bool = False) -> str:
    """The text as a YAML scalar: plain where no reader could take it for anything else."""
    if not always and _PLAIN.fullmatch(text) and not _SPECIAL.fullmatch(text):
        return text
    characters = []
    for character in text:
        if character in '"\\':
            characters.append("\\" + character)
        elif character.isprintable():
            characters.append(character)
        else:
            characters.append(f"\\U{ord(character):08X}")
    return '"' + "".join(characters) + '"'
