"""An archive (tar, compressed or not) of a sysfs tree, shown as ``grep -r .`` prints the tree.

sysfs says of each file that it has a page of memory and hands out fewer bytes; ``tar -c`` makes up
for it with NULs (GNU tar: "File shrank by … bytes; padding with zeros").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from efipolicy.source import ForeignInputError, InputError, SourceText

if TYPE_CHECKING:
    from io import BufferedIOBase
    from tarfile import TarFile, TarInfo

    from efipolicy.formats.sysfs_tree import ShownFile

LARGEST: Final = 1 << 26
"""Bytes that a compressed archive may unpack to."""
MOST_MEMBERS: Final = 1 << 17

_BLOCK: Final = 512
_CHECKSUM: Final = slice(148, 156)
_EXPECTED: Final = "a tar archive of a folder such as /sys/firmware/efi"
_UNPACK: Final = "platform files and logs are read when they are unpacked"
_MOST_NAMED: Final = 3


def archive_text(path: str, content: bytes) -> SourceText | None:
    """The text shown of an archive; ``None`` for bytes that are none.

    Raises `InputError` for an archive that is damaged or too large, and `ForeignInputError` for
    one with nothing of ours in it. Nothing is written to disk.
    """
    unpacked = _unpacked(path, content)
    if unpacked is None:
        return None
    from efipolicy.formats.sysfs_tree import shown_text

    others: list[str] = []
    text = shown_text(_files(path, unpacked, others))
    if not text:
        raise ForeignInputError(path, _found(others), f"{_EXPECTED}; {_UNPACK}")
    return SourceText(path, text)


def _found(others: list[str]) -> str:
    """An archive without a file of a sysfs tree, by the names of what is in it."""
    if not others:
        return "an archive with no file in it"
    names = ", ".join(f"`{name}`" for name in others[:_MOST_NAMED])
    more = len(others) - _MOST_NAMED
    return f"an archive with no file of sysfs in it ({names}{f' and {more} more' * (more > 0)})"


def _unpacked(path: str, content: bytes) -> bytes | None:
    """The bytes of the tar archive, or ``None`` for something else."""
    opened = _opened(content)
    if opened is None:
        return content if _is_tar(content[:_BLOCK]) else None
    import lzma
    import zlib

    try:
        with opened as file:
            first = file.read(_BLOCK)
            if not _is_tar(first):
                return None
            unpacked = first + file.read(LARGEST)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as problem:
        raise InputError(path, f"damaged compressed data ({problem})", _EXPECTED) from problem
    if len(unpacked) > LARGEST:
        found = f"an archive that unpacks to more than {LARGEST >> 20} MiB"
        raise InputError(path, found, "one with less in it than that")
    return unpacked


def _opened(content: bytes) -> BufferedIOBase | None:
    """A compressed file, known by its first bytes."""
    from io import BytesIO

    if content.startswith(b"\x1f\x8b\x08"):
        from gzip import GzipFile

        return GzipFile(fileobj=BytesIO(content))
    if content.startswith(b"\xfd7zXZ\0"):
        from lzma import LZMAFile

        return LZMAFile(BytesIO(content))
    if content.startswith(b"BZh"):
        from bz2 import BZ2File

        return BZ2File(BytesIO(content))
    return None


def _is_tar(header: bytes) -> bool:
    """Whether the first block has the checksum of a header (POSIX.1-2017, pax, ustar format)."""
    stated = header[_CHECKSUM].strip(b" \0")
    if len(header) < _BLOCK or not stated or stated.strip(b"01234567"):
        return False
    return int(stated, 8) == sum(header) - sum(header[_CHECKSUM]) + 8 * ord(" ")


def _files(path: str, unpacked: bytes, others: list[str]) -> list[ShownFile]:
    """The files of ours, the last one of those with the same path; the names of ``others``."""
    import tarfile
    from io import BytesIO

    files: dict[str, ShownFile] = {}
    try:
        with tarfile.open(fileobj=BytesIO(unpacked), mode="r:") as archive:
            for count, member in enumerate(archive):
                if count >= MOST_MEMBERS:
                    found = f"an archive of more than {MOST_MEMBERS} files"
                    raise InputError(path, found, "one with fewer")
                file = _file(archive, member)
                if file:
                    files[file.path] = file
                elif member.isreg():
                    others.append(member.name)
            end = unpacked[archive.offset : archive.offset + _BLOCK]
    except (tarfile.TarError, OSError, EOFError, ValueError) as problem:
        raise InputError(path, f"a damaged archive ({problem})", _EXPECTED) from problem
    if end.strip(b"\0") or len(end) < _BLOCK:
        raise InputError(path, "an archive that is damaged or cut off", _EXPECTED)
    return [*files.values()]


def _file(archive: TarFile, member: TarInfo) -> ShownFile | None:
    """A member that is an ordinary file of ours."""
    from efipolicy.formats.sysfs_tree import checked, is_known, most_bytes

    name = member.name.removeprefix("./").encode("utf-8", "replace").decode("utf-8")
    content = archive.extractfile(member) if member.isreg() and is_known(name) else None
    if content is None:
        return None
    return checked(name, content.read(most_bytes(name) + 1))
