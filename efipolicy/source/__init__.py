"""Texts that know where they came from: lines, columns, spans, and YAML nodes with their place."""

from efipolicy.source.text import InputError, Located, SourceSpan, SourceText, TextRecord, decode

__all__ = ["InputError", "Located", "SourceSpan", "SourceText", "TextRecord", "decode"]
