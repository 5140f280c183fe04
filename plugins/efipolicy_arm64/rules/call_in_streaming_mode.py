"""ARM64-012."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Responsible,
    Revision,
    RuntimeCalls,
    Severity,
    rule,
)

_SINCE = Revision(2, 10)


@rule(
    "arm64/call-in-streaming-mode",
    severity=Severity.WARNING,
    requirements=("ARM64-012",),
    sources=("UEFI 2.10 §2.3.6", "UEFI 2.11 §2.3.6"),
    help="leave streaming mode before a runtime service is called",
    needs=("calls.streaming_mode",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            uefi="2.10",
            sections="mapping: [{os: a, calls: {streaming_mode: true}}]",
            at=0,
        ),
        Good(uefi="2.10", sections="mapping: [{os: a, calls: {streaming_mode: false}}]"),
        Good(uefi="2.9", sections="mapping: [{os: a, calls: {streaming_mode: true}}]"),
    ),
)
def call_in_streaming_mode(
    calls: RuntimeCalls, revision: Revision | None = None
) -> Iterator[Finding]:
    """Runtime services are called in streaming mode.

    The Scalable Matrix Extension has a streaming mode (PSTATE.SM is 1), in which many instructions
    of Advanced SIMD are illegal and vectors may have another length. Firmware is compiled for the
    ordinary mode and uses these instructions, in memory copies and in cryptography: the first of
    them is an undefined instruction inside a service.

    An operating system that lets applications use the extension has to leave the mode on the
    processor that makes the call. The rule came with UEFI 2.10; a platform that declares an older
    revision is not judged, one that declares none is judged by it.
    """
    if calls.streaming_mode and (revision is None or revision >= _SINCE):
        taken = "UEFI 2.10, taken to apply here," if revision is None else "UEFI 2.10"
        yield Finding(
            calls,
            f"runtime services are called with PSTATE.SM = 1; {taken} wants streaming mode off",
            field="streaming_mode",
            fix=Fix("unsafe", "declare streaming mode off", (Edit(calls, "streaming_mode", 0),)),
        )
