"""What Windows demands beyond UEFI, and a stand-in for the addresses it chooses."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, Strategy, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``windows``."""
    from efipolicy.plugin import rules_in
    from efipolicy_windows import rules

    return rules_in(rules)


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategy ``windows-virtual``."""
    from efipolicy_windows.strategies import WINDOWS_VIRTUAL

    yield WINDOWS_VIRTUAL
