"""Values that only the platform file has: a quoted revision, a page size, index gaps."""

from __future__ import annotations

import re
from typing import Any, Final

from efipolicy.model.platform import Revision
from efipolicy.source.document import Node, Scalar, Sequence
from efipolicy.source.shape import INVALID, Integer, JsonSchema, ListOf, Reading, Shape, found_in

FORMAT_VERSION: Final = 1
COUNT: Final = Integer(32)
_PAGE_SIZES = {"4K": 0x1000, "8K": 0x2000, "16K": 0x4000, "64K": 0x10000}


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
