"""What may be written for an option of a strategy or of a rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from efipolicy.model.address import AddressRange
from efipolicy.plugin.types import Option
from efipolicy.source.document import Node, Scalar
from efipolicy.source.shape import (
    INVALID,
    Choice,
    Flag,
    Integer,
    ListOf,
    Pattern,
    Reading,
    Shape,
    Text,
)


def shape_of(option: Option) -> Shape:
    """What may be written for an option, in a file as on the command line."""
    match option.kind:
        case "version":
            return _Version(option.minimum)
        case "address" | "integer":
            return Integer(64)
        case "boolean":
            return Flag()
        case "range":
            return _Range()
        case "choice":
            return Choice(*option.choices)
        case _:
            return Text()


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
