"""What Xen chooses, on x86-64 and, long ago, on Itanium."""

from collections.abc import Iterable

from efipolicy.plugin import Strategy, hookimpl

EFIPOLICY_API = 1


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategies Xen uses."""
    from efipolicy_xen.ia64_same_va import XEN_IA64_SAME_VA
    from efipolicy_xen.x86_directmap import XEN_X86_DIRECTMAP

    yield XEN_X86_DIRECTMAP
    yield XEN_IA64_SAME_VA
