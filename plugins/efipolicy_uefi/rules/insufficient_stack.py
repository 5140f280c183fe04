"""UEFI-RT-015, stack."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Architecture,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    NotJudged,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)


@rule(
    "uefi/insufficient-stack",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-015",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "UEFI 2.11 §2.3.2 to §2.3.8"),
    help="call runtime services on a stack of the size and alignment the architecture asks for",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            architecture="arm64",
            sections="mapping: [{os: a, calls: {stack_bytes: 4096, stack_alignment: 16}}]",
            at=0,
        ),
        Bad(
            architecture="x86_64",
            sections="mapping: [{os: a, calls: {stack_bytes: 4095, stack_alignment: 16}}]",
            at=0,
        ),
        Bad(
            architecture="x86_64",
            sections="mapping: [{os: a, calls: {stack_bytes: 4096, stack_alignment: 8}}]",
            at=0,
        ),
        Good(
            architecture="arm64",
            sections="mapping: [{os: a, calls: {stack_bytes: 8192, stack_alignment: 16}}]",
        ),
        Good(
            architecture="x86_64",
            sections="mapping: [{os: a, calls: {stack_bytes: 4096, stack_alignment: 64}}]",
        ),
        Good(
            architecture="ia64",
            sections="mapping: [{os: a, calls: {stack_bytes: 1024, stack_alignment: 8}}]",
        ),
    ),
)
def insufficient_stack(
    calls: RuntimeCalls, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """Runtime services find less stack than the architecture promises them.

    Firmware is built for the least stack that UEFI's binding names: 4 KiB on x86, 8 KiB on
    AArch64. It does not test how much there is. On a smaller one it writes over whatever lies
    below, silently, and only in the services that go deepest, so that reading a variable works
    and updating a capsule does not.

    The stack pointer has to be aligned too, to 16 bytes on x86 since UEFI 2.1C and on AArch64:
    compilers store vector registers there with instructions that fault otherwise. Itanium's
    binding names no least size, so none is checked there.
    """
    size, minimum = calls.stack_bytes, architecture.minimum_stack
    if minimum and size is None:
        yield NotJudged("mapping[].calls.stack_bytes")
    elif minimum and size is not None and size < minimum:
        message = f"runtime services find {size:#x} bytes of stack"
        yield _finding(calls, architecture, message, "stack_bytes", minimum)
    alignment, unit = calls.stack_alignment, architecture.stack_alignment
    if unit and alignment is None:
        yield NotJudged("mapping[].calls.stack_alignment")
    elif unit and alignment is not None and (not alignment or alignment % unit):
        message = f"the stack of runtime services is aligned to {alignment:#x} bytes"
        yield _finding(calls, architecture, message, "stack_alignment", unit)


def _finding(
    calls: RuntimeCalls, architecture: Architecture, message: str, field: str, wanted: int
) -> Finding:
    return Finding(
        calls,
        f"{message}; {architecture.source} wants {wanted:#x}",
        field=field,
        fix=Fix("unsafe", f"raise it to {wanted:#x}", (Edit(calls, field, wanted),)),
    )
