"""Raw memory shown as a hex dump, so that a place in it is a place in a text."""

from __future__ import annotations

from typing import Final

from efipolicy.formats.descriptor_bytes import (
    DEVICE_TREE,
    attributes_header,
    resembles_descriptors,
    supported_services,
)
from efipolicy.source import SourceText

_LARGEST: Final = 3 << 17
"""Bytes: eight thousand descriptors of 48. The dump of more is longer than a text that is searched
for parts of maps."""

_PER_LINE: Final = 16

CHARACTERS: Final = bytes(byte if 0x20 <= byte <= 0x7E else ord(".") for byte in range(256))
"""What stands for each byte in the last column of a dump."""


def dumped(path: str, content: bytes) -> SourceText | None:
    """Raw memory that may hold a memory map, as a hex dump; ``None`` for anything else.

    The dump is what ``xxd`` prints, 16 bytes a line. Beside a map, the Memory Attributes Table and
    the table of runtime properties are shown, and of a flattened device tree its words of UEFI.
    """
    if content.startswith(DEVICE_TREE):
        from efipolicy.formats.device_tree import chosen_text

        chosen = chosen_text(content)
        return SourceText(path, chosen, content=content) if chosen else None
    if len(content) > _LARGEST or not _may_be_memory(content):
        return None
    return SourceText(path, as_text(content), content=content)


def _may_be_memory(content: bytes) -> bool:
    return (
        resembles_descriptors(content)
        or attributes_header(content) is not None
        or supported_services(content) is not None
    )


def as_text(content: bytes) -> str:
    """The dump of some bytes that start at address 0."""
    lines = []
    for at in range(0, len(content), _PER_LINE):
        part = content[at : at + _PER_LINE]
        shown = part.translate(CHARACTERS).decode("ascii")
        lines.append(f"{at:08x}: {part.hex(' ', -2):39}  {shown}\n")
    return "".join(lines)
