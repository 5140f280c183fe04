"""Hold what third parties' plugins say of a kernel's strategy to what is installed.

Loaded only where one of them says anything; efipolicy's own are held to it by its tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.plugin import Option, Strategy, StrategyChoice
from efipolicy.plugin.calling import failure, note
from efipolicy.plugin.discovery import Plugin
from efipolicy.plugin.elsewhere import may_be_blocked
from efipolicy.plugin.options import option_text, option_values, written_value
from efipolicy.plugin.registry import Registry
from efipolicy.plugin.sound import BrokenPromiseError, shown
from efipolicy.source import SourceText
from efipolicy.source.document import Scalar
from efipolicy.source.shape import suggestion


def usable(
    choices: Sequence[StrategyChoice],
    platform: Platform,
    declared: MappingDeclaration,
    registry: Registry,
) -> list[StrategyChoice]:
    """The choices that mean something.

    Whose does not is noted among the errors of the registry. It is nobody's fault that the strategy
    is of a plugin that is blocked or failed.
    """
    sound = [one for one in choices if not any(_mistakes(one, platform, registry))]
    if len(sound) < len(choices):
        for plugin in registry.plugins:
            if not plugin.built_in and "strategy_choices" in plugin.hooks:
                _note(plugin, platform, declared, registry)
    return sound


def _note(
    plugin: Plugin, platform: Platform, declared: MappingDeclaration, registry: Registry
) -> None:
    """Ask a plugin again, and note what is wrong with its answer."""
    try:
        given: list[StrategyChoice] = plugin.hooks["strategy_choices"](
            platform=platform, declared=declared
        )
    except Exception:  # noqa: BLE001 - it failed when it was asked first, and that is noted
        return
    for one in given:
        for mistake in _mistakes(one, platform, registry):
            if registry.strategy(one.strategy) or not may_be_blocked(
                "strategies", one.strategy, registry
            ):
                problem = BrokenPromiseError(mistake)
                note(problem, plugin)
                registry.note_failure(failure("hook efipolicy_strategy_choices", problem))


def _mistakes(choice: StrategyChoice, platform: Platform, registry: Registry) -> Iterator[str]:
    strategy = registry.strategy(choice.strategy)
    if strategy is None:
        hint = suggestion(choice.strategy, registry.strategies)
        yield f"it chose the unknown strategy {shown(choice.strategy)}{hint}"
        return
    fits = not strategy.architectures or platform.architecture in strategy.architectures
    if not fits and platform.architecture in registry.architectures:
        made_for = ", ".join(sorted(strategy.architectures))
        yield (
            f"it chose the strategy `{strategy.name}`, which is for {made_for}, on "
            f"{platform.architecture}"
        )
    yield from _wrong_options(choice, strategy)


def _wrong_options(choice: StrategyChoice, strategy: Strategy) -> Iterator[str]:
    options = {option.name: option for option in strategy.options}
    for name, value in choice.options.items():
        option = options.get(name)
        if option is None:
            known = ", ".join(options) or "none"
            hint = suggestion(name, options)
            yield (
                f"it chose {strategy.name} with the unknown option {shown(name)}; it has "
                f"{known}{hint}"
            )
        elif not _takes(option, value):
            yield f"it chose {strategy.name} with {name} {shown(value)}, no value of that option"


def _takes(option: Option, value: object) -> bool:
    """Whether a value is one that the option gives when it is written down and read."""
    if value is None:
        return True
    try:
        written = option_text(option, value)
        key = Scalar(SourceText("--option", option.name), 0, 0, option.name, plain=True)
        read = option_values([option], {option.name: (key, written_value(option, written))})
    except Exception:  # noqa: BLE001 - whatever a stranger's value does to a shape
        return False
    return bool(read[option.name] == value)
