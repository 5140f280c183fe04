"""The policies that come with efipolicy, and the reference platforms."""

from collections.abc import Iterable

from efipolicy.plugin import PolicyFolder, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """The folder of the default policies."""
    yield PolicyFolder(path=f"{__path__[0]}/sets")
