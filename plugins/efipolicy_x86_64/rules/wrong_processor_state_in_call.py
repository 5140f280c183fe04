"""X64-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    NotJudged,
    Responsible,
    Revision,
    RuntimeCalls,
    Severity,
    rule,
)

_EXTENDED_PRECISION = 0x037F
_DOUBLE_PRECISION = 0x027F
_CHANGED_BY_ERRATUM_OF = Revision(2, 3, 1)
_MXCSR = 0x1F80
_RIGHT = "fp_control: 0x37f, mxcsr: 0x1f80, cr0: [], direction_flag: false"


def _calls(state: str) -> str:
    return f"mapping: [{{os: a, calls: {{{state}}}}}]"


@rule(
    "x86_64/wrong-processor-state-in-call",
    severity=Severity.WARNING,
    requirements=("X64-002",),
    sources=("UEFI 2.10 §2.3.4", "UEFI 2.11 §2.3.4"),
    help="set the x87 control word, MXCSR, CR0.EM, CR0.TS and DF before a service is called",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections=_calls(_RIGHT.replace("cr0: []", "cr0: [TS]")), uefi="2.10", at=0),
        Bad(sections=_calls(_RIGHT.replace("0x37f", "0x27f")), uefi="2.10", at=0),
        Bad(sections=_calls(_RIGHT), uefi="2.1", at=0),
        Bad(sections=_calls(_RIGHT.replace("0x1f80", "0x1f00")), at=0),
        Bad(sections=_calls(_RIGHT.replace("flag: false", "flag: true")), at=0),
        Good(sections=_calls(_RIGHT), uefi="2.10"),
        Good(sections=_calls(_RIGHT.replace("0x37f", "0x27f")), uefi="2.1"),
    ),
)
def wrong_processor_state_in_call(
    calls: RuntimeCalls, revision: Revision | None = None
) -> Iterator[Finding | NotJudged]:
    """Runtime services find the floating point unit or the flags in another state than promised.

    Firmware for x86-64 is compiled code that may use vector registers. It expects the unit to be
    there (CR0.EM and CR0.TS clear), the x87 control word 0x037f and MXCSR 0x1f80, that is all
    exceptions masked, and string instructions to run upwards (DF clear).

    A kernel that saves vector registers lazily leaves CR0.TS set, and firmware's first vector
    instruction raises an exception in the middle of a service, for which nobody saved anything.
    With unmasked exceptions an inexact result does the same. With DF set, a copy runs downwards and
    overwrites what lies below.

    The control word was 0x027f (double precision) until the erratum 2.3.1C made it 0x037f (extended
    precision). For 2.3.1 both are accepted, since its number does not tell the erratum; without a
    declared revision the present value is taken to apply. No bit of EFER or CR4 is named.
    """
    yield from _control_word(calls, revision)
    if calls.mxcsr is None:
        yield NotJudged("mapping[].calls.mxcsr")
    elif calls.mxcsr != _MXCSR:
        message = f"MXCSR is {calls.mxcsr:#06x}; UEFI wants {_MXCSR:#06x}"
        yield _finding(calls, "mxcsr", message, f"{_MXCSR:#06x}", Edit(calls, "mxcsr", _MXCSR))
    if calls.cr0 is None:
        yield NotJudged("mapping[].calls.cr0")
    elif calls.cr0:
        names = " and ".join(f"CR0.{bit}" for bit in calls.cr0)
        message = (
            f"{names} {'is' if len(calls.cr0) == 1 else 'are'} set; UEFI wants EM and TS clear"
        )
        clear = (Edit(calls, f"cr0.{place}") for place in range(len(calls.cr0)))
        yield _finding(calls, "cr0", message, f"{names} clear", *clear)
    if calls.direction_flag is None:
        yield NotJudged("mapping[].calls.direction_flag")
    elif calls.direction_flag:
        edit = Edit(calls, "direction_flag", 0)
        yield _finding(calls, "direction_flag", "DF is set; UEFI wants it clear", "DF clear", edit)


def _control_word(calls: RuntimeCalls, revision: Revision | None) -> Iterator[Finding | NotJudged]:
    expected = _control_words(revision)
    stated = calls.fp_control
    if stated is None:
        yield NotJudged("mapping[].calls.fp_control")
    elif stated not in expected:
        since = "since 2.3.1C" if _EXTENDED_PRECISION in expected else "before 2.3.1C"
        since += ", taken to apply here," if revision is None else ""
        words = " or ".join(f"{word:#06x}" for word in expected)
        message = f"the x87 control word is {stated:#06x}; UEFI {since} wants {words}"
        edit = Edit(calls, "fp_control", expected[-1])
        yield _finding(calls, "fp_control", message, f"{expected[-1]:#06x}", edit)


def _control_words(revision: Revision | None) -> tuple[int, ...]:
    if revision is None or revision > _CHANGED_BY_ERRATUM_OF:
        return (_EXTENDED_PRECISION,)
    if revision == _CHANGED_BY_ERRATUM_OF:
        return (_DOUBLE_PRECISION, _EXTENDED_PRECISION)
    return (_DOUBLE_PRECISION,)


def _finding(calls: RuntimeCalls, field: str, message: str, right: str, *edits: Edit) -> Finding:
    return Finding(
        calls,
        f"in a runtime call {message}",
        field=field,
        fix=Fix("unsafe", f"declare {right}", edits),
    )
