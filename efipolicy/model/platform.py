"""One platform: what its firmware declares and how its operating systems intend to map it."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from efipolicy.model.declared import (
    AcpiTable,
    Allocation,
    BootPages,
    Carried,
    ConformanceProfiles,
    ExitBootServices,
    FirmwareAccess,
    FirmwareEnvironment,
    Handover,
    Hardware,
    Image,
    MemoryTypes,
    OperationRegion,
    Place,
    RuntimeCalls,
    RuntimeProperties,
    RuntimeRegion,
    SetVirtualAddressMap,
    SystemTable,
    UsableMemory,
)
from efipolicy.model.evidence import PageTableDump, Remapping, ReportedRange
from efipolicy.model.frozen import FrozenValue
from efipolicy.model.memory_map import (
    Extent,
    MemoryAttributesTable,
    MemoryDescriptor,
    MemoryMap,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import Located, SourceSpan
from efipolicy.source.document import Node

ArchitectureEvidence = Literal["stated", "dialect", "option"]

UNKNOWN_ARCHITECTURE = "unknown"


class Revision(NamedTuple):
    """A revision of the UEFI specification. 2.3.1 is ``Revision(2, 3, 1)``."""

    major: int
    minor: int
    third: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + (f".{self.third}" if self.third else "")

    @classmethod
    def parse(cls, text: str) -> Revision:
        """Read ``2.10`` or ``2.3.1``. Raises `ValueError` for anything else."""
        numbers = [int(part) for part in text.split(".")]
        return cls(*numbers)


class Firmware(NamedTuple):
    """Who made the firmware, and the modes it is known to have been run in.

    ``bits`` is the width of its code: 32 on an x86_64 machine means mixed mode. ``smi_handler`` is
    the width of its System Management Mode handler. ``unavailable_services`` are the runtime
    services that do not work after ExitBootServices, whatever a table says.
    """

    vendor: str | None = None
    version: str | None = None
    exercised: tuple[str, ...] = ()
    bits: int | None = None
    smi_handler: int | None = None
    unavailable_services: tuple[str, ...] | None = None
    environment: FirmwareEnvironment | None = None


class ConfigurationTable(FrozenValue):
    """An entry of the EFI configuration table: a GUID (or its well-known name) and a pointer.

    ``length`` is bytes. ``loaded`` says whether the table was there at boot or came at run time;
    ``after_set_virtual_address_map`` is what the entry held after that call.
    """

    name: str | None = None
    guid: str | None = None
    address: int
    length: int | None = None
    loaded: Literal["boot", "runtime"] | None = None
    after_set_virtual_address_map: int | None = None
    located: Located | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.name or self.guid} at {self.address:#x}"


class ArchitectureReason(NamedTuple):
    """Why the architecture is believed to be what it is."""

    kind: ArchitectureEvidence
    evidence: str


class UnreadableLine(FrozenValue):
    """A line of a capture that looks like a descriptor and cannot be read as one.

    ``line`` is its number where the capture itself is no longer at hand.
    """

    what: str
    line: int | None = None
    located: Located = field(compare=False, repr=False)


class Capture(FrozenValue):
    """How a text was read: its dialect, the lines nobody used, and what could not be read.

    The rest is evidence, not the firmware's list: ``other_maps`` are further maps of the same text
    (a second boot, the kernel's runtime map), ``remappings`` the virtual addresses it tells one by
    one, ``page_tables`` dumps of them, ``reported_ranges`` what other tables say of the memory.
    """

    dialect: str
    skipped_lines: int = 0
    unreadable: tuple[UnreadableLine, ...] = ()
    other_maps: tuple[MemoryMap, ...] = ()
    remappings: tuple[Remapping, ...] = ()
    page_tables: tuple[PageTableDump, ...] = ()
    reported_ranges: tuple[ReportedRange, ...] = ()
    located: Located | None = field(default=None, compare=False, repr=False)


class Platform(FrozenValue):
    """One platform file, or what a capture says of one platform.

    A section that the input does not have is ``None``: not the same as an empty one. ``not_read``
    are the lines of the capture a file was imported from that could not be read. The list of
    configuration tables is whole unless said otherwise; a kernel prints those it knows.
    """

    name: str
    title: str | None = None
    architecture: str = UNKNOWN_ARCHITECTURE
    architecture_reason: ArchitectureReason
    uefi: Revision | None = None
    firmware: Firmware | None = None
    memory_map: MemoryMap
    memory_attributes_table: MemoryAttributesTable | None = None
    configuration_tables: tuple[ConfigurationTable, ...] | None = None
    configuration_tables_extent: Extent = "whole"
    acpi_tables: tuple[AcpiTable, ...] | None = None
    conformance_profiles: ConformanceProfiles | None = None
    runtime_properties: RuntimeProperties | None = None
    system_table: SystemTable | None = None
    hardware: Hardware | None = None
    allocations: tuple[Allocation, ...] | None = None
    boot_page_tables: tuple[BootPages, ...] | None = None
    mapping: tuple[MappingDeclaration, ...] | None = None
    handover: Handover | None = None
    firmware_accesses: tuple[FirmwareAccess, ...] | None = None
    accept: tuple[Acceptance, ...] = ()
    not_read: tuple[UnreadableLine, ...] = ()
    capture: Capture | None = None
    located: Located | None = field(default=None, compare=False, repr=False)


class MappingDeclaration(FrozenValue):
    """One entry of ``mapping:``, or one hop of its ``kexec:``: what an operating system does.

    ``kernel`` is the release of the operating system's kernel, ``command_line`` those of its
    parameters that change how it treats firmware. ``options`` holds what the user wrote, by name;
    the strategy's own declaration says what it means. ``page_size`` is bytes of the operating
    system's page, not EFI's. ``virtual_map`` is the layout in use, entry by entry, where it is
    declared and not left to the strategy: what SetVirtualAddressMap is told, or what a kexec'd
    kernel takes over. ``hypervisor`` names what runs below the operating system. Of a hop,
    ``carried`` is what the kernel before handed over, and ``segments`` are the physical ranges,
    half-open, that kexec loads it to. ``channel`` and ``loader`` are words of
    `efipolicy.model.chain`; ``skip_svam`` says that it knows of a call of SetVirtualAddressMap
    before it.
    """

    os: str | None = None
    kernel: str | None = None
    command_line: tuple[str, ...] | None = None
    strategy: str | None = None
    strategy_span: SourceSpan | None = None
    options: dict[str, Node]
    page_size: int | None = None
    virtual_address_bits: int | None = None
    exit_boot_services: ExitBootServices | None = None
    set_virtual_address_map: SetVirtualAddressMap | None = None
    virtual_map: tuple[MemoryDescriptor, ...] | None = None
    calls: RuntimeCalls | None = None
    usable_memory: UsableMemory | None = None
    runtime_regions: tuple[RuntimeRegion, ...] | None = None
    operation_regions: tuple[OperationRegion, ...] | None = None
    memory_types: MemoryTypes | None = None
    hypervisor: str | None = None
    kind: str | None = None
    memory: tuple[int, int] | None = None
    segments: tuple[tuple[int, int], ...] | None = None
    carried: Carried | None = None
    channel: str | None = None
    loader: str | None = None
    skip_svam: bool | None = None
    kexec: tuple[MappingDeclaration, ...] = ()
    located: Located | None = field(default=None, compare=False, repr=False)


class Acceptance(FrozenValue):
    """A finding someone took responsibility for; without a reason, nobody has.

    What is accepted is a region by what it is: ``type`` and ``pages`` (EFI pages; what counts is
    their size class, the number of binary digits), or the ``fingerprint`` of the finding. ``at`` is
    an address of it. ``until`` is an ISO date, the last day on which the acceptance holds.
    """

    rule: str
    reason: str | None = None
    at: int | None = None
    type: int | None = None
    pages: int | None = None
    fingerprint: str | None = None
    owner: str | None = None
    until: str | None = None
    link: str | None = None
    located: Located | None = field(default=None, compare=False, repr=False)


Subject = (
    MemoryDescriptor
    | MemoryMap
    | MemoryAttributesTable
    | ConfigurationTable
    | Platform
    | Capture
    | UnreadableLine
    | Acceptance
    | MappingDeclaration
    | AcpiTable
    | Allocation
    | BootPages
    | Carried
    | ConformanceProfiles
    | ExitBootServices
    | FirmwareAccess
    | FirmwareEnvironment
    | Handover
    | Hardware
    | Image
    | MemoryTypes
    | OperationRegion
    | Place
    | RuntimeCalls
    | RuntimeProperties
    | RuntimeRegion
    | SetVirtualAddressMap
    | SystemTable
    | UsableMemory
)
"""What a finding can be about: anything that knows where it was read."""
