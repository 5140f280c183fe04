"""What a platform file has to say for ``arm64-stub-virtmap`` and ``arm64-novamap``."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Option
from efipolicy_linux.arm64_virtmap import BASE
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES


def _kernel(minimum: tuple[int, ...]) -> Option:
    return Option(
        name="kernel",
        kind="version",
        default=(6, 12),
        minimum=minimum,
        doc="the Linux version; selects the layout and the permissions of its era",
    )


VIRTMAP_OPTIONS: Final = (
    _kernel((4, 0)),
    Option(
        name="base",
        kind="address",
        default=BASE,
        doc="where the area starts",
    ),
    Option(
        name="random",
        kind="integer",
        default=None,
        limits=(0, 2**32 - 1),
        doc="the 32 bits that firmware's random number generator gave; kernels 4.13 to 6.0 move "
        "the base by them, others do not ask",
    ),
    Option(
        name="random_limit",
        kind="address",
        default=None,
        doc="where the area has to end at the latest when its base is random; 2 to the power of "
        "the virtual address bits, at most 2^48, unless given",
    ),
    Option(
        name="flat",
        kind="boolean",
        default=False,
        doc="whether firmware publishes the properties table of UEFI 2.5 and it says that code and "
        "data are apart; kernels 5.8 to 6.0 then choose virtual addresses equal to the physical",
    ),
    Option(
        name="needs_svam",
        kind="boolean",
        default=False,
        doc="whether SMBIOS names an Ampere eMAG, Altra or Altra Max, for which the kernel calls "
        "SetVirtualAddressMap where it otherwise would not; without it the plan of such a kernel "
        "is an assumption",
    ),
    Option(
        name="va_bits_min",
        kind="integer",
        default=None,
        limits=(36, 52),
        doc="VA_BITS_MIN of the kernel; since 6.1 it leaves SetVirtualAddressMap out from 48 on. "
        "The virtual address bits, but of a kernel of 52 bits 48, or 47 with pages of 16 KiB, "
        "unless given",
    ),
    MEMORY_ATTRIBUTES,
)

NOVAMAP_OPTIONS: Final = (
    _kernel((5, 1)),
    Option(
        name="reason",
        kind="choice",
        choices=("auto", "option", "rtprop", "va-bits"),
        default="auto",
        doc="why SetVirtualAddressMap is left out: efi=novamap on the command line, firmware that "
        "says it has no such call, or a kernel of 48 bits or more; no address depends on it",
    ),
    MEMORY_ATTRIBUTES,
)
