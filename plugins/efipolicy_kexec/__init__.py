"""Rules about kernels that follow each other by kexec."""

from collections.abc import Iterable

from efipolicy.plugin import Rule, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``kexec``."""
    from efipolicy.plugin import rules_in
    from efipolicy_kexec import rules

    return rules_in(rules)
