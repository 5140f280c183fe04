"""Load plugins and collect what they contribute.

Built-in plugins are imported when a kind of contribution is first asked for; a third party's is
always imported and asked everything, so that a broken one is noticed whether or not it matters.
One plugin's failure never takes another down.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from time import perf_counter
from typing import Any

import pluggy

from efipolicy.errors import PluginError
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.plugin import hookspecs
from efipolicy.plugin.calling import call
from efipolicy.plugin.discovery import EntryPoint, entry_points
from efipolicy.plugin.rules import Rule
from efipolicy.plugin.types import (
    API_LEVEL,
    Architecture,
    CaptureFormat,
    HandoverVariant,
    PolicyFolder,
    Reporter,
    Strategy,
    StrategyChoice,
)

OWN_DISTRIBUTION = "efipolicy"
REMEDY = "install it with `pip install efipolicy`, or `pip install -e .` in a checkout"

_KINDS: dict[str, type] = {
    "architectures": Architecture,
    "strategies": Strategy,
    "handovers": HandoverVariant,
    "rules": Rule,
    "formats": CaptureFormat,
    "reporters": Reporter,
    "policies": PolicyFolder,
}
_REGISTERS = "requirements"  # come with the policies


@dataclass(slots=True, eq=False)
class Plugin:
    """One plugin: where it came from, and how it fared."""

    entry_point: EntryPoint
    status: str = "ok"
    error: str | None = None
    load_ms: float = 0.0
    module: Any = None
    provides: dict[str, list[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The entry point's name."""
        return self.entry_point.name

    @property
    def built_in(self) -> bool:
        """Whether it comes with efipolicy itself."""
        return self.entry_point.distribution == OWN_DISTRIBUTION

    @property
    def owner(self) -> str:
        """The plugin and its distribution, for messages."""
        point = self.entry_point
        return f"plugin `{point.name}` ({point.distribution} {point.version})"

    def fail(self, reason: str) -> None:
        """Note why it cannot be used; the first reason stays."""
        if self.status == "ok":
            self.status = "failed"
            self.error = reason


