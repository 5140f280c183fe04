"""What Linux chooses: its mapping strategies, and the rules that only Linux makes necessary."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, Strategy, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``linux``."""
    from efipolicy.plugin import rules_in
    from efipolicy_linux import rules

    return rules_in(rules)


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategies Linux uses."""
    from efipolicy_linux.arm64_stub import ARM64_NOVAMAP, ARM64_STUB_VIRTMAP
    from efipolicy_linux.x86_topdown_plan import X86_TOPDOWN

    yield X86_TOPDOWN
    yield ARM64_STUB_VIRTMAP
    yield ARM64_NOVAMAP
