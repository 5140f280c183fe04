"""KEXEC-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Kernel,
    NotJudged,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.chain import CALLS, hops


@rule(
    "kexec/chain-bound-to-first-layout",
    severity=Severity.INFO,
    requirements=("KEXEC-007",),
    sources=("UEFI 2.10 §8.4", "Linux commit d3549a938b73", "LKML 2010-08-13"),
    help="nothing, or leave firmware at its physical addresses where all of it can be reached",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="""
mapping:
  - {set_virtual_address_map: {calls: once}, kexec: [{kind: kexec}]}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: never}
    kexec:
      - set_virtual_address_map: {calls: never}
      - set_virtual_address_map: {calls: never}
"""
        ),
        # The last one may do as it likes: nobody takes over from it.
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: never}
    kexec: [{set_virtual_address_map: {calls: once}}]
"""
        ),
    ),
)
def chain_bound_to_first_layout(chain: tuple[Kernel, ...]) -> Iterator[Finding | NotJudged]:
    """Kernels of this chain depend on the virtual layout of one before them.

    SetVirtualAddressMap is optional. Once a kernel calls it, every later one needs its layout
    handed over, has to map it unchanged, and must not call again. Where no kernel calls, there is
    nothing to hand over and any kernel may follow any other, as long as it reaches the regions at
    their physical addresses.

    That is why Xen leaves the call out unless it is built with it, why the BSDs never make it, and
    why Linux on arm64 avoids it on machines whose memory fits the address width. Firmware that
    fails without the call, as some Ampere machines do, leaves no choice. Legal either way, so this
    is a remark.
    """
    bound = [hop for hop in hops(chain) if hop.caller]
    if bound and bound[0].caller:
        first = bound[0].caller.declared
        number = len(bound)
        yield Finding(
            first.set_virtual_address_map or first,
            f"{number} {'kernel depends' if number == 1 else 'kernels depend'} "
            "on the layout of this SetVirtualAddressMap",
            related=tuple(Related(hop.kernel.declared, "takes it over") for hop in bound),
        )
    elif any(hop.unsure for hop in hops(chain)):
        yield NotJudged(CALLS)
