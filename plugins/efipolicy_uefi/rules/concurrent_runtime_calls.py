"""UEFI-RT-016."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)


@rule(
    "uefi/concurrent-runtime-calls",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-016",),
    sources=("UEFI 2.10 §8.1 Table 8.1",),
    help="take one lock around every runtime call",
    needs=("calls.serialised",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections="mapping: [{os: a, calls: {serialised: false}}]", at=0),
        Good(sections="mapping: [{os: a, calls: {serialised: true}}]"),
    ),
)
def concurrent_runtime_calls(calls: RuntimeCalls) -> Iterator[Finding]:
    """Runtime services are called on several processors at once.

    Runtime services may not be entered again while one of the same group is busy: the variable,
    capsule and monotonic count services exclude each other, so do the four that read and set the
    time, and ResetSystem has to wait for whoever writes. Firmware takes no locks for it. Two
    processors in the driver of the flash leave a variable store that no later boot can read.

    One lock around all of them is the simplest thing that satisfies the table; handlers of machine
    checks are exempt by the specification.
    """
    if calls.serialised is False:
        yield Finding(
            calls,
            "runtime calls do not exclude each other, not even those of one group",
            field="serialised",
            fix=Fix("unsafe", "serialise the calls", (Edit(calls, "serialised", 1),)),
        )
