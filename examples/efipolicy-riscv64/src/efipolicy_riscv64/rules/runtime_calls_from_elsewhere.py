"""RISCV-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    Responsible,
    Revision,
    RuntimeCalls,
    Severity,
    rule,
)

_SINCE = Revision(2, 10)
"""The text is that of 2.10A, whose system table says 2.10."""


@rule(
    "riscv64/runtime-calls-from-elsewhere",
    severity=Severity.ERROR,
    requirements=("RISCV-002",),
    sources=("UEFI 2.11 §2.3.7",),
    help="let one operating system or hypervisor make all runtime calls, from one privilege mode",
    needs=("calls.other_callers",),
    architectures=("riscv64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(uefi="2.11", sections="mapping: [{calls: {other_callers: [a guest in VS]}}]", at=0),
        Good(uefi="2.11", sections="mapping: [{calls: {other_callers: []}}]"),
        # Before the clause was written.
        Good(uefi="2.9", sections="mapping: [{calls: {other_callers: [a guest in VS]}}]"),
    ),
)
def runtime_calls_from_elsewhere(calls: RuntimeCalls, revision: Revision) -> Iterator[Finding]:
    """Somebody beside the operating system calls runtime services.

    Since UEFI 2.10A all calls on RISC-V come from one privilege mode, S (HS with the hypervisor
    extension) or VS, and from one operating system or hypervisor. Each mode has a translation of
    its own: satp, or vsatp with hgatp below it. Firmware keeps pointers and locks across calls for
    the translation it was called under, and finds other memory behind them under another one. Calls
    of two owners are not serialised against each other either.

    A hypervisor gives its guests firmware of their own and keeps the machine's to itself. The other
    half of the clause, a stack of 8 KiB aligned to 16 bytes, is judged by
    ``uefi/insufficient-stack`` with the numbers of this architecture.
    """
    if calls.other_callers and revision >= _SINCE:
        yield Finding(
            calls,
            f"runtime services are called by {' and '.join(calls.other_callers)} "
            "beside the operating system",
            field="other_callers",
        )
