"""Rules about what Windows demands beyond UEFI."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``windows``."""
    from efipolicy.plugin import rules_in
    from efipolicy_windows import rules

    return rules_in(rules)
