"""Rules about the reading itself: what a capture leaves open, one file a rule."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``capture``."""
    from efipolicy.plugin import rules_in
    from efipolicy_capture import rules

    return rules_in(rules)
