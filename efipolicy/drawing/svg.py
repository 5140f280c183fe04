"""Write SVG: one element a line, attributes in the order given, numbers to one decimal.

An element names classes, never colours. Inline and standalone pictures keep them; a printed one
gets the literal value of every property instead, because converters to PDF know no variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from xml.sax.saxutils import escape as _escape

from efipolicy.drawing.stylesheet import literal_properties

Form = Literal["inline", "standalone", "print"]


def number(value: float) -> str:
    """A coordinate with at most one decimal and never a negative zero."""
    tenths = round(value * 10)
    whole, part = divmod(abs(tenths), 10)
    sign = "-" if tenths < 0 else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def escape(text: str) -> str:
    """Text as it may stand in an element: markup escaped, control characters made visible."""
    seen = "".join(
        letter if letter >= " " and not _forbidden(letter) else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return _escape(seen, {'"': "&quot;"})


def _forbidden(letter: str) -> bool:
    """Whether XML 1.0 has no way at all to hold a character."""
    return "\ud800" <= letter <= "\udfff" or letter in "\x7f\ufffe\uffff"


class SvgWriter:
    """The lines of one picture."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.lines: list[str] = []

    def attributes(self, **attributes: object) -> str:
        """Attributes as written: ``None`` is left out, ``class_`` is ``class``."""
        written = []
        for name, value in attributes.items():
            if value is None:
                continue
            if name == "class_" and self.form == "print":
                properties = literal_properties(str(value))
                written += [f' {key}="{escape(text)}"' for key, text in properties.items()]
                continue
            text = number(value) if isinstance(value, (int, float)) else str(value)
            written.append(f' {name.rstrip("_").replace("_", "-")}="{escape(text)}"')
        return "".join(written)

    def element(self, tag: str, *, title: str | None = None, **attributes: object) -> None:
        """An element that holds nothing, or only the title that a pointer shows."""
        start = f"<{tag}{self.attributes(**attributes)}"
        if title is None:
            self.lines.append(f"{start}/>")
        else:
            self.lines.append(f"{start}><title>{escape(title)}</title></{tag}>")

    def text(self, x: float, y: float, text: str, *classes: str) -> None:
        """A line of text at its baseline; the classes ``e`` and ``c`` anchor its end or middle."""
        start = self.attributes(x=x, y=y, class_=_classes("t", *classes))
        self.lines.append(f"<text{start}>{escape(text)}</text>")

    def text_in_parts(
        self, x: float, y: float, parts: list[tuple[str, str | None]], *classes: str
    ) -> None:
        """A line of text some parts of which have a class of their own."""
        start = self.attributes(x=x, y=y, class_=_classes("t", *classes))
        spans = "".join(
            f"<tspan{self.attributes(class_=_classes(class_))}>{escape(text)}</tspan>"
            if class_
            else escape(text)
            for text, class_ in parts
            if text
        )
        self.lines.append(f"<text{start}>{spans}</text>")

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *classes: str,
        title: str | None = None,
    ) -> None:
        """A rectangle."""
        self.element(
            "rect", x=x, y=y, width=width, height=height, class_=_classes(*classes), title=title
        )

    def path(self, data: str, *classes: str) -> None:
        """A path of absolute or relative commands."""
        self.element("path", d=data, class_=_classes(*classes))

    def textured(self, x: float, y: float, width: float, height: float, pattern: str) -> None:
        """A rectangle filled with a pattern of this picture."""
        self.element("rect", x=x, y=y, width=width, height=height, fill=f"url(#{pattern})")

    @contextmanager
    def group(
        self, tag: str = "g", *, title: str | None = None, **attributes: object
    ) -> Iterator[None]:
        """Elements that belong together; as a link only where links work."""
        if tag == "a" and (self.form == "print" or attributes.get("href") is None):
            tag = "g"
            attributes.pop("href", None)
            attributes.pop("tabindex", None)
        self.lines.append(f"<{tag}{self.attributes(**attributes)}>")
        if title is not None:
            self.lines.append(f"<title>{escape(title)}</title>")
        yield
        self.lines.append(f"</{tag}>")


def _classes(*names: str) -> str:
    return " ".join(f"ep-{name}" for name in names)
