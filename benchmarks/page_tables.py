"""How long page tables take to build: by the mappings, whatever memory they span.

Every figure is processor time, the best of many calls within this process, so other work on the
machine hardly counts; sizes are compared within the same round. Run it with ``tox run -e bench``;
it ends with status 1 when a target is missed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access, LeafPolicy, Mapping, Protection
from efipolicy.paging import RadixGeometry
from efipolicy.paging.builder import build
from efipolicy_arm64.architecture import GEOMETRIES
from efipolicy_x86_64 import FIVE_LEVEL, FOUR_LEVEL

PAGE, GIB, TIB = 1 << 12, 1 << 30, 1 << 40
REGIONS = 5000
ARM64 = GEOMETRIES[PAGE][0]


class Workload(NamedTuple):
    """Some tables to build: of how many regions or entries, and the microseconds each may take."""

    name: str
    geometry: RadixGeometry
    mappings: Sequence[Mapping]
    policy: LeafPolicy
    protections: Sequence[Protection]
    number: int
    target: float

    def build(self) -> None:
        """Build them once."""
        build(self.geometry, self.mappings, leaf_policy=self.policy, protections=self.protections)


def mapped(physical: int, size: int, virtual: int, access: Access = "RW") -> Mapping:
    """A mapping of so many bytes."""
    return Mapping(AddressRange(physical, physical + size), virtual, 6, access, "WB", runtime=True)


def side_by_side(size: int, apart: int) -> list[Mapping]:
    """Regions of so many bytes, at odd 4 KiB offsets."""
    return [mapped(n * apart + PAGE, size, n * apart + PAGE) for n in range(REGIONS)]


def protected(size: int, apart: int) -> list[Protection]:
    """An access for each of as many ranges."""
    access: tuple[Access, Access] = ("RX", "R")
    return [
        Protection(AddressRange(n * apart + PAGE, n * apart + PAGE + size), access[n % 2])
        for n in range(REGIONS)
    ]


def workloads() -> list[Workload]:
    """What a plan can come to, and what a hostile one can."""
    small, large = side_by_side(0x10000, 0x20000), side_by_side(GIB, 2 * GIB)
    whole = mapped(0, 2 * REGIONS * GIB, 0)
    cover = [mapped(0, 0x20000 * REGIONS, 0, "R") for _ in range(REGIONS)]
    steps = [mapped(n * PAGE, 0x1000 * PAGE, n * PAGE) for n in range(REGIONS)]
    covered = protected(0x1000, 0x20000)
    covering = [Protection(AddressRange(0, 0x20000 * REGIONS), "R")] * REGIONS
    strict: LeafPolicy = "strict"
    linux: LeafPolicy = "va-only"
    n = REGIONS
    return [
        Workload("regions of 64 KiB", FOUR_LEVEL, small, linux, (), n, 10),
        Workload("regions of 64 KiB, five levels", FIVE_LEVEL, small, strict, (), n, 10),
        Workload("regions of 64 KiB, arm64", ARM64, small, strict, (), n, 10),
        Workload("regions of 1 GiB", FOUR_LEVEL, large, linux, (), n, 10),
        Workload("regions on one 1:1 map", FOUR_LEVEL, [whole, *large], strict, (), n, 60),
        Workload("regions on one 1:1 map, va-only", FOUR_LEVEL, [whole, *large], linux, (), n, 60),
        Workload("each overlaps the next", FOUR_LEVEL, steps, linux, (), n, 60),
        Workload("covered by as many", FOUR_LEVEL, [*small, *cover], strict, (), 2 * n, 60),
        Workload("covered by as many, va-only", FOUR_LEVEL, [*small, *cover], linux, (), 2 * n, 60),
        Workload("protected ranges", FOUR_LEVEL, small, linux, protected(PAGE, 0x20000), n, 20),
        Workload(
            "protected ranges of 1:1", FOUR_LEVEL, [whole], linux, protected(PAGE, GIB), n, 40
        ),
        Workload(
            "protected, then all as often",
            FOUR_LEVEL,
            [whole],
            linux,
            [*covered, *covering],
            2 * n,
            40,
        ),
    ]


def best(call: Callable[[], None], rounds: int, loops: int = 1) -> float:
    """The microseconds of the quickest of some rounds of a call."""
    times = []
    for _ in range(rounds):
        begin = time.process_time_ns()
        for _ in range(loops):
            call()
        times.append((time.process_time_ns() - begin) / loops)
    return min(times) / 1000


def growth(rounds: int) -> tuple[float, float]:
    """Microseconds for one region of 64 TiB, and the ratio to the same call for 1 GiB."""

    def one(size: int) -> Callable[[], None]:
        some = [mapped(PAGE, size, PAGE)]

        def call() -> None:
            build(FOUR_LEVEL, some)

        return call

    huge, usual = one(64 * TIB), one(GIB)
    pairs = [(best(huge, 3, 100), best(usual, 3, 100)) for _ in range(rounds)]
    return min(ours for ours, _ in pairs), statistics.median(ours / peer for ours, peer in pairs)


def main() -> int:
    """Measure, print a table, and tell whether every target is met."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    missed = 0
    print(f"{'workload':<34}{'µs each':>10}{'target':>8}")
    for workload in workloads():
        took = best(workload.build, max(1, rounds // 3)) / workload.number
        late = took > workload.target
        missed += late
        print(f"{workload.name:<34}{took:>10.1f}{workload.target:>8}{'  missed' if late else ''}")
    took, ratio = growth(rounds)
    for name, found, target in (
        ("one region of 64 TiB", took, 50.0),
        ("its ratio to one of 1 GiB", ratio, 1.5),
    ):
        missed += found > target
        note = "  missed" if found > target else ""
        print(f"{name:<34}{found:>10.2f}{target:>8}{note}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
