"""Memory descriptors and tables of them as bytes: what raw memory may be, told by its content."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.model.efi import DEFINED_ATTRIBUTES, FIRST_OEM_TYPE, EfiMemoryType
from efipolicy.named_tuple import NamedTuple

DESCRIPTOR: Final = Struct("<I4xQQQQ")
"""EFI_MEMORY_DESCRIPTOR: type, physical start, virtual start, pages, attribute (UEFI 2.10, 7.2.3).

The four bytes behind the type align the rest and may hold anything."""

FIELDS: Final = (
    ("type", 0, 4),
    ("physical_start", 8, 16),
    ("virtual_start", 16, 24),
    ("pages", 24, 32),
    ("attribute", 32, 40),
)
"""Each field of a descriptor with the bytes, from one up to another, that it takes."""

STRIDES: Final = range(40, 129, 8)
"""Bytes from one descriptor to the next that are tried: they start with a descriptor and keep the
64-bit fields aligned. Firmware uses 40 and 48; larger ones are for later specifications."""

DEVICE_TREE: Final = b"\xd0\x0d\xfe\xed"
"""What a flattened device tree starts with (Devicetree Specification 0.4, 5.2)."""

_TYPES: Final = frozenset(EfiMemoryType)
_HEADER: Final = Struct("<IIII")
HEADER_SIZE: Final = _HEADER.size
_PROPERTIES: Final = Struct("<HHI")
_LARGEST_STRIDE: Final = EFI_PAGE_SIZE - 8
"""Less than a page: where a table states it, a memory map has the start of a page."""
_MOST_JUDGED: Final = 16
"""Records by which bytes are taken for descriptors."""


def plausible(content: bytes, at: int) -> bool:
    """Whether the bytes at an offset are a descriptor as the specification wants it."""
    if at + DESCRIPTOR.size > len(content):
        return False
    memory_type, start, _virtual, pages, attribute = DESCRIPTOR.unpack_from(content, at)
    return (
        (memory_type in _TYPES or memory_type >= FIRST_OEM_TYPE)
        and start % EFI_PAGE_SIZE == 0
        and pages > 0
        and start + pages * EFI_PAGE_SIZE <= 1 << 64
        and not attribute & ~DEFINED_ATTRIBUTES
    )


def fitting_strides(content: bytes, offset: int = 0, *, ended: bool = True) -> list[int]:
    """The strides at which all records are plausible descriptors, one if only one can be meant.

    ``offset`` is how many bytes precede the content in the list, ``ended`` whether the list may
    end where it does; then strides that fill it exactly count first. Others, which leave zeros or
    a part of a record, count beside them if two records fit. What tells two strides apart is how
    many records have an attribute: numbers that happen to pass for a descriptor hardly ever do.
    A multiple of a stride that fits fits as well, and says nothing.
    """
    filling = _scores(content, offset, filled=True) if ended else {}
    others = _scores(content, offset, filled=False)
    further = {
        stride: score
        for stride, score in others.items()
        if used_records(content, -offset % stride, stride) > 1
    }
    scores = filling | further or others
    if not scores:
        return []
    best = max(scores, key=lambda stride: (scores[stride], -stride))
    rivals = [stride for stride in scores if stride % best and 2 * scores[stride] >= scores[best]]
    return sorted([best, *rivals])


def _scores(content: bytes, offset: int, *, filled: bool) -> dict[int, int]:
    """The strides at which all records are plausible, and how many of them have an attribute."""
    scores = {}
    for stride in STRIDES:
        first = -offset % stride
        if filled and (len(content) - first) % stride:
            continue
        count = used_records(content, first, stride)
        records = range(first, first + count * stride, stride)
        if all(plausible(content, at) for at in records) and not _hides(content, records):
            scores[stride] = sum(_attribute(content, at) != 0 for at in records)
    return {stride: score for stride, score in scores.items() if score}


def _hides(content: bytes, records: range) -> bool:
    """Whether there is room for a descriptor behind each record, and anything in it.

    A map with bad descriptors looks right at twice its stride if each second one is passed over.
    """
    room = DESCRIPTOR.size
    return records.step >= 2 * room and any(
        any(content[at + room : at + records.step]) for at in records
    )


def _attribute(content: bytes, at: int) -> int:
    attribute: int = DESCRIPTOR.unpack_from(content, at)[4]
    return attribute


def used_records(content: bytes, first: int, stride: int) -> int:
    """How many whole records there are up to the last byte that is not zero."""
    used = len(content.rstrip(b"\0")) - first
    return max(min(-(-used // stride), (len(content) - first) // stride), 0)


def plausible_share(content: bytes, first: int, stride: int) -> tuple[int, int]:
    """How many of the first records are plausible descriptors, and how many were looked at."""
    records = range(first, len(content) - DESCRIPTOR.size + 1, stride)[:_MOST_JUDGED]
    return sum(plausible(content, at) for at in records), len(records)


def descriptor_places(content: bytes) -> list[int]:
    """The places at which a descriptor with an attribute may start."""
    places = range(0, len(content) - DESCRIPTOR.size + 1, STRIDES.step)
    return [at for at in places if plausible(content, at) and _attribute(content, at)]


def resembles_descriptors(content: bytes, *, anywhere: bool = False) -> bool:
    """Whether bytes look like descriptors though something is wrong with them.

    A first record that is one, or half of the first records. ``anywhere``: the first need not
    start where the content does.
    """
    if plausible(content, 0) and _attribute(content, 0):
        return True
    phases = STRIDES[1] // 8 if anywhere else 1
    for stride in STRIDES[:2] if anywhere else STRIDES:
        for phase in range(min(phases, stride // 8)):
            good, looked = plausible_share(content, 8 * phase, stride)
            if good > 1 and 2 * good >= looked:
                return True
    return False


def say_protection_alone(content: bytes, records: Iterable[int]) -> bool:
    """Whether records say of runtime code and data nothing but its protection.

    Those of a Memory Attributes Table do (UEFI 2.10, 4.6.4); a memory map says how to cache.
    """
    for at in records:
        memory_type, _start, _virtual, _pages, attribute = DESCRIPTOR.unpack_from(content, at)
        if memory_type not in (5, 6) or attribute & 0x1F:
            return False
    return True


class AttributesHeader(NamedTuple):
    """The header of EFI_MEMORY_ATTRIBUTES_TABLE. ``size`` is bytes of the table as it tells."""

    version: int
    number_of_entries: int
    descriptor_size: int
    flags: int

    @property
    def size(self) -> int:
        """Bytes of the header and the entries it counts."""
        return HEADER_SIZE + self.number_of_entries * self.descriptor_size


def attributes_header(content: bytes) -> AttributesHeader | None:
    """The header of the Memory Attributes Table that the content is, or begins with.

    A table that fills the content exactly is one whatever its entries are; else the first of them
    must be plausible as far as it is there.
    """
    if len(content) < HEADER_SIZE:
        return None
    header = AttributesHeader(*_HEADER.unpack_from(content))
    stride = header.descriptor_size
    if header.version not in (1, 2) or stride % 8 or not STRIDES[0] <= stride <= _LARGEST_STRIDE:
        return None
    if header.size == len(content):
        return header
    return header if header.number_of_entries and _entry_begins(content) else None


def _entry_begins(content: bytes) -> bool:
    if len(content) >= HEADER_SIZE + DESCRIPTOR.size:
        return plausible(content, HEADER_SIZE)
    part = content[HEADER_SIZE : HEADER_SIZE + 16]
    start = int.from_bytes(part[8:16], "little")
    return (
        len(part) == 16
        and int.from_bytes(part[:4], "little") in _TYPES
        and start % EFI_PAGE_SIZE == 0
    )


def supported_services(content: bytes) -> int | None:
    """The mask of EFI_RT_PROPERTIES_TABLE where the content is one, zeros behind it allowed.

    Version 1, length 8, then the mask (UEFI 2.10, 4.6.2).
    """
    if len(content) < _PROPERTIES.size or content[_PROPERTIES.size :].strip(b"\0"):
        return None
    version, length, supported = _PROPERTIES.unpack_from(content)
    return int(supported) if (version, length) == (1, _PROPERTIES.size) else None
