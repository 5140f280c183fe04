"""How to get what no installed plugin has. Loaded only when something is missing."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from efipolicy.plugin.discovery import OWN_DISTRIBUTION, REMEDY, Plugin, entry_points
from efipolicy.source.shape import suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from efipolicy.plugin.registry import Registry

OWN = frozenset({"x86_64", "arm64", "ia64", "i386"})
"""Architectures that come with efipolicy, each with the plugin of its name."""

ELSEWHERE = {"riscv64": "efipolicy-riscv64"}
"""Architectures of other distributions, by the distribution's name."""


def how_to_get(name: str, registry: Registry) -> str:
    """What to do to have an architecture: the plugin to install, to unblock or to repair."""
    distribution = ELSEWHERE.get(name)
    for plugin in registry.plugins:
        if plugin.name == name or plugin.entry_point.distribution == distribution:
            if plugin.status == "blocked":
                return _unblock(plugin)
            if plugin.status == "failed":
                return f"{plugin.owner} failed"
    if name in OWN:
        return f"its plugin `{name}` comes with efipolicy; {REMEDY}"
    if distribution:
        return f"install its plugin with `pip install {distribution}`"
    return "install a plugin that provides it"


def _unblock(plugin: Plugin) -> str:
    return f"{plugin.owner} is blocked; take -{plugin.name} out of EFIPOLICY_PLUGINS"


def nothing_of(plugin: str) -> str:
    """What stands in the place of the known names when a plugin of efipolicy's own is not there."""
    return (
        f"none, because the plugin `{plugin}` of efipolicy is blocked by EFIPOLICY_PLUGINS "
        f"or not installed ({REMEDY})"
    )


def not_installed(name: str, registry: Registry, *, so: str = "") -> str:
    """The sentence about an architecture that is not installed. ``so`` tells what follows."""
    installed = ", ".join(sorted(registry.architectures)) or "none"
    hint = "" if name in OWN or name in ELSEWHERE else suggestion(name, registry.architectures)
    return (
        f"architecture `{name}` is not installed{so} (installed: {installed}){hint}; "
        f"{how_to_get(name, registry)}"
    )


def whose(kind: str, name: str, registry: Registry, *, similar: str | None = None) -> str:
    """``; …`` for the end of a message about a name that no plugin in use knows.

    ``kind`` is the property of `Registry` that has such names; a rule may be named by a glob. The
    end tells the plugin that has it, else a ``similar`` name as of `suggestion`, else where it may
    be or how to look.
    """
    architecture = _named_after(kind, name)
    if told := next(_blocked_with(kind, name, registry), ""):
        return f"; {told}"
    if architecture and architecture not in registry.architectures:
        return f"; `{name}` sounds like {architecture}: {how_to_get(architecture, registry)}"
    if similar is None:
        similar = suggestion(name, [known for known, _ in _names(kind, registry)])
    if similar:
        return similar
    missing = [plugin for plugin in registry.plugins if plugin.status != "ok"]
    unasked = [one for one in missing if one.status == "failed" or not one.built_in]
    states = {"failed": "failed", "blocked": "is blocked"}
    perhaps = " or ".join(f"{one.owner}, which {states[one.status]}," for one in unasked)
    if perhaps:
        return f"; perhaps {perhaps} has it"
    return "; `efipolicy plugins` lists who provides what"


def _names(kind: str, registry: Registry) -> Iterator[tuple[str, str]]:
    """What somebody may write for something that plugins contribute, and its proper name."""
    for name, value in getattr(registry, kind).items():
        yield name, name
        for other in getattr(value, {"formats": "dialects", "rules": "aliases"}.get(kind, ""), ()):
            yield other, name


def _blocked_with(kind: str, name: str, registry: Registry) -> Iterator[str]:
    """How to have something of a plugin that is blocked, of each that has it.

    Those of efipolicy's own are asked. A stranger's is not so much as imported; that the pack of a
    rule is a plugin's name tells enough.
    """
    blocked = [plugin for plugin in registry.plugins if plugin.status == "blocked"]
    own = {plugin.entry_point: plugin for plugin in blocked if plugin.built_in}
    if own:
        asked = type(registry)(own, blocked=())
        for known, proper in _names(kind, asked):
            if known == name or (kind == "rules" and fnmatchcase(known, name)):
                yield _unblock(own[asked.owner(kind, proper).entry_point])
    for plugin in blocked:
        if kind == "rules" and plugin.name == name.partition("/")[0]:
            yield _unblock(plugin)


def may_be_blocked(kind: str, name: str, registry: Registry) -> bool:
    """Whether a name that no plugin in use knows is of one that is blocked, failed or left out.

    That of a stranger's can be anything; it is not asked.
    """
    if any(plugin.status != "ok" and not plugin.built_in for plugin in registry.plugins):
        return True
    return any(True for _ in _blocked_with(kind, name, registry))


def bringer(path: str) -> Plugin | None:
    """The third party's plugin that brings a policy file; its hook is asked for folders again."""
    for point in entry_points():
        ask = getattr(sys.modules.get(point.module), "efipolicy_policies", None)
        if point.distribution == OWN_DISTRIBUTION or ask is None:
            continue
        with suppress(Exception):
            if any(os.path.join(one.path, os.path.basename(path)) == path for one in ask()):
                return Plugin(point)
    return None


def _named_after(kind: str, name: str) -> str | None:
    """The architecture that a name begins with, as ``riscv-stub`` and ``riscv64/…`` do.

    A rule's pack may be one of efipolicy's own architectures; their strategies are other plugins'.
    """
    pack, slash, _ = name.partition("/")
    word = pack if slash else name.partition("-")[0]
    known = [*ELSEWHERE, *sorted(OWN)] if kind == "rules" else [*ELSEWHERE]
    for architecture in known:
        if word == architecture or (not slash and word == architecture.rstrip("0123456789_")):
            return architecture
    return None
