"""Deliberately wrong rules. The right one is about persistent memory that is called so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from efipolicy.plugin import (
    EFI_MEMORY_NV,
    AddressRange,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    NotJudged,
    Option,
    Platform,
    Related,
    Rule,
    Severity,
    rule,
)

EXAMPLES = (
    Bad("EfiPersistentMemory    0x100000000  16  WB NV"),
    Bad("EfiConventionalMemory  0x100000  16  WB", "EfiPersistentMemory  0x200000  16  WB", at=2),
    Good("EfiReservedMemoryType  0x100000000  16  WB"),
)
LIMIT = Option(name="limit", kind="pages", default=1, doc="the most pages")

Check = Callable[..., Iterator[Finding | NotJudged]]
Change = Callable[[Finding, MemoryMap], Finding]


def of(check: Check, **more: Any) -> Rule:
    """A rule of a function, with what all of them have in common."""
    check.__doc__ = check.__doc__ or "Memory that survives a reset is called so."
    stated: dict[str, Any] = {
        "id": "acme/persistent-memory",
        "severity": Severity.WARNING,
        "requirements": ("ACME-001",),
        "sources": ("Acme platform guide, 3.2",),
        "help": "report it as EfiReservedMemoryType",
        "examples": EXAMPLES,
        **more,
    }
    return rule(stated.pop("id"), **stated)(check)


def persistent(memory_map: MemoryMap) -> Iterator[Finding]:
    """What the right rule says."""
    for one in memory_map.descriptors:
        if one.type == EfiMemoryType.EfiPersistentMemory:
            yield Finding(one, f"{one} is persistent", field="type")


def right(memory_map: MemoryMap) -> Iterator[Finding]:
    """Memory that survives a reset is called so."""
    return persistent(memory_map)


RIGHT = of(right)


def stated(**more: Any) -> Rule:
    """The right rule with another statement about it."""

    def check(memory_map: MemoryMap) -> Iterator[Finding]:
        return persistent(memory_map)

    return of(check, **more)


def changed(change: Change, **more: Any) -> Rule:
    """The right rule, each finding of it changed afterwards."""

    def check(memory_map: MemoryMap) -> Iterator[Finding]:
        for finding in persistent(memory_map):
            yield change(finding, memory_map)

    return of(check, **more)


def found(**fields: Any) -> Rule:
    """The right rule with other findings."""
    return changed(lambda finding, _: finding._replace(**fields))


def mended(safety: Any, *, edits: bool = True, says: Any = "safe") -> Rule:
    """The right rule with a fix."""

    def change(finding: Finding, _: MemoryMap) -> Finding:
        edit = Edit(finding.subject, "type", 0)
        return finding._replace(fix=Fix(safety, "report it as reserved", (edit,) * edits))

    return changed(change, fix=says)


def twice(memory_map: MemoryMap) -> Iterator[Finding]:
    """Says everything again."""
    yield from persistent(memory_map)
    yield from persistent(memory_map)


def sorting_in_place(platform: Platform) -> Iterator[Finding]:
    """Writes an order into the map that it is shown."""
    ordered = tuple(sorted(platform.memory_map.descriptors, key=lambda one: -one.physical_start))
    object.__setattr__(platform.memory_map, "descriptors", ordered)
    return persistent(platform.memory_map)


def retyping(memory_map: MemoryMap) -> Iterator[Finding]:
    """Repairs what it reports."""
    for finding in [*persistent(memory_map)]:
        object.__setattr__(finding.subject, "type", 0)
        yield finding


def counting() -> Rule:
    """Numbers its findings through."""
    number = count(1)
    return changed(
        lambda finding, _: finding._replace(message=f"{finding.message} (no. {next(number)})")
    )


def moving() -> Rule:
    """Says the same words of another place each time."""
    number = count()
    pages = [AddressRange(n * 0x1000, n * 0x1000 + 0x1000) for n in range(1 << 10)]

    def change(finding: Finding, _: MemoryMap) -> Finding:
        here = pages[next(number)]
        start = finding.subject.physical.start  # type: ignore[union-attr]
        return finding._replace(region=AddressRange(start + here.start, start + here.end))

    return changed(change)


def copied(finding: Finding, _: MemoryMap) -> Finding:
    """A copy of a descriptor, which has no place in any list."""
    return finding._replace(subject=replace(finding.subject))  # type: ignore[type-var]


def beside(finding: Finding, memory_map: MemoryMap) -> Finding:
    """Names a descriptor that it made up."""
    made_up = replace(memory_map.descriptors[0], physical_start=0x4000)
    return finding._replace(related=(Related(made_up, "is beside it"),))


def elsewhere(finding: Finding, _: MemoryMap) -> Finding:
    """Reports the pages behind the region."""
    end = finding.subject.physical.end  # type: ignore[union-attr]
    return finding._replace(region=AddressRange(end, end + 0x1000))


def of_nowhere(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reports a region that no map has, and calls it the whole list's."""
    for one in [*persistent(memory_map)][:1]:
        yield one._replace(subject=replace(memory_map.descriptors[0], physical_start=0xDEAD000))


def asking_attributes(memory_map: MemoryMap) -> Iterator[Finding]:
    """Forgets that an attribute may be unknown."""
    for one in memory_map.descriptors:
        if one.attribute & EFI_MEMORY_NV:  # type: ignore[operator]
            yield Finding(one, f"{one} is persistent", field="attribute")


def highest_first(memory_map: MemoryMap) -> Iterator[Finding]:
    """Forgets that there may be no region."""
    highest = max(one.physical.end for one in memory_map.descriptors)
    return (one for one in persistent(memory_map) if highest)


def following(memory_map: MemoryMap) -> Iterator[Finding]:
    """Takes the next descriptor for granted, but for the last one of its own examples."""
    for place, one in enumerate(memory_map.descriptors):
        if one.runtime:
            memory_map.descriptors[place + 1].physical.start.bit_length()
    return persistent(memory_map)


def limited(memory_map: MemoryMap) -> Iterator[Finding]:
    """Has an option and never looks at it."""
    return persistent(memory_map)


def keeping(memory_map: MemoryMap, options: Mapping[str, Any]) -> Iterator[Finding]:
    """Writes into the options it is given."""
    options["seen"] = len(memory_map.descriptors)  # type: ignore[index]
    return persistent(memory_map)


def plain_words(memory_map: MemoryMap) -> Iterator[Any]:
    """Yields words."""
    for finding in persistent(memory_map):
        yield finding.message


def never(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reports nothing."""
    return (one for one in persistent(memory_map) if not one)


def always(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reports every descriptor."""
    for one in memory_map.descriptors:
        yield Finding(one, f"{one} is there")


def of_the_whole_list(memory_map: MemoryMap) -> Iterator[Finding]:
    """Reports the list where an entry of it is meant."""
    for finding in persistent(memory_map):
        yield finding._replace(subject=memory_map, field=None)


def of_nothing(platform: Platform) -> Iterator[Finding]:
    """Complains of what nobody stated."""
    if platform.configuration_tables is None:
        yield Finding(platform, "no configuration tables are given")
    yield from persistent(platform.memory_map)


def unable(memory_map: MemoryMap) -> Iterator[NotJudged]:
    """Could never judge."""
    yield NotJudged(f"the phase of the moon, of {len(memory_map.descriptors)}")
