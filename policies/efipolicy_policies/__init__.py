"""The policies that come with efipolicy, the register of requirements, the reference platforms."""

from collections.abc import Iterable

from efipolicy.plugin import PolicyFolder, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """The folder of the default policies, and the requirements they are about."""
    here = __path__[0]
    yield PolicyFolder(path=f"{here}/sets", requirements=f"{here}/requirements.yaml")
