"""The page size and the width of virtual addresses of a kernel, as far as its log proves them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.capture_reading import decimal
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.named_tuple import NamedTuple

_PAGE_SIZES: Final = (0x1000, 0x4000, 0x10000)
_WORD: Final = 1 << 64
_NEAR: Final = 512
"""Characters from a word to the end of the message it is part of."""

_PER_CPU: Final = re.compile(
    r"Embedded (?P<pages>\d{1,7}) pages/cpu (?:@ ?\S{1,32} )?"
    r"s(?P<static>\d{1,12}) r(?P<reserved>\d{1,12}) d(?P<dynamic>\d{1,12})"
)
_HASH_TABLE: Final = re.compile(
    r"Dentry cache hash table entries: \d{1,12} \(order: (\d{1,2}), (\d{1,15}) bytes"
)
_RELEASE: Final = re.compile(r"[-+_](4|16|64)k(?:[-+_.]|\Z)", re.IGNORECASE)

_LAYOUT: Final = "irtual kernel memory layout:"
_VMALLOC: Final = r"vmalloc[ \t]*:[ \t]*0x(ff[0-9a-f]{14}) - 0x"
_WIDTHS: Final[dict[int, tuple[int, ...]]] = {
    0x1000: (39, 48),
    0x4000: (36, 47, 48),
    0x10000: (42, 48),
}
"""The widths a kernel for arm64 that prints its layout can have, by the size of its pages."""

_TWO_LEVELS_LESS: Final = "Disabled 4-level and 5-level paging"


class Proof(NamedTuple):
    """A number, and the words of the log that prove it."""

    value: int
    start: int
    end: int


def page_size(text: CaptureText, boot: Boot, release: tuple[int, int] | None) -> Proof | None:
    """The size of the kernel's pages in bytes; ``None`` where nothing proves it, or not one size.

    The kernel states the memory of each processor in bytes and in pages, and that of a hash table
    in bytes and as a power of two of pages. Distributions name kernels of larger pages
    ``…-16k`` and ``…+64k``; ``release`` is where the name stands.
    """
    proofs = [*_page_sizes(text, boot, release)]
    sizes = {proof.value for proof in proofs}
    return proofs[0] if len(sizes) == 1 else None


def _page_sizes(text: CaptureText, boot: Boot, release: tuple[int, int] | None) -> Iterator[Proof]:
    found = _after(text, boot, "Embedded ", _PER_CPU)
    if found:
        used = sum(int(found[name]) for name in ("static", "reserved", "dynamic"))
        for size in _PAGE_SIZES:
            if used and used == int(found["pages"]) * size:
                yield Proof(size, *found.span())
    found = _after(text, boot, "Dentry cache hash table", _HASH_TABLE)
    if found:
        order, used = int(found[1]), int(found[2])
        for size in _PAGE_SIZES:
            if used == size << order:
                yield Proof(size, *found.span())
    named = _RELEASE.search(text.text, *release) if release else None
    if named:
        yield Proof((decimal(named[1]) or 0) << 10, *named.span(1))


def _after(
    text: CaptureText, boot: Boot, words: str, pattern: re.Pattern[str]
) -> re.Match[str] | None:
    """The first message that starts with some words and has the form of a pattern."""
    high = boot.early_end
    at = text.text.find(words, boot.start, high)
    while at >= 0:
        found = pattern.match(text.text, at, min(high, at + _NEAR))
        if found and not text.is_remark(at):
            return found
        at = text.text.find(words, at + len(words), high)
    return None


def virtual_address_bits(
    text: CaptureText, boot: Boot, architecture: str, page_size: int | None
) -> Proof | None:
    """How wide the kernel's virtual addresses are, by the layout it prints or a line of its own.

    Kernels of arm64 up to 4.14 print their layout, and those of riscv64 in builds for debugging.
    On arm64 it fills what the width leaves at the top, on riscv64 the upper half of it.
    """
    if architecture == "riscv64":
        found = _after(text, boot, _TWO_LEVELS_LESS, re.compile(re.escape(_TWO_LEVELS_LESS)))
        if found:
            return Proof(39, *found.span())
    elif architecture != "arm64":
        return None
    header = _after(text, boot, _LAYOUT, re.compile(_LAYOUT))
    if header is None:
        return None
    found = re.compile(_VMALLOC).search(text.text, header.end(), header.end() + 4 * _NEAR)
    if found is None:
        return None
    riscv = architecture == "riscv64"
    bits = (_WORD - int(found[1], 16) - 1).bit_length() + riscv
    widths = (39, 48, 57) if riscv else _WIDTHS[page_size or 0x1000]
    return Proof(bits, *found.span(1)) if bits in widths else None
