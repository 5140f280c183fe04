"""What firmware does in SetVirtualAddressMap and ConvertPointer, and with pointers it forgot.

Two implementations are modelled: edk2's (MdeModulePkg/Core/RuntimeDxe) and U-Boot's
(lib/efi_loader/efi_runtime.c). Values in, values out: a call gives the state after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from efipolicy.model.address import EFI_PAGE_SIZE, AddressRange
from efipolicy.model.efi import EFI_MEMORY_RUNTIME, RUNTIME_SERVICES, EfiMemoryType
from efipolicy.model.mapping import VirtualMapEntry
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple

Implementation = Literal["edk2", "u-boot"]
Status = Literal["EFI_SUCCESS", "EFI_UNSUPPORTED", "EFI_INVALID_PARAMETER", "EFI_NOT_FOUND"]

DESCRIPTOR_VERSION: Final = 1
NATIVE_DESCRIPTOR_SIZE: Final = 40
"""Bytes of EFI_MEMORY_DESCRIPTOR, the least size of an entry (UEFI 2.10, 7.2.3)."""


class FirmwareState(NamedTuple):
    """Firmware as a kernel finds it.

    ``virtual_map`` is the list by which it converted its pointers, ``None`` while they are
    physical. ``spent`` says that its one call of SetVirtualAddressMap is used up, whether or not
    the call did its work. ``offers_call`` is what the runtime properties table says (UEFI 2.10,
    4.6.2), ``boot_services`` whether ExitBootServices is still to come.
    """

    implementation: Implementation = "edk2"
    boot_services: bool = False
    offers_call: bool = True
    spent: bool = False
    virtual_map: tuple[VirtualMapEntry, ...] | None = None

    @property
    def virtual(self) -> bool:
        """Whether its pointers are converted."""
        return self.virtual_map is not None


class Converted(NamedTuple):
    """A pointer after ConvertPointer; ``address`` is ``None`` where the map does not tell it."""

    status: Status
    address: int | None


def firmware_of(platform: Platform) -> FirmwareState:
    """Firmware of a platform right after ExitBootServices."""
    vendor = (platform.firmware.vendor if platform.firmware else None) or ""
    properties = platform.runtime_properties
    call = RUNTIME_SERVICES["SetVirtualAddressMap"]
    return FirmwareState(
        implementation="u-boot" if "u-boot" in vendor.lower().replace("_", "-") else "edk2",
        offers_call=properties is None or bool(properties.supported & call),
    )


def set_virtual_address_map(
    firmware: FirmwareState,
    entries: Iterable[VirtualMapEntry],
    *,
    descriptor_version: int = DESCRIPTOR_VERSION,
    descriptor_size: int = 48,
    conversion_fails: bool = False,
) -> tuple[FirmwareState, Status]:
    """The state after the call, and what it returns.

    A call that is refused leaves the state as it is. Once the work has begun the call is used up,
    even where the work then fails (``conversion_fails``). Addresses are not looked at: overlapping
    ones, zero and unaligned ones are taken. ``descriptor_size`` is bytes.
    """
    entries = tuple(entries)
    if firmware.boot_services or firmware.spent or not firmware.offers_call:
        return firmware, "EFI_UNSUPPORTED"
    if descriptor_version != DESCRIPTOR_VERSION or descriptor_size < NATIVE_DESCRIPTOR_SIZE:
        return firmware, "EFI_INVALID_PARAMETER"
    if firmware.implementation == "u-boot" and _code_entries(entries) != 1:
        return firmware, "EFI_INVALID_PARAMETER"
    spent = firmware._replace(spent=True)
    if conversion_fails:
        return spent, "EFI_NOT_FOUND"
    return spent._replace(virtual_map=entries), "EFI_SUCCESS"


def _code_entries(entries: tuple[VirtualMapEntry, ...]) -> int:
    return sum(entry.type == EfiMemoryType.EfiRuntimeServicesCode for entry in entries)


def convert_pointer(firmware: FirmwareState, address: int) -> Converted:
    """What a pointer becomes: by the first entry, in the order of the list, that holds it.

    Entries without EFI_MEMORY_RUNTIME do not count. What no entry holds stays as it is, with
    EFI_NOT_FOUND. To U-Boot the address behind an entry's last one belongs to it too.
    """
    beyond = 1 if firmware.implementation == "u-boot" else 0
    for entry in firmware.virtual_map or ():
        start = entry.physical_start
        end = start + entry.number_of_pages * EFI_PAGE_SIZE + beyond
        if entry.attribute & EFI_MEMORY_RUNTIME and start <= address < end:
            moved = entry.virtual_start
            return Converted("EFI_SUCCESS", None if moved is None else address - start + moved)
    return Converted("EFI_NOT_FOUND", address)


class Pointer(NamedTuple):
    """A pointer that a kernel reads: its name, what it was, what it is now, and its region.

    ``found`` is ``None`` where the map does not tell it.
    """

    name: str
    physical: int
    found: int | None


CONVERTED_FIELDS: Final = (
    ("RuntimeServices", "runtime_services"),
    ("FirmwareVendor", "firmware_vendor"),
    ("ConfigurationTable", "configuration_table"),
)
"""The fields of the system table that the call converts (UEFI 2.10, 8.4.1)."""

NEVER_CONVERTED: Final = frozenset({"SetVirtualAddressMap", "ConvertPointer"})
"""Entries of the runtime services table that stay physical, being of no more use."""


def pointers(platform: Platform, firmware: FirmwareState) -> tuple[Pointer, ...]:
    """The known pointers of a platform's firmware as a kernel finds them.

    The system table's fields and the functions of the runtime services table are converted; the
    pointers that the configuration table holds stay physical (UEFI 2.10, 4.6).
    """
    found: list[Pointer] = []
    table = platform.system_table
    for name, field in CONVERTED_FIELDS if table else ():
        physical = getattr(table, field)
        if physical is not None:
            converted = convert_pointer(firmware, physical).address
            found.append(Pointer(f"EFI_SYSTEM_TABLE.{name}", physical, converted))
    functions = (table.runtime_functions if table else None) or {}
    for name, physical in functions.items():
        stays = name in NEVER_CONVERTED
        converted = physical if stays else convert_pointer(firmware, physical).address
        found.append(Pointer(f"EFI_RUNTIME_SERVICES.{name}", physical, converted))
    for entry in platform.configuration_tables or ():
        name = entry.name or entry.guid or "?"
        found.append(Pointer(f"configuration table {name}", entry.address, entry.address))
    return tuple(found)


def region_of(entry: VirtualMapEntry) -> AddressRange:
    """The physical addresses an entry of the list is about."""
    start = entry.physical_start
    return AddressRange(start, start + entry.number_of_pages * EFI_PAGE_SIZE)
