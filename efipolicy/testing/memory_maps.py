"""Memory maps for the conformance suites: the edges of what firmware reports, and random ones.

They are the same in every run and need no library. Where one shows a broken promise, what is told
is the least part of it that still does, in the notation of examples, ready to be pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from efipolicy.model.efi import attribute_names
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.named_tuple import NamedTuple
from efipolicy.testing.factories import memory_map

_CODE, _DATA = "EfiRuntimeServicesCode", "EfiRuntimeServicesData"
_TOP_PAGE: Final = 0xFFFF_FFFF_FFFF_F000
_SHAPES = (
    *(f"{_CODE} {{}} {{}} {bits} RUNTIME" for bits in ("WB", "UC WC WT WB")),
    *(f"{_DATA} {{}} {{}} {bits} RUNTIME" for bits in ("WB", "UC WC WT WB", "UC")),
    "EfiMemoryMappedIO {} {} UC RUNTIME",
    "EfiConventionalMemory {} {} WB",
    "EfiBootServicesCode {} {} WB",
    "EfiBootServicesData {} {} WB",
)
_SIZES = (1, 1, 2, 5, 16, 0x100, 0x1EB, 0x200, 0x4EB)
_GAPS = (0, 0, 0, 1, 5, 16, 0x100, 0x1FF, 0x40000)


class NamedMap(NamedTuple):
    """A memory map and what is special about it."""

    name: str
    memory_map: MemoryMap


def edge_maps() -> tuple[NamedMap, ...]:
    """Whole maps at the edges of what a descriptor can say (UEFI 2.10, 7.2.3).

    Among them are shapes that the specification forbids and firmware reports all the same:
    overlaps, no pages, ranges that end beyond 64 bits, unknown attributes.
    """
    code, data = f"{_CODE} {{}} {{}} WB RUNTIME", f"{_DATA} {{}} {{}} WB RUNTIME"
    ram = "EfiConventionalMemory {} {} WB"
    lines: dict[str, tuple[str, ...]] = {
        "nothing": (),
        "no runtime region": (ram.format(0, 16), ram.format(0x100000, 0x1000)),
        "one page": (code.format(0x7E9C3000, 1),),
        "page zero": (data.format(0, 1), ram.format(0x1000, 0x9F)),
        "the last page": (data.format(_TOP_PAGE, 1),),
        "the last gibibyte": (code.format((1 << 64) - (1 << 30), 1 << 18),),
        "up to 4 GiB": (code.format(0xFFC00000, 0x400),),
        "across 4 GiB": (data.format(0xFFFFF000, 2),),
        "below 2^47": (data.format((1 << 47) - 0x1000, 1),),
        "across 2^47": (data.format((1 << 47) - 0x1000, 2),),
        "below 2^52": (data.format((1 << 52) - 0x1000, 1),),
        "at 2^52": (code.format(1 << 52, 1),),
        "one gibibyte": (code.format(0x40000000, 0x40000),),
        "a large leaf and a page": (code.format(0x200000, 0x201), data.format(0x401000, 0x1FF)),
        "more than any window": (data.format(1 << 40, 1 << 26),),
        "touching": (code.format(0x7E000000, 3), data.format(0x7E003000, 5),
                     code.format(0x7E008000, 0x200)),
        "touching and alike": tuple(data.format(0x7E000000 + n * 0x3000, 3) for n in range(4)),
        "descending": tuple(data.format(0x7F000000 - n * 0x9000, 4) for n in range(6)),
        "overlapping": (code.format(0x7E000000, 8), data.format(0x7E004000, 8)),
        "one inside another": (data.format(0x7E000000, 64), code.format(0x7E008000, 2)),
        "the same twice": (code.format(0x7E000000, 8), code.format(0x7E000000, 8)),
        "no pages": (data.format(0x7E000000, 0), code.format(0x7E001000, 2)),
        "beyond 64 bits": (data.format(_TOP_PAGE, 2), code.format(0x7E001000, 2)),
        "unknown attributes": (f"{_CODE} 0x7E000000 4 ?", data.format(0x7F000000, 4)),
        "no cacheability": (f"{_DATA} 0x7E000000 4 RUNTIME",),
        "every cacheability": (f"{_DATA} 0x7E000000 4 UC WC WT WB WP UCE RUNTIME",),
        "uncached only": ("EfiMemoryMappedIO 0xFED00000 1 UC RUNTIME",
                          "EfiMemoryMappedIO 0xFED10000 16 UC RUNTIME"),
        "a type of the vendor": ("0x80000003 0x7E000000 4 WB RUNTIME",),
        "every type": tuple(f"{n} {0x70000000 + n * 0x10000:#x} 16 WB RUNTIME" for n in range(16)),
        "read-only and not executable": (f"{_CODE} 0x7E000000 4 WB RO RUNTIME",
                                         f"{_DATA} 0x7E004000 4 WB XP RUNTIME"),
        "many": tuple(data.format(0x60000000 + n * 0x3000, 2) for n in range(60)),
    }  # fmt: skip
    return tuple(NamedMap(name, memory_map(*rows)) for name, rows in lines.items())


def random_maps(seed: str, count: int) -> Iterator[NamedMap]:
    """Whole maps of disjoint descriptors in any order, as firmware might report them.

    Equal arguments give equal maps in every process.
    """
    for number in range(count):
        yield NamedMap(f"random map {number}", _random_map(Random(f"{seed} {number}")))  # noqa: S311


def _random_map(random: Random) -> MemoryMap:
    page = random.choice((0, 1, 0x100, 0x7E000, 0xFFF00, 0x100000, 1 << 26))
    lines: list[str] = []
    for _ in range(random.randrange(1, 12)):
        pages = random.choice(_SIZES)
        lines.append(random.choice(_SHAPES).format(page * 0x1000, pages))
        page += pages + random.choice(_GAPS)
    random.shuffle(lines)
    return memory_map(*lines)


def smallest(found: MemoryMap, fails: Callable[[MemoryMap], bool]) -> MemoryMap:
    """The map without each descriptor that is not needed for it to fail."""
    place = 0
    while place < len(found.descriptors):
        kept = found.descriptors[:place] + found.descriptors[place + 1 :]
        less = with_descriptors(found, kept)
        if fails(less):
            found = less
        else:
            place += 1
    return found


def with_descriptors(found: MemoryMap, kept: tuple[MemoryDescriptor, ...]) -> MemoryMap:
    """The map with these descriptors instead, numbered anew."""
    return replace(
        found, descriptors=tuple(replace(one, index=index) for index, one in enumerate(kept))
    )


def notation(descriptor: MemoryDescriptor) -> str:
    """A descriptor in the notation of examples."""
    attribute = descriptor.attribute
    bits = "?" if attribute is None else " ".join(attribute_names(attribute))
    words = (f"{descriptor.type_name} {descriptor.physical_start:#x}"
             f" {descriptor.number_of_pages} {bits}")  # fmt: skip
    virtual = descriptor.virtual_start
    return words.rstrip() if virtual is None else f"{words} @{virtual:#x}"
