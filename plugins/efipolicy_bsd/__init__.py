"""What FreeBSD and OpenBSD choose."""

from collections.abc import Iterable

from efipolicy.plugin import Strategy, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategies of the BSDs."""
    from efipolicy_bsd.freebsd import FREEBSD_1TO1
    from efipolicy_bsd.openbsd import OPENBSD_PMAP

    yield FREEBSD_1TO1
    yield OPENBSD_PMAP
