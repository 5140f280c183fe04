"""Which strategy a Linux kernel takes that declares none: by architecture, release and parameters.

A declaration that says nothing of its system stands for a current kernel, and what follows from it
is an assumption. So is what depends on things that no log tells, such as how many address bits an
arm64 kernel was built for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    MappingDeclaration,
    Platform,
    StrategyChoice,
)
from efipolicy_linux.handed_over import is_linux

CURRENT: Final = (6, 12)
"""The kernel that is meant where nobody names one."""

OLD_MAP_UNTIL: Final = (5, 10)
"""The first kernel without ``efi=old_map``."""

I386_SINCE: Final = (2, 6)
X86_64_SINCE: Final = (2, 6, 25)
TOPDOWN_SINCE: Final = (3, 14)
MIXED_SINCE: Final = (3, 15)
"""Until then a 64-bit kernel left the runtime services of 32-bit firmware alone."""

ARM64_SINCE: Final = (3, 16)
STUB_SINCE: Final = (4, 0)
NOVAMAP_SINCE: Final = (5, 1)
PROPERTIES_SINCE: Final = (5, 10)
RANDOM_BASE: Final = ((4, 13), (6, 1))
WIDE_KERNELS_LEAVE_CALL_OUT_SINCE: Final = (6, 1)


class LinuxKernel(NamedTuple):
    """A Linux kernel that maps firmware by itself, as far as a declaration tells of it."""

    version: tuple[int, ...]
    known: bool
    efi: frozenset[str]
    words: tuple[str, ...]

    @property
    def name(self) -> str:
        """The kernel, for people."""
        number = ".".join(map(str, self.version))
        return f"Linux {number}" if self.known else f"a current kernel, as Linux {number}"

    def choice(
        self, strategy: str, reason: str, *, certain: bool = True, **options: Any
    ) -> StrategyChoice:
        """That it takes a strategy, with its own release among the options."""
        told = {"kernel": self.version, **options}
        return StrategyChoice(strategy, f"{self.name}: {reason}", told, certain and self.known)


def linux_kernel(platform: Platform, declared: MappingDeclaration) -> LinuxKernel | None:
    """The kernel of a declaration; ``None`` where it is no Linux, or chooses no addresses.

    It chooses none as a guest of Xen, which calls firmware for it, after a kexec, without runtime
    services, and where the layout is declared entry by entry.
    """
    on_xen = "xen" in (declared.hypervisor or "").casefold()
    if on_xen or declared.virtual_map is not None or not is_linux(declared):
        return None
    if declared.calls and declared.calls.services == ():
        return None
    if platform.memory_map.origin == "kexec":
        return None
    words = declared.command_line or ()
    efi = frozenset(
        part for word in words if word.startswith("efi=") for part in word[4:].split(",")
    )
    if "noruntime" in efi or "noefi" in words:
        return None
    version = _version(declared.kernel)
    return LinuxKernel(version or CURRENT, version is not None, efi, words)


def _version(release: str | None) -> tuple[int, ...] | None:
    parts = (release or "").split(".")[:3]
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        return None
    return tuple(map(int, parts))


def takes_x86_topdown(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """64-bit kernels on 64-bit firmware since 3.14, unless told ``efi=old_map``."""
    kernel = linux_kernel(platform, declared)
    if kernel is None or _is_mixed(platform) or _is_old_map(kernel):
        return None
    return kernel.choice(
        "x86-topdown",
        "since 3.14 on 64-bit firmware",
        efi_debug="debug" in kernel.efi,
        soft_reserve="nosoftreserve" not in kernel.efi,
    )


def takes_x86_mixed(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """64-bit kernels on 32-bit firmware since 3.15."""
    kernel = linux_kernel(platform, declared)
    if kernel is None or kernel.version < MIXED_SINCE or not _is_mixed(platform):
        return None
    return kernel.choice("x86-mixed", "a 64-bit kernel on 32-bit firmware")


def takes_x86_ioremap(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """64-bit kernels before 3.14, and those told ``efi=old_map``."""
    kernel = linux_kernel(platform, declared)
    if kernel is None or _is_mixed(platform) or not _is_old_map(kernel):
        return None
    if kernel.version < X86_64_SINCE:
        return None
    told = "old_map" in kernel.efi and kernel.version >= TOPDOWN_SINCE
    return kernel.choice("x86-ioremap-svam", "efi=old_map" if told else "before 3.14")


def _is_mixed(platform: Platform) -> bool:
    return platform.firmware is not None and platform.firmware.bits == 32


def _is_old_map(kernel: LinuxKernel) -> bool:
    if kernel.version < TOPDOWN_SINCE:
        return True
    return "old_map" in kernel.efi and kernel.version < OLD_MAP_UNTIL


def takes_arm64_novamap(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """Kernels that leave SetVirtualAddressMap out: told to, or built for 48 bits or more."""
    kernel = linux_kernel(platform, declared)
    return _novamap(kernel, platform, declared) if kernel else None


def takes_arm64_stub_virtmap(
    platform: Platform, declared: MappingDeclaration
) -> StrategyChoice | None:
    """Kernels since 4.0 that do not leave the call out."""
    kernel = linux_kernel(platform, declared)
    if kernel is None or kernel.version < STUB_SINCE or _novamap(kernel, platform, declared):
        return None
    first, end = RANDOM_BASE
    if first <= kernel.version < end and "nokaslr" not in kernel.words:
        return kernel.choice(
            "arm64-stub-virtmap",
            "its stub places the regions, from a base that may be random",
            certain=False,
        )
    bits = _smallest_width(declared)
    late = kernel.version >= WIDE_KERNELS_LEAVE_CALL_OUT_SINCE
    reason = "its stub places the regions"
    if late:
        reason += f", as of kernels of {bits} bits" if bits else ", as of kernels below 48 bits"
    return kernel.choice("arm64-stub-virtmap", reason, certain=not late or bits is not None)


def _novamap(
    kernel: LinuxKernel, platform: Platform, declared: MappingDeclaration
) -> StrategyChoice | None:
    svam = declared.set_virtual_address_map
    if svam and svam.calls and svam.calls != "never":
        return None
    if kernel.version >= NOVAMAP_SINCE and ("novamap" in kernel.efi or svam):
        return kernel.choice(
            "arm64-novamap", "efi=novamap" if "novamap" in kernel.efi else "it never calls"
        )
    properties = platform.runtime_properties
    offered = properties is None or bool(
        properties.supported & RUNTIME_SERVICES["SetVirtualAddressMap"]
    )
    if kernel.version >= PROPERTIES_SINCE and not offered:
        return kernel.choice("arm64-novamap", "firmware says that it lacks SetVirtualAddressMap")
    if kernel.version < WIDE_KERNELS_LEAVE_CALL_OUT_SINCE:
        return None
    bits = _smallest_width(declared)
    if bits is not None and bits < 48:
        return None
    if bits is None and declared.page_size == 0x4000:
        return None  # distributions build those for 47 bits, or for 52 that fall back to 47
    built = f"built for {bits} bits" if bits else "probably built for 48 bits"
    return kernel.choice(
        "arm64-novamap",
        f"{built}; it would call on an Ampere Altra or eMAG, of which the input says nothing",
        certain=False,
    )


def _smallest_width(declared: MappingDeclaration) -> int | None:
    """VA_BITS_MIN: a kernel of 52 bits falls back to 48, with pages of 16 KiB to 47."""
    bits = declared.virtual_address_bits
    if bits is None or bits < 48:
        return bits
    return 47 if bits == 52 and declared.page_size == 0x4000 else 48


def takes_arm64_ioremap(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """Kernels before 4.0, which call by themselves."""
    kernel = linux_kernel(platform, declared)
    if kernel is None or not ARM64_SINCE <= kernel.version < STUB_SINCE:
        return None
    return kernel.choice("arm64-ioremap-svam", "before 4.0")


def takes_i386_ioremap(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """32-bit kernels, which leave the runtime services of 64-bit firmware alone."""
    kernel = linux_kernel(platform, declared)
    wide = platform.firmware is not None and platform.firmware.bits == 64
    if kernel is None or kernel.version < I386_SINCE or wide:
        return None
    return kernel.choice("i386-ioremap", _ONLY_WAY)


def takes_ia64_region67(platform: Platform, declared: MappingDeclaration) -> StrategyChoice | None:
    """Every kernel on Itanium."""
    kernel = linux_kernel(platform, declared)
    return kernel.choice("ia64-region67", _ONLY_WAY) if kernel else None


def choices(platform: Platform, declared: MappingDeclaration) -> Iterator[StrategyChoice]:
    """The strategy that a kernel of a declaration takes, if it chooses addresses at all."""
    for takes in _TAKERS.get(platform.architecture, ()):
        choice = takes(platform, declared)
        if choice:
            yield choice


_ONLY_WAY: Final = "the only way it has"
_TAKERS: Final = {
    "x86_64": (takes_x86_topdown, takes_x86_mixed, takes_x86_ioremap),
    "arm64": (takes_arm64_novamap, takes_arm64_stub_virtmap, takes_arm64_ioremap),
    "i386": (takes_i386_ioremap,),
    "ia64": (takes_ia64_region67,),
}
