"""What a call saves, and for whom."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    Responsible,
    Severity,
    rule,
)

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"


def _private(options: str, more: str = "") -> str:
    return f"mapping: [{{strategy: x86-phys-private, options: {{{options}}}{more}}}]"


@rule(
    "linux/saved-state-not-per-cpu",
    severity=Severity.WARNING,
    requirements=(),
    sources=("LKML 2010-08-13",),
    help="save CR3 and the flags per processor, or let one processor call at a time",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(_DATA, sections=_private("variant: mailing-list, literal: true"), at=0),
        Good(_DATA, sections=_private("variant: mailing-list")),
        Good(
            _DATA,
            sections=_private(
                "variant: mailing-list, literal: true", ", calls: {serialised: true}"
            ),
        ),
        Good(_DATA, sections="mapping: [{strategy: x86-topdown}]"),
    ),
)
def saved_state_not_per_cpu(plan: MappingPlan, mapping: MappingDeclaration) -> Iterator[Finding]:
    """A call of firmware saves the page table and the flags of the processor in one place for all.

    A kernel that calls firmware under another page table has to come back to its own, so it keeps
    CR3 and the flags somewhere. The first form of the patch for physical mode kept them in two
    variables. Early in the boot one processor runs and that is enough; runtime services are called
    after all of them do. Two calls at once, and the second overwrites what the first saved: one
    processor returns to the address space of another.

    Interrupts that are off on one processor do not keep another from calling. Where calls are
    declared to be serialised, ``calls: {serialised: true}``, nothing is overwritten.
    """
    serialised = mapping.calls is not None and mapping.calls.serialised
    if plan.call.saved_state == "global" and plan.strategy.startswith("x86-") and not serialised:
        yield Finding(
            mapping,
            f"{plan.strategy} saves {plan.call.register} and the flags in one place for all "
            "processors, and several may call at once",
            field="strategy",
        )
