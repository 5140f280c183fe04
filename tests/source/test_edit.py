"""Edits of a text: what they change, and that they change nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.source import SourceText, decode
from efipolicy.source.document import Mapping, Scalar, Sequence, parse
from efipolicy.source.edit import TextEdit, apply_edits
from efipolicy.source.node_edit import drop_items, insert_item, insert_key
from efipolicy.source.spelling import UnspellableError, respelled, spell_integer


def test_edits_are_made_at_their_places_in_the_text_as_it_was() -> None:
    edits = [TextEdit(6, 11, "moon"), TextEdit(0, 5, "good night"), TextEdit(11, 11, "!")]
    assert apply_edits("hello world", edits) == "good night moon!"


def test_insertions_at_one_place_keep_their_order() -> None:
    assert apply_edits("ad", [TextEdit(1, 1, "b"), TextEdit(1, 1, "c")]) == "abcd"


@pytest.mark.parametrize(
    "edits",
    [
        [TextEdit(0, 3, ""), TextEdit(2, 4, "")],
        [TextEdit(0, 3, ""), TextEdit(1, 1, "x")],
        [TextEdit(0, 3, "a"), TextEdit(0, 3, "a")],
        [TextEdit(3, 9, "")],
        [TextEdit(-1, 2, "")],
        [TextEdit(3, 2, "")],
    ],
)
def test_edits_that_overlap_or_leave_the_text_are_refused(edits: list[TextEdit]) -> None:
    with pytest.raises(ValueError, match="edits overlap or leave the text"):
        apply_edits("abcdef", edits)


@given(st.text(), st.lists(st.tuples(st.integers(0, 9), st.text(max_size=3)), max_size=5))
def test_what_is_between_edits_stays(text: str, drawn: list[tuple[int, str]]) -> None:
    places = sorted({min(place, len(text)) for place, _ in drawn})
    edits = [TextEdit(place, place, word) for place, (_, word) in zip(places, drawn, strict=False)]
    changed = apply_edits(text, edits)
    assert len(changed) == len(text) + sum(len(edit.replacement) for edit in edits)
    assert apply_edits(changed, []) == changed


@pytest.mark.parametrize(
    ("old", "new", "spelled"),
    [
        ("0x7ec00000", 0x7EC01000, "0x7ec01000"),
        ("0x7EC0_0000", 0x7EC0_F000, "0x7EC0_F000"),
        ("0x7ec0_0000", 0xF000, "0xf000"),
        ("0x0000_0000", 0xABCD, "0x0000_abcd"),
        ("0x1_0000", 0x8000_0000_0000_0000, "0x8000_0000_0000_0000"),
        ("0x1_00000", 0x1234567, "0x12_34567"),
        ("0x123_4567_00", 0x7654321_01, "0x765_4321_01"),
        ("0x0", 0x1000, "0x1000"),
        ("0x00", 0x5, "0x05"),
        ("0X00FF", 0xAB, "0X00AB"),
        ("0X10", 0xAB, "0Xab"),
        ("16", 255, "255"),
        ("1_000_000", 2500, "2_500"),
        ("1_000", 1234567, "1_234_567"),
        ("0", 7, "7"),
        ("EfiLoaderCode", 0x20, "0x20"),
        ("", 0x20, "0x20"),
    ],
)
def test_a_number_is_spelled_as_the_one_before_it(old: str, new: int, spelled: str) -> None:
    assert spell_integer(old, new) == spelled


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(1, 9), st.booleans())
def test_a_spelled_number_is_the_number(old: int, new: int, group: int, decimal: bool) -> None:
    digits = f"{old:d}" if decimal else f"{old:016x}"
    groups = [digits[max(0, end - group) : end] for end in range(len(digits), 0, -group)]
    literal = ("" if decimal else "0x") + "_".join(reversed(groups))
    spelled = spell_integer(literal, new)
    assert int(spelled, 0) == new
    assert spell_integer(spelled, new) == spelled
    assert spell_integer(literal, old) == literal


def scalar(text: str) -> Scalar:
    node, errors = parse(SourceText("p.yaml", text))
    assert errors == []
    assert isinstance(node, Mapping)
    value = node.entries["a"][1]
    assert isinstance(value, Scalar)
    return value


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: b # c\n", "a: new # c\n"),
        ("a: 'b'\n", "a: 'new'\n"),
        ('{"a":"b"}', '{"a":"new"}'),
        ('a: "\\x62"\n', 'a: "new"\n'),
        ("a: |-\n  b\n# c\n", "a: |-\n  new\n# c\n"),
        ("a: >\n  b\n\n", "a: >\n  new\n\n"),
    ],
)
def test_a_scalar_keeps_its_quotes(text: str, after: str) -> None:
    new = "new\n" if text == "a: >\n  b\n\n" else "new"
    assert apply_edits(text, [respelled(scalar(text), new)]) == after


def test_quotes_inside_quotes_are_escaped_and_a_plain_scalar_gets_none() -> None:
    assert respelled(scalar("a: 'b'"), "it's").replacement == "it''s"
    assert respelled(scalar('a: "b"'), 'a "\\"').replacement == 'a \\"\\\\\\"'
    for text in ("a: b", "- no", "#", "x #y", "[", "", "é"):
        with pytest.raises(UnspellableError, match="would need quotes"):
            respelled(scalar("a: b"), text if text != "a: b" else "c: d")


def test_a_scalar_folded_over_lines_is_not_touched() -> None:
    with pytest.raises(UnspellableError, match="folded"):
        respelled(scalar("a: >-\n  b\n  c\n"), "new")


def sequence(text: str) -> tuple[Sequence, Scalar]:
    node, errors = parse(SourceText("p.yaml", text))
    assert errors == []
    assert isinstance(node, Mapping)
    key, value = node.entries["a"]
    assert isinstance(value, Sequence)
    return value, key


DROPPED: list[tuple[str, set[int], str]] = [
    ("a: [x, y, z]", {0}, "a: [y, z]"),
    ("a: [x, y, z]", {1}, "a: [x, z]"),
    ("a: [x, y, z]", {2}, "a: [x, y]"),
    ("a: [x, y, z]", {1, 2}, "a: [x]"),
    ("a: [x, y, z]", {0, 2}, "a: [y]"),
    ("a: [x, y, z]", {0, 1, 2}, "a: []"),
    ("a: [ x , y , z ]", {2}, "a: [ x , y ]"),
    ("a: [ x , y , z ]", {0}, "a: [ y , z ]"),
    ("a: [x, y,]", {1}, "a: [x,]"),
    ("a: [x, y,]", {0}, "a: [y,]"),
    ("a: [x, y, ]", {0, 1}, "a: []"),
    ("a: [x,\n    y]", {0}, "a: [y]"),
    ("a: [x,\n    y]", {1}, "a: [x]"),
    ("a: [x, # of x\n    y]", {0}, "a: [ # of x\n    y]"),
    ("a: [x, # of x\n    y]", {1}, "a: [x  # of x\n    ]"),
    ("a: [\n  x, # of x\n  # on y\n  y, # of y\n]", {0}, "a: [\n  # on y\n  y, # of y\n]"),
    ("a: [\n  x, # of x\n  # on y\n  y, # of y\n]", {1}, "a: [\n  x, # of x\n  # on y\n]"),
    ("a: [\n  x,  # of x\n  y   # of y\n]", {1}, "a: [\n  x   # of x\n]"),
    ("a: [\n  x, # of x\n  y  # of y\n]", {0, 1}, "a: [\n]"),
    ("a: [ x\n   , y\n   , z ]", {1}, "a: [ x\n   , z ]"),
    ("a: [ x\n   , y\n   , z ]", {2}, "a: [ x\n   , y ]"),
    ('a: ["x, y", z]', {0}, "a: [z]"),
    ("a: [x, y]  # not [x]", {1}, "a: [x]  # not [x]"),
    ("a:\n- x\n- y\n", {0}, "a:\n- y\n"),
    ("a:\n  - x # of x\n  # on y\n  - y\n", {0}, "a:\n  # on y\n  - y\n"),
    ("a:\n  - x\n  - y", {1}, "a:\n  - x\n"),
    ("a: # all\n  - x\n  - y\nb: 1\n", {0, 1}, "a: [] # all\nb: 1\n"),
    ("a :\n- x", {0}, "a : []\n"),
    ("a:\n-   # odd\n  k: 1\n\n  l: 2 # of l\n- y\n", {0}, "a:\n- y\n"),
    ("a:\n- k: |\n    text\n\n- y\n", {0}, "a:\n- y\n"),
    ("a:\n- y\n- k: |\n    text\n", {1}, "a:\n- y\n"),
    ("a:\n- - x\n  - y\n- z\n", {0}, "a:\n- z\n"),
]


@pytest.mark.parametrize(("text", "dropped", "after"), DROPPED)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", "\u2028"])
def test_an_item_goes_with_its_comma_its_comment_and_its_lines(
    text: str, dropped: set[int], after: str, ending: str
) -> None:
    text, after = text.replace("\n", ending), after.replace("\n", ending)
    node, key = sequence(text)
    changed = apply_edits(text, drop_items(node, dropped, key=key))
    assert changed == after
    left, _ = sequence(changed)
    assert len(left.items) == len(node.items) - len(dropped)


@pytest.mark.parametrize("text", ["? a\n: - x\n  - y\n", "a: 1\n"])
def test_an_item_that_shares_its_line_is_not_dropped(text: str) -> None:
    if text == "a: 1\n":
        node, _ = parse(SourceText("p.yaml", "- - x\n  - y\n"))
        assert isinstance(node, Sequence)
        inner = node.items[0]
        assert isinstance(inner, Sequence)
        with pytest.raises(UnspellableError):
            drop_items(inner, {0}, key=None)
        return
    node, key = sequence(text)
    with pytest.raises(UnspellableError, match="middle of a line"):
        drop_items(node, {0}, key=key)


@pytest.mark.parametrize(
    ("text", "place", "after"),
    [
        ("a: [x, z]", 1, "a: [x, y, z]"),
        ("a: [x,z]", 0, "a: [y,x,z]"),
        ("a: [x, z]", 2, "a: [x, z, y]"),
        ("a: [x,\n    z]", 2, "a: [x,\n    z,\n    y]"),
        ("a: [x, # c\n    z, # d\n]", 2, "a: [x, # c\n    z, y, # d\n]"),
        ("a: []", 0, "a: [y]"),
        ("a: [ # none\n]", 0, "a: [y # none\n]"),
        ("a:\n  -  x # c\n", 0, "a:\n  -  y\n  -  x # c\n"),
        ("a:\n  -  x # c\n", 1, "a:\n  -  x # c\n  -  y\n"),
        ("a:\n- x\n- z", 2, "a:\n- x\n- z\n- y"),
    ],
)
def test_a_new_item_is_written_like_the_others(text: str, place: int, after: str) -> None:
    node, _ = sequence(text)
    assert apply_edits(text, [insert_item(node, place, "y")]) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: 1 # c\n", "a: 1 # c\nk: v\n"),
        ("a: 1", "a: 1\nk: v"),
        ("{a: 1, b: 2}", "{a: 1, b: 2, k: v}"),
        ("{a: 1,    b: 2,}", "{a: 1,    b: 2, k: v,}"),
        ("{a: 1,\n b: 2 # c\n}", "{a: 1,\n b: 2,\n k: v # c\n}"),
        ('{"a":1,"b":2}', '{"a":1,"b":2,k:v}'),
        ("{}", "{k: v}"),
        ("a:\n  - 1\n  - 2\n# c\n", "a:\n  - 1\n  - 2\nk: v\n# c\n"),
        ("a: |\n  text\n\n", "a: |\n  text\n\nk: v\n"),
        ("a: [1,\n  2] # c\r\n", "a: [1,\n  2] # c\nk: v\r\n"),
    ],
)
def test_a_new_key_is_written_like_the_others(text: str, after: str) -> None:
    node, _ = parse(SourceText("p.yaml", text))
    assert isinstance(node, Mapping)
    assert apply_edits(text, [insert_key(node, "k", "v")]) == after


def test_a_new_key_of_an_item_stands_below_the_first() -> None:
    text = "-   a: 1\n-   # odd\n    b: 1\n"
    node, _ = parse(SourceText("p.yaml", text))
    assert isinstance(node, Sequence)
    edits = [insert_key(item, "k", "v") for item in node.items if isinstance(item, Mapping)]
    assert apply_edits(text, edits) == "-   a: 1\n    k: v\n-   # odd\n    b: 1\n    k: v\n"


@pytest.mark.parametrize(
    "content",
    [
        b"a: 1\n",
        b"a: 1\r\nb: 2\r\n",
        b"\xef\xbb\xbfa: 1\r\n",
        "a: \N{SNOWMAN}\n".encode(),
        b"\xff\xfe" + "a: \N{SNOWMAN}\n".encode("utf-16-le"),
        b"\xfe\xff" + "a: \N{SNOWMAN}\n".encode("utf-16-be"),
    ],
)
def test_a_text_knows_the_bytes_it_was_read_from(content: bytes) -> None:
    source = decode("p.yaml", content)
    assert source.content == content
    assert decode("p.yaml", source.with_text("b\r\n").content).text == "b\r\n"
