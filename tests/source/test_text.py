"""Texts and spans of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.source import InputError, SourceText, decode


@given(st.text(alphabet="ab\r\n\té€𝄞", max_size=40), st.integers(0, 40))
def test_a_position_points_back_at_its_character(text: str, offset: int) -> None:
    text *= 300  # more than one block of what is counted at a time
    offset = min(offset * 301, len(text))
    line, column = SourceText("t", text).position(offset)
    before = text[:offset]
    assert line == before.count("\n") + 1
    assert column == len(before) - (before.rfind("\n") + 1) + 1


def test_lines_are_given_without_their_ends() -> None:
    source = SourceText("t", "one\r\ntwo\n\nfour")
    assert [source.line_at(offset) for offset in (0, 3, 5, 9, 10, 14)] == [
        "one",
        "one",
        "two",
        "",
        "four",
        "four",
    ]


def test_a_span_names_its_place_as_compilers_do() -> None:
    source = SourceText("log.txt", "one\ntwo three\n")
    span = source.span(8, 13)
    assert (str(span), span.text, span.end_line, span.end_column) == ("log.txt:2:5", "three", 2, 10)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_with_a_byte_order_mark_is_read(encoding: str) -> None:
    assert decode("t", "RT_Data é\r\n".encode(encoding)).text == "RT_Data é\r\n"


def test_a_stray_byte_in_a_log_costs_nothing_else() -> None:
    assert decode("t", b"mem00 \xff mem01").text == "mem00 � mem01"


def test_binary_data_is_refused() -> None:
    with pytest.raises(InputError, match="found binary data, expected text"):
        decode("core", b"\x7fELF\0\0\0")


@pytest.mark.parametrize("cut", [2, 3, 4, 7])
def test_the_rest_of_utf_16_whose_start_was_cut_off_is_read(cut: int) -> None:
    lines = "Type       Start\r\nRT_Data    000000007F000000\r\n"
    assert decode("t", lines.encode("utf-16")[cut:]).text.endswith(
        "RT_Data    000000007F000000\r\n"
    )


def test_the_nul_that_telnet_sends_behind_a_carriage_return_is_none() -> None:
    source = decode("t", b"mem00\r\0\nmem01\r\0\n")
    assert source.text == "mem00\r\nmem01\r\n"
    assert source.content == b"mem00\r\0\nmem01\r\0\n"


@pytest.mark.parametrize("content", [b"\0", b"\7\0\0\0\n\0\0\0" * 40, b"\0\n\0\0" * 40])
def test_numbers_are_no_text(content: bytes) -> None:
    with pytest.raises(InputError, match="found binary data, expected text"):
        decode("blob", content)
