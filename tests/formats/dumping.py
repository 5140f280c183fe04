"""Memory as tools print it, and what it holds as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import pack

from hypothesis import strategies as st

from efipolicy.formats.descriptor_bytes import STRIDES
from efipolicy.model.efi import DEFINED_ATTRIBUTES
from efipolicy.model.memory_map import MemoryDescriptor


def packed(descriptors: Sequence[MemoryDescriptor], stride: int = 48) -> bytes:
    """A GetMemoryMap buffer. The padding behind the type is what happened to be there."""
    return b"".join(
        pack(
            "<IIQQQQ",
            one.type,
            0xAFAFAFAF if one.type % 2 else 0,
            one.physical_start,
            one.virtual_start,
            one.number_of_pages,
            one.attribute,
        ).ljust(stride, b"\0")
        for one in descriptors
    )


def attributes_table(entries: Sequence[MemoryDescriptor], stride: int = 48) -> bytes:
    """EFI_MEMORY_ATTRIBUTES_TABLE."""
    return pack("<IIII", 1, len(entries), stride, 0) + packed(entries, stride)


def _characters(content: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in content)


def _rows(content: bytes, width: int = 16) -> list[tuple[int, bytes]]:
    return [(at, content[at : at + width]) for at in range(0, len(content), width)]


def _squeezed(content: bytes) -> list[tuple[int, bytes]]:
    """The rows, with an empty one for all that repeat the one before."""
    kept: list[tuple[int, bytes]] = []
    last = b""
    for at, row in _rows(content):
        if row != last:
            kept.append((at, row))
        elif kept[-1][1]:
            kept.append((at, b""))
        last = row
    return kept


def xxd(content: bytes, address: int = 0) -> list[str]:
    return [
        f"{address + at:08x}: {row.hex(' ', -2):39}  {_characters(row)}"
        for at, row in _rows(content)
    ]


def xxd_upper(content: bytes, address: int = 0) -> list[str]:
    """``xxd -u -g1 -c 8``."""
    return [
        f"{address + at:08x}: {row.hex(' ').upper():23}  {_characters(row)}"
        for at, row in _rows(content, 8)
    ]


def hexdump_c(content: bytes, address: int = 0) -> list[str]:
    lines = [
        f"{address + at:08x}  {row[:8].hex(' '):23}  {row[8:].hex(' '):23}  |{_characters(row)}|"
        if row
        else "*"
        for at, row in _squeezed(content)
    ]
    return [*lines, f"{address + len(content):08x}"]


def hexdump(content: bytes, address: int = 0) -> list[str]:
    """``hexdump -v``: words of 16 bits, and no characters."""
    lines = [f"{address + at:07x} {_words(row, 2)}" for at, row in _rows(content)]
    return [*lines, f"{address + len(content):07x}"]


def od(content: bytes, address: int = 0) -> list[str]:
    """``od -A x -t x1``."""
    lines = [f"{address + at:06x} {row.hex(' ')}" if row else "*" for at, row in _squeezed(content)]
    return [*lines, f"{address + len(content):06x}"]


def od_octal(content: bytes, address: int = 0) -> list[str]:
    """``od -v -t x1``."""
    lines = [f"{address + at:07o} {row.hex(' ')}" for at, row in _rows(content)]
    return [*lines, f"{address + len(content):07o}"]


def dmem(content: bytes, address: int = 0) -> list[str]:
    """The UEFI shell."""
    lines = [f"Memory Address {address:016X} {len(content):X} Bytes"]
    for at, row in _rows(content):
        shown = "-".join(part.hex(" ").upper() for part in (row[:8], row[8:]) if part)
        lines.append(f"  {address + at:08X}: {shown:48} *{_characters(row)}*")
    return lines


def _words(row: bytes, size: int) -> str:
    return " ".join(row[at : at + size][::-1].hex() for at in range(0, len(row), size))


def md_b(content: bytes, address: int = 0) -> list[str]:
    """U-Boot."""
    return [
        f"{address + at:08x}: {row.hex(' '):47}    {_characters(row)}" for at, row in _rows(content)
    ]


def md_l(content: bytes, address: int = 0) -> list[str]:
    return [
        f"{address + at:08x}: {_words(row, 4):35}    {_characters(row)}"
        for at, row in _rows(content)
    ]


def md_q(content: bytes, address: int = 0) -> list[str]:
    return [
        f"{address + at:08x}: {_words(row, 8):33}    {_characters(row)}"
        for at, row in _rows(content)
    ]


def xp(content: bytes, address: int = 0) -> list[str]:
    """QEMU's monitor, ``xp /Nwx``."""
    return [
        f"{address + at:016x}: " + " ".join(f"0x{word}" for word in _words(row, 4).split())
        for at, row in _rows(content)
    ]


Style = Callable[[bytes, int], list[str]]
STYLES: dict[str, Style] = {
    style.__name__: style
    for style in (
        xxd,
        xxd_upper,
        hexdump_c,
        hexdump,
        od,
        od_octal,
        dmem,
        md_b,
        md_l,
        md_q,
        xp,
    )
}


def descriptors(*, odd: bool = False) -> st.SearchStrategy[MemoryDescriptor]:
    """Descriptors as firmware makes them; ``odd``: any that fit their fields.

    Page 0 without attributes over and over is no map that can be told from other memory.
    """
    start = st.integers(1, (1 << 40) - 1).map(lambda page: page << 12)
    types = st.sampled_from(range(16)) | st.integers(0x7000_0000, (1 << 32) - 1)
    word = st.integers(0, (1 << 64) - 1)
    return st.builds(
        MemoryDescriptor,
        index=st.just(0),
        type=st.integers(0, (1 << 32) - 1) if odd else types,
        physical_start=word if odd else start,
        virtual_start=st.just(0) | word,
        number_of_pages=word if odd else st.integers(1, 1 << 40),
        attribute=word if odd else word.map(lambda bits: bits & DEFINED_ATTRIBUTES | 8),
    )


def maps(*, odd: bool = False, least: int = 1) -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
    """Lists of descriptors, each with its place as index."""
    drawn = st.lists(descriptors(odd=odd), min_size=least, max_size=8)
    return drawn.map(
        lambda found: tuple(
            MemoryDescriptor(
                index=index,
                type=one.type,
                physical_start=one.physical_start,
                virtual_start=one.virtual_start,
                number_of_pages=one.number_of_pages,
                attribute=one.attribute,
            )
            for index, one in enumerate(found)
        )
    )


strides = st.sampled_from(STRIDES)
addresses = st.just(0) | st.integers(0x10, 0xFFFF).map(lambda page: page << 12 | 0x18)
