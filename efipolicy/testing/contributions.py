"""What a plugin contributes of one kind, however its author names it."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any, Literal

from efipolicy.errors import PluginError
from efipolicy.plugin.registry import Plugin, Registry

Kind = Literal["architectures", "strategies", "rules", "formats"]
"""The kinds of contributions that the kit tests, named as their hooks are."""

Source = str | ModuleType | Iterable[Any]
"""Whose contributions: the name of an installed distribution, of a plugin or of a pack of rules;
the module with the hooks, installed or not; or the contributed values themselves."""


def contributed(source: Source, kind: Kind, registry: Registry | None = None) -> tuple[Any, ...]:
    """The architectures, strategies, rules or capture formats of a plugin, never none.

    ``registry`` defaults to the installed plugins. Raises `LookupError` for a name that nobody has
    and for a plugin without any of the kind: a test of nothing would pass. Raises `PluginError`
    for an installed plugin that cannot be loaded.
    """
    if isinstance(source, ModuleType):
        hook = getattr(source, f"efipolicy_{kind}", None)
        values = tuple(hook()) if hook else ()
        name = source.__name__
    elif isinstance(source, str):
        values, name = _installed(source, kind, registry or Registry()), source
    else:
        values, name = tuple(source), "the source"
    if not values:
        raise LookupError(f"{name} contributes no {kind}")
    return values


def _installed(name: str, kind: Kind, registry: Registry) -> tuple[Any, ...]:
    """What the plugins of an installed distribution, plugin or pack contribute."""
    offered: dict[str, Any] = getattr(registry, kind)
    named = [plugin for plugin in registry.plugins if _is_named(plugin, name)]
    if kind == "rules" and not named:
        values = tuple(rule for rule in offered.values() if rule.pack == name)
        if values:
            return values
    if not named:
        known = sorted({word for plugin in registry.plugins for word in _names(plugin)})
        raise LookupError(f"no plugin `{name}` is installed; installed: {', '.join(known)}")
    for plugin in named:
        if plugin.error:
            raise PluginError(f"{plugin.owner} failed: {plugin.error}")
    return tuple(item for key, item in offered.items() if registry.owner(kind, key) in named)


def _names(plugin: Plugin) -> tuple[str, str]:
    return plugin.name, plugin.entry_point.distribution


def _is_named(plugin: Plugin, name: str) -> bool:
    return any(_normalised(word) == _normalised(name) for word in _names(plugin))


def _normalised(name: str) -> str:
    """The name of a distribution as the packaging index compares it."""
    return name.lower().replace("_", "-").replace(".", "-")
