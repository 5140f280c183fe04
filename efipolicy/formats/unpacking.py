"""Inputs that are no text, shown as the text a shell would print of them.

A folder of sysfs becomes the output of ``grep -r .``, so does an archive of one; raw memory becomes
a hex dump. The capture formats read those, whoever made them, and a place in the input is a place
in that text.
"""

from __future__ import annotations

from typing import Final

from efipolicy.source import ForeignInputError, InputError, SourceText, decode

_COMPRESSED: Final = (b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"BZh")
"""How gzip, xz and bzip2 begin: little in them but noise, which may pass for text."""


def text_of(path: str, content: bytes) -> SourceText:
    """The text that an input's bytes are, or that is shown of them.

    Raises `InputError` for what cannot be unpacked, and `ForeignInputError` for binary data that is
    no memory map.
    """
    if content.startswith(_COMPRESSED):
        shown = _unpacked(path, content)
        if shown:
            return shown
    try:
        return decode(path, content)
    except ForeignInputError:
        shown = _unpacked(path, content) or _dumped(path, content)
        if shown is None:
            raise
        return shown


def _unpacked(path: str, content: bytes) -> SourceText | None:
    from efipolicy.formats.archives import archive_text

    return archive_text(path, content)


def _dumped(path: str, content: bytes) -> SourceText | None:
    from efipolicy.formats.hex_dump import dumped

    return dumped(path, content)


def text_of_folder(path: str, shown: str) -> SourceText:
    """The text that is shown of a folder of sysfs or of the device tree.

    Raises `InputError` for a folder that is neither.
    """
    from efipolicy.formats.sysfs_tree import folder_text

    source = folder_text(path, shown)
    if source is None:
        expected = "a file, or a folder such as /sys/firmware/efi/runtime-map"
        raise InputError(shown, "a folder with nothing of efipolicy's in it", expected)
    return source
