"""The staged entry that was proposed instead: translation off, and as few tables as can be."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import HandoverRequest, HandoverVariant, Responsible, size_text
from efipolicy.plugin.handovers import CleanedRange, HandoverJudgement, Precondition
from efipolicy_linux.handover_image import footprint, in_one_region
from efipolicy_linux.handover_state import image_clean, mmu_off
from efipolicy_linux.handover_tables import single_page

_NAME: Final = "handover-staged"

_STEPS: Final = (
    "the kernel is entered with translation off, from EFI, another loader or kexec alike",
    "it zeroes and fills one table a level, for an identity map of one page",
    "it zeroes and fills at most one table a level for a small stub at a fixed address of TTBR1",
    "translation is on",
    "the stub builds the real mapping of the kernel, through caches, and jumps into it",
)

_ONE_PAGE: Final = Precondition(
    name="idmap-text-in-one-page",
    demand="what runs from the identity map fits in one page",
    rule="linux/handover-idmap-text-over-one-page",
    responsible=Responsible.KERNEL,
)


def judge_staged(request: HandoverRequest) -> HandoverJudgement:
    """Judge the entry of Mark Rutland's proposal of November 2022."""
    image = request.declared.image
    missing = None if image else "handover.image"
    return HandoverJudgement(
        variant=_NAME,
        behaves_as=_NAME,
        preconditions=(
            mmu_off(request),
            image_clean(request),
            in_one_region(request),
            one_page(request),
        ),
        footprint=footprint(request),
        cleaned=(CleanedRange("the image without BSS", image.size if image else None, missing),),
        tables=single_page(request),
        steps=_STEPS,
    )


def one_page(request: HandoverRequest) -> Precondition:
    """Whether the identity map can consist of one page, whatever page size is left open."""
    size, declared = request.declared.idmap_text, request.declared
    if size is None:
        return _ONE_PAGE.unknown("handover.idmap_text")
    pages = {geometry.page_size for geometry in request.geometries}
    if not pages or min(pages) < size <= max(pages):
        return _ONE_PAGE.unknown("mapping[].page_size")
    if size <= min(pages):
        return _ONE_PAGE.met(f"{size:#x} bytes fit in a page of {size_text(min(pages))}")
    why = f"{size:#x} bytes run from the identity map, more than a page of {size_text(max(pages))}"
    return _ONE_PAGE.broken(why, declared, "idmap_text")


HANDOVER_STAGED: Final = HandoverVariant(
    name=_NAME,
    title="Translation off, and a stub that maps the kernel in stages",
    architectures=frozenset({"arm64"}),
    judge=judge_staged,
)