class Registry:
    """What the installed plugins contribute, kind by kind.

    ``points`` and ``blocked`` default to the installed metadata and to ``EFIPOLICY_PLUGINS``.
    """

    def __init__(
        self,
        points: Iterable[EntryPoint] | None = None,
        *,
        blocked: Iterable[str] | None = None,
    ) -> None:
        if blocked is None:
            blocked = _blocked_by_environment(os.environ.get("EFIPOLICY_PLUGINS", ""))
        found = entry_points() if points is None else points
        self.plugins = [Plugin(point) for point in found]
        self.plugins.sort(key=lambda plugin: (not plugin.built_in, plugin.entry_point))
        self._manager = pluggy.PluginManager("efipolicy")
        self._manager.add_hookspecs(hookspecs)
        self._values: dict[str, dict[str, Any]] = {}
        self._owners: dict[tuple[str, str], Plugin] = {}
        self._strategies_met: dict[str, Strategy] = {}
        self._strategies_on_the_way: Iterator[Any] | None = None
        self._refuse_repeated_names()
        for name in blocked:
            for plugin in self.plugins:
                if plugin.name == name:
                    plugin.status = "blocked"
        for plugin in self.plugins:
            if not plugin.built_in:
                for kind in self._hooks_of(plugin):
                    if kind in _KINDS:
                        self._collect(kind)

    @property
    def complete(self) -> bool:
        """Whether efipolicy's own plugins are installed at all."""
        return any(plugin.built_in for plugin in self.plugins)

    @property
    def errors(self) -> list[PluginError]:
        """What went wrong so far, each with its remedy."""
        if not self.complete:
            return [PluginError(f"no plugin of efipolicy itself is installed; {REMEDY}")]
        return [
            PluginError(
                f"{plugin.owner} failed: {plugin.error}; "
                f"repair or remove it, or block it with EFIPOLICY_PLUGINS=-{plugin.name}"
            )
            for plugin in self.plugins
            if plugin.status == "failed"
        ]

    @property
    def architectures(self) -> dict[str, Architecture]:
        """Architectures by name."""
        return self._collect("architectures")

    @property
    def strategies(self) -> dict[str, Strategy]:
        """Strategies by name."""
        return self._collect("strategies")

    def strategy(self, name: str) -> Strategy | None:
        """The strategy of a name. The plugins are asked no further than to where it is found."""
        if "strategies" in self._values:
            return self.strategies.get(name)
        if self._strategies_on_the_way is None:
            self._strategies_on_the_way = self._asked_in_turn("strategies")
        while name not in self._strategies_met:
            met = next(self._strategies_on_the_way, None)
            if not isinstance(met, Strategy):
                return self.strategies.get(name)  # which tells what is wrong with a plugin
            self._strategies_met[met.name] = met
        return self._strategies_met[name]

    def _asked_in_turn(self, kind: str) -> Iterator[Any]:
        """The first of what each plugin has, then the second of each; ends where one fails."""
        asked = [
            iter(getattr(plugin.module, f"efipolicy_{kind}")())
            for plugin in self.plugins
            if kind in self._hooks_of(plugin)
        ]
        while asked:
            for one in tuple(asked):
                try:
                    yield next(one)
                except StopIteration:
                    asked.remove(one)
                except Exception:  # noqa: BLE001 - asking for all of them tells it
                    return

    def strategy_choices(
        self, platform: Platform, declared: MappingDeclaration
    ) -> list[StrategyChoice]:
        """What plugins know of the strategy behind a declaration that names none.

        Raises `PluginError` for a plugin that fails.
        """
        hook = "strategy_choices"
        choices: list[StrategyChoice] = []
        for plugin in self.plugins:
            if hook in self._hooks_of(plugin):
                ask = getattr(plugin.module, f"efipolicy_{hook}")
                choices += call(plugin.owner, _listed, ask, platform, declared, gives=list)
        return choices

    @property
    def handovers(self) -> dict[str, HandoverVariant]:
        """Boot hand-overs by name."""
        return self._collect("handovers")

    @property
    def rules(self) -> dict[str, Rule]:
        """Rules by id."""
        return self._collect("rules")

    @property
    def formats(self) -> dict[str, CaptureFormat]:
        """Capture formats by name."""
        return self._collect("formats")

    @property
    def reporters(self) -> dict[str, Reporter]:
        """Reporters by name."""
        return self._collect("reporters")

    @property
    def policies(self) -> dict[str, str]:
        """Paths of policy files by the policy's name."""
        return self._collect("policies")

    @property
    def requirements(self) -> dict[str, Plugin]:
        """The plugin behind each register of requirements, by the path of its file."""
        self._collect("policies")
        return {path: owner for (kind, path), owner in self._owners.items() if kind == _REGISTERS}

    def load_all(self) -> None:
        """Ask every plugin for everything, as ``efipolicy plugins`` does."""
        for kind in _KINDS:
            self._collect(kind)

    def owner(self, kind: str, name: str) -> Plugin:
        """The plugin that contributed something."""
        return self._owners[kind, name]

    def _refuse_repeated_names(self) -> None:
        first: dict[str, Plugin] = {}
        for plugin in self.plugins:
            earlier = first.setdefault(plugin.name, plugin)
            if earlier is not plugin:
                plugin.fail(f"its name is taken by {earlier.owner}")

    def _hooks_of(self, plugin: Plugin) -> list[str]:
        """Import and register a plugin, and tell which kinds it contributes."""
        if plugin.status != "ok":
            return []
        if plugin.module is None:
            started = perf_counter()
            try:
                plugin.module = import_module(plugin.entry_point.module)
                level = getattr(plugin.module, "EFIPOLICY_API", None)
                if level != API_LEVEL:
                    told = "no EFIPOLICY_API" if level is None else f"EFIPOLICY_API = {level}"
                    raise PluginError(f"it states {told}; this efipolicy offers {API_LEVEL}")
                self._manager.register(plugin.module, plugin.name)
                self._manager.check_pending()
            except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
                plugin.fail(_reason(problem))
                if self._manager.has_plugin(plugin.name):
                    self._manager.unregister(name=plugin.name)
                return []
            finally:
                plugin.load_ms += (perf_counter() - started) * 1000
        callers = self._manager.get_hookcallers(plugin.module) or []
        return [caller.name.removeprefix("efipolicy_") for caller in callers]

    def _collect(self, kind: str) -> dict[str, Any]:
        collected = self._values.get(kind)
        if collected is None:
            collected = self._values[kind] = {}
            for plugin in self.plugins:
                if kind in self._hooks_of(plugin):
                    self._contribute(plugin, kind, collected)
        return collected

    def _contribute(self, plugin: Plugin, kind: str, collected: dict[str, Any]) -> None:
        hook = getattr(plugin.module, f"efipolicy_{kind}")
        started = perf_counter()
        try:
            values = list(hook())
            named: dict[str, Any] = {}
            for value in values:
                if not isinstance(value, _KINDS[kind]):
                    raise PluginError(
                        f"efipolicy_{kind} gave {value!r}, not {_KINDS[kind].__name__}"
                    )
                for name, item in _named(kind, value):
                    self._refuse_duplicate(plugin, kind, name, named)
                    named[name] = item
        except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
            plugin.fail(_reason(problem))
            self._withdraw(plugin)
            return
        finally:
            plugin.load_ms += (perf_counter() - started) * 1000
        collected.update(named)
        plugin.provides[kind] = list(named)
        for name in named:
            self._owners[kind, name] = plugin
            if kind == "rules":
                self._owners["pack", name.partition("/")[0]] = plugin
        for value in values:
            if isinstance(value, PolicyFolder) and value.requirements is not None:
                self._owners[_REGISTERS, value.requirements] = plugin

    def _withdraw(self, plugin: Plugin) -> None:
        """Take back everything a failed plugin contributed."""
        for key in [key for key, owner in self._owners.items() if owner is plugin]:
            del self._owners[key]
            self._values.get(key[0], {}).pop(key[1], None)
        plugin.provides.clear()

    def _refuse_duplicate(
        self, plugin: Plugin, kind: str, name: str, named: dict[str, Any]
    ) -> None:
        owner = plugin if name in named else self._owners.get((kind, name))
        if owner:
            raise PluginError(f"{kind} `{name}` is already contributed by {owner.owner}")
        pack, slash, _ = name.partition("/")
        if kind == "rules":
            if not slash:
                raise PluginError(f"rule `{name}` has no pack (pack/kebab-name)")
            pack_owner = self._owners.get(("pack", pack), plugin)
            if pack_owner is not plugin:
                raise PluginError(f"the pack `{pack}` belongs to {pack_owner.owner}")


