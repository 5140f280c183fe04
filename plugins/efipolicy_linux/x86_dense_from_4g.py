"""``x86-dense-from-4g``: regions side by side from -4 GiB, as proposed before October 2013."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from efipolicy.plugin import (
    AddressRange,
    KexecRole,
    MappingPlan,
    Option,
    Placement,
    PlacementWindow,
    PlanRequest,
    Strategy,
)
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_parts import (
    BOOT_SERVICES,
    GBPAGES,
    chosen_regions,
    kernel_option,
    merge_option,
    one_to_one,
)
from efipolicy_linux.x86_topdown import GIB, WINDOW, Region
from efipolicy_linux.x86_window import EXCLUSIVE, window_plan, within

UPWARDS: Final = AddressRange(2**64 - 4 * GIB, 2**64 - 2 * GIB)
"""What is left above -4 GiB: the kernel's text is linked into the last 2 GiB."""

_NOTES: Final = (
    "Each region lies right beside the one before, whatever its offset inside a large page.",
)
_DOWN: Final = Placement((EXCLUSIVE,), "down", _NOTES)
_UP: Final = Placement(
    (PlacementWindow(*UPWARDS, "lowest allowed", "the kernel's text"),), "up", _NOTES
)


def plan_dense(request: PlanRequest) -> MappingPlan:
    """Place each region right beside the one before, without any regard to its physical offset.

    Large leaves are used wherever the virtual address allows them, so that most of them name a
    frame they cannot hold: the reason this layout was dropped. Each region is mapped a second time
    at its physical address. Linux mailing list, September 2013; never merged.
    """
    up = request.options["direction"] == "up"
    regions = chosen_regions(request)
    placement = _UP if up else _DOWN
    window = placement.windows[0].virtual
    placed = list(within(window, _upwards(regions) if up else _downwards(regions)))
    made = window_plan(
        request,
        placed,
        strategy="x86-dense-from-4g",
        placement=placement,
        stays_mapped="the kernel's half, and the regions at their physical addresses",
    )
    return made._replace(extra=one_to_one(made.mappings))


def _downwards(regions: Iterable[Region]) -> Iterator[tuple[Region, int]]:
    cursor = WINDOW.end
    for region in regions:
        cursor -= region.physical.size
        yield region, cursor


def _upwards(regions: Iterable[Region]) -> Iterator[tuple[Region, int]]:
    cursor = UPWARDS.start
    for region in regions:
        yield region, cursor
        cursor += region.physical.size


X86_DENSE_FROM_4G: Final = Strategy(
    name="x86-dense-from-4g",
    title="Proposed for Linux on x86-64 in 2013: side by side from -4 GiB",
    page=page_of("x86-dense-from-4g"),
    architectures=frozenset({"x86_64"}),
    options=(
        kernel_option((6, 12)),
        Option(
            name="direction",
            kind="choice",
            choices=("down", "up"),
            default="down",
            doc="down to -68 GiB, or up into the 2 GiB below the kernel's text",
        ),
        BOOT_SERVICES,
        merge_option(default=False),
        GBPAGES,
    ),
    plan=plan_dense,
    kexec=KexecRole(
        "own",
        offers=("setup_data",),
        states_addresses=True,
        varies_with="which regions are mapped, and their order",
    ),
)
