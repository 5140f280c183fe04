"""Entry with translation and caches on, through the 1:1 map that firmware has made."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import HandoverRequest, HandoverVariant
from efipolicy.plugin.handovers import CleanedRange, HandoverJudgement
from efipolicy_linux.handover_image import footprint, in_one_region, segment_alignment
from efipolicy_linux.handover_mmu_off import HANDOVER_MMU_OFF, STEPS, cleaned_image
from efipolicy_linux.handover_state import cacheable, efi_boot, mmu_and_caches_on
from efipolicy_linux.handover_tables import whole_image

_NAME: Final = "handover-efi-mmu-on"

_ENTRY: Final = (
    "the kernel records that translation is on, and invalidates nothing of the boot arguments",
    "it builds the identity map with cacheable stores",
    "it cleans the text of the identity map, which runs with translation off, to the PoC",
)
_AT_EL2: Final = (
    "at EL2 it cleans the text that runs there as well, and turns translation off in SCTLR_EL2",
    "it drops to EL1",
)
_MOOT: Final = f"nothing depends on it, the kernel does as in {HANDOVER_MMU_OFF.name}"
_TURN_ON: Final = "MAIR, TCR and SCTLR are programmed, and translation is on with the new map"


def judge_efi_mmu_on(request: HandoverRequest) -> HandoverJudgement:
    """Judge an entry that leaves caches on, as EFI boots make it since the 6.3 cycle.

    Where translation or caches turn out to be off, the kernel does as in ``handover-mmu-off``, and
    that is what it costs.
    """
    state = mmu_and_caches_on(request)
    falls_back = state.state == "broken"
    memory, entry = cacheable(request), efi_boot(request)
    if falls_back:
        memory, entry = memory.met(_MOOT), entry.met(_MOOT)
    return HandoverJudgement(
        variant=_NAME,
        behaves_as=HANDOVER_MMU_OFF.name if falls_back else _NAME,
        preconditions=(
            memory,
            in_one_region(request),
            state,
            entry,
            segment_alignment(request),
        ),
        footprint=footprint(request),
        cleaned=cleaned_image(request) if falls_back else _cleaned_text(request),
        tables=whole_image(request),
        steps=STEPS if falls_back else _steps(request),
    )


def _cleaned_text(request: HandoverRequest) -> tuple[CleanedRange, ...]:
    """The text that runs with translation off: from the identity map, and at EL2."""
    declared = request.declared
    idmap = _cleaned("the text in the identity map", declared.idmap_text, "handover.idmap_text")
    if declared.exception_level == "EL1":
        return (idmap,)
    if declared.exception_level is None:
        return idmap, CleanedRange("the text that runs at EL2", None, "handover.exception_level")
    return idmap, _cleaned("the text that runs at EL2", declared.hyp_text, "handover.hyp_text")


def _cleaned(what: str, size: int | None, key: str) -> CleanedRange:
    return CleanedRange(what, size, key if size is None else None)


def _steps(request: HandoverRequest) -> tuple[str, ...]:
    at_el2 = () if request.declared.exception_level == "EL1" else _AT_EL2
    return (*_ENTRY, *at_el2, _TURN_ON)


HANDOVER_EFI_MMU_ON: Final = HandoverVariant(
    name=_NAME,
    title="EFI boot with translation and caches left on",
    architectures=frozenset({"arm64"}),
    judge=judge_efi_mmu_on,
)
