"""What the tests of rules share."""

from collections.abc import Callable

import pytest

from efipolicy.plugin import Finding, Good
from efipolicy.plugin.registry import Registry
from efipolicy.testing import RuleCase


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry()


@pytest.fixture
def findings(registry: Registry) -> Callable[..., list[Finding]]:
    """Run one rule on a memory map in the notation of the examples."""

    def run(rule: str, *lines: str, **given: object) -> list[Finding]:
        case = RuleCase(registry.rules[rule], Good(*lines, **given), 1, registry.architectures)
        return case.findings()

    return run


@pytest.fixture
def found(registry: Registry) -> Callable[..., tuple[int, ...]]:
    """Run one rule and tell the places it reports."""

    def run(rule: str, *lines: str, **given: object) -> tuple[int, ...]:
        case = RuleCase(registry.rules[rule], Good(*lines, **given), 1, registry.architectures)
        return case.found()

    return run
