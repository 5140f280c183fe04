"""How to get an architecture that no installed plugin knows. Loaded only when one is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efipolicy.plugin.discovery import REMEDY
from efipolicy.source.shape import suggestion

if TYPE_CHECKING:
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
                return f"{plugin.owner} is blocked; take -{plugin.name} out of EFIPOLICY_PLUGINS"
            if plugin.status == "failed":
                return f"{plugin.owner} failed"
    if name in OWN:
        return f"its plugin `{name}` comes with efipolicy; {REMEDY}"
    if distribution:
        return f"install its plugin with `pip install {distribution}`"
    return "install a plugin that provides it"


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
