"""The policies that come with efipolicy, and the reference platforms."""

from collections.abc import Iterable
from pathlib import Path

from efipolicy.plugin import PolicyFolder, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """The folder of the default policies."""
    yield PolicyFolder(path=Path(__file__).parent / "sets")
