"""What may be written for an option of a strategy or of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from efipolicy.model.address import AddressRange
from efipolicy.plugin.types import Option
from efipolicy.source import SourceText
from efipolicy.source.document import Mapping as MappingNode
from efipolicy.source.document import Node, Scalar, parse
from efipolicy.source.shape import (
    INVALID,
    Choice,
    Flag,
    Integer,
    JsonSchema,
    ListOf,
    MappingOf,
    Pattern,
    Reading,
    Shape,
    Text,
    found_in,
)


def shape_of(option: Option) -> Shape:
    """What may be written for an option, in a file as on the command line."""
    if option.kind == "version":
        return _Version(option.minimum)
    if option.kind == "choice":
        return Choice(*option.choices)
    if option.kind == "integer" and option.limits:
        return Integer(64, minimum=option.limits[0], maximum=option.limits[1])
    return _SHAPES[option.kind]()


def written_value(option: Option, text: str) -> Node:
    """The words of a command line as the node that a file would have; its quotes are the shell's.

    Lists and mappings are written as in YAML, and may leave out their outer brackets. What cannot
    be read as such is a plain scalar, which the option then refuses.
    """
    source = SourceText("--option", text)
    scalar = Scalar(source, 0, len(text), text, plain=option.kind != "version")
    brackets = _BRACKETS.get(option.kind)
    if brackets is None:
        return scalar
    opening, closing = brackets
    inner = text.strip()
    nested = option.kind == "ranges" and not inner.replace(" ", "").startswith(("[[", "[]"))
    if nested or not inner.startswith(opening):
        inner = f"{opening}{inner}{closing}"
    node, errors = parse(SourceText("--option", inner.replace(":", ": ") + "\n"))
    return scalar if errors or node is None else node


def option_text(option: Option, value: Any) -> str:
    """A value as a command line would have it; ``unknown`` for none."""
    written = option_json(option, value)
    if written is None:
        return "unknown"
    if isinstance(written, bool):
        return "true" if written else "false"
    return _as_yaml(written)


def option_json(option: Option, value: Any) -> Any:
    """A value as JSON has it: addresses are hexadecimal strings, a version is a string."""
    if value is None:
        return None
    match option.kind:
        case "version":
            return ".".join(map(str, value))
        case "address":
            return f"{value:#x}"
        case "range":
            return [f"{address:#x}" for address in value]
        case "ranges":
            return [[f"{address:#x}" for address in extent] for extent in value]
        case "addresses":
            return [f"{address:#x}" for address in value]
        case "placements":
            return {f"{physical:#x}": f"{virtual:#x}" for physical, virtual in value.items()}
        case _:
            return value


def _as_yaml(written: Any) -> str:
    if isinstance(written, list):
        return f"[{', '.join(map(_as_yaml, written))}]"
    if isinstance(written, dict):
        return "{" + ", ".join(f"{key}: {value}" for key, value in written.items()) + "}"
    return str(written)


def option_values(
    options: Iterable[Option], written: Mapping[str, tuple[Scalar, Node]]
) -> dict[str, Any]:
    """The values of the options that are given, by name, each written as key and value.

    Raises `InputError` for the first value that its option cannot have.
    """
    reading = Reading()
    values = {
        option.name: shape_of(option).read(written[option.name][1], reading)
        for option in options
        if option.name in written
    }
    if reading.errors:
        raise reading.errors[0]
    return values


class _Size(Shape):
    """A number of bytes, or of KiB, MiB or GiB with a letter behind it."""

    phrase = "a size: bytes, or a number with K, M or G behind it"

    def read(self, node: Node, reading: Reading) -> Any:
        """Bytes."""
        text = node.text if isinstance(node, Scalar) else ""
        shift = _UNITS.get(text[-1:].upper())
        if shift and text[:-1].isdecimal() and len(text) < 12:
            return int(text[:-1]) << shift
        found: Any = Integer(64).read(node, Reading())
        return reading.refuse(node, found_in(node), self.phrase) if found is INVALID else found

    def json_schema(self) -> JsonSchema:
        """An integer, or a string that spells a size."""
        schema = Integer(64).json_schema()
        schema["anyOf"] += [{"type": "string", "pattern": "^[0-9]{1,11}[KMGkmg]$"}]
        return schema


class _Placements(MappingOf):
    """Virtual addresses by the physical ones they stand for."""

    def __init__(self) -> None:
        super().__init__(Integer(64), phrase="a mapping of physical to virtual addresses")

    def read(self, node: Node, reading: Reading) -> Any:
        """The virtual address of each physical one."""
        values: Any = super().read(node, reading)
        keys = node.entries.values() if isinstance(node, MappingNode) else ()
        physical = [Integer(64).read(key, reading) for key, _ in keys]
        if values is INVALID or INVALID in physical:
            return INVALID
        return dict(zip(physical, values.values(), strict=True))


class _Version(Pattern):
    """A quoted version, at least as high as the first one the option is about."""

    def __init__(self, minimum: tuple[int, ...] | None) -> None:
        self.minimum = minimum
        since = f", {'.'.join(map(str, minimum))} or later" if minimum else ""
        super().__init__(
            r"\d{1,4}\.\d{1,4}(?:\.\d{1,4})?", f'a quoted version such as "6.12"{since}'
        )

    def read(self, node: Node, reading: Reading) -> Any:
        """The version as a tuple of integers; unquoted, YAML would read 6.10 as 6.1."""
        if isinstance(node, Scalar) and node.plain:
            return reading.refuse(node, f"{node.text} without quotes", self.phrase)
        text = super().read(node, reading)
        if text is INVALID:
            return INVALID
        version = tuple(map(int, str(text).split(".")))
        if self.minimum and version < self.minimum:
            return reading.refuse(node, f"{text}", self.phrase)
        return version


class _Range(ListOf):
    """A range: two addresses, the end exclusive."""

    def __init__(self) -> None:
        super().__init__(Integer(64), length=2, phrase="a range: [start, end)")

    def read(self, node: Node, reading: Reading) -> Any:
        """The range; an empty one is refused."""
        ends: Any = super().read(node, reading)
        if ends is INVALID:
            return INVALID
        if ends[0] >= ends[1]:
            return reading.refuse(node, f"[{ends[0]:#x}, {ends[1]:#x})", self.phrase)
        return AddressRange(*ends)


_UNITS = {"K": 10, "M": 20, "G": 30}
_BRACKETS = {
    "range": ("[", "]"),
    "ranges": ("[", "]"),
    "addresses": ("[", "]"),
    "placements": ("{", "}"),
}
_SHAPES: dict[str, Callable[[], Shape]] = {
    "address": lambda: Integer(64),
    "integer": lambda: Integer(64),
    "size": _Size,
    "boolean": Flag,
    "range": _Range,
    "ranges": lambda: ListOf(_Range(), phrase="a list of ranges, each [start, end)"),
    "addresses": lambda: ListOf(Integer(64), phrase="a list of addresses"),
    "placements": _Placements,
    "text": Text,
}
