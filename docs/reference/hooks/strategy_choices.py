"""What an Acme kernel does that a platform file names and says no more of."""

from collections.abc import Iterable

from efipolicy.plugin import MappingDeclaration, Platform, StrategyChoice, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_strategy_choices(
    platform: Platform, declared: MappingDeclaration
) -> Iterable[StrategyChoice]:
    """Acme calls firmware where it is."""
    if declared.os == "acme" and platform.architecture == "x86_64":
        yield StrategyChoice("identity", "the only way Acme has", {"gbpages": False})
