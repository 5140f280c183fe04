"""YAML read as nodes with places, held against the round-trip loader of the YAML library."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from efipolicy.source import SourceText
from efipolicy.source.document import Mapping, Node, Scalar, Sequence, parse


def read(text: str) -> tuple[Node | None, list[str]]:
    node, errors = parse(SourceText("p.yaml", text))
    return node, [str(error) for error in errors]


def plain(node: Node | None) -> Any:
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node is None else node.text


def test_a_scalar_knows_its_line_column_and_spelling() -> None:
    node, errors = read("a: 1\nmap:\n  - {é: 0x7ec0_0000, b: 'x'}\n")
    assert errors == []
    assert isinstance(node, Mapping)
    row = node.entries["map"][1]
    assert isinstance(row, Sequence)
    mapping = row.items[0]
    assert isinstance(mapping, Mapping)
    address = mapping.entries["é"][1]
    assert isinstance(address, Scalar)
    assert str(address.span) == "p.yaml:3:9"
    assert address.span.text == "0x7ec0_0000"
    assert mapping.span.text == "{é: 0x7ec0_0000, b: 'x'}"
    assert mapping.entries["b"][0].span.text == "b"


def test_a_block_collection_ends_with_its_last_value() -> None:
    node, _ = read("a:\n  b: 1\n  c:\n    - 2\n    - 3\n\n# a remark\n\nd: 4\n")
    assert isinstance(node, Mapping)
    assert node.entries["a"][1].span.text == "b: 1\n  c:\n    - 2\n    - 3"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "p.yaml:3:1: found a second `a`, expected each key once (first on line 1)",
        ),
        ("a: &x 1\n", "p.yaml:1:4: found an anchor, expected a value without one"),
        ("a: &x {b: 1}\nc: *x\n", "p.yaml:2:4: found an alias, expected the value written out"),
        ("a: !!str 1\n", "p.yaml:1:4: found a tag, expected a value without one"),
        ("a:\n  <<: {b: 1}\n", "p.yaml:2:3: found a merge key, expected the keys written out"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: found a second document, expected one document a file"),
        (
            "%YAML 1.1\n---\na: 1\n",
            "p.yaml:1:1: found a % directive, expected plain YAML 1.2 without directives",
        ),
        ("? [a]\n: 1\n", "p.yaml:1:3: found a list as a key, expected a name"),
        ("a:\n\t- 1\n", "p.yaml:2:1: found a tab in the indentation, expected blanks"),
    ],
)
def test_what_yaml_allows_and_we_do_not_has_its_place(text: str, error: str) -> None:
    assert error in read(text)[1]


def test_every_mistake_is_reported_in_one_run() -> None:
    _, errors = read("a: &x 1\nb: *x\nb: 2\nc: !t 3\n")
    assert len(errors) == 4


def test_a_syntax_error_ends_the_reading_with_its_place() -> None:
    node, errors = read("a: [1, 2\nb: 3\n")
    assert node is None
    assert len(errors) == 1
    assert errors[0].startswith("p.yaml:2:2: found a YAML syntax error")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a remark\n", "---\n", "~\n", "null\n"])
def test_an_empty_document_has_no_node(text: str) -> None:
    assert read(text) == (None, [])


words = st.text(st.characters(categories=("L", "N"), include_characters=" _-:#'\"[]{},&*!|>%@\\"))
values = st.recursive(
    words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(words, values, min_size=1, max_size=5))
def test_what_the_round_trip_loader_reads_is_what_we_read(value: dict[str, Any]) -> None:
    from io import StringIO

    def quoted(item: Any) -> Any:
        from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

        if isinstance(item, dict):
            return {Quoted(key): quoted(inner) for key, inner in item.items()}
        if isinstance(item, list):
            return [quoted(inner) for inner in item]
        return Quoted(item)

    yaml = YAML(typ="rt")
    yaml.width = 10_000
    out = StringIO()
    yaml.dump(quoted(value), out)
    node, errors = read(out.getvalue())
    assert errors == []
    assert plain(node) == yaml.load(out.getvalue()) == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    source = SourceText("p.yaml", text)
    _, errors = parse(source)
    for error in errors:
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(text)
