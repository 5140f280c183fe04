"""What the things of the ``efi`` domain are called: other names, short names, likely names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

KINDS: Final = {
    "platform": "platform",
    "region": "region",
    "rule": "rule",
    "requirement": "requirement",
    "strategy": "strategy",
    "architecture": "architecture",
    "type": "memory type",
    "attribute": "memory attribute",
    "plugin": "plugin",
}
"""The kinds of objects, and what one is called in a sentence."""

_PREFIXES: Final = {"type": "Efi", "attribute": "EFI_MEMORY_"}
_AT: Final = re.compile(r"(?P<platform>.+)@(?:0[xX])?(?P<digits>[0-9A-Fa-f_]+)")


def region_name(platform: str, index: int) -> str:
    """The name of a memory descriptor: its platform, and its index as Linux prints it."""
    return f"{platform}/mem{index}"


def region_at(platform: str, start: int) -> str:
    """The other name of a memory descriptor: its platform and physical start in bytes."""
    return f"{platform}@{start:#x}"


def canonical(kind: str, name: str) -> str:
    """A name as it is looked up: the address in that of a region in one spelling.

    ``small@0x0002_0000``, ``small@20000`` and ``small@0X20000`` are ``small@0x20000``.
    """
    found = _AT.fullmatch(name) if kind == "region" else None
    digits = found["digits"].replace("_", "") if found else ""
    return region_at(found["platform"], int(digits, 16)) if found and digits else name


def other_names(kind: str, name: str) -> tuple[str, ...]:
    """What else an object may be referred to by, its former names first.

    A rule has the ids it had before and the code on its pill; a type and an attribute have the name
    without the prefix that all of them have.
    """
    from efipolicy.sphinxext.installed import pills, registry

    if kind == "rule":
        rule = registry().rules.get(name)
        pill = pills().get(name, name)
        return (*rule.aliases, *([pill] if pill != name else [])) if rule else ()
    short = shortened(kind, name)
    return (short,) if kind in _PREFIXES and short != name else ()


def codes_of(kind: str, name: str) -> tuple[str, ...]:
    """The codes of the requirements that an installed rule checks."""
    from efipolicy.sphinxext.installed import registry

    rule = registry().rules.get(name) if kind == "rule" else None
    return rule.requirements if rule else ()


def shortened(kind: str, name: str) -> str:
    """What ``~`` leaves of a name: that after the slash, or without the prefix all of them have."""
    prefix = _PREFIXES.get(kind)
    if prefix:
        return name.removeprefix(prefix) or name
    return name.rpartition("/")[2] or name


def likely(name: str, known: Iterable[str]) -> str | None:
    """The known name that someone who wrote this one most likely meant."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in sorted(known)}
    close = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.7)
    if not close:  # the right name in the wrong pack
        last = name.lower().rpartition("/")[2]
        close = [each for each in by_lower if each.rpartition("/")[2] == last][:1]
    return by_lower[close[0]] if close else None
