"""Ranges and sizes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange, pages_of, round_down, round_up, size_text

ranges = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(
    lambda pair: AddressRange(min(pair), max(pair))
)


@given(ranges, ranges, st.integers(0, 60))
def test_the_intersection_holds_what_both_hold(a: AddressRange, b: AddressRange, x: int) -> None:
    assert (x in (a & b)) == (x in a and x in b)
    assert a.overlaps(b) == ((a & b).size > 0) or not (a.size and b.size)


def test_a_range_beyond_64_bits_does_not_wrap() -> None:
    region = pages_of(0xFFFF_FFFF_FFFF_F000, 0x0200_0000_0000_0001)
    assert region.end == 0xFFFF_FFFF_FFFF_F000 + 0x0200_0000_0000_0001 * 0x1000


@given(st.integers(0, 2**70), st.sampled_from([1, 0x1000, 0x10000, 0x200000]))
def test_rounding_encloses_the_address(address: int, alignment: int) -> None:
    assert round_down(address, alignment) <= address <= round_up(address, alignment)
    assert round_up(address, alignment) - round_down(address, alignment) in (0, alignment)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (384, "384 B"),
        (0x1000, "4 KiB"),
        (0x10000, "64 KiB"),
        (309 * 0x1000, "≈1.21 MiB"),
        (2**40, "1 TiB"),
        (2**64, "16 EiB"),
        (2**70, "1 ZiB"),
        (1023 * 2**30, "1023 GiB"),
    ],
)
def test_sizes_are_binary_and_say_when_they_are_rounded(size: int, text: str) -> None:
    assert size_text(size) == text
