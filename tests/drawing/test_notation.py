"""Addresses, sizes and names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.drawing.notation import (
    address_text,
    cache_words,
    grouped,
    groups_for,
    type_style,
)
from efipolicy.drawing.svg import number
from efipolicy.drawing.text_width import shortened, text_width, wrapped
from efipolicy.model.address import size_text

ALMOST = "\N{ALMOST EQUAL TO}"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (0x180, "384 B"),
        (0x1000, "4 KiB"),
        (0x280000, "2.5 MiB"),
        (309 * 0x1000, f"{ALMOST}1.21 MiB"),
        (1020 << 10, "1020 KiB"),
        ((1 << 40) - (1 << 30), "1023 GiB"),
        ((1 << 40) - 1, f"{ALMOST}1 TiB"),
        (1 << 40, "1 TiB"),
        ((1 << 64) - 0x1000, f"{ALMOST}16 EiB"),
        (1 << 76, "64 ZiB"),
    ],
)
def test_a_size_has_three_digits_and_says_when_it_is_rounded(size, text):
    assert size_text(size) == text


@given(st.integers(min_value=0, max_value=1 << 80))
def test_a_size_without_a_sign_is_exact(size):
    text = size_text(size)
    if not text.startswith(ALMOST):
        value, unit = text.split()
        scale = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"].index(unit)
        whole, _, part = value.partition(".")
        assert int(whole + part) * scale == size * 10 ** len(part)


def test_an_address_is_grouped_from_the_right():
    assert address_text(0x7EC0_0000, 2) == "0x7ec0_0000"
    assert address_text(0x1_0000_0000, 3) == "0x0001_0000_0000"
    assert int(address_text(0xFFFF_FFFE_FF00_0000, 4), 0) == 0xFFFF_FFFE_FF00_0000
    assert address_text(1 << 64, 4) == "0x0001_0000_0000_0000_0000"


def test_a_column_has_room_for_the_largest_address():
    assert [groups_for(end) for end in (0, 0xFFFF_FFFF, 1 << 32, 1 << 48, 1 << 64)] == [
        2,
        2,
        3,
        4,
        4,
    ]


def test_types_of_nobody_are_named_by_number():
    assert type_style(0x70000001).label == "OEM 0x70000001"
    assert type_style(0x80000002).label == "OS 0x80000002"
    assert type_style(31).label == "type 31, unknown"
    assert {type_style(kind).family for kind in (31, 0x70000001)} == {"oem"}


def test_the_strongest_cache_type_counts():
    assert cache_words(0xF, short=False) == "WB"
    assert cache_words(0x1, short=False) == "UC"
    assert cache_words(0, short=False) == "none"
    assert cache_words(0xF | 0x5_8000 | 0x9_0000, short=False) == "WB SP NV MR CRYPTO"
    assert cache_words(0xF | 0x5_8000 | 0x9_0000, short=True) == "WB SP NV"


@pytest.mark.parametrize(
    ("value", "text"), [(1.25, "1.2"), (3, "3"), (-0.04, "0"), (-0.06, "-0.1"), (19.999, "20")]
)
def test_coordinates_have_one_decimal_and_no_negative_zero(value, text):
    assert number(value) == text


def test_text_is_cut_to_its_room():
    assert shortened("Conventional", 200, 12) == "Conventional"
    cut = shortened("OEM 0x70000001", 60, 11)
    assert cut.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert text_width(cut, 11) <= 60
    assert all(
        text_width(line, 10) <= 100 for line in wrapped("a few words to be wrapped", 100, 10)
    )


def test_addresses_in_a_sentence_are_grouped_and_small_numbers_are_not() -> None:
    told = "firmware uses 0xfffffffe7fef4000 for 0x0-0x9000; 0x1f bits, 4096 bytes"
    assert grouped(told) == (
        "firmware uses 0xffff_fffe_7fef_4000 for 0x0000_0000-0x0000_9000; 0x1f bits, 4096 bytes"
    )
    assert grouped(grouped(told)) == grouped(told)
