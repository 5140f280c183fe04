"""IA64-009."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Responsible, RuntimeCalls, Severity, rule


@rule(
    "ia64/reset-system-in-machine-check-handler",
    severity=Severity.WARNING,
    requirements=("IA64-009",),
    sources=("UEFI 2.10 §8.1.1",),
    help="let the machine-check handler return to SAL and ask it for the reset",
    needs=("calls.machine_check_reset",),
    architectures=("ia64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections="mapping: [{os: a, calls: {machine_check_reset: ResetSystem}}]", at=0),
        Good(sections="mapping: [{os: a, calls: {machine_check_reset: SAL}}]"),
    ),
)
def reset_system_in_machine_check_handler(calls: RuntimeCalls) -> Iterator[Finding]:
    """A machine-check handler resets the machine with ResetSystem.

    On Itanium a machine check reaches the operating system through PAL and SAL, which keep state
    for it until the handler returns. From within that handler ResetSystem must not be called: the
    reset is asked of SAL, on return.

    ResetSystem may go through PAL and SAL again and find them in the middle of the machine check.
    Then the machine hangs instead of starting anew, and the error record, the only trace of what
    went wrong, is lost.
    """
    if calls.machine_check_reset == "ResetSystem":
        yield Finding(
            calls,
            "the machine-check handler calls ResetSystem, where it has to return to SAL",
            field="machine_check_reset",
        )
