"""What plugins promise of their values, checked field by field.

A type checker tells a plugin's author most of this. Here it is told to who installed the plugin,
before a wrong value gets so far that nobody knows any more whose it was.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from itertools import islice, pairwise
from typing import Any, get_args

from efipolicy.errors import PluginError
from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Confidence, Finding, Fix, NotJudged, Responsible, Severity
from efipolicy.model.mapping import (
    Access,
    MappingPlan,
    Placement,
    PlacementDirection,
    PlacementWindow,
    PlanProblem,
    PlanStatus,
    RuntimeCall,
    VirtualMapEntry,
)
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Platform
from efipolicy.paging import RadixGeometry, RegionGeometry
from efipolicy.plugin.calling import one_line
from efipolicy.plugin.rules import FACTS
from efipolicy.plugin.types import (
    Bad,
    CaptureReading,
    Good,
    Granularity,
    KexecRole,
    Option,
    OptionKind,
    StrategyChoice,
)

SINGULAR = {
    "architectures": "architecture",
    "strategies": "strategy",
    "handovers": "hand-over",
    "rules": "rule",
    "formats": "capture format",
    "reporters": "reporter",
    "policies": "policy",
}
"""What one of each kind of contribution is called."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_RULE_ID = re.compile(r"[a-z0-9_-]+/[a-z0-9]+(-[a-z0-9]+)*")
_WORD = 1 << 64

MOST_VALUES = 1 << 18
"""How much a hook may contribute, and a rule may yield: beyond it nobody waits for the end."""


class BrokenPromiseError(PluginError):
    """A plugin gave something that its hook or its type does not allow, or did what none may do."""


def shown(value: object) -> str:
    """A value for a message: short, on one line, whatever its author made of ``repr``."""
    if value is None or isinstance(value, (bool, int, str)):
        return one_line(repr(value))[:60]
    name = type(value).__name__
    return f"an object of {type(value).__module__}.{name}"


def answers(hook: str, given: object, kind: type) -> list[Any]:
    """What a hook gave, as a list.

    Raises `BrokenPromiseError` for what is no iterable of values of the kind.
    """
    if isinstance(given, kind):
        raise BrokenPromiseError(f"{hook} gave one {kind.__name__}, not an iterable of them")
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        _close(given)
        raise BrokenPromiseError(f"{hook} gave {shown(given)}, not an iterable of {kind.__name__}")
    values = _all_of(given, f"{hook} gave")
    for value in values:
        if not isinstance(value, kind):
            raise BrokenPromiseError(f"{hook} gave {shown(value)}, not {kind.__name__}")
    return values


def _close(given: object) -> None:
    """End a coroutine, which would complain by itself that nobody awaits it."""
    if isinstance(given, Coroutine):
        given.close()


def _all_of(given: Iterable[Any], what: str) -> list[Any]:
    """The values as a list. Raises `BrokenPromiseError` for what may never end."""
    values = list(islice(given, MOST_VALUES + 1))
    if len(values) > MOST_VALUES:
        raise BrokenPromiseError(f"{what} more than {MOST_VALUES} values, and perhaps no end")
    return values


def check_value(kind: str, value: Any) -> None:
    """Raise `BrokenPromiseError` for a contribution one of whose fields is not what it is to be."""
    if kind == "policies":
        _of_type("a policy folder", "path", value.path, str)
        if not os.path.isabs(value.path):
            raise _wrong("a policy folder", "path", value.path, "absolute")
        return
    name = value.id if kind == "rules" else value.name
    what = f"{SINGULAR[kind]} {f'`{one_line(name)}`' if isinstance(name, str) else shown(name)}"
    for field, expected in _FIELDS[kind].items():
        _of_type(what, field, getattr(value, field), expected)
    for field in _CALLED.get(kind, ()):
        if not callable(getattr(value, field)):
            raise _wrong(what, field, getattr(value, field), "a function")
    if kind != "rules" and not _NAME.fullmatch(value.name):
        raise _wrong(what, "name", value.name, "a name of letters, digits, `-`, `_` and `.`")
    if further := _FURTHER.get(kind):
        further(what, value)


