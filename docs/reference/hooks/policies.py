"""The folder ``sets`` beside this module has ``acme-release.yaml``."""

import os
from collections.abc import Iterable

from efipolicy.plugin import PolicyFolder, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_policies() -> Iterable[PolicyFolder]:
    """The policy ``acme-release``, for ``--policy acme-release``."""
    yield PolicyFolder(path=os.path.join(os.path.dirname(__file__), "sets"))
