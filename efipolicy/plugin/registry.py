"""Load plugins and collect what they contribute.

Built-in plugins are imported when a kind of contribution is first asked for; a third party's is
always imported and asked everything, so that a broken one is noticed whether or not it matters.
One plugin's failure never takes another down. What only third parties and failures need is imported
when there are any: `guarding`, `sound`, `levels`, `failing`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from time import perf_counter
from typing import Any

import pluggy

from efipolicy.errors import PluginError, UsageError
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.plugin import hookspecs
from efipolicy.plugin.calling import failure, tell_traceback
from efipolicy.plugin.discovery import (
    OWN_DISTRIBUTION,
    REMEDY,
    TAKEN_NAME,
    EntryPoint,
    Plugin,
    entry_points,
)
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

__all__ = ["OWN_DISTRIBUTION", "REMEDY", "Plugin", "Registry"]

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


class _Manager(pluggy.PluginManager):
    """Passes over ``__file__``, ``__spec__``, …: pluggy takes long to see that they are no hooks.

    They are most of what a module holds whose one hook imports what it needs.
    """

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        """What a plugin says of its hook of a name, if it is one."""
        return None if name.startswith("__") else super().parse_hookimpl_opts(plugin, name)


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
        found = entry_points() if points is None else points
        self.plugins = [Plugin(point) for point in found]
        self.plugins.sort(key=lambda plugin: (not plugin.built_in, plugin.entry_point[:4]))
        if blocked is None:
            setting = os.environ.get("EFIPOLICY_PLUGINS", "")
            blocked = _blocked_by_environment(setting, self.plugins) if setting else ()
        self._manager = _Manager("efipolicy")
        self._manager.add_hookspecs(hookspecs)
        self._values: dict[str, dict[str, Any]] = {}
        self._owners: dict[tuple[str, str], Plugin] = {}
        self._strategies_met: dict[str, Strategy] = {}
        self._strategies_on_the_way: Iterator[Any] | None = None
        self._failures: dict[Plugin, PluginError] = {}
        self._failures_at_work: dict[str, PluginError] = {}
        for name in blocked:
            for plugin in self.plugins:
                if plugin.name == name:
                    plugin.status = "blocked"
        self._refuse_repeated_names()
        for plugin in self.plugins:
            if not plugin.built_in:
                for kind in tuple(self._hooks_of(plugin)):
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
        errors = []
        for plugin in self.plugins:
            if plugin.status == "failed":
                error = PluginError(f"{plugin.owner} failed: {plugin.error}; {plugin.remedy}")
                error.__cause__ = plugin.problem
                errors.append(error)
        return [*errors, *self._failures.values(), *self._failures_at_work.values()]

    def note_failure(self, error: PluginError) -> None:
        """Count among the `errors` what failed in a plugin at work, where the work went on."""
        self._failures_at_work.setdefault(str(error), error)

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
            iter(plugin.hooks[kind]()) for plugin in self.plugins if kind in self._hooks_of(plugin)
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

        A plugin that fails at this is noted among the `errors`, and the others are asked.
        """
        choices: list[StrategyChoice] = []
        for plugin in self.plugins:
            ask = self._hooks_of(plugin).get("strategy_choices")
            if ask is None or plugin in self._failures:
                continue
            try:
                choices += ask(platform=platform, declared=declared)
            except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
                hook = "hook efipolicy_strategy_choices"
                if plugin.built_in:
                    hook += f" of {plugin.owner}"
                self._failures[plugin] = failure(hook, problem)
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

    def without_failed(self) -> Registry:
        """The plugins again, as if those that failed so far were not installed."""
        whole = [plugin for plugin in self.plugins if plugin.status != "failed"]
        blocked = [plugin.name for plugin in whole if plugin.status == "blocked"]
        return Registry([plugin.entry_point for plugin in whole], blocked=blocked)

    def owner(self, kind: str, name: str) -> Plugin:
        """The plugin that contributed something."""
        return self._owners[kind, name]

    def _refuse_repeated_names(self) -> None:
        first: dict[str, Plugin] = {}
        for plugin in self.plugins:
            if plugin.status == "blocked":
                continue
            earlier = first.setdefault(plugin.name, plugin)
            if earlier is not plugin:
                self._refuse_name(plugin, earlier)
            elif plugin.entry_point.problem:
                plugin.fail(plugin.entry_point.problem)

    def _refuse_name(self, plugin: Plugin, earlier: Plugin) -> None:
        if plugin.entry_point.distribution == earlier.entry_point.distribution:
            plugin.fail("its entry_points.txt names two plugins so")
        else:
            plugin.fail(f"its name is taken by {earlier.owner}", TAKEN_NAME)

    def _hooks_of(self, plugin: Plugin) -> dict[str, Callable[..., Any]]:
        """Import and register a plugin, and tell which kinds it contributes."""
        if plugin.status != "ok":
            return {}
        if plugin.module is None:
            started = perf_counter()
            try:
                if plugin.built_in:
                    self._import(plugin)
                else:
                    from efipolicy.plugin.guarding import loading

                    loading(lambda: self._import(plugin))
            except KeyboardInterrupt:
                raise
            except BaseException as problem:  # noqa: BLE001 - a stranger's code may raise anything
                self._note(plugin, problem)
                if self._manager.has_plugin(plugin.name):
                    self._manager.unregister(name=plugin.name)
                plugin.hooks = {}
            finally:
                plugin.load_ms += (perf_counter() - started) * 1000
        return plugin.hooks

    def _import(self, plugin: Plugin) -> None:
        """Import a plugin's module, check it, and find its hooks. Raises whatever goes wrong."""
        for other in () if plugin.built_in else self.plugins:
            if other.built_in and other.entry_point.module == plugin.entry_point.module:
                raise PluginError(f"its module {other.entry_point.module} is {other.owner} already")
        module = import_module(plugin.entry_point.module)
        level = getattr(module, "EFIPOLICY_API", None)
        if not plugin.built_in or level != API_LEVEL:
            from efipolicy.plugin.levels import checked_level

            level = checked_level(level, plugin.entry_point.distribution)
            for other in self.plugins:
                if other.module is module:
                    raise PluginError(f"its module {module.__name__} is {other.owner} already")
        plugin.module, plugin.api_level = module, level
        self._manager.register(module, plugin.name)
        self._manager.check_pending()
        for caller in self._manager.get_hookcallers(module) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is module:
                    hook = caller.name.removeprefix("efipolicy_")
                    plugin.hooks[hook] = implementation.function
        if not plugin.built_in:
            self._look_at_hooks(plugin)

    def _look_at_hooks(self, plugin: Plugin) -> None:
        """What pluggy has nothing against: hooks not marked, wrappers, what will go away."""
        from efipolicy.plugin.failing import hook_mistakes
        from efipolicy.plugin.guarding import Guarded
        from efipolicy.plugin.levels import warn, warnings_of
        from efipolicy.plugin.sound import sound_choices

        for mistake in hook_mistakes(plugin.module):
            raise PluginError(mistake)
        hooks = [f"efipolicy_{hook}" for hook in plugin.hooks]
        plugin.warnings += warnings_of(plugin.api_level or 0, hooks)
        warn(plugin.owner, plugin.warnings)
        choose = plugin.hooks.get("strategy_choices")
        if choose is not None:
            asked = _as_asked(choose)
            plugin.hooks["strategy_choices"] = Guarded(asked, plugin, sound_choices)

    def _note(self, plugin: Plugin, problem: BaseException) -> None:
        """Note why a plugin failed."""
        from efipolicy.plugin.failing import reason

        told = reason(problem, plugin.entry_point, plugin.module)
        plugin.fail(told.text, told.remedy, problem)
        tell_traceback(problem)

    def _collect(self, kind: str) -> dict[str, Any]:
        collected = self._values.get(kind)
        if collected is None:
            self._values[kind] = {}
            for plugin in self.plugins:
                if kind in self._hooks_of(plugin):
                    self._contribute(plugin, kind)
            collected = self._values[kind]
        return collected

    def _contribute(self, plugin: Plugin, kind: str) -> None:
        started = perf_counter()
        try:
            values = self._answers(plugin, kind)
            named: dict[str, Any] = {}
            for value in values:
                for name, item in _named(kind, value):
                    self._refuse_duplicate(plugin, kind, name, named)
                    named[name] = item
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # noqa: BLE001 - a stranger's code may raise anything
            self._note(plugin, problem)
            self._withdraw(plugin)
            return
        finally:
            plugin.load_ms += (perf_counter() - started) * 1000
        self._values[kind].update(named)
        plugin.provides[kind] = list(named)
        for name in named:
            self._owners[kind, name] = plugin
            if kind == "rules":
                self._owners["pack", name.partition("/")[0]] = plugin
        for value in values:
            if isinstance(value, PolicyFolder) and value.requirements is not None:
                self._owners[_REGISTERS, value.requirements] = plugin

    def _answers(self, plugin: Plugin, kind: str) -> list[Any]:
        """What a plugin answers to a hook; a third party's is checked, and its calls watched."""
        hook = plugin.hooks[kind]
        if plugin.built_in:
            values = list(hook())
            for value in values:
                if not isinstance(value, _KINDS[kind]):
                    raise PluginError(
                        f"efipolicy_{kind} gave {value!r}, not {_KINDS[kind].__name__}"
                    )
            return values
        from efipolicy.plugin.guarding import guarded, loading
        from efipolicy.plugin.sound import answers, check_value

        values = loading(lambda: answers(f"efipolicy_{kind}", hook(), _KINDS[kind]))
        for value in values:
            check_value(kind, value)
        return [guarded(kind, value, plugin) for value in values]

    def _withdraw(self, plugin: Plugin) -> None:
        """Take back everything a failed plugin contributed; nobody's iteration is disturbed."""
        for key in [key for key, owner in self._owners.items() if owner is plugin]:
            del self._owners[key]
            kind, name = key
            if name in self._values.get(kind, ()):
                self._values[kind] = {
                    other: value for other, value in self._values[kind].items() if other != name
                }
        plugin.provides.clear()

    def _refuse_duplicate(
        self, plugin: Plugin, kind: str, name: str, named: dict[str, Any]
    ) -> None:
        owner = plugin if name in named else self._owners.get((kind, name))
        if owner:
            from efipolicy.plugin.sound import SINGULAR

            what = f"{SINGULAR[kind]} `{name}`"
            if owner is plugin:
                raise PluginError(f"it contributes the {what} twice")
            raise PluginError(f"the {what} is already contributed by {owner.owner}")
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


def _as_asked(choose: Callable[..., Any]) -> Callable[..., Any]:
    """A hook that names just some of what it is asked about, in any order, as pluggy allows."""
    code = choose.__code__
    wanted = code.co_varnames[: code.co_argcount]
    return lambda **asked: choose(**{name: asked[name] for name in wanted})


def _blocked_by_environment(setting: str, plugins: Iterable[Plugin]) -> list[str]:
    """``-a,-b`` blocks the plugins a and b.

    Raises `UsageError` for anything else, and for a plugin that is not installed.
    """
    known = {plugin.name for plugin in plugins}
    blocked = []
    for word in filter(None, (part.strip() for part in setting.split(","))):
        name = word[1:].strip()
        if not word.startswith("-") or not name:
            raise UsageError(f"EFIPOLICY_PLUGINS has `{word}`; write -name to block a plugin")
        if name not in known:
            from efipolicy.source.shape import suggestion

            raise UsageError(
                f"EFIPOLICY_PLUGINS blocks `{name}`, and no plugin of that name is installed"
                f"{suggestion(name, known)}"
            )
        blocked.append(name)
    return blocked
