"""Random platform files, made of what the shapes of the format allow."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from hypothesis import strategies as st

from efipolicy.formats.platform import PLATFORM_FILE
from efipolicy.formats.platform_values import (
    Bytes,
    Date,
    FormatVersion,
    Gaps,
    PageSize,
    QuotedRevision,
    Width,
)
from efipolicy.source.shape import (
    AnyNode,
    Bits,
    Choice,
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

TEXTS = st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\ufeff"), max_size=12
)
_WORDS = st.sampled_from(
    ("a", "n", "no", "on", "null", "0x10", "1.5", "a: b", "{a}", "#", "- x", "")
)


def _quoted(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return texts.map(_escaped)


def _escaped(text: str) -> str:
    """A YAML scalar in quotes, everything in it escaped that may need it."""
    return (
        '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08X}" for c in text) + '"'
    )


def _bracketed(items: list[str]) -> str:
    return f"[{', '.join(items)}]"


def _braced(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


def _gaps(indices: list[int]) -> str:
    pairs = sorted(indices)
    return _bracketed([f"[{a}, {b}]" for a, b in zip(pairs[::2], pairs[1::2], strict=False)])


def spelled(shape: Shape, *, complete: bool = False) -> st.SearchStrategy[str]:
    """Values of a shape as YAML; where they are ``complete``, with every key and no empty list."""
    least = 1 if complete else 0
    if isinstance(shape, Record):
        return _mappings(shape, complete=complete)
    if isinstance(shape, Gaps):
        return st.lists(st.integers(0, 99), unique=True, min_size=2 * least).map(_gaps)
    if isinstance(shape, ListOf):
        items = spelled(shape.item, complete=complete)
        sizes = {"min_size": shape.length or least, "max_size": shape.length or 2}
        return st.lists(items, **sizes).map(_bracketed)
    if isinstance(shape, MappingOf):
        names = _quoted(st.sampled_from(shape.names.choices) if shape.names else TEXTS)
        values = spelled(shape.value, complete=complete)
        return st.dictionaries(names, values, min_size=least, max_size=2).map(_braced)
    return next(make(shape) for kind, make in _SCALARS if isinstance(shape, kind))


def _mappings(record: Record, *, complete: bool) -> st.SearchStrategy[str]:
    fields = {
        name: spelled(field.shape, complete=complete) for name, field in record.fields.items()
    }
    chosen = [{name: fields.pop(name)} for name in record.one_of] or [{}]
    required = {
        name: fields.pop(name)
        for name in record.fields
        if complete or name in record.required
        if name in fields
    }
    return st.one_of(
        *(
            st.fixed_dictionaries(required | option, optional=fields).map(_braced)
            for option in chosen
        )
    )


def _integers(shape: Any) -> st.SearchStrategy[str]:
    numbers = st.integers(shape.minimum, shape.maximum)
    return numbers.map(str) | numbers.map(hex)


def _names_or_numbers(shape: Any) -> st.SearchStrategy[str]:
    return st.sampled_from(list(shape.names)) | _integers(shape.number)


def _bits(shape: Any) -> st.SearchStrategy[str]:
    names = st.lists(st.sampled_from(list(shape.names)), unique=True, max_size=3)
    return names.map(_bracketed) | _integers(shape.number)


_nodes = st.recursive(
    _quoted(_WORDS) | st.sampled_from(("0x10", "true", "-1", "1.5", "a b", "~", "6.12")),
    lambda inner: (
        st.lists(inner, max_size=2).map(_bracketed)
        | st.dictionaries(_quoted(_WORDS), inner, max_size=2).map(_braced)
    ),
    max_leaves=3,
)

_SCALARS: tuple[tuple[type[Shape], Callable[[Any], st.SearchStrategy[str]]], ...] = (
    (Bytes, lambda shape: _integers(shape) | st.just("8K")),
    (FormatVersion, lambda _: st.just("1")),
    (Width, lambda _: st.sampled_from(("32", "64"))),
    (PageSize, lambda _: st.sampled_from(("4K", "8K", "16K", "64K", "0x2000", "2097152"))),
    (
        QuotedRevision,
        lambda _: _quoted(st.sampled_from(("1.10", "2.0", "2.3.1", "2.10", "2.70"))),
    ),
    (Date, lambda _: st.dates().map(lambda day: day.isoformat())),
    (Integer, _integers),
    (Number, _names_or_numbers),
    (Bits, _bits),
    (Flag, lambda shape: st.sampled_from(list(shape.words))),
    (Choice, lambda shape: _quoted(st.sampled_from((*shape.choices, *shape.also)))),
    (
        Pattern,
        lambda shape: _quoted(st.from_regex(re.compile(shape.pattern, re.A), fullmatch=True)),
    ),
    (Text, lambda _: _quoted(TEXTS | _WORDS)),
    (AnyNode, lambda _: _nodes),
)


documents: Final = spelled(PLATFORM_FILE)
complete_documents: Final = spelled(PLATFORM_FILE, complete=True)
