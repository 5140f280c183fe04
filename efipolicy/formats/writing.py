"""Write a platform file: what `efipolicy import` makes of a capture.

The text reads back to an equal platform. Its layout is the only thing said here; what there is to
write, and how each value is spelled, follows from the description of the format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from efipolicy.formats.platform import HEADER, PLATFORM_FILE
from efipolicy.formats.platform_map import DESCRIPTOR
from efipolicy.formats.platform_values import COUNT, FORMAT_VERSION
from efipolicy.formats.written_descriptors import descriptor_lines
from efipolicy.formats.written_names import own_reason, with_own_names
from efipolicy.formats.written_origins import one_line, origin
from efipolicy.formats.written_values import flow, stated
from efipolicy.model.platform import Capture, Platform, UnreadableLine
from efipolicy.source.shape import ListOf, Record, Shape

_WIDEST: Final = 120
"""Characters of a line; a longer value is written key by key where it has keys."""
_IN_BLOCK: Final = ("platform", "mapping")
"""Sections that people edit: a key a line, however short."""


def platform_text(platform: Platform, remarks: Sequence[str] = ()) -> str:
    """The platform as a platform file; ``remarks`` become comments at its head.

    Of a platform that was read from a capture, each entry has the words it was read from as a
    comment, and comments at the head say what of the capture the file leaves out.
    """
    capture = platform.capture
    if capture is not None:
        not_read = tuple(
            replace(line, what=own_reason(line.what), line=line.located.span.line)
            for line in capture.unreadable
        )
        platform = replace(with_own_names(platform), not_read=not_read)
    lines = [*_head_comment(capture, platform, remarks), f"efipolicy: {FORMAT_VERSION}"]
    layout = _Layout(origins=capture is not None)
    lines += layout.key("platform", HEADER, platform, "")
    sections = Record("", "", _sections(), PLATFORM_FILE.build)
    for field, value in stated(sections, platform):
        if field.name != "configuration_tables_extent" or value != "whole":
            lines += layout.key(field.name, field.shape, value, "")
    return "\n".join(lines) + "\n"


def _sections() -> list[Any]:
    """The sections that a platform holds under their own names."""
    fields = PLATFORM_FILE.fields.values()
    return [field for field in fields if field.name not in ("efipolicy", "platform")]


class _Layout:
    """Which values go on one line, and which have lines of their own for their keys and items."""

    def __init__(self, *, origins: bool) -> None:
        self.origins = origins

    def key(self, name: str, shape: Shape, value: Any, indent: str) -> Iterator[str]:
        """The lines of a key and its value."""
        if isinstance(shape, ListOf) and shape.item is DESCRIPTOR:
            yield from descriptor_lines(name, value, indent, origins=self.origins)
            return
        if isinstance(shape, ListOf) and isinstance(shape.item, Record) and value:
            yield f"{indent}{name}:"
            for item in value:
                yield from self._item(name, shape.item, item, indent + "  ")
            return
        line = f"{indent}{name}: {flow(shape, value, name)}"
        if isinstance(shape, Record) and self._in_block(name, shape, value, line):
            yield f"{indent}{name}:"
            yield from self._keys(shape, value, indent + "  ")
        else:
            yield line + (self._origin(value) if isinstance(shape, Record) else "")

    def _keys(self, record: Record, value: Any, indent: str) -> Iterator[str]:
        for field, found in stated(record, value):
            # The bytes of the buffer are read beside those of a descriptor; others are of ranges.
            buffer = record.name == "memory_map" and field.name == "size"
            yield from self.key(field.name, COUNT if buffer else field.shape, found, indent)

    def _item(self, name: str, record: Record, value: Any, indent: str) -> Iterator[str]:
        """An item of a list of records, on one line or key by key."""
        line = f"{indent}- {flow(record, value)}"
        if not self._in_block(name, record, value, line):
            yield line + self._origin(value)
            return
        first, *others = self._keys(record, value, indent + "  ")
        yield f"{indent}- {first.lstrip()}"
        yield from others

    def _in_block(self, name: str, record: Record, value: Any, line: str) -> bool:
        """Whether each key has a line of its own."""
        if not any(stated(record, value)):
            return False
        return name in _IN_BLOCK or len(line) > _WIDEST or _has_descriptors(record, value)

    def _origin(self, value: Any) -> str:
        # Of a line that could not be read nobody knows whose words it holds.
        copied = self.origins and not isinstance(value, UnreadableLine)
        return origin(value) if copied else ""


def _has_descriptors(shape: Shape, value: Any) -> bool:
    """Whether a list of descriptors is somewhere in a value."""
    if isinstance(shape, Record):
        return any(_has_descriptors(field.shape, found) for field, found in stated(shape, value))
    if isinstance(shape, ListOf):
        return shape.item is DESCRIPTOR or any(_has_descriptors(shape.item, one) for one in value)
    return False


def _head_comment(
    capture: Capture | None, platform: Platform, remarks: Sequence[str]
) -> Iterator[str]:
    """Where the file comes from, and what of that it leaves out."""
    if capture is not None:
        source = "a capture"
        if capture.located is not None:
            source = one_line(capture.located.span.path.replace("\\", "/").rpartition("/")[2])
        yield f"# Imported from {source}, format {capture.dialect}. A comment behind an entry holds"
        yield "# the number and the words of the line it was read from."
    for remark in remarks:
        yield f"# {one_line(remark)}"
    if capture is not None:
        yield from _left_out(capture, platform)


_EVIDENCE: Final = (
    ("other_maps", "another memory map", "other memory maps"),
    ("remappings", "a virtual address the kernel tells", "virtual addresses the kernel tells"),
    ("page_tables", "a dump of page tables", "dumps of page tables"),
    ("reported_ranges", "a range of another table", "ranges of other tables"),
)


def _left_out(capture: Capture, platform: Platform) -> Iterator[str]:
    layouts = [one.virtual_map for one in platform.mapping or ()]
    for name, one, several in _EVIDENCE:
        number = len(getattr(capture, name))
        if name == "other_maps":  # one of them may be the layout in use, which is written
            number -= sum(one.descriptors in layouts for one in capture.other_maps)
        if number:
            what = one if number == 1 else f"{number} {several}"
            yield f"# Left out: {what} of the same text."
