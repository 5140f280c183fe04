"""The questions a plugin may answer. Each hook asks one and gets values back."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from efipolicy.plugin.rules import Rule
from efipolicy.plugin.types import (
    Architecture,
    CaptureFormat,
    PolicyFolder,
    Reporter,
    Strategy,
)

hookspec = pluggy.HookspecMarker("efipolicy")
hookimpl = pluggy.HookimplMarker("efipolicy")


@hookspec
def efipolicy_architectures() -> Iterable[Architecture]:  # type: ignore[empty-body]
    """Which architectures does this plugin know?

    .. code-block:: python

        @hookimpl
        def efipolicy_architectures():
            yield Architecture(name="riscv64", title="RISC-V")
    """


@hookspec
def efipolicy_strategies() -> Iterable[Strategy]:  # type: ignore[empty-body]
    """Which ways of choosing virtual addresses does this plugin know?

    .. code-block:: python

        @hookimpl
        def efipolicy_strategies():
            yield Strategy(name="identity", title="...", plan=plan_identity)
    """


@hookspec
def efipolicy_rules() -> Iterable[Rule]:  # type: ignore[empty-body]
    """Which rules does this plugin add? All of them belong to packs that only it uses.

    .. code-block:: python

        @hookimpl
        def efipolicy_rules():
            from efipolicy_acme import rules

            yield from rules_in(rules)
    """


@hookspec
def efipolicy_formats() -> Iterable[CaptureFormat]:  # type: ignore[empty-body]
    """Which captured texts can this plugin read?

    .. code-block:: python

        @hookimpl
        def efipolicy_formats():
            yield CaptureFormat(name="acme-log", title="...", dialects=("acme-log",), read=read)
    """


@hookspec
def efipolicy_reporters() -> Iterable[Reporter]:  # type: ignore[empty-body]
    """In which formats can this plugin print a report?

    .. code-block:: python

        @hookimpl
        def efipolicy_reporters():
            yield Reporter(name="acme", title="...", render=render)
    """


@hookspec
def efipolicy_policies() -> Iterable[PolicyFolder]:  # type: ignore[empty-body]
    """Which folders hold this plugin's policies?

    .. code-block:: python

        @hookimpl
        def efipolicy_policies():
            yield PolicyFolder(path=f"{__path__[0]}/sets")
    """
