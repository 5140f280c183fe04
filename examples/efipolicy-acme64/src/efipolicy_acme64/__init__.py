"""The architecture of Acme64.

A plugin of efipolicy. It imports `efipolicy.plugin` and nothing else of the program, and each hook
imports what it answers with when it is asked.
"""

from collections.abc import Iterable

from efipolicy.plugin import Architecture, hookimpl

EFIPOLICY_API = 1
"""The level of `efipolicy.plugin` that this was written for."""


@hookimpl
def efipolicy_architectures() -> Iterable[Architecture]:
    """Give the architecture ``acme64``."""
    from efipolicy_acme64.architecture import ARCHITECTURE

    yield ARCHITECTURE
