"""Rules of the UEFI specification that every architecture shares, one file a rule."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``uefi``."""
    from efipolicy.plugin import rules_in
    from efipolicy_uefi import rules

    return rules_in(rules)
