"""A folder of sysfs or of the device tree, shown as ``grep -r .`` prints it.

Only files of known names are opened, in folders where Linux has them: no variables, nothing else
that a folder may hold. The properties of the device tree are binary and shown as numbers.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats.device_tree import PREFIX, PROPERTIES, chosen_text, shown_property
from efipolicy.formats.sysfs_files import (
    ADDRESS_FILES,
    DESCRIPTOR_FILES,
    PLATFORM_SIZE,
    RANGE_FILES,
    RUNTIME_MAP,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import InputError, SourceText

MOST_ENTRIES: Final = 1 << 14
"""Entries of one list that are looked at; machines have hundreds."""
LARGEST_FILE: Final = 1 << 16
"""Bytes; sysfs says of a file that it has a page, which arm64 may have of 64 KiB."""
LARGEST_TREE: Final = 1 << 22
"""Bytes of a flattened device tree (``/sys/firmware/fdt``); the kernel takes 2 MiB."""

_EFI_FILES: Final = ("systab", *ADDRESS_FILES, PLATFORM_SIZE)
_EFI: Final = ("", "efi", "firmware/efi", "sys/firmware/efi")
_MEMMAP: Final = ("", "memmap", "firmware/memmap", "sys/firmware/memmap")
_CHOSEN: Final = (
    "",
    "chosen",
    "base/chosen",
    "devicetree/base/chosen",
    "device-tree/chosen",
    "proc/device-tree/chosen",
    "firmware/devicetree/base/chosen",
    "sys/firmware/devicetree/base/chosen",
)
_BLOB: Final = ("fdt", "firmware/fdt", "sys/firmware/fdt")
"""Where the folders are below the one that is named, a few levels above them at most."""

_NUMBERED: Final = "|".join({*DESCRIPTOR_FILES, *RANGE_FILES})
_KNOWN: Final = re.compile(
    rf"(?:.*/)?(?:runtime-map/\d{{1,10}}/(?:{'|'.join(DESCRIPTOR_FILES)})"
    rf"|memmap/\d{{1,10}}/(?:{'|'.join(RANGE_FILES)})"
    rf"|efi/(?:{'|'.join(_EFI_FILES)})|chosen/{PREFIX}(?:{'|'.join(PROPERTIES)})|firmware/fdt)\Z"
    rf"|\d{{1,10}}/(?:{_NUMBERED})\Z|(?:{'|'.join(_EFI_FILES)})\Z"
    rf"|{PREFIX}(?:{'|'.join(PROPERTIES)})\Z",
)
_DIGITS: Final = re.compile(r"(\d{1,10})")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_NUMBERED_FOLDER: Final = re.compile(r"(?:^|/)\d{1,10}/")
_MARKS: Final = tuple(name for name in _EFI_FILES if name != "runtime")
"""Without a file of one of these names, one called ``runtime`` is somebody else's."""


class ShownFile(NamedTuple):
    """A file by its path below the folder, and its content; or why that could not be read."""

    path: str
    content: bytes
    reason: str | None = None


def folder_text(path: str, shown: str) -> SourceText | None:
    """The text shown of a folder; ``None`` for one without anything of ours.

    Raises `InputError` for one that has files of ours none of which can be read.
    """
    files = [*_files(path)]
    if not files:
        return None
    text = shown_text(files)
    if all(file.reason for file in files):
        found = f"a folder whose files cannot be read ({files[0].reason})"
        raise InputError(shown, found, "files that can be read, as the user root can")
    return SourceText(shown, text) if text else None


def _files(path: str) -> Iterator[ShownFile]:
    """The files of ours below a folder."""
    for base in _EFI:
        if any(_exists(path, base, name) for name in (*_MARKS, RUNTIME_MAP)):
            yield from _read_all(path, (_joined(base, name) for name in _EFI_FILES))
        yield from _numbered(path, _joined(base, RUNTIME_MAP), DESCRIPTOR_FILES)
    for base in _MEMMAP:
        yield from _numbered(path, base, RANGE_FILES)
    yield from _numbered(path, "", DESCRIPTOR_FILES)
    for base in _CHOSEN:
        yield from _read_all(path, (_joined(base, PREFIX + name) for name in PROPERTIES))
    yield from _read_all(path, _BLOB)


