"""The questions a plugin may answer. Each hook asks one and gets values back."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.plugin.rules import Rule
from efipolicy.plugin.types import (
    Architecture,
    CaptureFormat,
    HandoverVariant,
    PolicyFolder,
    Reporter,
    Strategy,
    StrategyChoice,
)

hookspec = pluggy.HookspecMarker("efipolicy")
hookimpl = pluggy.HookimplMarker("efipolicy")


@hookspec
def efipolicy_architectures() -> Iterable[Architecture]:
    """Which architectures does this plugin know?

    .. code-block:: python

        @hookimpl
        def efipolicy_architectures():
            yield Architecture(name="riscv64", title="RISC-V")
    """
    return ()


@hookspec
def efipolicy_strategies() -> Iterable[Strategy]:
    """Which ways of choosing virtual addresses does this plugin know?

    .. code-block:: python

        @hookimpl
        def efipolicy_strategies():
            yield Strategy(name="identity", title="...", plan=plan_identity)
    """
    return ()


@hookspec
def efipolicy_strategy_choices(
    platform: Platform, declared: MappingDeclaration
) -> Iterable[StrategyChoice]:
    """Which strategy does an operating system take that declares none?

    A declaration that says nothing of the system stands for a current one.

    .. code-block:: python

        @hookimpl
        def efipolicy_strategy_choices(platform, declared):
            if declared.os == "acme":
                yield StrategyChoice("acme-flat", "the only way Acme has")
    """
    del platform, declared
    return ()


@hookspec
def efipolicy_handovers() -> Iterable[HandoverVariant]:
    """Which ways of entering a kernel from the boot loader does this plugin know?

    .. code-block:: python

        @hookimpl
        def efipolicy_handovers():
            yield HandoverVariant(name="handover-acme", title="...", judge=judge_handover)
    """
    return ()


@hookspec
def efipolicy_rules() -> Iterable[Rule]:
    """Which rules does this plugin add? All of them belong to packs that only it uses.

    .. code-block:: python

        @hookimpl
        def efipolicy_rules():
            from efipolicy_acme import rules

            yield from rules_in(rules)
    """
    return ()


@hookspec
def efipolicy_formats() -> Iterable[CaptureFormat]:
    """Which captured texts can this plugin read?

    .. code-block:: python

        @hookimpl
        def efipolicy_formats():
            yield CaptureFormat(name="acme-log", title="...", dialects=("acme-log",), read=read)
    """
    return ()


@hookspec
def efipolicy_reporters() -> Iterable[Reporter]:
    """In which formats can this plugin print a report?

    .. code-block:: python

        @hookimpl
        def efipolicy_reporters():
            yield Reporter(name="acme", title="...", render=render)
    """
    return ()


@hookspec
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """Which folders hold this plugin's policies?

    .. code-block:: python

        @hookimpl
        def efipolicy_policies():
            yield PolicyFolder(path=f"{__path__[0]}/sets")
    """
    return ()