def _of_type(what: str, field: str, value: object, expected: Any) -> None:
    if not isinstance(value, expected):
        kinds = expected if isinstance(expected, tuple) else (expected,)
        words = " or ".join("None" if one is type(None) else one.__name__ for one in kinds)
        raise _wrong(what, field, value, words)


def _wrong(what: str, field: str, value: object, expected: str) -> BrokenPromiseError:
    return BrokenPromiseError(f"{what}: {field} is {shown(value)}, not {expected}")


def _all(what: str, field: str, values: Iterable[object], expected: Any) -> None:
    for value in values:
        _of_type(what, f"an item of {field}", value, expected)


def _architecture(what: str, value: Any) -> None:
    if value.name == UNKNOWN_ARCHITECTURE:
        raise BrokenPromiseError(f"{what}: its name means that nobody knows which one it is")
    for size, geometries in value.geometries.items():
        _of_type(what, "a page size of geometries", size, int)
        _of_type(what, f"geometries[{size:#x}]", geometries, tuple)
        _all(what, f"geometries[{size:#x}]", geometries, (RadixGeometry, RegionGeometry))
    if not value.geometries or not all(value.geometries.values()):
        raise BrokenPromiseError(f"{what}: geometries lacks page tables for a page size, or all")
    if value.entry_formats is not None and not callable(value.entry_formats):
        raise _wrong(what, "entry_formats", value.entry_formats, "a function or None")


def _rule(what: str, value: Any) -> None:
    if "/" not in value.id:
        raise BrokenPromiseError(f"rule `{value.id}` has no pack (pack/kebab-name)")
    for id in (value.id, *value.aliases):
        if not isinstance(id, str) or not _RULE_ID.fullmatch(id):
            raise _wrong(what, "id", id, "of the form pack/kebab-name")
    for field in ("requirements", "sources", "facts", "needs", "unless", "aliases"):
        _all(what, field, getattr(value, field), str)
    _all(what, "architectures", value.architectures, str)
    _all(what, "examples", value.examples, (Bad, Good))
    _options(what, value)
    for fact in (*value.facts, *value.optional_facts):
        if fact not in FACTS:
            raise _wrong(what, "facts", fact, "a fact that rules may ask for")


def _strategy(what: str, value: Any) -> None:
    _all(what, "architectures", value.architectures, str)
    _options(what, value)
    if value.layouts is not None and not callable(value.layouts):
        raise _wrong(what, "layouts", value.layouts, "a function or None")


def _options(what: str, value: Any) -> None:
    _all(what, "options", value.options, Option)
    met: set[str] = set()
    for option in value.options:
        _of_type(what, "the name of an option", option.name, str)
        if option.kind not in get_args(OptionKind):
            raise _wrong(what, f"the kind of option {option.name}", option.kind, "a known one")
        if option.name in met:
            raise BrokenPromiseError(f"{what}: two options `{option.name}`")
        met.add(option.name)


def _format(what: str, value: Any) -> None:
    _all(what, "dialects", value.dialects, str)


