"""What a platform file declares beside its maps: hardware, tables, and what operating systems do.

Every value but the place where it was read is optional: what a file leaves out is not known, and
no rule may take it for an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, dataclass_transform

from efipolicy.model.address import AddressRange
from efipolicy.source import Located


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Record:
    """A frozen record made of keywords, equal to another with the same values read elsewhere.

    To a type checker it is a dataclass. It is none at run time, because twenty of those take
    longer to define than a small file takes to lint.
    """

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} stays as it was read")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._stated() == self._stated()

    def __hash__(self) -> int:
        return hash((type(self), *sorted(self._stated())))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._stated().items())
        return f"{type(self).__name__}({values})"

    def _stated(self) -> dict[str, Any]:
        """What is known, by name."""
        return {
            name: value
            for name, value in vars(self).items()
            if value is not None and name != "located"
        }


class Declared(_Record):
    """What a file declares, and the place where it does."""

    located: Located | None = None


class RuntimeProperties(Declared):
    """EFI_RT_PROPERTIES_TABLE (UEFI 2.10, 4.6.2): ``length`` in bytes, ``supported`` as a mask."""

    supported: int
    version: int | None = None
    length: int | None = None


class SystemTable(Declared):
    """Physical addresses in EFI_SYSTEM_TABLE (UEFI 2.10, 4.3).

    ``runtime_functions`` holds the pointers of the runtime services table by the service's name.
    """

    address: int | None = None
    runtime_services: int | None = None
    firmware_vendor: int | None = None
    configuration_table: int | None = None
    runtime_functions: Mapping[str, int] | None = None


class Place(Declared):
    """A range of physical addresses, in bytes, and what is there."""

    start: int
    size: int
    what: str | None = None

    @property
    def physical(self) -> AddressRange:
        """The addresses."""
        return AddressRange(self.start, self.start + self.size)


class Hardware(Declared):
    """What the board has, from its documentation.

    ``off_limits``: real memory closed to the operating system. ``unpopulated``: addresses behind
    which there is nothing. ``operating_system_devices``: devices an operating system's driver
    owns. ``smm_communication``: buffers through which firmware talks to System Management Mode.
    ``address_features``: the arm64 extensions LPA, LVA and LPA2 it has.
    """

    off_limits: tuple[Place, ...] | None = None
    unpopulated: tuple[Place, ...] | None = None
    operating_system_devices: tuple[Place, ...] | None = None
    smm_communication: tuple[Place, ...] | None = None
    physical_address_bits: int | None = None
    processor: str | None = None
    address_features: tuple[str, ...] | None = None


class FirmwareEnvironment(Declared):
    """The state in which boot services run, as firmware sets it up (UEFI 2.10, 2.3.2 to 2.3.8).

    ``granule`` and stacks are bytes; ``sctlr`` the bits that are set, by name.
    """

    granule: int | None = None
    translation_tables: tuple[str, ...] | None = None
    top_byte_ignored: bool | None = None
    sctlr: tuple[str, ...] | None = None
    stack_bytes: int | None = None
    backing_store_bytes: int | None = None


class Allocation(Declared):
    """A page allocation some image made before ExitBootServices. EFI pages."""

    by: Literal["application", "loader", "boot-driver", "runtime-driver"]
    type: int
    physical_start: int
    number_of_pages: int


class AcpiTable(Declared):
    """A table reachable from the RSDP. ``length`` is bytes."""

    signature: str
    address: int
    length: int | None = None
    loaded: Literal["boot", "runtime"] | None = None


class ConformanceProfiles(Declared):
    """EFI_CONFORMANCE_PROFILES_TABLE (UEFI 2.10, 4.6.5), its count as it states it."""

    version: int | None = None
    number_of_profiles: int | None = None
    profiles: tuple[str, ...] | None = None


class BootPages(Declared):
    """A range, in bytes, and the access that page tables in force at boot time grant.

    ``holds`` says what lies there; ``access`` is ``none`` where every touch faults.
    """

    start: int
    size: int
    access: Literal["none", "R", "RW", "RX", "RWX"]
    holds: str | None = None

    @property
    def physical(self) -> AddressRange:
        """The addresses."""
        return AddressRange(self.start, self.start + self.size)


class ExitBootServices(Declared):
    """Who ended boot services, and with which key of the memory map (UEFI 2.10, 7.4.6)."""

    by: str | None = None
    map_key: int | None = None


class SetVirtualAddressMap(Declared):
    """How an operating system calls SetVirtualAddressMap (UEFI 2.10, 8.4.1).

    ``descriptor_size`` and ``memory_map_size`` are the bytes it passes. ``processors`` says
    whether another runtime call may be running, ``boot_services_memory`` when the operating system
    takes types 3 and 4 for itself, ``protection`` when permissions of runtime code are tightened.
    """

    calls: Literal["never", "once", "more"] | None = None
    when: Literal["before-exit-boot-services", "after-exit-boot-services"] | None = None
    by: str | None = None
    under: Literal["identity", "physical", "virtual"] | None = None
    entries: Literal["whole", "split", "merged"] | None = None
    descriptor_size: int | None = None
    descriptor_version: int | None = None
    memory_map_size: int | None = None
    processors: Literal["quiet", "busy"] | None = None
    boot_services_memory: Literal["freed-before", "freed-after", "kept"] | None = None
    protection: Literal["before", "after", "never"] | None = None
    result: Literal["success", "failed"] | None = None


class RuntimeCalls(Declared):
    """The state in which an operating system calls runtime services (UEFI 2.10, 2.3.2 to 2.3.8).

    ``addresses`` says which addresses the calls use; ``identity_mapped`` whether virtual equals
    physical for the ranges of the map while a call runs; ``services`` the services it plans to
    call; ``arguments`` where buffers lie; ``protection_bits`` the attribute bits it takes for page
    permissions; ``machine_check_map`` which tables a handler of MCA, INIT or NMI calls under.
    ``privilege_mode`` is the mode of all calls in the processor's own words, such as ``S`` of
    RISC-V; of arm64 it is ``exception_level``.
    """

    exception_level: str | None = None
    boot_exception_level: str | None = None
    privilege_mode: str | None = None
    other_callers: tuple[str, ...] | None = None
    serialised: bool | None = None
    stack_bytes: int | None = None
    stack_alignment: int | None = None
    protection_from: Literal["mat", "type", "memory-map", "none"] | None = None
    protection_bits: tuple[str, ...] | None = None
    addresses: Literal["physical", "identity", "virtual"] | None = None
    identity_mapped: bool | None = None
    paging: bool | None = None
    services: tuple[str, ...] | None = None
    arguments: tuple[Place, ...] | None = None
    fp_control: int | None = None
    mxcsr: int | None = None
    cr0: tuple[str, ...] | None = None
    direction_flag: bool | None = None
    streaming_mode: bool | None = None
    machine_check_map: Literal["same", "other"] | None = None
    machine_check_reset: Literal["ResetSystem", "SAL"] | None = None


class UsableMemory(Declared):
    """The memory types an operating system hands to its page allocator, and when.

    ``types`` is the final set, ``before_acpi`` what it takes before ACPI is enabled;
    ``unaccepted`` says what it does with EfiUnacceptedMemoryType before it uses it.
    """

    types: tuple[int, ...] | None = None
    before_acpi: tuple[int, ...] | None = None
    unaccepted: Literal["accepted", "not-accepted"] | None = None


class OperationRegion(Declared):
    """An ACPI operation region in memory, in bytes, and the cache type it is mapped with."""

    start: int
    size: int
    cache: Literal["UC", "WC", "WT", "WB"]

    @property
    def physical(self) -> AddressRange:
        """The addresses."""
        return AddressRange(self.start, self.start + self.size)


class RuntimeRegion(Declared):
    """A range that is mapped for runtime services, in bytes, and the EFI cache type it is given."""

    start: int
    size: int
    cache: Literal["UC", "WC", "WT", "WB", "WP", "UCE"]

    @property
    def physical(self) -> AddressRange:
        """The addresses."""
        return AddressRange(self.start, self.start + self.size)


class MemoryTypes(Declared):
    """The arm64 memory type, a MAIR byte, that each EFI cache type is mapped with, and its SH."""

    encodings: Mapping[str, int] | None = None
    shareability: Mapping[str, str] | None = None


class Carried(Declared):
    """What a kernel hands to the one that follows it by kexec.

    Addresses as the next kernel receives them. ``descriptor_size`` is what it is told,
    ``entry_size`` the stride, both in bytes, of the list it is given.
    """

    system_table: int | None = None
    firmware_vendor: int | None = None
    configuration_table: int | None = None
    smbios: int | None = None
    descriptor_size: int | None = None
    entry_size: int | None = None
    memory_attributes_table: Literal["reserved", "reused", "ignored"] | None = None


class Image(Declared):
    """A kernel image: physical base, bytes of the file part, and bytes with the zeroed part."""

    base: int
    size: int
    memory_size: int | None = None


class Handover(Declared):
    """The state in which the boot loader enters the kernel. Sizes are bytes.

    ``identity_mapped`` says whether virtual equals physical for the ranges of the map, where
    translation is on.
    """

    variant: str | None = None
    image: Image | None = None
    exception_level: str | None = None
    mmu: bool | None = None
    identity_mapped: bool | None = None
    cache: bool | None = None
    idmap_text: int | None = None
    hyp_text: int | None = None


class FirmwareAccess(Declared):
    """An address firmware was seen, or is known, to touch, and whether it converts the pointer."""

    physical: int
    converted: bool | None = None
    note: str | None = None
