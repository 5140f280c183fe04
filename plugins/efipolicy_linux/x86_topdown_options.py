"""What a platform file has to say, besides its descriptors, for the strategy ``x86-topdown``."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import Option
from efipolicy_linux.memory_attributes import MEMORY_ATTRIBUTES

_PLACEMENT: Final = (
    Option(
        name="kernel",
        kind="version",
        default=(6, 12),
        minimum=(3, 14),
        doc="the Linux version; selects the order and the permissions of its era",
    ),
    Option(
        name="order",
        kind="choice",
        choices=("auto", "reverse", "forward"),
        default="auto",
        doc="how the map is walked; auto: forward before 4.3, reverse since",
    ),
    Option(
        name="boot_services",
        kind="boolean",
        default=True,
        doc="whether EfiBootServicesCode and EfiBootServicesData are mapped too",
    ),
    Option(
        name="merge",
        kind="boolean",
        default=True,
        doc="whether touching entries of equal type and attribute become one first",
    ),
    Option(
        name="soft_reserve",
        kind="boolean",
        default=True,
        doc="whether EfiConventionalMemory with EFI_MEMORY_SP is left out, as kernels do since 5.5",
    ),
)

_BESIDES: Final = (
    Option(
        name="page0",
        kind="boolean",
        default=True,
        doc="whether page 0 is mapped 1:1",
    ),
    Option(
        name="svam_buffer",
        kind="range",
        default=None,
        doc="where the list handed to SetVirtualAddressMap lies, [start, end)",
    ),
)

_TABLES: Final = (
    Option(
        name="gbpages",
        kind="boolean",
        default=True,
        doc="whether the processor has pages of 1 GiB; without them 2 MiB is the largest leaf",
    ),
    MEMORY_ATTRIBUTES,
    Option(
        name="properties_table_nx",
        kind="boolean",
        default=False,
        doc="whether firmware publishes the properties table of UEFI 2.5 and it says that code and "
        "data are apart; kernels 4.6 to 6.12 apply it where no Memory Attributes Table is",
    ),
    Option(
        name="efi_debug",
        kind="boolean",
        default=False,
        doc="booted with efi=debug: boot-services regions stay in the page tables; otherwise they "
        "are taken out after SetVirtualAddressMap (since 5.0)",
    ),
)

_ENCRYPTION: Final = (
    Option(
        name="encryption",
        kind="choice",
        choices=("none", "sev", "sev-es", "tdx"),
        default="none",
        doc="how the memory of the guest is encrypted; with SEV every leaf carries the C-bit, but "
        "since 5.10 not those of EfiMemoryMappedIO; what TDX does to these is an assumption",
    ),
    Option(
        name="c_bit",
        kind="integer",
        default=47,
        limits=(12, 62),
        doc="the number of the bit of an entry that marks encrypted memory, with sev and sev-es",
    ),
    Option(
        name="ghcb",
        kind="addresses",
        default=(),
        doc="with sev-es: where the pages lie by which the guest talks to its hypervisor; they are "
        "mapped 1:1 and not encrypted",
    ),
)

OPTIONS: Final = (*_PLACEMENT, *_BESIDES, *_TABLES, *_ENCRYPTION)
