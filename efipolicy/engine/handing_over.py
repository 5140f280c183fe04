"""Ask a hand-over what it relies on and what it costs on a platform."""

from __future__ import annotations

from efipolicy.errors import EfipolicyError, PluginError, UsageError
from efipolicy.model.handover import HandoverJudgement
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Platform
from efipolicy.plugin import HandoverVariant
from efipolicy.plugin.calling import call
from efipolicy.plugin.handovers import handover_request
from efipolicy.plugin.registry import Registry
from efipolicy.source import InputError


def hand_over(
    platform: Platform, registry: Registry, variant: str | None = None
) -> HandoverJudgement:
    """What becomes of a hand-over: the one asked for, else the one the platform declares.

    Raises `UsageError` when there is none, or none of that name, or it does not fit the platform's
    architecture; `InputError` where the platform file says so; `PluginError` when the architecture
    is not installed or the hand-over fails.
    """
    chosen = _chosen(platform, registry, variant)
    architecture = registry.architectures.get(platform.architecture)
    if architecture is None and platform.architecture != UNKNOWN_ARCHITECTURE:
        from efipolicy.plugin.elsewhere import not_installed

        raise PluginError(not_installed(platform.architecture, registry))
    if chosen.architectures and platform.architecture not in chosen.architectures:
        made_for = ", ".join(sorted(chosen.architectures))
        found = f"hand-over `{chosen.name}`, which is for {made_for}, on {platform.architecture}"
        raise _refusal(platform, variant, found, _fitting(platform, registry))
    request = handover_request(platform, architecture)
    judged: HandoverJudgement = call(
        f"hand-over {chosen.name}", chosen.judge, request, gives=HandoverJudgement
    )
    return judged


def handover_errors(platform: Platform, registry: Registry) -> list[InputError]:
    """What is wrong with the declared hand-over: a name that no plugin knows.

    One for another architecture is no error: its rules do not apply, as the report says.
    """
    named = platform.handover.variant if platform.handover else None
    if named is None:
        return []
    try:
        _chosen(platform, registry, None)
    except InputError as problem:
        return [problem]
    return []


def _chosen(platform: Platform, registry: Registry, variant: str | None) -> HandoverVariant:
    declared = platform.handover.variant if platform.handover else None
    name = variant or declared
    known = ", ".join(sorted(registry.handovers)) or "none is installed"
    if name is None:
        raise UsageError(f"the platform declares no `handover.variant`; choose one ({known})")
    found = registry.handovers.get(name)
    if found is None:
        from efipolicy.plugin.elsewhere import whose

        expected = f"one of {known}{whose('handovers', name, registry)}"
        raise _refusal(platform, variant, f"the unknown hand-over `{name}`", expected)
    return found


def _fitting(platform: Platform, registry: Registry) -> str:
    fitting = [
        each.name
        for each in registry.handovers.values()
        if not each.architectures or platform.architecture in each.architectures
    ]
    return f"one of {', '.join(sorted(fitting))}" if fitting else "no hand-over: none fits"


def _refusal(platform: Platform, variant: str | None, found: str, expected: str) -> EfipolicyError:
    """An error about the file where it names the hand-over and has a place, else about the call."""
    declared = platform.handover
    located = declared.located if declared and variant is None else None
    span = located.span_of("variant") if located else None
    if span:
        return InputError.at(span, found, expected)
    return UsageError(f"found {found}, expected {expected}")
