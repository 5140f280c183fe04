"""Addresses and ranges of them. Unbounded integers: nothing here wraps at 2^64."""

from __future__ import annotations

from typing import Final

from efipolicy.named_tuple import NamedTuple

EFI_PAGE_SIZE: Final = 0x1000
"""Bytes of an EFI page, whatever the architecture and the operating system (UEFI 2.10, 7.2)."""

HIGHEST_PAGE_START: Final = 0xFFFF_FFFF_FFFF_F000
"""The highest address at which a page can start (UEFI 2.10, 7.2.3)."""


class AddressRange(NamedTuple):
    """The addresses from ``start`` up to, not including, ``end``."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.start:#x}-{self.end:#x}"

    def __and__(self, other: AddressRange) -> AddressRange:
        """The addresses in both; empty when there are none."""
        start = max(self.start, other.start)
        return AddressRange(start, max(start, min(self.end, other.end)))

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and self.start <= address < self.end

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def last(self) -> int:
        """The last address, as texts that count inclusively print it."""
        return self.end - 1

    def overlaps(self, other: AddressRange) -> bool:
        """Whether an address lies in both."""
        return self.start < other.end and other.start < self.end

    def covers(self, other: AddressRange) -> bool:
        """Whether every address of the other lies in this one."""
        return self.start <= other.start and other.end <= self.end


def pages_of(start: int, number_of_pages: int) -> AddressRange:
    """The range of a number of EFI pages."""
    return AddressRange(start, start + number_of_pages * EFI_PAGE_SIZE)


def round_down(address: int, alignment: int) -> int:
    """The highest multiple of ``alignment`` that is not above the address."""
    return address - address % alignment


def round_up(address: int, alignment: int) -> int:
    """The lowest multiple of ``alignment`` that is not below the address."""
    return -(-address // alignment) * alignment


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB")
_ALMOST = "\N{ALMOST EQUAL TO}"


def size_text(size: int) -> str:
    """A size in binary units with at most three significant digits, marked where rounded."""
    unit = 0
    while unit + 1 < len(_UNITS) and size >= 1 << (10 * (unit + 1)):
        unit += 1
    thousandths, rounded = _in_unit(size, unit)
    if thousandths >= 1024_000 and unit + 1 < len(_UNITS):
        unit += 1
        thousandths, rounded = _in_unit(size, unit)
    whole, part = divmod(thousandths, 1000)
    digits = f"{whole}.{part:03d}".rstrip("0").rstrip(".") if part else f"{whole}"
    return f"{_ALMOST if rounded else ''}{digits} {_UNITS[unit]}"


def _in_unit(size: int, unit: int) -> tuple[int, bool]:
    """Thousandths of a unit, to three significant digits, and whether that is not exact."""
    scale = 1 << (10 * unit)
    step = 1000 if size >= 100 * scale else 100 if size >= 10 * scale else 10
    steps, rest = divmod(size * 1000, scale * step)
    if rest * 2 >= scale * step:
        steps += 1
    return steps * step, rest != 0
