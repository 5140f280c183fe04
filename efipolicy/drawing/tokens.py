"""The colours of every picture, in light and dark, and what each of them stands for.

Ink has at least 4.5:1 and every outline at least 3:1 against the background in both themes
(WCAG 2.2, 1.4.3 and 1.4.11), so that a band is visible however pale its fill is.
"""

from __future__ import annotations

from typing import Final

from efipolicy.named_tuple import NamedTuple


class Token(NamedTuple):
    """One colour as ``#rrggbb``, for each theme."""

    light: str
    dark: str


BASE: Final = {
    "bg": Token("#ffffff", "#131416"),
    "ink": Token("#1b1f24", "#e3e5e8"),
    "mut": Token("#5b626b", "#9aa1a9"),
    "rule": Token("#c3c8ce", "#3d4248"),
    "faint": Token("#e8eaed", "#24272b"),
    "hov": Token("#eef4fb", "#1b222b"),
    "link": Token("#0b57a4", "#7cb8f5"),
    "on-strong": Token("#ffffff", "#07101a"),
}
"""Background, text, secondary text, hairlines, tracks, highlighted row, focus ring, and the text
and texture on the strong fills."""

FAMILIES: Final = {
    "conv": (Token("#eceff2", "#26292d"), Token("#868e97", "#737b84")),
    "boot": (Token("#e6dab8", "#4d4327"), Token("#85744a", "#a8976a")),
    "rtc": (Token("#1d66b0", "#4fa0f0"), Token("#0e3f73", "#9accff")),
    "rtd": (Token("#82c1ea", "#24597f"), Token("#1f6ea6", "#6db7e8")),
    "pal": (Token("#173a63", "#b8d8f7"), Token("#0a1f38", "#e2f0ff")),
    "acpr": (Token("#eadcf2", "#3b2b48"), Token("#86599f", "#b18fc7")),
    "nvs": (Token("#bb8fd2", "#76508d"), Token("#6d3c89", "#d0a9e6")),
    "mmio": (Token("#eeb055", "#8a5a10"), Token("#98640a", "#e0a040")),
    "resv": (Token("#bfc4ca", "#464b52"), Token("#5c646d", "#949ca5")),
    "unus": (Token("#4d535a", "#8d959e"), Token("#23272b", "#c5cbd1")),
    "pmem": (Token("#3f9a75", "#3f9a75"), Token("#1c6347", "#8ad6b5")),
    "unac": (Token("#cfeadd", "#1f3d31"), Token("#3d8a68", "#62b591")),
    "ro": (Token("#d5d9de", "#3a3f45"), Token("#6a727b", "#9aa1a9")),
    "rwx": (Token("#d4351c", "#ff6b52"), Token("#8c1a08", "#ffb3a5")),
}
"""Fill and outline of each family of memory: a family is who owns the memory. Memory that a table
makes executable is drawn as ``rtc``, writable as ``rtd``, neither as ``ro``; ``rwx`` is kept for
what must not be: memory that is both, and memory that is claimed twice."""

STRONG: Final = frozenset({"rtc", "pal", "unus", "rwx"})
"""The families whose fill takes ``on-strong`` instead of ink."""

SEVERITIES: Final = {
    "error": (Token("#c42b12", "#ff7a63"), Token("#ffffff", "#1a0400")),
    "warning": (Token("#8f5f00", "#f0b73f"), Token("#ffffff", "#1f1500")),
    "info": (Token("#4a5f78", "#9db4cf"), Token("#ffffff", "#0c1218")),
    "ok": (Token("#1a7048", "#62c796"), Token("#ffffff", "#04140c")),
}
"""Each severity (and the good verdict), and the sign drawn on it."""


def tokens() -> dict[str, Token]:
    """Every colour under the name it has in stylesheets, without the ``--ep-`` in front."""
    named = dict(BASE)
    for family, (fill, outline) in FAMILIES.items():
        named[family] = fill
        named[f"{family}-s"] = outline
    for severity, (colour, sign) in SEVERITIES.items():
        named[severity] = colour
        named[f"{severity}-on"] = sign
    return named


def luminance(colour: str) -> float:
    """The relative luminance of ``#rrggbb``, from 0 for black to 1 for white (WCAG 2.2)."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
