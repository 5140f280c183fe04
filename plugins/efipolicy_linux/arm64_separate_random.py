"""``arm64-separate-random``: the runtime regions alone, in another order and place at every boot.

Proposed for arm64 Linux in August 2014, so that vendors' SetVirtualAddressMap gets exercised and
what firmware does not declare faults. Linux took the separate table and the call; of the random
layout only a random base, and that from 4.13 to 6.0. How the layout follows from the seed is
defined here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from efipolicy.plugin import (
    EfiMemoryType,
    KexecRole,
    MappingPlan,
    MemoryDescriptor,
    Option,
    Placement,
    PlanRequest,
    RuntimeCall,
    Strategy,
    round_down,
)
from efipolicy_linux.arm64_flags import MapTime, largest_block, protections
from efipolicy_linux.arm64_plans import (
    MAPPED_BY_KERNEL,
    Placed,
    halves,
    kernel_option,
    out_of_reach,
    virtual_map,
)
from efipolicy_linux.arm64_virtmap import BASE, SECTION, SLOT, area_from
from efipolicy_linux.direct_map import direct_map_of
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES
from efipolicy_linux.page import page_of

GAPS: Final = 256
"""How many slots may stay empty before a block: so many, less one."""

_IMAGES: Final = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)
_WORD: Final = (1 << 64) - 1

_CALL: Final = RuntimeCall(
    register="TTBR0_EL1",
    stays_mapped="the kernel's half, through TTBR1_EL1",
    preemption="off",
    fp_state="saved",
)


class _Block(NamedTuple):
    """Regions that keep their distances: the bytes before it in its first slot, and what it takes.

    ``alignment`` and ``size`` are bytes; ``size`` counts from the start of the first slot. Each
    member comes with its distance from there.
    """

    alignment: int
    size: int
    members: tuple[tuple[MemoryDescriptor, int], ...]


def draws(seed: int) -> Callable[[], int]:
    """SplitMix64: a function that gives the next 64-bit number of the sequence of a seed.

    Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    state = seed & _WORD

    def draw() -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & _WORD
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _WORD
        return mixed ^ (mixed >> 31)

    return draw


def layouts(request: PlanRequest) -> Callable[[int], list[Placed]]:
    """A function from a seed to the regions in order of placement, with their addresses."""
    options = request.options
    runtime = request.platform.memory_map.runtime
    blocks = _blocks(_images(runtime) if options["keep_images"] else [(each,) for each in runtime])
    base: int = options["base"]
    return lambda seed: _placed(blocks, seed, base)


def plan_separate_random(request: PlanRequest) -> MappingPlan:
    """Shuffle the runtime regions, and leave up to 255 slots of 64 KiB free before each.

    A region keeps its offset within 64 KiB; one that starts on 2 MiB and is that large starts on
    2 MiB again. SetVirtualAddressMap is told all of them. Nothing is mapped besides: an address
    that firmware did not convert faults. A real boot's seed is not known, so a plan is an example.
    """
    options, platform = request.options, request.platform
    placed = layouts(request)(options["seed"])
    map_time = MapTime(options["kernel"], request.geometry.page_size)
    mappings = _mapped(placed, map_time)
    lower, _ = halves(request)
    problems = tuple(out_of_reach(mappings, lower, "plan/mapping-out-of-reach", "TTBR0"))
    table, page_size = platform.memory_attributes_table, request.geometry.page_size
    return MappingPlan(
        strategy="arm64-separate-random",
        options=dict(options),
        status="impossible" if problems else "ok",
        mappings=mappings,
        extra=(),
        svam=virtual_map(placed),
        call=_CALL,
        problems=problems,
        protections=tuple(protections(table, mappings, options, page_size)),
        direct_map=direct_map_of(platform.memory_map, page_size, MAPPED_BY_KERNEL),
        largest_leaf=largest_block(request.geometry.page_size),
        placement=Placement(
            area_from(options["base"], request),
            "up",
            (f"Order and distances are random; drawn for seed {options['seed']}.",),
        ),
    )


def _images(runtime: Iterable[MemoryDescriptor]) -> list[Sequence[MemoryDescriptor]]:
    """Runs of touching code and data, everything else by itself.

    A run has the place of the first of its regions in the memory map.
    """
    runs: list[list[MemoryDescriptor]] = []
    end: int | None = None
    for descriptor in sorted(runtime, key=attrgetter("physical_start")):
        image = descriptor.type in _IMAGES
        if image and descriptor.physical_start == end:
            runs[-1].append(descriptor)
        else:
            runs.append([descriptor])
        end = descriptor.physical.end if image else None
    return sorted(runs, key=lambda run: min(each.index for each in run))


def _blocks(runs: Iterable[Sequence[MemoryDescriptor]]) -> list[_Block]:
    blocks = []
    for run in runs:
        start, end = run[0].physical_start, run[-1].physical.end
        first = round_down(start, SLOT)
        section = not start % SECTION and end - start >= SECTION
        members = tuple([(each, each.physical_start - first) for each in run])
        blocks.append(_Block(SECTION if section else SLOT, end - first, members))
    return blocks


def _placed(blocks: Sequence[_Block], seed: int, base: int) -> list[Placed]:
    """Fisher-Yates from the last block down, then a gap before each block.

    Thousands of layouts are made of one map, so nothing is computed here that is the same in all.
    """
    draw = draws(seed)
    order = list(blocks)
    for last in range(len(order) - 1, 0, -1):
        other = draw() % (last + 1)
        order[last], order[other] = order[other], order[last]
    placed: list[Placed] = []
    for alignment, size, members in order:
        base += draw() % GAPS * SLOT
        base += -base % alignment
        for descriptor, offset in members:
            placed.append((descriptor, base + offset))
        base += size
    return placed


def _mapped(placed: Iterable[Placed], map_time: MapTime) -> tuple[Any, ...]:
    """The mappings in order of placement; they are made in the order of the memory map."""
    in_order = sorted(placed, key=lambda one: one[0].index)
    made = {one[0].index: map_time.mapping(one[0], one[1] or 0) for one in in_order}
    return tuple([made[descriptor.index] for descriptor, _ in placed])


ARM64_SEPARATE_RANDOM: Final = Strategy(
    name="arm64-separate-random",
    title="Linux on arm64 as proposed in August 2014: runtime regions alone, shuffled",
    page=page_of("arm64-separate-random"),
    architectures=frozenset({"arm64"}),
    options=(
        kernel_option((6, 12), "the Linux version; selects the permissions of its era"),
        Option(
            name="seed",
            kind="integer",
            default=1,
            limits=(0, _WORD),
            doc="what the layout is made from (SplitMix64); the seed of a real boot is not known",
        ),
        Option(name="base", kind="address", default=BASE, doc="where the first gap starts"),
        Option(
            name="keep_images",
            kind="boolean",
            default=False,
            doc="whether touching code and data are moved as one block",
        ),
        MEMORY_ATTRIBUTES,
    ),
    plan=plan_separate_random,
    layouts=layouts,
    kexec=KexecRole(
        "given",
        reads=("device-tree",),
        offers=("device-tree",),
        states_addresses=True,
        without_channel="own",
        varies_with="the seed",
    ),
)
