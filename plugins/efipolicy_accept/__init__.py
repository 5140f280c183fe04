"""Rules about accepted findings themselves."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``accept``."""
    from efipolicy.plugin import rules_in
    from efipolicy_accept import rules

    return rules_in(rules)
