"""Write SVG: one element a line, attributes in the order given, numbers to one decimal.

An element names classes, never colours. Inline and standalone pictures keep them; a printed one
gets the literal value of every property instead, because converters to PDF know no variables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Literal

from efipolicy.drawing.stylesheet import literal_properties

Form = Literal["inline", "standalone", "print"]

Box = tuple[float, float, float, float]
"""Left, top, width, height."""

_MARKUP: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}

_SPECIAL: Final = re.compile('[&<>"\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]')
"""Markup, and the characters that XML 1.0 cannot hold or that nobody would see."""


def number(value: float) -> str:
    """A coordinate with at most one decimal and never a negative zero."""
    tenths = round(value * 10)
    whole, part = divmod(abs(tenths), 10)
    sign = "-" if tenths < 0 else ""
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def escape(text: str) -> str:
    """Text as it may stand in an element: markup escaped, control characters made visible."""
    return _SPECIAL.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return _MARKUP.get(match[0], "\N{REPLACEMENT CHARACTER}")


def outline(boxes: Iterable[Box]) -> str:
    """Rectangles as the data of one path."""
    return "".join(
        f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"
        for x, y, width, height in boxes
    )


class SvgWriter:
    """The lines of one picture."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.lines: list[str] = []
        self._shared: set[str] = set()

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
            text = number(value) if isinstance(value, (int, float)) else escape(str(value))
            written.append(f' {name.rstrip("_").replace("_", "-")}="{text}"')
        return "".join(written)

    def element(self, tag: str, *, title: str | None = None, **attributes: object) -> None:
        """An element that holds nothing, or only the title that a pointer shows."""
        start = f"<{tag}{self.attributes(**attributes)}"
        if title is None:
            self.lines.append(f"{start}/>")
        else:
            self.lines.append(f"{start}><title>{escape(title)}</title></{tag}>")

    def text(self, x: float, y: float, text: str, *classes: str) -> None:
        """A line of text at its baseline; the classes ``e`` and ``c`` anchor its end or middle.

        Without a class for its size it has 12 units, or those of its group.
        """
        start = self.attributes(x=x or None, y=y or None, class_=class_names(*classes))
        self.lines.append(f"<text{start}>{escape(text)}</text>")

    def text_in_parts(
        self, x: float, y: float, parts: list[tuple[str, str | None]], *classes: str
    ) -> None:
        """A line of text some parts of which have a class of their own."""
        start = self.attributes(x=x or None, y=y or None, class_=class_names(*classes))
        spans = "".join(
            f"<tspan{self.attributes(class_=class_names(class_))}>{escape(text)}</tspan>"
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
            "rect",
            x=x or None,
            y=y or None,
            width=width,
            height=height,
            class_=class_names(*classes),
            title=title,
        )

    def path(self, data: str, *classes: str) -> None:
        """A path of absolute or relative commands."""
        self.element("path", d=data.replace(" -", "-"), class_=class_names(*classes))

    def boxes(self, boxes: Sequence[Box], *classes: str) -> None:
        """Rectangles that look alike, as one element."""
        if len(boxes) == 1:
            self.rect(*boxes[0], *classes)
        else:
            self.path(outline(boxes), *classes)

    def textured(self, x: float, y: float, width: float, height: float, pattern: str) -> None:
        """A rectangle filled with a pattern of this picture."""
        fill = f"url(#{pattern})"
        self.element("rect", x=x or None, y=y or None, width=width, height=height, fill=fill)

    @contextmanager
    def shared(self, name: str, x: float, y: float) -> Iterator[bool]:
        """What is drawn often, moved to a place; yields whether it still has to be drawn.

        It is drawn around the origin once, where it is first needed, and used by its id then.
        """
        new = name not in self._shared
        if new:
            self._shared.add(name)
            self.lines += ["<defs>", f"<g{self.attributes(id=name)}>"]
        yield new
        if new:
            self.lines += ["</g>", "</defs>"]
        self.element("use", href=f"#{name}", x=x or None, y=y or None)

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


def class_names(*names: str) -> str | None:
    """The attribute of names as in `efipolicy.drawing.stylesheet.CLASSES`; ``None`` of none."""
    return " ".join([f"ep-{name}" for name in names]) or None
