"""What the reports for continuous integration have in common: text, errors, places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from efipolicy.errors import EfipolicyError, ExitStatus
from efipolicy.source import InputError, SourceSpan

if TYPE_CHECKING:
    from re import Match

ERROR_NAMES: Final = {
    ExitStatus.USAGE: "usage-error",
    ExitStatus.INPUT: "unreadable-input",
    ExitStatus.PLUGIN: "plugin-failure",
    ExitStatus.INTERNAL: "internal-error",
}
"""What kind of error ended how, as other programs are told it."""

_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
    "\ufffe\uffff]"
)
"""Control characters but for line feed and tab, halves of characters, what XML 1.0 has no room for,
and what turns the direction of a text."""


def legible(text: str) -> str:
    r"""A text that every format and every terminal can carry: ``\x1b`` for an escape character.

    Lines and tabs stay. Inputs, their names and third parties' plugins decide what is in a text.
    """
    return _UNFIT.sub(_spelled, text)


def _spelled(character: Match[str]) -> str:
    code = ord(character[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def error_name(error: EfipolicyError) -> str:
    """Of what kind an error is."""
    return ERROR_NAMES[ExitStatus(error.status)]


def error_text(error: EfipolicyError) -> str:
    """What an error says, without its place where that is told apart."""
    return legible(error.message if isinstance(error, InputError) else str(error))


def error_span(error: EfipolicyError) -> SourceSpan | None:
    """The part of an input that an error is about, if it is about a part."""
    return error.span if isinstance(error, InputError) else None
