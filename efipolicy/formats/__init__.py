"""Documents in, model out: the platform file, and the captured texts it can be imported from.

As a plugin this package contributes the capture formats that come with efipolicy; one file a
family of texts.
"""

from collections.abc import Iterable

from efipolicy.plugin.hookspecs import hookimpl
from efipolicy.plugin.types import CaptureFormat

EFIPOLICY_API = 1


@hookimpl
def efipolicy_formats() -> Iterable[CaptureFormat]:
    """The families of captured texts that efipolicy itself can read."""
    from efipolicy.formats.linux import FORMAT as LINUX
    from efipolicy.formats.marks import FORMATS as MARKED

    return (LINUX, *MARKED)