_FURTHER: dict[str, Callable[[str, Any], None]] = {
    "architectures": _architecture,
    "rules": _rule,
    "strategies": _strategy,
    "formats": _format,
}
_NONE = type(None)
_FIELDS: dict[str, dict[str, Any]] = {
    "architectures": {
        "name": str,
        "title": str,
        "geometries": Mapping,
        "cacheability": Mapping,
        "physical_address_bits": int,
        "runtime_granularity": Granularity,
        "acpi_granularity": Granularity,
        "address_space_register": str,
        "minimum_stack": (int, _NONE),
        "stack_alignment": (int, _NONE),
        "source": str,
    },
    "strategies": {
        "name": str,
        "title": str,
        "architectures": frozenset,
        "options": tuple,
        "kexec": (KexecRole, _NONE),
        "page": (str, _NONE),
    },
    "handovers": {"name": str, "title": str, "architectures": frozenset},
    "rules": {
        "id": str,
        "severity": Severity,
        "requirements": tuple,
        "sources": tuple,
        "summary": str,
        "page": str,
        "help": str,
        "examples": tuple,
        "needs": tuple,
        "architectures": frozenset,
        "responsible": Responsible,
        "confidence": Confidence,
        "since": str,
        "disqualifies": (int, _NONE),
        "unless": tuple,
        "options": tuple,
        "aliases": tuple,
    },
    "formats": {"name": str, "title": str, "dialects": tuple},
    "reporters": {"name": str, "title": str},
}
_CALLED = {
    "strategies": ("plan",),
    "handovers": ("judge",),
    "rules": ("check",),
    "formats": ("read",),
    "reporters": ("render",),
}


def sound_findings(given: object) -> list[Finding | NotJudged]:
    """What a rule yields, all of it. Raises `BrokenPromiseError` for anything else."""
    if isinstance(given, (Finding, NotJudged, str)) or not isinstance(given, Iterable):
        _close(given)
        raise BrokenPromiseError(f"it gave {shown(given)}, not an iterable of Finding")
    yielded: list[Finding | NotJudged] = _all_of(given, "it yielded")
    for item in yielded:
        if isinstance(item, NotJudged):
            _of_type("NotJudged", "needs", item.needs, str)
        elif isinstance(item, Finding):
            _finding(item)
        else:
            raise BrokenPromiseError(f"it yielded {shown(item)}, not Finding or NotJudged")
    return yielded


def _finding(item: Finding) -> None:
    located = getattr(item.subject, "located", False)
    if located is not None and not all(hasattr(located, name) for name in ("span", "span_of")):
        raise _wrong("a finding", "subject", item.subject, "an object of the model")
    _of_type("a finding", "message", item.message, str)
    _of_type("a finding", "region", item.region, (AddressRange, _NONE))
    if item.region and not 0 <= item.region.start <= item.region.end:
        place = f"[{item.region.start:#x}, {item.region.end:#x})"
        raise BrokenPromiseError(f"the region of a finding is {place}, which is none")
    _of_type("a finding", "field", item.field, (str, _NONE))
    _of_type("a finding", "fix", item.fix, (Fix, _NONE))
    _of_type("a finding", "requirements", item.requirements, tuple)
    _of_type("a finding", "related", item.related, tuple)
    _of_type("a finding", "help", item.help, (str, _NONE))
    _of_type("a finding", "responsible", item.responsible, (Responsible, _NONE))


def sound_plan(given: object) -> MappingPlan:
    """A strategy's plan. Raises `BrokenPromiseError` for what is none."""
    if not isinstance(given, MappingPlan):
        raise BrokenPromiseError(f"it gave {shown(given)}, not MappingPlan")
    _of_type("its plan", "strategy", given.strategy, str)
    _of_type("its plan", "options", given.options, Mapping)
    _of_type("its plan", "call", given.call, RuntimeCall)
    _of_type("its plan", "problems", given.problems, tuple)
    _all("its plan", "problems", given.problems, PlanProblem)
    for problem in given.problems:
        _of_type("a problem of its plan", "rule", problem.rule, str)
        _of_type("a problem of its plan", "message", problem.message, str)
        _of_type("a problem of its plan", "region", problem.region, (AddressRange, _NONE))
    if given.status not in get_args(PlanStatus):
        raise _wrong("its plan", "status", given.status, " or ".join(get_args(PlanStatus)))
    for field in ("mappings", "extra"):
        mappings = getattr(given, field)
        _of_type("its plan", field, mappings, tuple)
        _all("its plan", field, mappings, PlannedMapping)
        for mapping in mappings:
            _planned(mapping)
    if given.svam is not None:
        _of_type("its plan", "svam", given.svam, tuple)
        _all("its plan", "svam", given.svam, VirtualMapEntry)
    _of_type("its plan", "placement", given.placement, Placement)
    _placement(given.placement)
    return given


