"""Describe the shape of a document once; reader, JSON Schema and reference derive from it.

A *shape* says what may stand at one place of a document. ``read`` turns a node into a value and
collects every mistake; ``json_schema`` gives the same rule to editors; ``phrase`` is its name in
error messages and reference tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from efipolicy.source.document import Mapping as MappingNode
from efipolicy.source.document import Node, Scalar, Sequence
from efipolicy.source.text import InputError

JsonSchema = dict[str, Any]


class _Invalid:
    """The value of something that could not be read; its error is already recorded."""

    def __repr__(self) -> str:
        return "INVALID"


INVALID: Final = _Invalid()

_INTEGER = re.compile(r"0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0|[1-9][0-9]*(?:_[0-9]+)*")
_MOST_DIGITS = 200  # no number of ours has so many, and converting them would take its time
INTEGER_PATTERN: Final = r"^(0[xX][0-9a-fA-F]+(_[0-9a-fA-F]+)*|0|[1-9][0-9]*(_[0-9]+)*)$"


class Reading:
    """The errors of one document, collected while its shapes are read."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def refuse(self, node: Node, found: str, expected: str) -> _Invalid:
        """Record a mistake at a node."""
        self.errors.append(InputError.at(node.span, found, expected))
        return INVALID


def suggestion(word: str, choices: Iterable[str]) -> str:
    """``; did you mean `x`?`` for the closest of the choices, or nothing."""
    import difflib

    by_folded = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean `{by_folded[close[0]]}`?" if close else ""


def found_in(node: Node) -> str:
    """How an error message names what stands at a node."""
    if not isinstance(node, Scalar):
        return node.kind
    if node.plain and node.text in ("", "~", "null"):
        return "nothing"
    text = node.text if len(node.text) <= 60 else node.text[:57] + "..."
    return f"`{text}`" if node.plain else f'"{text}"'


class Shape:
    """What may stand at one place of a document."""

    phrase: str = "a value"

    def read(self, node: Node, reading: Reading) -> Any:
        """The value of a node, or `INVALID` after recording what is wrong."""
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        """The same rule as JSON Schema 2020-12."""
        raise NotImplementedError


class Integer(Shape):
    """An unsigned integer of a number of bits: decimal or hexadecimal, ``_`` between digits."""

    def __init__(self, bits: int = 64, *, minimum: int = 0, maximum: int | None = None) -> None:
        self.bits = bits
        self.minimum = minimum
        self.maximum = (1 << bits) - 1 if maximum is None else maximum
        self.phrase = f"an unsigned {bits}-bit integer, decimal or hexadecimal"
        if maximum is not None or minimum:
            self.phrase = f"an integer from {self.minimum} to {self.maximum}"

    def read(self, node: Node, reading: Reading) -> int | _Invalid:
        """The number, exact: what does not fit is refused, never wrapped."""
        if type(node) is Scalar and len(node.text) > _MOST_DIGITS:
            return reading.refuse(node, f"{found_in(node)}, {len(node.text)} digits", self.phrase)
        if type(node) is Scalar and _INTEGER.fullmatch(node.text):
            value = int(node.text, 0)
            if self.minimum <= value <= self.maximum:
                return value
            if self.maximum == (1 << self.bits) - 1 and value > self.maximum:
                return reading.refuse(
                    node, f"{found_in(node)}, which does not fit {self.bits} bits", self.phrase
                )
        elif type(node) is Scalar and re.fullmatch(r"-[0-9][0-9a-fA-FxX_]*", node.text):
            return reading.refuse(node, f"{found_in(node)}, a negative number", self.phrase)
        elif type(node) is Scalar and re.fullmatch(r"0[0-9_]+", node.text):
            return reading.refuse(
                node, f"{found_in(node)}, a number with leading zeros", self.phrase
            )
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """An integer, or a string that spells one (YAML 1.2 reads ``0x7ec0_0000`` as a string)."""
        return {
            "anyOf": [
                {"type": "integer", "minimum": self.minimum, "maximum": self.maximum},
                {"type": "string", "pattern": INTEGER_PATTERN},
            ]
        }


class Text(Shape):
    """Any text."""

    phrase = "text"

    def read(self, node: Node, reading: Reading) -> str | _Invalid:
        """The text as written, whatever YAML would make of it."""
        if isinstance(node, Scalar) and (node.text or not node.plain):
            return node.text
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A plain scalar such as ``2022.11`` is a number to other YAML readers."""
        return {"type": ["string", "number"]}


class Pattern(Shape):
    """Text of a given form."""

    def __init__(self, pattern: str, phrase: str) -> None:
        self.pattern = pattern
        self.phrase = phrase

    def read(self, node: Node, reading: Reading) -> str | _Invalid:
        """The text, when all of it has the form."""
        # Compiled when first met: most documents have few of the forms a format knows.
        if isinstance(node, Scalar) and re.fullmatch(self.pattern, node.text):
            return node.text
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A string of that form."""
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