def _named(kind: str, value: Any) -> list[tuple[str, Any]]:
    """The names under which a contribution is found. A folder of policies has one each."""
    if kind == "rules":
        return [(value.id, value)]
    if kind == "policies":
        folder = value.path
        names = sorted(name for name in os.listdir(folder) if name.endswith(".yaml"))
        return [(name.removesuffix(".yaml"), os.path.join(folder, name)) for name in names]
    return [(value.name, value)]


def _listed(
    ask: Callable[[Platform, MappingDeclaration], Iterable[StrategyChoice]],
    platform: Platform,
    declared: MappingDeclaration,
) -> list[StrategyChoice]:
    return list(ask(platform, declared))


def _reason(problem: Exception) -> str:
    text = str(problem) or "no message"
    return text if isinstance(problem, PluginError) else f"{type(problem).__name__}: {text}"


def _blocked_by_environment(setting: str) -> list[str]:
    """``-a,-b`` blocks the plugins a and b. Raises `PluginError` for anything else."""
    blocked = []
    for word in filter(None, (part.strip() for part in setting.split(","))):
        if not word.startswith("-") or word == "-":
            raise PluginError(f"EFIPOLICY_PLUGINS has `{word}`; write -name to block a plugin")
        blocked.append(word[1:])
    return blocked
