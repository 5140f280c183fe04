"""Arithmetic of address ranges, in bytes; nothing here counts pages."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from efipolicy.plugin import AddressRange


def merged(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    """The same addresses as ranges that neither overlap nor touch, ascending."""
    result: list[AddressRange] = []
    for each in sorted(ranges):
        if result and each.start <= result[-1].end:
            result[-1] = AddressRange(result[-1].start, max(each.end, result[-1].end))
        elif each.size:
            result.append(each)
    return result


def inside(extent: AddressRange, ranges: Sequence[AddressRange]) -> list[AddressRange]:
    """The parts of an extent that lie in ranges as `merged` returns them."""
    parts = []
    place = bisect_right(ranges, extent.start, key=lambda each: each.end)
    while place < len(ranges) and ranges[place].overlaps(extent):
        parts.append(extent & ranges[place])
        place += 1
    return [part for part in parts if part.size]


def outside(extent: AddressRange, ranges: Sequence[AddressRange]) -> list[AddressRange]:
    """The parts of an extent that lie in none of the ranges."""
    parts = []
    start = extent.start
    for part in inside(extent, ranges):
        parts.append(AddressRange(start, part.start))
        start = part.end
    parts.append(AddressRange(start, extent.end))
    return [part for part in parts if part.size]


def hull(parts: Sequence[AddressRange]) -> AddressRange:
    """From the first to the last of some ascending parts, of which there is one at least."""
    return AddressRange(parts[0].start, max(part.end for part in parts))


def listed(words: Sequence[object], *, most: int = 8) -> str:
    """Words in a row, and how many more there are beyond a number."""
    texts = [str(word) for word in words[:most]]
    if len(words) > most:
        return f"{', '.join(texts)} and {len(words) - most} more"
    *firsts, last = texts
    return f"{', '.join(firsts)} and {last}" if firsts else last
