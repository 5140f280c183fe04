"""The conventional entry of arm64 kernels: translation off, the image clean in memory."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import HandoverRequest, HandoverVariant
from efipolicy.plugin.handovers import CleanedRange, HandoverJudgement
from efipolicy_linux.handover_image import footprint, header_alignment, in_one_region
from efipolicy_linux.handover_state import device_tree, image_clean, mmu_off
from efipolicy_linux.handover_tables import whole_image

_NAME: Final = "handover-mmu-off"

STEPS: Final = (
    "the loader or stub cleans the image, code and data without BSS, to the Point of Coherency",
    "the instruction cache is invalidated",
    "the stub cleans its own tail to the Point of Coherency",
    "SCTLR.M and SCTLR.C are cleared at the current exception level",
    "the kernel is entered with the device tree's address in x0, and 0 in x1 to x3",
    "the kernel stores the boot arguments past the caches, and invalidates them there",
    "it zeroes and fills page tables with translation off, and invalidates them again",
    "MAIR, TCR and SCTLR are programmed, and translation is on",
)


def judge_mmu_off(request: HandoverRequest) -> HandoverJudgement:
    """Judge an entry by the boot protocol, as EFI boots up to Linux 6.2 and all others make it."""
    return HandoverJudgement(
        variant=_NAME,
        behaves_as=_NAME,
        preconditions=(
            mmu_off(request),
            image_clean(request),
            device_tree(request),
            header_alignment(request),
            in_one_region(request),
        ),
        footprint=footprint(request),
        cleaned=cleaned_image(request),
        tables=whole_image(request),
        steps=STEPS,
    )


def cleaned_image(request: HandoverRequest) -> tuple[CleanedRange, ...]:
    """What is cleaned: the image's code and data, and the tail of the stub that does it."""
    image = request.declared.image
    return (
        CleanedRange("the image without BSS", image.size if image else None, _missing(image)),
        CleanedRange("the stub's tail", None, "the size of the stub's tail, which no key says"),
    )


def _missing(image: object) -> str | None:
    return None if image else "handover.image"


HANDOVER_MMU_OFF: Final = HandoverVariant(
    name=_NAME,
    title="Translation off, as the arm64 boot protocol has it",
    architectures=frozenset({"arm64"}),
    judge=judge_mmu_off,
)