class Choice(Shape):
    """One of a few words.

    ``also`` are other words for the same, each with the choice that it stands for. They are read
    and not advertised: the value is always one of the choices.
    """

    def __init__(self, *choices: str, also: Mapping[str, str] | None = None) -> None:
        self.choices = choices
        self.also = also or {}
        self.phrase = "one of " + ", ".join(f"`{choice}`" for choice in choices)

    def read(self, node: Node, reading: Reading) -> str | _Invalid:
        """The word, spelled exactly."""
        if isinstance(node, Scalar):
            if node.text in self.choices:
                return node.text
            if node.text in self.also:
                return self.also[node.text]
            return reading.refuse(
                node, found_in(node), self.phrase + suggestion(node.text, self.choices)
            )
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """An enumeration; editors need not propose the other words."""
        words: JsonSchema = {"enum": list(self.choices)}
        others: JsonSchema = {"enum": list(self.also), "deprecated": True}
        return {"anyOf": [words, others]} if self.also else words


class Flag(Shape):
    """Yes or no, in one pair of words."""

    def __init__(self, yes: str = "true", no: str = "false") -> None:
        self.words = {yes: True, no: False}
        self.phrase = f"`{yes}` or `{no}`"

    def read(self, node: Node, reading: Reading) -> bool | _Invalid:
        """The truth value of the word; JSON has to quote any but ``true`` and ``false``."""
        quotable = "true" not in self.words
        if isinstance(node, Scalar) and (node.plain or quotable) and node.text in self.words:
            return self.words[node.text]
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A boolean; ``on`` and ``off`` are booleans to YAML 1.1 readers and strings to 1.2."""
        if "true" in self.words:
            return {"type": "boolean"}
        return {"enum": [*self.words, True, False]}


class Number(Shape):
    """A number that also has names."""

    def __init__(self, names: Mapping[str, int], *, bits: int, phrase: str) -> None:
        self.names = names
        self.number = Integer(bits)
        self.phrase = phrase

    def read(self, node: Node, reading: Reading) -> int | _Invalid:
        """The number behind a name, or the number itself."""
        if type(node) is Scalar:
            value = self.names.get(node.text)
            if value is not None:
                return value
            if node.text[:1].isdigit() or node.text[:1] == "-":
                return self.number.read(node, reading)
            return reading.refuse(
                node, found_in(node), self.phrase + suggestion(node.text, self.names)
            )
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """The names, or an integer."""
        return {"anyOf": [{"enum": list(self.names)}, *self.number.json_schema()["anyOf"]]}


class Bits(Shape):
    """A word given as a list of bit names or as a number."""

    def __init__(self, names: Mapping[str, int], *, bits: int, phrase: str) -> None:
        self.names = names
        self.number = Integer(bits)
        self.phrase = phrase

    def read(self, node: Node, reading: Reading) -> int | _Invalid:
        """The word that the named bits make, or the number itself."""
        if type(node) is not Sequence:
            if type(node) is Scalar and (node.text[:1].isdigit() or node.text[:1] == "-"):
                return self.number.read(node, reading)
            return reading.refuse(node, found_in(node), self.phrase)
        word = 0
        names = self.names
        valid = True
        for item in node.items:
            bit = names.get(item.text) if type(item) is Scalar else None
            if bit is None:
                word_found = item.text if isinstance(item, Scalar) else ""
                reading.refuse(
                    item,
                    found_in(item),
                    f"a bit name ({', '.join(names)}){suggestion(word_found, names)}",
                )
                valid = False
            elif word & bit:
                reading.refuse(item, f"{found_in(item)} a second time", "each bit once")
                valid = False
            else:
                word |= bit
        return word if valid else INVALID

    def json_schema(self) -> JsonSchema:
        """A list of names, or an integer."""
        names = {"type": "array", "items": {"enum": list(self.names)}, "uniqueItems": True}
        return {"anyOf": [names, *self.number.json_schema()["anyOf"]]}


class ListOf(Shape):
    """A list whose items all have one shape."""

    def __init__(
        self, item: Shape, *, phrase: str | None = None, length: int | None = None
    ) -> None:
        self.item = item
        self.length = length
        self.phrase = phrase or "a list"

    def read(self, node: Node, reading: Reading) -> tuple[Any, ...] | _Invalid:
        """The items in order; every bad item is reported."""
        if type(node) is not Sequence:
            return reading.refuse(node, found_in(node), self.phrase)
        if self.length is not None and len(node.items) != self.length:
            return reading.refuse(node, f"a list of {len(node.items)}", self.phrase)
        read = self.item.read
        values = tuple([read(item, reading) for item in node.items])
        return INVALID if INVALID in values else values

    def json_schema(self) -> JsonSchema:
        """An array."""
        schema: JsonSchema = {"type": "array", "items": self.item.json_schema()}
        if self.length is not None:
            schema |= {"minItems": self.length, "maxItems": self.length}
        return schema


class MappingOf(Shape):
    """A mapping from names, free ones or those of a `Choice`, to values of one shape."""

    def __init__(self, value: Shape, *, phrase: str, names: Choice | None = None) -> None:
        self.value = value
        self.phrase = phrase
        self.names = names

    def read(self, node: Node, reading: Reading) -> dict[str, Any] | _Invalid:
        """The values by name."""
        if not isinstance(node, MappingNode):
            return reading.refuse(node, found_in(node), self.phrase)
        values = {
            name: self.value.read(value, reading) for name, (_, value) in node.entries.items()
        }
        named = [self.names.read(key, reading) for key, _ in node.entries.values() if self.names]
        return INVALID if INVALID in (*values.values(), *named) else values

    def json_schema(self) -> JsonSchema:
        """An object with keys of these names, or any."""
        schema: JsonSchema = {"type": "object", "additionalProperties": self.value.json_schema()}
        if self.names:
            schema["propertyNames"] = self.names.json_schema()
        return schema


class AnyNode(Shape):
    """Something that is judged later, by whoever knows what it means."""

    def read(self, node: Node, reading: Reading) -> Node:
        """The node itself, with its place."""
        return node

    def json_schema(self) -> JsonSchema:
        """Anything."""
        return {}


class Field:
    """One key of a record."""

    __slots__ = ("doc", "name", "required", "shape")

    def __init__(self, name: str, shape: Shape, doc: str, *, required: bool = False) -> None:
        self.name = name
        self.shape = shape
        self.doc = doc
        self.required = required


class Record(Shape):
    """A mapping with known keys, and what to build from them.

    ``build`` receives the node and the values of the keys that were given; ``one_of`` names keys
    of which exactly one must be given.
    """

    def __init__(
        self,
        name: str,
        doc: str,
        fields: Iterable[Field],
        build: Callable[[MappingNode, dict[str, Any]], Any],
        *,
        one_of: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.doc = doc
        self.fields = {field.name: field for field in fields}
        self.required = tuple(field.name for field in self.fields.values() if field.required)
        self.build = build
        self.one_of = one_of
        self.phrase = f"a mapping ({name})"

    def read(self, node: Node, reading: Reading) -> Any:
        """What ``build`` makes of the values, when all of them could be read."""
        if type(node) is not MappingNode:
            return reading.refuse(node, found_in(node), self.phrase)
        values: dict[str, Any] = {}
        fields = self.fields
        valid = True
        for name, (key, value_node) in node.entries.items():
            field = fields.get(name)
            if field is None:
                if name != "<<":  # the merge key is reported already
                    reading.refuse(
                        key,
                        f"the unknown key `{name}`",
                        f"a key of {self.name} ({', '.join(fields)}){suggestion(name, fields)}",
                    )
                valid = False
                continue
            value = field.shape.read(value_node, reading)
            if value is INVALID:
                valid = False
            else:
                values[name] = value
        for name in self.required:
            if name not in node.entries:
                valid = False
                reading.refuse(node, f"{self.name} without `{name}`", f"the key `{name}`")
        if self.one_of:
            given = [name for name in self.one_of if name in node.entries]
            if len(given) != 1:
                valid = False
                choice = " or ".join(f"`{name}`" for name in self.one_of)
                reading.refuse(
                    node,
                    "both " + " and ".join(f"`{name}`" for name in given) if given else "neither",
                    f"exactly one of {choice}",
                )
        return self.build(node, values) if valid else INVALID

    def json_schema(self) -> JsonSchema:
        """An object that takes no other keys."""
        schema: JsonSchema = {
            "type": "object",
            "description": self.doc,
            "properties": {
                name: {"description": field.doc, **field.shape.json_schema()}
                for name, field in self.fields.items()
            },
            "additionalProperties": False,
        }
        if self.required:
            schema["required"] = list(self.required)
        if self.one_of:
            schema["oneOf"] = [{"required": [name]} for name in self.one_of]
        return schema
