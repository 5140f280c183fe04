"""The installed plugins as a list, and as version 1 of the JSON of ``efipolicy plugins``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from efipolicy.errors import EfipolicyError
from efipolicy.plugin.registry import Plugin, Registry
from efipolicy.reporters.lint_json import JsonObject, dump, error_json
from efipolicy.reporters.snippet import printable

_NAMED_KINDS = ("architectures", "strategies", "handovers", "formats", "reporters", "policies")

Problems = Mapping[Plugin, Sequence[str]]


def plugins_text(registry: Registry, problems: Problems | None = None) -> str:
    """One plugin a paragraph: name, distribution, health, and what it provides.

    ``problems`` are what a check found besides, ``None`` when nobody looked.
    """
    if not registry.plugins:
        return "no plugin is installed\n"
    lines = [line for plugin in registry.plugins for line in _lines(plugin, problems or {})]
    return "\n".join([*lines, "", _summary(registry, problems)]) + "\n"


def _lines(plugin: Plugin, problems: Problems) -> list[str]:
    point = plugin.entry_point
    facts = [plugin.status]
    if plugin.status == "blocked":
        facts = ["blocked by EFIPOLICY_PLUGINS"]
    elif plugin.api_level is not None:
        facts += [f"API level {plugin.api_level}", f"{plugin.load_ms:.1f} ms"]
    lines = [f"{plugin.name} ({point.distribution} {point.version}): {', '.join(facts)}"]
    if plugin.error:
        lines += [f"  {plugin.error}", f"  remedy: {plugin.remedy}"]
    lines += [f"  warning: {warning}" for warning in plugin.warnings]
    lines += [f"  problem: {problem}" for problem in problems.get(plugin, ())]
    for kind in _NAMED_KINDS:
        if names := plugin.provides.get(kind):
            lines.append(f"  {kind}: {', '.join(names)}")
    if rules := plugin.provides.get("rules"):
        packs = ", ".join(dict.fromkeys(f"{rule.partition('/')[0]}/*" for rule in rules))
        lines.append(f"  rules: {len(rules)} ({packs})")
    return [printable(line) for line in lines]


def _summary(registry: Registry, problems: Problems | None) -> str:
    states = [plugin.status for plugin in registry.plugins]
    parts = [f"{states.count('ok')} ok"]
    parts += [
        f"{states.count(state)} {state}" for state in ("failed", "blocked") if state in states
    ]
    if problems is not None:
        count = sum(map(len, problems.values()))
        parts.append(f"{count} problem{'' if count == 1 else 's'} found by the check")
    many = "1 plugin" if len(states) == 1 else f"{len(states)} plugins"
    spent = sum(plugin.load_ms for plugin in registry.plugins)
    counts = {
        kind: sum(len(plugin.provides.get(kind, ())) for plugin in registry.plugins)
        for kind in (*_NAMED_KINDS, "rules")
    }
    provided = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{many}: {', '.join(parts)}; loaded in {spent:.0f} ms\nprovided: {provided}"


def plugins_json(
    registry: Registry,
    problems: Problems | None = None,
    errors: Sequence[EfipolicyError] = (),
) -> str:
    """One JSON object, indented, with a final line end.

    ``errors`` are what a check found, which come after those of loading.
    """
    value: JsonObject = {
        "version": 1,
        "plugins": [_plugin(plugin, problems) for plugin in registry.plugins],
    }
    if every := [*registry.errors, *errors]:
        value["errors"] = [error_json(error) for error in every]
    return dump(value)


def _plugin(plugin: Plugin, problems: Problems | None) -> JsonObject:
    provides: JsonObject = {kind: plugin.provides.get(kind, []) for kind in _NAMED_KINDS}
    provides["rules"] = len(plugin.provides.get("rules", ()))
    value: JsonObject = {
        "name": plugin.name,
        "distribution": plugin.entry_point.distribution,
        "version": plugin.entry_point.version,
        "module": plugin.entry_point.module,
        "status": plugin.status,
        "api_level": plugin.api_level,
        "provides": provides,
        "load_ms": round(plugin.load_ms, 1),
        "error": plugin.error,
        "remedy": plugin.remedy if plugin.error else None,
        "warnings": plugin.warnings,
    }
    if problems is not None:
        value["problems"] = list(problems.get(plugin, ()))
    return value
