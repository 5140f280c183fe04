"""A kernel that wants to find the MMU off."""

from collections.abc import Iterable

from efipolicy.plugin import HandoverRequest, HandoverVariant, Responsible, hookimpl
from efipolicy.plugin.handovers import HandoverJudgement, Precondition

EFIPOLICY_API = 1

MMU_OFF = Precondition(
    name="mmu-off",
    demand="the MMU is off when the kernel is entered",
    rule=None,
    responsible=Responsible.LOADER,
)


def judge(request: HandoverRequest) -> HandoverJudgement:
    """Whether the platform declares what the kernel relies on."""
    mmu = request.declared.mmu
    if mmu is None:
        judged = MMU_OFF.unknown("handover.mmu")
    elif mmu:
        judged = MMU_OFF.broken("the loader leaves it on", request.declared, field="mmu")
    else:
        judged = MMU_OFF.met("the loader turns it off")
    return HandoverJudgement(
        variant="handover-acme",
        behaves_as="handover-acme",
        preconditions=(judged,),
        footprint=None,
        steps=("turn the MMU on",),
        cleaned=(),
        tables=(),
    )


@hookimpl
def efipolicy_handovers() -> Iterable[HandoverVariant]:
    """The hand-over ``handover-acme``."""
    yield HandoverVariant(name="handover-acme", title="Acme: MMU off", judge=judge)
