"""``x86-fixed-window``: one distance between virtual and physical, as proposed in October 2013."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import (
    KexecRole,
    MappingPlan,
    Option,
    Placement,
    PlanRequest,
    Strategy,
    round_up,
)
from efipolicy_linux.page import page_of
from efipolicy_linux.x86_parts import (
    BOOT_SERVICES,
    GBPAGES,
    chosen_regions,
    kernel_option,
    merge_option,
)
from efipolicy_linux.x86_topdown import WINDOW
from efipolicy_linux.x86_window import EXCLUSIVE, window_plan, within

_PLACEMENT: Final = Placement(
    (EXCLUSIVE,),
    "none",
    ("Every region moves by the same offset, so the distances between regions are kept.",),
)


def plan_fixed_window(request: PlanRequest) -> MappingPlan:
    """Add one number, efi_va, to every physical address, so that the highest end comes to -4 GiB.

    Virtual and physical address agree within 2 MiB only where that end, ``hi``, is a multiple of
    it. Everything between the lowest and the highest region has to fit 64 GiB, holes included.
    Linux mailing list, 2 October 2013; never merged in this form.
    """
    regions = chosen_regions(request)
    hi = max([region.physical.end for region in regions], default=0)
    unit = request.options["round_hi"]
    hi = round_up(hi, unit) if unit else hi
    efi_va = WINDOW.end - hi
    placed = list(within(WINDOW, ((each, efi_va + each.physical.start) for each in regions)))
    return window_plan(
        request,
        placed,
        strategy="x86-fixed-window",
        placement=_PLACEMENT,
        stays_mapped="the kernel's half, and each region at its physical address plus efi_va "
        f"{efi_va % 2**64:#x} (-4 GiB less hi {hi:#x})",
    )


X86_FIXED_WINDOW: Final = Strategy(
    name="x86-fixed-window",
    title="Proposed for Linux on x86-64 in 2013: physical addresses plus a constant",
    page=page_of("x86-fixed-window"),
    architectures=frozenset({"x86_64"}),
    options=(
        kernel_option((6, 12)),
        Option(
            name="round_hi",
            kind="size",
            default=0,
            doc="round the highest end up to a multiple of this, bytes: 2M or 1G keep large leaves "
            "right; 0 does not",
        ),
        BOOT_SERVICES,
        merge_option(default=False),
        GBPAGES,
    ),
    plan=plan_fixed_window,
    kexec=KexecRole(
        "own",
        offers=("setup_data",),
        states_addresses=True,
        varies_with="hi, the highest end of what is mapped",
    ),
)
