"""KEXEC-001, and UEFI-SVAM-002 for all kernels of one boot together."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Kernel,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.chain import CALLS, Hop, hops

_CALLS_OF_HOP = "mapping[].kexec[].set_virtual_address_map.calls"


@rule(
    "kexec/second-set-virtual-address-map",
    severity=Severity.ERROR,
    requirements=("KEXEC-001", "UEFI-SVAM-002"),
    sources=(
        "UEFI 2.10 §8.4.1",
        "Linux commit f3cfdfd239da",
        "Linux arch/x86/platform/efi/efi.c",
    ),
    help="take over the virtual layout of the kernel before, and do not call again",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB",
            sections="""
mapping:
  - set_virtual_address_map: {calls: once}
    kexec: [{set_virtual_address_map: {calls: once}}]
""",
            at=0,
        ),
        # The third kernel follows one that called, though the first did not.
        Bad(
            sections="""
mapping:
  - set_virtual_address_map: {calls: never}
    kexec:
      - set_virtual_address_map: {calls: once}
      - set_virtual_address_map: {calls: more}
""",
            at=0,
        ),
        # What the first kernel's strategy plans is a call too.
        Bad(
            "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
mapping:
  - {strategy: x86-topdown, kexec: [{set_virtual_address_map: {calls: once}}]}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: once}
    kexec:
      - set_virtual_address_map: {calls: never}
      - set_virtual_address_map: {calls: never}
"""
        ),
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: never}
    kexec: [{set_virtual_address_map: {calls: once}}]
"""
        ),
        # A call that failed has moved nothing.
        Good(
            sections="""
mapping:
  - set_virtual_address_map: {calls: once, result: failed}
    kexec: [{set_virtual_address_map: {calls: once}}]
"""
        ),
    ),
)
def second_set_virtual_address_map(
    chain: tuple[Kernel, ...], platform: Platform
) -> Iterator[Finding | NotJudged]:
    """A kernel started by kexec calls SetVirtualAddressMap after another one has.

    Firmware converts its pointers once, and stays at the addresses of the kernel that asked. To a
    second call it answers EFI_UNSUPPORTED; a kernel that then goes on with a layout of its own
    calls into nothing, and one that notices has no runtime services.

    Linux avoids the call in two ways. On arm64 and RISC-V only the EFI stub makes it, and kexec
    does not pass through the stub; on x86 the second kernel is told by setup_data that the call
    has been made. Linux on Itanium replaces the service by a stub that reports success before the
    next kernel runs, which so calls, but never firmware; a call declared there is not judged. Xen
    and the BSDs do not call at all.

    What a strategy would plan for a kernel that boots first says nothing about the same kernel
    started by kexec; where a hop does not say, it is not checked.
    """
    for hop in hops(chain):
        if hop.caller or hop.unsure:
            yield from _judged(hop, platform.architecture)


def _judged(hop: Hop, architecture: str) -> Iterator[Finding | NotJudged]:
    svam = hop.kernel.declared.set_virtual_address_map
    if svam is None or svam.calls is None:
        yield NotJudged(_CALLS_OF_HOP)
    elif svam.calls == "never":
        return
    elif hop.caller is None:
        yield NotJudged(CALLS)
    elif architecture == "ia64":
        yield NotJudged("whether kexec put a stub in the place of SetVirtualAddressMap")
    else:
        first = hop.caller.declared
        yield Finding(
            svam,
            "a kernel started by kexec calls SetVirtualAddressMap, which one before it has called "
            "already; firmware answers EFI_UNSUPPORTED",
            field="calls",
            related=(Related(first.set_virtual_address_map or first, "this kernel's call counts"),),
            fix=Fix("unsafe", "declare that it does not call", (Edit(svam, "calls", "never"),)),
        )
