"""RISC-V, 64 bits: its page tables, its rules, and what Linux maps there.

A plugin of efipolicy. It imports `efipolicy.plugin` and nothing else of the program, and each hook
imports what it answers with when it is asked.
"""

from collections.abc import Iterable

from efipolicy.plugin import (
    Architecture,
    MappingDeclaration,
    Platform,
    PolicyFolder,
    Rule,
    Strategy,
    StrategyChoice,
    hookimpl,
)

EFIPOLICY_API = 1


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The architecture ``riscv64``."""
    from efipolicy_riscv64.architecture import RISCV64

    yield RISCV64


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategy ``riscv-stub``."""
    from efipolicy_riscv64.stub import RISCV_STUB

    yield RISCV_STUB


@hookimpl
def efipolicy_strategy_choices(
    platform: Platform, declared: MappingDeclaration
) -> Iterable[StrategyChoice]:
    """That a Linux kernel on RISC-V takes ``riscv-stub``, and with which options."""
    if platform.architecture != "riscv64":
        return ()
    from efipolicy_riscv64.choice import choices

    return choices(platform, declared)


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``riscv64``."""
    from efipolicy.plugin import rules_in

    from efipolicy_riscv64 import rules

    return rules_in(rules)


@hookimpl
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """The policies, and the register of the clauses of BRS that the rules cite."""
    here = __path__[0]
    yield PolicyFolder(path=f"{here}/policies", requirements=f"{here}/requirements.yaml")
