"""How long a random layout takes, made and judged, of the thousands that ``plan --seeds`` tries.

Every figure is processor time, the best of some calls within this process, so other work on the
machine hardly counts. Run it with ``tox run -e bench``; it ends with status 1 when a target is
missed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from efipolicy.engine.planning import PlanChoice
from efipolicy.engine.seeds import try_seeds
from efipolicy.model.efi import EFI_MEMORY_RUNTIME, EFI_MEMORY_UC, EFI_MEMORY_WB, EfiMemoryType
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.plugin.registry import Registry

SEEDS = 10_000
TARGET = 100
"""Microseconds a layout."""

CODE, DATA = EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData
MMIO, FREE = EfiMemoryType.EfiMemoryMappedIO, EfiMemoryType.EfiConventionalMemory


class Workload(NamedTuple):
    """A map, the options of the strategy, and its page tables."""

    name: str
    regions: int
    options: dict[str, str]
    page_size: int = 0x1000
    virtual_address_bits: int = 39
    target: int = TARGET


WORKLOADS = (
    Workload("12 regions", 12, {}),
    Workload("12 regions, pages of 64 KiB", 12, {}, 0x10000, 42),
    Workload("12 regions, images kept", 12, {"keep_images": "true"}),
    Workload("120 regions", 120, {}, target=10 * TARGET),
)


def platform_of(regions: int) -> Platform:
    """A map of so many runtime regions, three by three side by side, with memory between."""
    rows: list[tuple[int, int, int]] = [(MMIO, 0x9010000, 1)]
    start = 0x40000000
    for number in range(regions - 1):
        if number % 3 == 0:
            rows.append((FREE, start, 0x800))
            start += 0x800000
        pages = 0x400 if number % 4 == 0 else 0x40 + number
        rows.append((DATA if number % 2 else CODE, start, pages))
        start += pages << 12
    descriptors = tuple(
        MemoryDescriptor(
            index=index,
            type=type,
            physical_start=physical,
            number_of_pages=pages,
            attribute=_attribute(type),
        )
        for index, (type, physical, pages) in enumerate(rows)
    )
    return Platform(
        name="benchmark",
        architecture="arm64",
        architecture_reason=ArchitectureReason(kind="stated", evidence="benchmark"),
        memory_map=MemoryMap(descriptors=descriptors),
    )


def _attribute(type: int) -> int:
    if type == FREE:
        return EFI_MEMORY_WB
    return EFI_MEMORY_RUNTIME | (EFI_MEMORY_UC if type == MMIO else EFI_MEMORY_WB)


def microseconds(workload: Workload, rounds: int) -> float:
    """Processor time of one layout, the best of some rounds over all seeds."""
    platform, registry = platform_of(workload.regions), Registry()
    choice = PlanChoice(
        strategy="arm64-separate-random",
        options=workload.options,
        page_size=workload.page_size,
        virtual_address_bits=workload.virtual_address_bits,
    )
    try_seeds(platform, registry, choice, 1)  # loads the plugins
    times = []
    for _ in range(rounds):
        begin = time.process_time_ns()
        try_seeds(platform, registry, choice, SEEDS)
        times.append(time.process_time_ns() - begin)
    return min(times) / SEEDS / 1000


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table, and tell whether every target is met."""
    rounds = max(1, int(arguments[0]) // 3) if arguments else 3
    missed = 0
    print(f"{f'{SEEDS} layouts':<34}{'µs each':>10}{'target':>8}")
    for workload in WORKLOADS:
        took = microseconds(workload, rounds)
        late = took > workload.target
        missed += late
        note = "  missed" if late else ""
        print(f"{workload.name:<34}{took:>10.1f}{workload.target:>8}{note}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
