"""UEFI-RT-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    NotJudged,
    RuntimeProperties,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import listed

_SHAPE = {"version": 1, "length": 8}


@rule(
    "uefi/invalid-rt-properties-table",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-010",),
    sources=("UEFI 2.10 §4.6.2", "revision history of UEFI 2.8A, #2049"),
    help="write version 1 and length 8",
    fix="safe",
    examples=(
        Bad(
            at=0,
            sections="""
runtime_properties: {version: 1, length: 16, supported: [GetTime]}
""",
        ),
        Bad(
            at=0,
            sections="""
runtime_properties: {version: 0, length: 8, supported: [GetTime]}
""",
        ),
        Good(
            sections="""
runtime_properties: {version: 1, length: 8, supported: [GetTime]}
"""
        ),
    ),
)
def invalid_rt_properties_table(
    runtime_properties: RuntimeProperties,
) -> Iterator[Finding | NotJudged]:
    """EFI_RT_PROPERTIES_TABLE has another version or length than it can have.

    The table is two 16-bit numbers, version 1 and length 8, and a 32-bit mask of the services that
    work after ExitBootServices. A parser that believes a wrong length reads the mask from foreign
    bytes or refuses the table, and then takes every service for supported. Linux does not check
    the numbers; it reads the mask.
    """
    wrong = []
    for field, right in _SHAPE.items():
        value = getattr(runtime_properties, field)
        if value is None:
            yield NotJudged(f"runtime_properties.{field}")
        elif value != right:
            wrong.append((field, value, right))
    if wrong:
        words = [f"{field} {value}, not {right}" for field, value, right in wrong]
        edits = tuple(Edit(runtime_properties, field, right) for field, _, right in wrong)
        yield Finding(
            runtime_properties,
            f"EFI_RT_PROPERTIES_TABLE has {listed(words)}",
            field=wrong[0][0],
            fix=Fix("safe", "write version 1 and length 8", edits),
        )
