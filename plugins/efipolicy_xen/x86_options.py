"""What a platform file has to say, besides its descriptors, for ``xen-x86-directmap``."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Option

OPTIONS: Final = (
    Option(
        name="svam",
        kind="boolean",
        default=False,
        doc="whether Xen was built to call SetVirtualAddressMap, an option for experts; every "
        "virtual address it gives is the physical one",
    ),
    Option(
        name="bigmem",
        kind="boolean",
        default=False,
        doc="whether Xen was built for more than 16 TiB; its direct map starts at slot 265 of the "
        "fourth level then, otherwise at slot 262",
    ),
    Option(
        name="attr_uc",
        kind="boolean",
        default=False,
        doc="booted with efi=attr=uc: regions that offer no known cache type are mapped uncached "
        "instead of left out",
    ),
    Option(
        name="boot_services",
        kind="boolean",
        default=False,
        doc="whether Xen's loader was told to map EfiBootServicesCode and EfiBootServicesData too",
    ),
)
