"""Texts that know where they came from: lines, columns, spans, and YAML nodes with their place."""

from efipolicy.source.text import (
    ForeignInputError,
    InputError,
    Located,
    SourceSpan,
    SourceText,
    TextRecord,
    decode,
)

__all__ = [
    "ForeignInputError",
    "InputError",
    "Located",
    "SourceSpan",
    "SourceText",
    "TextRecord",
    "decode",
]
