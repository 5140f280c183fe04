"""What becomes of firmware along a chain of kernels: a fold over them, hop by hop."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.engine.kexec_channel import handed_over, transition
from efipolicy.engine.kexec_rules import judge
from efipolicy.engine.kexec_state import ChainKernel, after, first_boot
from efipolicy.engine.kexec_words import assumptions_of, of_the_chain
from efipolicy.engine.planned import Planned
from efipolicy.model.chain import ChainHop, ChainReport, Verdict
from efipolicy.model.platform import Platform
from efipolicy.plugin import KexecRole


def simulate(platform: Platform, kernels: Sequence[ChainKernel]) -> ChainReport:
    """The verdict on a chain of two kernels or more, with the hops in order.

    A hop after one that failed is judged as if the kernel before had come up without firmware.
    """
    state = first_boot(platform, kernels[0])
    hops: list[ChainHop] = []
    assumptions = list(of_the_chain(platform, [(one.name, one.planned) for one in kernels]))
    for number, second in enumerate(kernels[1:], start=1):
        taken = transition(platform, state, second, number + 1)
        verdict, example = judge(taken)
        carried = handed_over(taken)
        hops.append(
            ChainHop(state.kernel.name, second.name, second.kind, verdict, carried, example)
        )
        assumptions += assumptions_of(number, taken)
        state = after(taken, verdict)
    failed = [hop.verdict for hop in hops if hop.verdict != "ok"]
    return ChainReport(failed[0] if failed else "ok", tuple(hops), tuple(assumptions))


def verdict_to_itself(platform: Platform, made: Planned, role: KexecRole | None) -> Verdict | None:
    """The verdict on a kernel started by kexec from one just like it; ``None``: nobody says."""
    if role is None:
        return None
    kernel = ChainKernel(made.plan.strategy, made, role)
    return judge(transition(platform, first_boot(platform, kernel), kernel))[0]
