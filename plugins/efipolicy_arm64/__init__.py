"""AArch64: page tables of three granules, what UEFI binds to it, and its rules."""

from collections.abc import Iterable

from efipolicy.plugin import Architecture, Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """The architecture ``arm64``."""
    from efipolicy_arm64.architecture import ARM64

    yield ARM64


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``arm64``."""
    from efipolicy.plugin import rules_in
    from efipolicy_arm64 import rules

    return rules_in(rules)
