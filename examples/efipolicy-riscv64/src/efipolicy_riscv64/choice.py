"""Whether a kernel takes ``riscv-stub``, and what its release and parameters say of the options.

A declaration that names no operating system stands for a current Linux, and what follows from it is
an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from efipolicy.plugin import MappingDeclaration, Platform, StrategyChoice

from efipolicy_riscv64.stub import RANDOM_UNTIL, SINCE

CURRENT: Final = (6, 12)
"""The kernel that is meant where nobody names one."""


def choices(platform: Platform, declared: MappingDeclaration) -> Iterator[StrategyChoice]:
    """The strategy of a Linux kernel that maps firmware by itself: there is one.

    It maps nothing as a guest of Xen, after a kexec, without runtime services, and before 5.10; and
    where the layout is declared entry by entry nobody has to compute it.
    """
    words = declared.command_line or ()
    efi = {part for word in words if word.startswith("efi=") for part in word[4:].split(",")}
    stated = _release(declared.kernel)
    kernel = stated or CURRENT
    if not _maps_by_itself(platform, declared) or kernel < SINCE:
        return
    if "noruntime" in efi or "noefi" in words:
        return
    name = f"Linux {declared.kernel}" if stated else "a current kernel, as Linux 6.12"
    options: dict[str, Any] = {"kernel": kernel}
    certain = stated is not None
    reason = "its stub places the regions"
    if "novamap" in efi or _never_calls(declared):
        options["novamap"] = True
        reason = "efi=novamap" if "novamap" in efi else "it never calls SetVirtualAddressMap"
    elif kernel < RANDOM_UNTIL and "nokaslr" not in words:
        certain = False
        reason += ", from a base that may be random"
    yield StrategyChoice("riscv-stub", f"{name}: {reason}", options, certain)


def _maps_by_itself(platform: Platform, declared: MappingDeclaration) -> bool:
    on_xen = "xen" in (declared.hypervisor or "").casefold()
    linux = declared.os is None or "linux" in declared.os.casefold()
    without_services = declared.calls is not None and declared.calls.services == ()
    return (
        linux
        and not on_xen
        and not without_services
        and declared.virtual_map is None
        and platform.memory_map.origin != "kexec"
    )


def _never_calls(declared: MappingDeclaration) -> bool:
    svam = declared.set_virtual_address_map
    return svam is not None and svam.calls == "never"


def _release(release: str | None) -> tuple[int, ...] | None:
    parts = (release or "").split(".")[:3]
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        return None
    return tuple(map(int, parts))
