"""What every finding promises, each promise a function that says what breaks it.

A finding leads a reader to a place: its subject is a part of what the rule was shown, its region
lies there, its field is one that the subject has. None of them says that a finding is right; that
is what the examples of a rule are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any

from efipolicy.formats.platform_map import DESCRIPTOR
from efipolicy.model.address import AddressRange
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Finding, NotJudged, Rule, SourceText


class Judged(NamedTuple):
    """What a rule was shown, by the names of its parameters, and all that it yielded."""

    rule: Rule
    shown: Mapping[str, Any]
    yielded: tuple[object, ...]

    @property
    def findings(self) -> list[Finding]:
        """What it reports."""
        return [item for item in self.yielded if isinstance(item, Finding)]


Promise = Callable[[Judged], str | None]
"""What breaks a promise, ``None`` when it is kept."""


def of_one_kind(judged: Judged) -> str | None:
    """A rule yields findings and what it could not judge, nothing else."""
    for item in judged.yielded:
        if not isinstance(item, (Finding, NotJudged)):
            return f"it yields {item!r}"
    return None


def in_words(judged: Judged) -> str | None:
    """Each message is a line of words."""
    for finding in judged.findings:
        if not finding.message.strip():
            return "a finding without a message"
        if "\n" in finding.message:
            return f"a message of several lines: {finding.message!r}"
    return None


def once(judged: Judged) -> str | None:
    """Nothing is reported twice."""
    seen = set()
    for finding in judged.findings:
        key = (id(finding.subject), finding.message, finding.region, finding.field)
        if key in seen:
            return f"it reports twice: {finding.message}"
        seen.add(key)
    return None


def about_what_it_was_shown(judged: Judged) -> str | None:
    """A subject is a part of what the rule was shown, or has its place from one."""
    if not judged.findings:
        return None
    known = {id(part) for part in _parts(judged.shown.values())}
    for finding in judged.findings:
        for subject in (finding.subject, *(each.subject for each in finding.related)):
            if not {id(subject), id(getattr(subject, "located", None))} & known:
                return f"it reports {_shown(subject)}, which is no part of what it was shown"
    return None


def where_it_is(judged: Judged) -> str | None:
    """The region of a finding touches the memory that the finding is about.

    A region that is computed, and of no descriptor, is reported of the whole list or the mapping.
    """
    for finding in judged.findings:
        there, region = getattr(finding.subject, "physical", None), finding.region
        if region is None or not isinstance(there, AddressRange):
            continue
        if not (there.overlaps(region) or there.covers(region)):
            return (
                f"it reports {region} of {_shown(finding.subject)}, elsewhere; what is no memory "
                "of it, such as a hole or a virtual address, is the map's or the mapping's"
            )
    return None


def of_a_field_it_has(judged: Judged) -> str | None:
    """The field of a finding is one of its subject's, so that it can be underlined."""
    for finding in judged.findings:
        first = (finding.field or "").partition(".")[0].partition("[")[0]
        if first and not hasattr(finding.subject, first) and first not in DESCRIPTOR.fields:
            return f"it reports the field `{finding.field}`, which {_shown(finding.subject)} lacks"
    return None


def fixed_as_it_says(judged: Judged) -> str | None:
    """The fix of a finding is as safe as the rule says its fixes are, and changes something."""
    for finding in judged.findings:
        if finding.fix is None:
            continue
        if finding.fix.safety != judged.rule.fix:
            said, found = judged.rule.fix, finding.fix.safety
            return f"a finding has a fix that is {found}; the rule says fix={said!r}"
        if not finding.fix.edits:
            return f"a fix without an edit: {finding.fix.message}"
    return None


EVERY_PROMISE: tuple[Promise, ...] = (
    of_one_kind,
    in_words,
    once,
    about_what_it_was_shown,
    where_it_is,
    of_a_field_it_has,
    fixed_as_it_says,
)
"""What every finding promises."""


def broken(judgements: Iterable[Judged]) -> str | None:
    """The first of `EVERY_PROMISE` that is broken, if any is."""
    found = (promise(judged) for judged in judgements for promise in EVERY_PROMISE)
    return next((complaint for complaint in found if complaint), None)


def told(judgements: Iterable[Judged]) -> list[tuple[object, ...]]:
    """What a rule said, to be compared with what it says the next time."""
    return [
        (item.message, item.region, item.field, item.requirements, item.help, item.responsible)
        if isinstance(item, Finding)
        else (item,)
        for judged in judgements
        for item in judged.yielded
    ]


def _shown(subject: object) -> str:
    return f"`{str(subject)[:80]}`"


_PLAIN = (str, int, bytes, SourceText, NoneType)


def _parts(values: Iterable[object]) -> Iterator[object]:
    """The values and all that they consist of, however deep."""
    waiting, seen = [*values], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, _PLAIN) or callable(value):
            continue
        seen.add(id(value))
        yield value
        waiting += _inside(value)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, (tuple, list, frozenset, set)):
        return value
    if is_dataclass(value):
        return [getattr(value, field.name, None) for field in fields(value)]
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [getattr(value, name, None) for name in (*slots, *getattr(value, "__dict__", ()))]
