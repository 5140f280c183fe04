"""How wide a text is, computed with the advance widths of DejaVu.

DejaVu has the widest of the common fonts: what fits in it fits in Menlo, Consolas, Segoe UI,
Liberation and Roboto, so a layout does not depend on the fonts of whoever builds or reads it.
"""

from __future__ import annotations

from typing import Final

UNITS_PER_EM: Final = 2048

_MONO = 1233


def _advances(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


_SANS: Final = _advances(
    "651 821 942 1716 1303 1946 1597 563 799 799 1024 1716 651 739 651 690 1303 1303 1303 "
    "1303 1303 1303 1303 1303 1303 1303 690 690 1716 1716 1716 1087 2048 1401 1405 1430 1577 "
    "1294 1178 1587 1540 604 604 1343 1141 1767 1532 1612 1235 1612 1423 1300 1251 1499 1401 "
    "2025 1403 1251 1403 799 690 799 1716 1024 1024 1255 1300 1126 1300 1260 721 1300 1298 "
    "569 569 1186 569 1995 1298 1253 1300 1300 842 1067 803 1298 1212 1675 1212 1212 1075 "
    "1303 690 1303 1716"
)
"""The advances of the printable ASCII characters, from the space on."""

_BOLD: Final = _advances(
    "713 934 1067 1716 1425 2052 1786 627 936 936 1071 1716 778 850 778 748 1425 1425 1425 "
    "1425 1425 1425 1425 1425 1425 1425 819 819 1716 1716 1716 1188 2048 1585 1561 1503 1700 "
    "1399 1399 1681 1714 762 762 1587 1305 2038 1714 1741 1501 1741 1577 1475 1397 1663 1585 "
    "2259 1579 1483 1485 936 748 936 1716 1024 1024 1382 1466 1214 1466 1389 891 1466 1458 "
    "702 702 1362 702 2134 1458 1407 1466 1466 1010 1219 979 1458 1335 1892 1321 1335 1192 "
    "1458 748 1458 1716"
)

_BEYOND_ASCII: Final = {
    "\N{EN DASH}": (1024, 1024),
    "\N{MINUS SIGN}": (1716, 1716),
    "\N{MULTIPLICATION SIGN}": (1716, 1716),
    "\N{ALMOST EQUAL TO}": (1716, 1716),
    "\N{MIDDLE DOT}": (651, 778),
    "\N{HORIZONTAL ELLIPSIS}": (2048, 2048),
}
"""Regular and bold advance of the few other characters that are drawn as text."""


def text_width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """The width of a text in a font of ``size``. Characters without an advance count one em."""
    if mono:
        return sum(_MONO if _is_known(letter) else UNITS_PER_EM for letter in text) * (
            size / UNITS_PER_EM
        )
    ascii_advances = _BOLD if bold else _SANS
    units = 0
    for letter in text:
        if " " <= letter <= "~":
            units += ascii_advances[ord(letter) - 32]
        else:
            units += _BEYOND_ASCII.get(letter, (UNITS_PER_EM, UNITS_PER_EM))[bold]
    return units * size / UNITS_PER_EM


def shortened(
    text: str, room: float, size: float, *, mono: bool = False, bold: bool = False
) -> str:
    """The text, or as much of its beginning as fits the room with an ellipsis after it."""
    if text_width(text, size, mono=mono, bold=bold) <= room:
        return text
    ellipsis = "\N{HORIZONTAL ELLIPSIS}"
    for length in range(len(text) - 1, 0, -1):
        shorter = text[:length].rstrip() + ellipsis
        if text_width(shorter, size, mono=mono, bold=bold) <= room:
            return shorter
    return ellipsis


def wrapped(text: str, room: float, size: float) -> list[str]:
    """The text in lines that fit the room, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _is_known(letter: str) -> bool:
    return " " <= letter <= "~" or letter in _BEYOND_ASCII
