"""Rules about what a mapping plan, and the runtime memory it is made for, come to."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``plan``."""
    from efipolicy.plugin import rules_in
    from efipolicy_plan import rules

    return rules_in(rules)
