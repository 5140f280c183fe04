"""Values that only the platform file has: a quoted revision, a page size, index gaps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from efipolicy.model.platform import Revision
from efipolicy.source.document import Mapping, Node, Scalar, Sequence
from efipolicy.source.shape import (
    INVALID,
    Field,
    Integer,
    JsonSchema,
    ListOf,
    Pattern,
    Reading,
    Shape,
    Text,
    found_in,
)

FORMAT_VERSION: Final = 1
COUNT: Final = Integer(32)
ADDRESS: Final = Integer(64)
TEXT: Final = Text()
RANGE: Final = ListOf(ADDRESS, length=2, phrase="a pair of addresses: [start, end)")
GUID: Final = Pattern(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "a GUID such as 8868e871-e4f1-11d3-bc22-0080c73c8881",
)
_PAGE_SIZES = {"4K": 0x1000, "8K": 0x2000, "16K": 0x4000, "64K": 0x10000}


def declared(kind: Callable[..., Any]) -> Callable[[Mapping, dict[str, Any]], Any]:
    """How a record becomes a value of the model that knows where it was read."""

    def build(node: Mapping, values: dict[str, Any]) -> Any:
        return kind(**values, located=node)

    return build


def place_fields(*more: Field) -> tuple[Field, ...]:
    """Start and size of a range of physical addresses, and what else a record has."""
    return (
        Field("start", ADDRESS, "physical address of the first byte", required=True),
        Field("size", ADDRESS, "bytes", required=True),
        *more,
    )


class Bytes(Integer):
    """A number of bytes, also as whole KiB: ``8K``."""

    _kibibytes = re.compile(r"([1-9]\d{0,9})(?:K|KiB)")

    def __init__(self, bits: int) -> None:
        super().__init__(bits)
        self.phrase += ", or whole KiB such as 8K"

    def read(self, node: Node, reading: Reading) -> Any:
        """Bytes."""
        if isinstance(node, Scalar) and (kibibytes := self._kibibytes.fullmatch(node.text)):
            return int(kibibytes[1]) << 10
        return super().read(node, reading)

    def json_schema(self) -> JsonSchema:
        """An integer, or a string with the unit."""
        text = {"type": "string", "pattern": f"^{self._kibibytes.pattern}$"}
        return {"anyOf": [*super().json_schema()["anyOf"], text]}


class QuotedRevision(Shape):
    """A revision of the UEFI specification; unquoted, YAML would read 2.10 as the number 2.1."""

    phrase = 'a quoted revision such as "2.10"'
    _form = re.compile(r"\d{1,4}\.\d{1,4}(?:\.\d{1,4})?")

    def read(self, node: Node, reading: Reading) -> Any:
        """The revision."""
        if isinstance(node, Scalar) and self._form.fullmatch(node.text):
            if not node.plain:
                return Revision.parse(node.text)
            means = node.text.rstrip("0").rstrip(".") if node.text.count(".") == 1 else node.text
            shown = means if "." in means else f"{means}.0"
            why = f", which YAML reads as the number {shown}" if shown != node.text else ""
            return reading.refuse(
                node, f"{node.text} without quotes{why}", f'a quoted revision: "{node.text}"'
            )
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A string."""
        return {"type": "string", "pattern": r"^\d{1,4}\.\d{1,4}(\.\d{1,4})?$"}


class Date(Shape):
    """A day of the calendar, as ISO 8601 writes it."""

    phrase = "a date such as 2027-03-31"

    def read(self, node: Node, reading: Reading) -> Any:
        """The date as it was written."""
        if isinstance(node, Scalar) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", node.text):
            from datetime import date

            try:
                date.fromisoformat(node.text)
            except ValueError:
                return reading.refuse(node, f"{node.text}, which no calendar has", self.phrase)
            return node.text
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A string that spells a date."""
        return {"type": "string", "format": "date"}


class Gaps(ListOf):
    """Index gaps: pairs whose ends ascend, each beyond the one before."""

    def __init__(self) -> None:
        pair = ListOf(COUNT, length=2, phrase="a pair of indices: [first, last]")
        super().__init__(pair, phrase="a list of index pairs")

    def read(self, node: Node, reading: Reading) -> Any:
        """The pairs in their order."""
        gaps: Any = super().read(node, reading)
        if gaps is INVALID or not isinstance(node, Sequence):
            return gaps
        before = -1
        for item, (first, last) in zip(node.items, gaps, strict=True):
            if not before < first <= last:
                return reading.refuse(
                    item, f"the gap [{first}, {last}]", "ascending pairs: [first, last]"
                )
            before = last
        return gaps


class FormatVersion(Shape):
    """The version of the format, which is also how a platform file is recognised."""

    phrase = f"{FORMAT_VERSION}"

    def read(self, node: Node, reading: Reading) -> Any:
        """The version this reader knows."""
        if isinstance(node, Scalar) and node.text == self.phrase:
            return FORMAT_VERSION
        return reading.refuse(node, f"version {found_in(node)} of the format", self.phrase)

    def json_schema(self) -> JsonSchema:
        """A constant."""
        return {"const": FORMAT_VERSION}


class Width(Shape):
    """The width of code or of a processor mode: 32 or 64 bits."""

    phrase = "32 or 64"

    def read(self, node: Node, reading: Reading) -> Any:
        """The number of bits."""
        if isinstance(node, Scalar) and node.text in ("32", "64"):
            return int(node.text)
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """One of the two."""
        return {"enum": [32, 64]}


class PageSize(Shape):
    """A size of an operating system's page."""

    phrase = f"a page size: {', '.join(_PAGE_SIZES)}, or bytes"

    def read(self, node: Node, reading: Reading) -> Any:
        """Bytes."""
        if isinstance(node, Scalar) and node.text in _PAGE_SIZES:
            return _PAGE_SIZES[node.text]
        if isinstance(node, Scalar) and node.text[:1].isdigit() and node.text[-1:].isalnum():
            probe = Reading()
            value = COUNT.read(node, probe)
            if isinstance(value, int) and value >= 0x1000 and value & (value - 1) == 0:
                return value
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A name or an integer."""
        return {"anyOf": [{"enum": list(_PAGE_SIZES)}, *COUNT.json_schema()["anyOf"]]}


def page_size_bytes(text: str) -> int:
    """The bytes of a page size as people write it (``64K`` or a number). Raises `ValueError`."""
    size = _PAGE_SIZES.get(text) or int(text, 0)
    if size < 0x1000 or size & (size - 1):
        raise ValueError(text)
    return size
