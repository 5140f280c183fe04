"""Addresses and ranges of them. Unbounded integers: nothing here wraps at 2^64."""

from __future__ import annotations

from typing import Final, NamedTuple

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


_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def size_text(size: int) -> str:
    """A size for people: the largest binary unit that divides it, else three significant digits."""
    if size == 1:
        return "1 byte"
    unit, value = 0, float(size)
    exact = size
    while unit + 1 < len(_UNITS) and value >= 1024:
        value /= 1024
        unit += 1
        exact = size >> (10 * unit)
        if exact << (10 * unit) != size:
            exact = -1
    if exact >= 0:
        return f"{exact} {_UNITS[unit]}"
    return f"\N{ALMOST EQUAL TO}{value:.3g} {_UNITS[unit]}"
