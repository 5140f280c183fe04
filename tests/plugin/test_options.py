"""Options of strategies, as a command line and as a file write them."""

from __future__ import annotations

from typing import Any

import pytest

from efipolicy.model.address import AddressRange
from efipolicy.plugin import Option
from efipolicy.plugin.options import shape_of, written_value
from efipolicy.source import SourceText
from efipolicy.source.document import parse
from efipolicy.source.shape import Reading

GIVEN: list[tuple[str, str, Any]] = [
    ("version", "6.12", (6, 12)),
    ("address", "0xffff888000000000", 0xFFFF888000000000),
    ("size", "2M", 2 << 20),
    ("size", "16k", 16 << 10),
    ("size", "1G", 1 << 30),
    ("size", "0", 0),
    ("size", "0x8000000", 0x8000000),
    ("range", "[0x1000, 0x3000]", AddressRange(0x1000, 0x3000)),
    ("range", "0x1000,0x3000", AddressRange(0x1000, 0x3000)),
    ("ranges", "[[0, 1], [4, 8]]", (AddressRange(0, 1), AddressRange(4, 8))),
    ("ranges", "[0, 1], [4, 8]", (AddressRange(0, 1), AddressRange(4, 8))),
    ("ranges", "[]", ()),
    ("addresses", "0x1000, 0x2000", (0x1000, 0x2000)),
    ("addresses", "[]", ()),
    ("placements", "{0xfed00000: 0xffffc90000000000}", {0xFED00000: 0xFFFFC90000000000}),
    ("placements", "0xfed00000:0xffffc90000000000, 4:5", {0xFED00000: 0xFFFFC90000000000, 4: 5}),
    ("placements", "{}", {}),
]


def _option(kind: str, **more: Any) -> Option:
    return Option(name="any", kind=kind, default=None, doc="any", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "text", "value"), GIVEN)
def test_a_command_line_gives_a_value(kind: str, text: str, value: Any) -> None:
    option, reading = _option(kind), Reading()
    assert shape_of(option).read(written_value(option, text), reading) == value
    assert not reading.errors


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [one for one in GIVEN if one[0] != "version" and one[1][0] in "[{0123456789"],
)
def test_a_file_gives_the_same_value(kind: str, text: str, value: Any) -> None:
    if kind in ("range", "addresses") and not text.startswith("["):
        text = f"[{text}]"
    if kind == "ranges" and text == "[0, 1], [4, 8]":
        text = f"[{text}]"
    if kind == "placements" and not text.startswith("{"):
        text = "{" + text.replace(":", ": ") + "}"
    node, errors = parse(SourceText("a.yaml", text + "\n"))
    assert node is not None
    assert not errors
    reading = Reading()
    assert shape_of(_option(kind)).read(node, reading) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("size", "2T"),
        ("size", "-1"),
        ("size", "M"),
        ("size", "18446744073709551616"),
        ("range", "0x3000,0x1000"),
        ("range", "0x3000"),
        ("range", "[1, 2"),
        ("ranges", "1, 2"),
        ("ranges", "[[2, 1]]"),
        ("addresses", "nowhere"),
        ("placements", "0x1000"),
        ("placements", "here:0x1000"),
        ("placements", "0x1000:there"),
        ("placements", "0x1000:0x10000000000000000"),
    ],
)
def test_what_an_option_cannot_be_is_refused_in_words(kind: str, text: str) -> None:
    option, reading = _option(kind), Reading()
    shape_of(option).read(written_value(option, text), reading)
    assert reading.errors
    assert "expected" in reading.errors[0].message


def test_an_integer_keeps_to_its_limits() -> None:
    option = _option("integer", limits=(0, 63))
    for text, fits in [("0", True), ("63", True), ("64", False)]:
        reading = Reading()
        shape_of(option).read(written_value(option, text), reading)
        assert bool(reading.errors) is not fits
