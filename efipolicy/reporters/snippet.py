"""Source lines with the offending spans underlined."""

from __future__ import annotations

from efipolicy.named_tuple import NamedTuple
from efipolicy.source import SourceSpan, SourceText

WIDEST = 180
"""Longer source lines are cut around what is underlined."""


class Annotation(NamedTuple):
    """A span to underline and its label; the primary one is what the finding is about."""

    span: SourceSpan
    label: str
    primary: bool = False


class Style:
    """ANSI colours, or none."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def paint(self, text: str, code: str) -> str:
        """The text in a colour (an SGR code), when colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text


def render_snippet(annotations: list[Annotation], style: Style, *, code: str) -> list[str]:
    """The annotated lines of one source in their order, a gap shown as ``...``.

    ``code`` is the colour of the primary underline.
    """
    ordered = sorted(annotations, key=lambda item: (item.span.start, not item.primary))
    margin = len(str(max(item.span.line for item in ordered)))
    bar = style.paint("|", "1;34")
    lines = [f"{' ' * margin} {bar}"]
    previous = None
    for item in ordered:
        number = item.span.line
        if previous is not None and number > previous + 1:
            lines.append(style.paint("...", "1;34"))
        text, start, end = _window(item.span)
        if number != previous:
            lines.append(f"{style.paint(str(number).rjust(margin), '1;34')} {bar} {text}")
        mark = ("^" if item.primary else "-") * max(1, end - start)
        label = f" {item.label}" if item.label else ""
        underline = style.paint(mark + label, code if item.primary else "1;34")
        lines.append(f"{' ' * margin} {bar} {_blank(text[:start])}{underline}")
        previous = number
    lines.append(f"{' ' * margin} {bar}")
    return lines


def margin_of(annotations: list[Annotation]) -> int:
    """How wide the line numbers of a snippet are."""
    return len(str(max(item.span.line for item in annotations)))


def _window(span: SourceSpan) -> tuple[str, int, int]:
    """The printable line of a span's start, and the underlined part of it."""
    source: SourceText = span.source
    text = printable(source.line_at(span.start))
    start = min(span.column - 1, len(text))
    end = span.end_column - 1 if span.end_line == span.line else len(text)
    end = max(start + 1, min(end, len(text)))
    if len(text) <= WIDEST:
        return text, start, end
    first = max(0, min(start - 60, len(text) - WIDEST))
    last = min(len(text), first + WIDEST)
    cut = ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")
    shift = first - (1 if first else 0)
    return cut, start - shift, min(end, last) - shift


def printable(text: str) -> str:
    """A line of an input that cannot play tricks on a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _blank(text: str) -> str:
    return "".join("\t" if character == "\t" else " " for character in text)
