"""ARM64-010, callers at one time."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Responsible, RuntimeCalls, Severity, rule


@rule(
    "arm64/runtime-calls-from-elsewhere",
    severity=Severity.ERROR,
    requirements=("ARM64-010",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="let one operating system or hypervisor make all runtime calls, from one exception level",
    needs=("calls.other_callers",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="mapping: [{os: a, calls: {exception_level: EL2, other_callers: [a guest]}}]",
            at=0,
        ),
        Good(sections="mapping: [{os: a, calls: {exception_level: EL2, other_callers: []}}]"),
        # Two operating systems of one vendor's list never run at once.
        Good(
            sections="""
mapping:
  - {os: a, calls: {exception_level: EL2, other_callers: []}}
  - {os: b, calls: {exception_level: EL1, other_callers: []}}
"""
        ),
    ),
)
def runtime_calls_from_elsewhere(calls: RuntimeCalls) -> Iterator[Finding]:
    """Somebody beside the operating system calls runtime services.

    Runtime services of AArch64 may be called at EL1 or at EL2, but every call has to come from the
    same level, and from one operating system or hypervisor; they are not shared with a guest. EL1
    and EL2 have translations of their own. Firmware keeps pointers and locks across calls, for the
    translation it was last called under, and would find other memory behind them in a guest. Calls
    of two owners are not serialised against each other either.

    A hypervisor gives its guests firmware of their own, as is done with EDK II for virtual
    machines, and keeps the calls of the machine's firmware to one owner. Entries of ``mapping`` are
    alternatives of which one runs after a boot, so their levels are not compared; kernels that
    follow each other by kexec are, in ``arm64/exception-level-changed-by-kexec``.
    """
    if calls.other_callers:
        level = f" at {calls.exception_level}" if calls.exception_level else ""
        yield Finding(
            calls,
            f"runtime services are called by {' and '.join(calls.other_callers)} "
            f"beside the operating system{level}",
            field="other_callers",
        )
