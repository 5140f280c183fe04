"""The kit with which plugin authors test what they contribute; efipolicy tests itself with it.

It needs no test framework: cases are values, and what they find is compared with `==`.
"""

from efipolicy.testing.examples import ExampleError, RuleCase, example_platform, examples_of
from efipolicy.testing.factories import (
    configuration_table,
    descriptor,
    memory_attributes_table,
    memory_map,
    platform,
)

__all__ = [
    "ExampleError",
    "RuleCase",
    "configuration_table",
    "descriptor",
    "example_platform",
    "examples_of",
    "memory_attributes_table",
    "memory_map",
    "platform",
]
