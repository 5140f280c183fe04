"""Ranges of physical addresses that hand-off blocks tell, whoever prints them.

Resource descriptors say what is there, memory allocations who uses it until the memory map is
made. Neither is the operating system's list: firmware allocates, frees and splits after it, so
they are evidence, and no descriptor is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import ReportedRange

RESOURCE_TYPES: Final = (
    "EFI_RESOURCE_SYSTEM_MEMORY",
    "EFI_RESOURCE_MEMORY_MAPPED_IO",
    "EFI_RESOURCE_IO",
    "EFI_RESOURCE_FIRMWARE_DEVICE",
    "EFI_RESOURCE_MEMORY_MAPPED_IO_PORT",
    "EFI_RESOURCE_MEMORY_RESERVED",
    "EFI_RESOURCE_IO_RESERVED",
    "EFI_RESOURCE_MEMORY_UNACCEPTED",
)
"""The types of EFI_HOB_RESOURCE_DESCRIPTOR (PI 1.8, volume 3), by number."""

FIRMWARE_VOLUME: Final = "firmware volume"

_PORTS: Final = frozenset({"EFI_RESOURCE_IO", "EFI_RESOURCE_IO_RESERVED"})


def resource_type(number: int) -> str:
    """The name of a type of resource, or what its number is."""
    return RESOURCE_TYPES[number] if number < len(RESOURCE_TYPES) else f"resource type {number:#x}"


def is_memory(what: str) -> bool:
    """Whether the addresses of a resource are physical addresses, not numbers of I/O ports."""
    return what not in _PORTS


def hob_range(
    text: CaptureText, start: int, length: int, what: str, span: tuple[int, int]
) -> ReportedRange:
    """The range of a hand-off block; ``length`` is bytes, ``span`` where the block stands."""
    return ReportedRange(AddressRange(start, start + length), what, "hob", text.record(*span))


def once(ranges: Iterable[ReportedRange]) -> tuple[ReportedRange, ...]:
    """The ranges in their order, each once: PEI and DXE list the same blocks."""
    first: dict[tuple[AddressRange, str], ReportedRange] = {}
    for one in ranges:
        first.setdefault((one.physical, one.what), one)
    return tuple(first.values())
