"""The kit with which plugin authors test what they contribute; efipolicy tests itself with it.

It needs no test framework: cases are values, and what they find is compared with ``==``. With
pytest there are the fixture ``efipolicy`` (`efipolicy.testing.pytest_plugin`) and the conformance
suites, one line each. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from efipolicy.testing.architectures import ArchitectureConformance
    from efipolicy.testing.capture_formats import FormatConformance
    from efipolicy.testing.contributions import contributed
    from efipolicy.testing.examples import ExampleError, RuleCase, example_platform, examples_of
    from efipolicy.testing.factories import (
        configuration_table,
        descriptor,
        memory_attributes_table,
        memory_map,
        platform,
    )
    from efipolicy.testing.mapping_strategies import StrategyConformance
    from efipolicy.testing.rules import RuleConformance
    from efipolicy.testing.workspace import Outcome, Workspace

__all__ = [
    "ArchitectureConformance",
    "ExampleError",
    "FormatConformance",
    "Outcome",
    "RuleCase",
    "RuleConformance",
    "StrategyConformance",
    "Workspace",
    "configuration_table",
    "contributed",
    "descriptor",
    "example_platform",
    "examples_of",
    "memory_attributes_table",
    "memory_map",
    "platform",
]

_MODULES = {
    "ArchitectureConformance": "architectures",
    "ExampleError": "examples",
    "FormatConformance": "capture_formats",
    "Outcome": "workspace",
    "RuleCase": "examples",
    "RuleConformance": "rules",
    "StrategyConformance": "mapping_strategies",
    "Workspace": "workspace",
    "configuration_table": "factories",
    "contributed": "contributions",
    "descriptor": "factories",
    "example_platform": "examples",
    "examples_of": "examples",
    "memory_attributes_table": "factories",
    "memory_map": "factories",
    "platform": "factories",
}


def __getattr__(name: str) -> Any:
    """What the kit offers by this name. Raises `AttributeError` for what it does not."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
