"""The installed plugins as a list, and as version 1 of the JSON of ``efipolicy plugins``."""

from __future__ import annotations

from efipolicy.plugin.registry import Plugin, Registry
from efipolicy.reporters.lint_json import JsonObject, dump, error_json

_NAMED_KINDS = ("architectures", "strategies", "handovers", "formats", "reporters", "policies")


def plugins_text(registry: Registry) -> str:
    """One plugin a paragraph: name, distribution, health, and what it provides."""
    paragraphs = []
    for plugin in registry.plugins:
        point = plugin.entry_point
        lines = [f"{plugin.name} ({point.distribution} {point.version}): {plugin.status}"]
        if plugin.error:
            lines.append(f"  {plugin.error}")
        lines += [
            f"  {kind}: {', '.join(names)}"
            for kind in _NAMED_KINDS
            if (names := plugin.provides.get(kind))
        ]
        if rules := plugin.provides.get("rules"):
            lines.append(f"  rules: {len(rules)}")
        paragraphs.append("\n".join(lines))
    return "\n".join(paragraphs) + "\n" if paragraphs else "no plugin is installed\n"


def plugins_json(registry: Registry) -> str:
    """One JSON object, indented, with a final line end."""
    value: JsonObject = {
        "version": 1,
        "plugins": [_plugin(plugin) for plugin in registry.plugins],
    }
    if registry.errors:
        value["errors"] = [error_json(error) for error in registry.errors]
    return dump(value)


def _plugin(plugin: Plugin) -> JsonObject:
    provides: JsonObject = {kind: plugin.provides.get(kind, []) for kind in _NAMED_KINDS}
    provides["rules"] = len(plugin.provides.get("rules", ()))
    return {
        "name": plugin.name,
        "distribution": plugin.entry_point.distribution,
        "version": plugin.entry_point.version,
        "status": plugin.status,
        "provides": provides,
        "load_ms": round(plugin.load_ms, 1),
        "error": plugin.error,
    }