def _placement(given: Placement) -> None:
    what = "the placement of its plan"
    _of_type(what, "windows", given.windows, tuple)
    _all(what, "windows", given.windows, PlacementWindow)
    _of_type(what, "notes", given.notes, tuple)
    _all(what, "notes", given.notes, str)
    directions = get_args(PlacementDirection)
    if given.direction is not None and given.direction not in directions:
        raise _wrong(what, "direction", given.direction, f"{' or '.join(directions)} or None")
    for window in given.windows:
        for field in ("start", "end"):
            _of_type("a window of its plan", field, getattr(window, field), int)
        for field in ("low_name", "high_name"):
            _of_type("a window of its plan", field, getattr(window, field), str)
        if not 0 <= window.start < window.end <= _WORD:
            place = f"[{window.start:#x}, {window.end:#x})"
            raise BrokenPromiseError(f"a window of its plan is {place}, no range within 64 bits")
    ascending = sorted([window.virtual for window in given.windows])
    for low, high in pairwise(ascending):
        if low.overlaps(high):
            raise BrokenPromiseError(f"{what}: its windows {low} and {high} overlap")


def _planned(mapping: PlannedMapping) -> None:
    what = "a mapping of its plan"
    _of_type(what, "physical", mapping.physical, AddressRange)
    _of_type(what, "virtual_start", mapping.virtual_start, (int, _NONE))
    _of_type(what, "cache", mapping.cache, str)
    _of_type(what, "descriptors", mapping.descriptors, tuple)
    if mapping.access not in get_args(Access):
        raise _wrong(what, "access", mapping.access, " or ".join(get_args(Access)))
    # A virtual address may be too high for 64 bits: that no table holds it is told with the plan.
    for region, most in ((mapping.physical, _WORD), (mapping.virtual, None)):
        if region and (not 0 <= region.start <= region.end or (most and region.end > most)):
            place = f"[{region.start:#x}, {region.end:#x})"
            raise BrokenPromiseError(f"{what} lies at {place}, outside 64 bits")


def sound_reading(given: object) -> CaptureReading | None:
    """What a format read, if anything. Raises `BrokenPromiseError` for anything else."""
    if given is None:
        return None
    if not isinstance(given, CaptureReading):
        raise BrokenPromiseError(f"it gave {shown(given)}, not CaptureReading or None")
    _of_type("its reading", "platform", given.platform, Platform)
    _of_type("its reading", "understood", given.understood, int)
    return given


def sound_text(given: object) -> str:
    """A rendered report. Raises `BrokenPromiseError` for what is no text."""
    if not isinstance(given, str):
        raise BrokenPromiseError(f"it gave {shown(given)}, not str")
    return given


def sound_judgement(given: object) -> object:
    """A judged hand-over. Raises `BrokenPromiseError` for what is none."""
    from efipolicy.model.handover import HandoverJudgement

    if not isinstance(given, HandoverJudgement):
        raise BrokenPromiseError(f"it gave {shown(given)}, not HandoverJudgement")
    return given


def sound_seeded(given: object) -> list[Any]:
    """The regions of a layout, each with its virtual start. Raises `BrokenPromiseError`."""
    if not isinstance(given, Iterable):
        raise BrokenPromiseError(f"its layout is {shown(given)}, not an iterable of regions")
    return list(given)


def sound_choices(given: object) -> list[StrategyChoice]:
    """The choices of a strategy. Raises `BrokenPromiseError` for anything else."""
    chosen: list[StrategyChoice] = answers("efipolicy_strategy_choices", given, StrategyChoice)
    for one in chosen:
        _of_type("a choice", "strategy", one.strategy, str)
        _of_type("a choice", "reason", one.reason, str)
        _of_type("a choice", "options", one.options, Mapping)
        _all("a choice", "options", one.options, str)
        _of_type("a choice", "certain", one.certain, bool)
    return chosen
