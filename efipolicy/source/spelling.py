"""New values in the spelling of the old ones: a reader of the file sees what changed, no more."""

from __future__ import annotations

import re
from itertools import pairwise

from efipolicy.source.document import Scalar
from efipolicy.source.edit import TextEdit

_INTEGER = re.compile(r"(0[xX])?([0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)")
_PLAIN = re.compile(r"[A-Za-z0-9][\w./+-]*(?: [\w./+-]+)*")


class UnspellableError(ValueError):
    """A change that cannot be made in a file as it is written; the message says why."""


def spell_integer(old: str, new: int) -> str:
    """A number spelled as another: its base, case of digits, ``_`` groups and zero padding.

    A literal with leading zeros keeps its number of digits, any other is as long as it has to be.
    What is no number, such as a name, gives a hexadecimal one.
    """
    literal = _INTEGER.fullmatch(old)
    if literal is None:
        return f"{new:#x}"
    prefix, digits = literal[1] or "", literal[2]
    bare = digits.replace("_", "")
    spelled = f"{new:x}" if prefix else f"{new}"
    if any(digit in "ABCDEF" for digit in bare) and not any(digit in "abcdef" for digit in bare):
        spelled = spelled.upper()
    if bare.startswith("0") and len(bare) > 1:
        spelled = spelled.rjust(len(bare), "0")
    return prefix + _grouped(spelled, digits)


def _grouped(digits: str, like: str) -> str:
    """Digits with ``_`` where another number has them; even groups go on in a longer number."""
    first, *groups = like.split("_")
    if not groups:
        return digits
    size = len(groups[-1])
    if all(len(group) == size for group in groups) and len(first) <= size:
        places = list(range(size, len(digits), size))
    else:
        after = [sum(map(len, groups[place:])) for place in range(len(groups))]
        places = [place for place in after if place < len(digits)]
    cuts = [0, *sorted(len(digits) - place for place in places), len(digits)]
    return "_".join(digits[start:end] for start, end in pairwise(cuts))


def respelled(scalar: Scalar, text: str) -> TextEdit:
    """The edit that makes a scalar say something else, in the quotes it has.

    Raises `UnspellableError` for a text that would need quotes where there are none.
    """
    start, end = scalar.start, scalar.end
    written = scalar.source.text[start:end]
    if scalar.plain:
        if not is_plain(text):
            raise UnspellableError(f"`{text}` would need quotes")
        return TextEdit(start, end, text)
    if written[:1] in ("'", '"'):
        return TextEdit(start + 1, end - 1, _escaped(text, written[0]))
    if written.count(scalar.text) != 1:
        raise UnspellableError("it is folded over several lines")
    start += written.index(scalar.text)  # a block scalar: below its `|` or `>`
    return TextEdit(start, start + len(scalar.text), text)


def quoted_like(neighbour: Scalar | None, text: str) -> str:
    """A new scalar in the quotes of one beside it."""
    quote = neighbour.source.text[neighbour.start] if neighbour and not neighbour.plain else ""
    return f"{quote}{_escaped(text, quote)}{quote}" if quote in ("'", '"') else text


def is_plain(text: str) -> bool:
    """Whether a text may stand without quotes anywhere in a document."""
    return _PLAIN.fullmatch(text) is not None


def in_quotes(text: str) -> str:
    """A text in double quotes."""
    return f'"{_escaped(text, chr(34))}"'


def _escaped(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("'", "''")
    if quote == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"')
    return text
