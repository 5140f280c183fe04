"""IA32-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
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

_FP_CONTROL = 0x027F
_MXCSR = 0x1F80
_RIGHT = "fp_control: 0x27f, mxcsr: 0x1f80, cr0: [], direction_flag: false"


def _calls(state: str) -> str:
    return f"mapping: [{{os: a, calls: {{{state}}}}}]"


@rule(
    "i386/wrong-processor-state-in-call",
    severity=Severity.WARNING,
    requirements=("IA32-002",),
    sources=("UEFI 2.10 §2.3.2", "UEFI 2.11 §2.3.2"),
    help="set the x87 control word, MXCSR, CR0.EM, CR0.TS and DF before a service is called",
    architectures=("i386",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections=_calls(_RIGHT.replace("0x27f", "0x37f")), at=0),
        Bad(sections=_calls(_RIGHT.replace("0x1f80", "0x1f00")), at=0),
        Bad(sections=_calls(_RIGHT.replace("cr0: []", "cr0: [EM, TS]")), at=0),
        Bad(sections=_calls(_RIGHT.replace("flag: false", "flag: true")), at=0),
        Good(sections=_calls(_RIGHT)),
    ),
)
def wrong_processor_state_in_call(calls: RuntimeCalls) -> Iterator[Finding | NotJudged]:
    """Runtime services find the floating point unit or the flags in another state than promised.

    Firmware for IA-32 expects the floating point unit to be there (CR0.EM and CR0.TS clear), with
    the x87 control word 0x027f, which is double precision with all exceptions masked, MXCSR 0x1f80,
    and string instructions to run upwards (DF clear). The control word stayed 0x027f when x86-64
    went over to 0x037f with UEFI 2.3.1C: a kernel that shares the code for both gets one wrong.

    A kernel that saves floating point registers lazily leaves CR0.TS set, and the first such
    instruction of firmware raises an exception inside a service. With another precision results
    differ in the last place. With DF set, a copy runs downwards and overwrites what lies below. The
    alignment of the stack is judged by ``uefi/insufficient-stack``.
    """
    for field, expected in (("fp_control", _FP_CONTROL), ("mxcsr", _MXCSR)):
        stated = getattr(calls, field)
        name = "the x87 control word" if field == "fp_control" else "MXCSR"
        if stated is None:
            yield NotJudged(f"mapping[].calls.{field}")
        elif stated != expected:
            message = f"{name} is {stated:#06x}; UEFI wants {expected:#06x}"
            yield _finding(calls, field, message, f"{expected:#06x}", Edit(calls, field, expected))
    if calls.cr0 is None:
        yield NotJudged("mapping[].calls.cr0")
    elif calls.cr0:
        names = " and ".join(f"CR0.{bit}" for bit in calls.cr0)
        message = f"{names} {'is' if len(calls.cr0) == 1 else 'are'} set; UEFI wants them clear"
        clear = (Edit(calls, f"cr0.{place}") for place in range(len(calls.cr0)))
        yield _finding(calls, "cr0", message, f"{names} clear", *clear)
    if calls.direction_flag is None:
        yield NotJudged("mapping[].calls.direction_flag")
    elif calls.direction_flag:
        edit = Edit(calls, "direction_flag", 0)
        yield _finding(calls, "direction_flag", "DF is set; UEFI wants it clear", "DF clear", edit)


def _finding(calls: RuntimeCalls, field: str, message: str, right: str, *edits: Edit) -> Finding:
    return Finding(
        calls,
        f"in a runtime call {message}",
        field=field,
        fix=Fix("unsafe", f"declare {right}", edits),
    )
