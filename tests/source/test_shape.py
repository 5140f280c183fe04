"""Shapes: one description that reads, refuses and publishes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, parse
from efipolicy.source.shape import (
    INVALID,
    Bits,
    Choice,
    Field,
    Flag,
    Integer,
    ListOf,
    Number,
    Reading,
    Record,
    Shape,
)


def read(shape: Shape, text: str) -> tuple[Any, list[str]]:
    source = SourceText("p.yaml", f"v: {text}\n")
    node, errors = parse(source)
    assert errors == []
    assert isinstance(node, Mapping)
    reading = Reading()
    value = shape.read(node.entries["v"][1], reading)
    return value, [error.message for error in reading.errors]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("42", 42),
        ("1_000", 1000),
        ("0x7ec0_0000", 0x7EC00000),
        ("0XFF", 255),
        ('"0x10"', 16),
        ("0xffff_ffff_ffff_ffff", 2**64 - 1),
    ],
)
def test_integers_are_decimal_or_hexadecimal_with_underscores(text: str, value: int) -> None:
    assert read(Integer(64), text) == (value, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0x1_0000_0000_0000_0000", "`0x1_0000_0000_0000_0000`, which does not fit 64 bits"),
        ("-1", "`-1`, a negative number"),
        ("-0x10", "`-0x10`, a negative number"),
        ("007", "`007`, a number with leading zeros"),
        ("0x", "`0x`"),
        ("1__0", "`1__0`"),
        ("_1", "`_1`"),
        ("1.5", "`1.5`"),
        ("0b11", "`0b11`"),
        ("", "nothing"),
        ("[1]", "a list"),
        ("{a: 1}", "a mapping"),
    ],
)
def test_what_is_no_integer_is_refused_and_never_wrapped(text: str, found: str) -> None:
    value, errors = read(Integer(64), text)
    assert value is INVALID
    assert errors == [f"found {found}, expected an unsigned 64-bit integer, decimal or hexadecimal"]


@given(
    st.integers(min_value=0, max_value=2**64 - 1),
    st.sampled_from(["{}", "{:#x}", "{:#_x}", "{:_}"]),
)
def test_every_64_bit_integer_is_read_exactly(value: int, form: str) -> None:
    text = form.format(value)
    assert read(Integer(64), text) == (value, [])
    assert Draft202012Validator(Integer(64).json_schema()).is_valid(text)


def test_names_and_numbers_are_both_accepted() -> None:
    shape = Number({"EfiLoaderCode": 1}, bits=32, phrase="a type")
    assert read(shape, "EfiLoaderCode") == (1, [])
    assert read(shape, "0x70000001") == (0x70000001, [])
    assert read(shape, "EfiLoderCode") == (
        INVALID,
        ["found `EfiLoderCode`, expected a type; did you mean `EfiLoaderCode`?"],
    )


def test_bits_are_named_once_each_or_given_as_a_number() -> None:
    shape = Bits({"RUNTIME": 1 << 63, "WB": 8}, bits=64, phrase="bits")
    assert read(shape, "[RUNTIME, WB]") == (0x8000000000000008, [])
    assert read(shape, "[]") == (0, [])
    assert read(shape, "0x8000000000000008") == (0x8000000000000008, [])
    value, errors = read(shape, "[RUNTME, WB, WB]")
    assert value is INVALID
    assert errors == [
        "found `RUNTME`, expected a bit name (RUNTIME, WB); did you mean `RUNTIME`?",
        "found `WB` a second time, expected each bit once",
    ]


def test_flags_take_their_own_two_words_only() -> None:
    assert read(Flag(), "true") == (True, [])
    assert read(Flag("on", "off"), "off") == (False, [])
    assert read(Flag(), '"true"')[0] is INVALID
    assert read(Flag(), "on")[0] is INVALID


RECORD = Record(
    "a thing",
    "A thing.",
    (
        Field("name", Choice("one", "two"), "its name", required=True),
        Field("size", Integer(32), "its size"),
        Field("guid", Integer(8), "this or tag"),
        Field("tag", Integer(8), "this or guid"),
    ),
    lambda _node, values: values,
    one_of=("guid", "tag"),
)


def test_a_record_reports_all_its_mistakes_at_once() -> None:
    value, errors = read(RECORD, "{nam: one, size: big, guid: 1, tag: 2}")
    assert value is INVALID
    assert errors == [
        (
            "found the unknown key `nam`, expected a key of a thing (name, size, guid, tag); "
            "did you mean `name`?"
        ),
        "found `big`, expected an unsigned 32-bit integer, decimal or hexadecimal",
        "found a thing without `name`, expected the key `name`",
        "found both `guid` and `tag`, expected exactly one of `guid` or `tag`",
    ]


def test_a_record_builds_from_what_was_given() -> None:
    assert read(RECORD, "{name: two, tag: 3}") == ({"name": "two", "tag": 3}, [])


def test_the_schema_of_a_record_agrees_with_its_reader() -> None:
    validator = Draft202012Validator(RECORD.json_schema())
    assert validator.is_valid({"name": "two", "tag": 3})
    assert not validator.is_valid({"name": "two"})
    assert not validator.is_valid({"name": "two", "tag": 3, "guid": 1})
    assert not validator.is_valid({"name": "three", "tag": 3})
    assert not validator.is_valid({"name": "one", "tag": 3, "colour": 1})


def test_a_pair_has_two_items() -> None:
    shape = ListOf(Integer(64), length=2, phrase="a pair")
    assert read(shape, "[1, 2]") == ((1, 2), [])
    assert read(shape, "[1]") == (INVALID, ["found a list of 1, expected a pair"])