def _numbered(path: str, base: str, names: Sequence[str]) -> Iterator[ShownFile]:
    """The files in the numbered folders of one folder."""
    folder = os.path.join(path, base)
    try:
        with os.scandir(folder) as entries:
            numbers = [one.name for one in entries if _NUMBER.fullmatch(one.name)]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        yield ShownFile(base, b"", _reason(problem))
        return
    if len(numbers) > MOST_ENTRIES:
        yield ShownFile(base, b"", f"more than {MOST_ENTRIES} entries")
        return
    for number in numbers:
        inside = _joined(base, number)
        own = [name for name in names if _exists(path, inside, name)]
        if own != ["type"]:
            yield from _read_all(path, (_joined(inside, name) for name in own))


def _exists(path: str, base: str, name: str) -> bool:
    return os.path.lexists(os.path.join(path, base, name))


def _joined(base: str, name: str) -> str:
    return f"{base}/{name}" if base else name


def _read_all(path: str, names: Iterable[str]) -> Iterator[ShownFile]:
    for name in names:
        shown = _read(path, name)
        if shown:
            yield shown


def _read(path: str, name: str) -> ShownFile | None:
    """A file that is there. What is no ordinary file is not opened: it could block, or not end."""
    place = os.path.join(path, name)
    try:
        if not stat.S_ISREG(os.stat(place).st_mode):
            return None
        with open(place, "rb") as file:
            content = file.read(most_bytes(name) + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        return ShownFile(name, b"", _reason(problem))
    return checked(name, content)


def _reason(problem: OSError) -> str:
    return (problem.strerror or str(problem)).lower()


def most_bytes(path: str) -> int:
    """How large a file of ours may be."""
    return LARGEST_TREE if _name(path) == "fdt" else LARGEST_FILE


def checked(path: str, content: bytes) -> ShownFile:
    """A file of ours with its content, unless that is none or too much."""
    if not content:
        return ShownFile(path, b"", "empty")
    if len(content) > most_bytes(path):
        return ShownFile(path, b"", f"more than {most_bytes(path)} bytes")
    return ShownFile(path, content)


def is_known(path: str) -> bool:
    """Whether a path is one of a file that is shown."""
    return _KNOWN.match(path) is not None


def shown_text(files: Iterable[ShownFile]) -> str:
    """The files as ``path:content`` lines, lists in the order of their numbers."""
    ordered = sorted(files, key=lambda file: _numerically(file.path))
    remarks = _remarks(file for file in ordered if file.reason)
    return "".join([*remarks, *(_lines(file) for file in ordered if not file.reason)])


def _numerically(path: str) -> list[tuple[str, int]]:
    """A key by which 2 comes before 10."""
    parts = _DIGITS.split(path)
    return [("", int(part)) if odd % 2 else (part, 0) for odd, part in enumerate(parts)]


def _remarks(files: Iterable[ShownFile]) -> Iterator[str]:
    """What could not be read: one line for all that is in the numbered folders of one list."""
    counts: dict[tuple[str, str], int] = {}
    for file in files:
        lists = _NUMBERED_FOLDER.split(file.path, maxsplit=1)
        name = file.path if len(lists) == 1 else lists[0] or "numbered folders"
        key = name, file.reason or ""
        counts[key] = counts.get(key, 0) + 1
    for (name, reason), count in counts.items():
        number = f", {count} files" if count > 1 else ""
        yield f"# not readable: {name}{number} ({reason})\n"


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _lines(file: ShownFile) -> str:
    """A file as lines, without the NULs that an archive pads the files of sysfs with."""
    name = _name(file.path)
    if name.startswith(PREFIX):
        return shown_property(name, file.content)
    if name == "fdt":
        return chosen_text(file.content) or ""
    words = file.content.rstrip(b"\0").decode("utf-8", "replace").replace("\0", "\ufffd")
    return "".join(f"{file.path}:{line.rstrip()}\n" for line in words.split("\n") if line.strip())
