"""The walk of page tables as ``efipolicy where`` shows it: entry by entry, then the outcome."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.engine.walking import Walked, fault_text
from efipolicy.paging.entries import FieldValue
from efipolicy.paging.walker import Walk, WalkStep
from efipolicy.reporters.lint_json import JsonObject


def walk_lines(walked: Walked, *, verbose: bool) -> Iterator[tuple[str, str]]:
    """A label and words for each entry that is read, what accesses come to, what was not meant.

    Verbose output explains the fields of each entry.
    """
    if walked.without_tables:
        yield "no tables", walked.without_tables
    for step in walked.steps:
        yield "page tables", _step(step)
        if verbose:
            yield from (("", f"  {words}") for words in _explained(step))
    if walked.accesses and not _same_fault(walked):
        yield "access", "; ".join(_outcomes(walked))
    for difference in walked.differences:
        yield "differs", difference


def _same_fault(walked: Walked) -> bool:
    """Whether every access faults in the same words, which the fault says already."""
    return len({one.explanation for one in walked.accesses} - {None}) == 1 and all(
        one.fault for one in walked.accesses
    )


def _step(step: WalkStep) -> str:
    place, decoded = f"{step.level.name}[{step.number}]", step.decoded
    if decoded.kind == "empty":
        return f"{place} empty"
    if decoded.kind == "table":
        return f"{place} table"
    words = f"{place} {step.entry:#018x}"
    if decoded.kind == "invalid":
        return f"{words} is no valid entry"
    if decoded.reserved:
        return f"{words} has reserved bits {decoded.reserved:#x}"
    access, cache = decoded.access or "unknown access", decoded.cache or "unknown cache type"
    contiguous = ", contiguous" if decoded.contiguous else ""
    return f"{words} -> physical {decoded.physical or 0:#x} {access} {cache}{contiguous}"


def _explained(step: WalkStep) -> Iterator[str]:
    """A line for each field that is set or whose clear value has a meaning of its own."""
    decoded = step.decoded
    if decoded.kind == "table":
        yield f"{step.entry:#x}, and the table's place, which is the operating system's choice"
    for name, field in _named(step):
        meaning = f": {field.meaning}" if field.meaning else ""
        if field.value or (meaning and field.value in field.field.values):
            value = f"{field.value:#x}" if field.value > 9 else f"{field.value}"
            yield f"{_bits(field):>5} {name} = {value}{meaning}"
    if decoded.reserved:
        yield f"      reserved bits {decoded.reserved:#x} must be clear"
    if decoded.unknown:
        yield f"      bits {decoded.unknown:#x} are of no known field"


def _bits(field: FieldValue) -> str:
    low, high = field.field.low, field.field.low + field.field.bits - 1
    return f"{high}:{low}" if high > low else f"{low}"


def _named(step: WalkStep) -> Iterator[tuple[str, FieldValue]]:
    """The fields by names that differ: several of one name get their bits as well."""
    names = [one.field.name for one in step.decoded.fields]
    for one in step.decoded.fields:
        name = one.field.name
        yield (f"{name}[{_bits(one)}]" if names.count(name) > 1 else name), one


def _outcomes(walked: Walked) -> Iterator[str]:
    """What each kind of access comes to, those that come to the same together."""
    kinds: dict[str, list[str]] = {}
    for one in walked.accesses:
        kinds.setdefault(_outcome(one), []).append(one.kind)
    for outcome, alike in kinds.items():
        yield f"{', '.join(alike)}: {outcome}"


def _outcome(one: Walk) -> str:
    if one.fault:
        return one.explanation or one.fault.cause
    return f"reaches {one.physical or 0:#x}"


def walk_json(walked: Walked) -> list[JsonObject]:
    """The entries of a walk, each with its fields by name."""
    return [
        {
            "level": step.level.name,
            "index": step.number,
            "entry": f"{step.entry:#x}",
            "fields": _fields_json(step),
        }
        for step in walked.steps
    ]


def _fields_json(step: WalkStep) -> JsonObject:
    """By name: the value, the bits of the entry it takes, what it means.

    Besides the architecture's there are ``address``, whose value is ``None`` where it is the
    operating system's choice, and ``reserved`` and ``unknown`` where such bits are set.
    """
    decoded = step.decoded
    fields: JsonObject = {
        name: _field_json(one.value, one.field.mask, one.meaning) for name, one in _named(step)
    }
    if decoded.kind == "table":
        meaning = "where the table is: the operating system's choice"
        fields["address"] = {"value": None, "mask": None, "meaning": meaning}
    elif decoded.kind == "leaf":
        fields["address"] = _field_json(decoded.physical or 0, None, "where the memory is")
    if decoded.reserved:
        meaning = "must be clear, and faults when set"
        fields["reserved"] = _field_json(decoded.reserved, decoded.reserved, meaning)
    if decoded.unknown:
        fields["unknown"] = _field_json(decoded.unknown, decoded.unknown, "not known")
    return fields


def _field_json(value: int, mask: int | None, meaning: str) -> JsonObject:
    return {
        "value": f"{value:#x}",
        "mask": None if mask is None else f"{mask:#x}",
        "meaning": meaning or None,
    }


def accesses_json(walked: Walked) -> JsonObject:
    """By kind of access: the address it reaches and with which cache type, or its fault."""
    return {
        one.kind: {
            "physical": None if one.physical is None else f"{one.physical:#x}",
            "cache": one.cache,
            "fault": fault_text(one),
        }
        for one in walked.accesses
    }
