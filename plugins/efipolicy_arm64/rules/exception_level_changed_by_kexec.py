"""ARM64-010, callers one after the other."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Kernel,
    NotJudged,
    Related,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)


@rule(
    "arm64/exception-level-changed-by-kexec",
    severity=Severity.ERROR,
    requirements=("ARM64-010",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="call runtime services at the exception level of the kernels before, or not at all",
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="""
mapping:
  - calls: {exception_level: EL2}
    kexec: [{calls: {exception_level: EL1}}]
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - calls: {exception_level: EL1}
    kexec: [{calls: {exception_level: EL1}}, {calls: {services: []}}]
"""
        ),
    ),
)
def exception_level_changed_by_kexec(chain: tuple[Kernel, ...]) -> Iterator[Finding | NotJudged]:
    """A kernel started by kexec calls runtime services at another exception level.

    Runtime services of AArch64 are called at EL1 or EL2, always the same. Firmware is not started
    anew by kexec, so the rule spans all kernels of one boot: the translation that firmware was
    called under, and that SetVirtualAddressMap converted its pointers for, belongs to one level.

    Linux at EL2 with the virtualization host extensions calls there, Linux without them at EL1. A
    chain in which a kernel has the extensions turned off, or a hypervisor is started in between,
    changes the level on the way. A kernel that calls no service does no harm.
    """
    first: RuntimeCalls | None = None
    for place, kernel in enumerate(chain):
        calls = kernel.declared.calls
        if calls is not None and calls.services == ():
            continue
        if calls is None or calls.exception_level is None:
            yield NotJudged(f"mapping[].{'kexec[].' if place else ''}calls.exception_level")
        elif first is None:
            first = calls
        elif calls.exception_level != first.exception_level:
            yield Finding(
                calls,
                f"runtime services are called at {calls.exception_level} after a kernel before "
                f"has called them at {first.exception_level}",
                field="exception_level",
                related=(Related(first, f"called at {first.exception_level} here"),),
            )
