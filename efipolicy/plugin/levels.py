"""Which levels of the plugin API are understood, and what of it goes away when.

A level is one number for the whole of `efipolicy.plugin`. It rises when a plugin written for the
level before may stop working; what is only added leaves it alone. A level, or a hook, that is to go
works for as long as `efipolicy` promises (see the page on stability) and warns with the date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from efipolicy.errors import PluginError
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.calling import one_line
from efipolicy.plugin.types import API_LEVEL

OLDEST_API_LEVEL = 1
"""The oldest level whose plugins still work."""


class Deprecation(NamedTuple):
    """The ISO date from which a release may leave something out, and what to do instead."""

    until: str
    instead: str


DEPRECATED_LEVELS: dict[int, Deprecation] = {}
"""Levels that are still understood and will not be."""

DEPRECATED_HOOKS: dict[str, Deprecation] = {}
"""Hooks, by name, that are still asked and will not be."""


class LevelError(PluginError):
    """A plugin written for another API than this efipolicy has. ``remedy`` is what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


def checked_level(stated: Any, distribution: str) -> int:
    """The level a plugin states. Raises `LevelError` for one that is not understood, or none."""
    offered = f"{API_LEVEL}"
    if OLDEST_API_LEVEL < API_LEVEL:
        offered = f"{OLDEST_API_LEVEL} to {API_LEVEL}"
    if stated is None:
        raise LevelError(
            f"it states no EFIPOLICY_API; this efipolicy offers {offered}",
            f"write `EFIPOLICY_API = {API_LEVEL}` in its module",
        )
    said = f"it states EFIPOLICY_API = {one_line(repr(stated))[:40]}"
    if not _is_level(stated):
        raise LevelError(
            f"{said}, which is no number; this efipolicy offers {offered}",
            f"write `EFIPOLICY_API = {API_LEVEL}` in its module",
        )
    if stated > API_LEVEL:
        raise LevelError(f"{said}; this efipolicy offers {offered}", "upgrade efipolicy")
    if stated < OLDEST_API_LEVEL:
        raise LevelError(f"{said}; this efipolicy offers {offered}", f"upgrade {distribution}")
    return int(stated)


def _is_level(stated: Any) -> bool:
    return isinstance(stated, int) and not isinstance(stated, bool)


def warnings_of(
    level: int,
    hooks: Iterable[str],
    *,
    levels: Mapping[int, Deprecation] = DEPRECATED_LEVELS,
    of_hooks: Mapping[str, Deprecation] = DEPRECATED_HOOKS,
) -> list[str]:
    """What a plugin uses that will go away, each in a sentence with the date and what to do."""
    found = [(f"level {level} of the plugin API", levels.get(level))]
    found += [(f"the hook {hook}", of_hooks.get(hook)) for hook in hooks]
    return [
        f"{what} goes away on {deprecation.until}: {deprecation.instead}"
        for what, deprecation in found
        if deprecation
    ]


def warn(owner: str, warnings: Iterable[str]) -> None:
    """Warn as Python does: shown by pytest and ``python -W``, and by ``efipolicy plugins``."""
    from warnings import warn as python_warn

    for warning in warnings:
        python_warn(f"{owner}: {warning}", DeprecationWarning, stacklevel=2)
