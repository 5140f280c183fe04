"""The platform file's sections on firmware and hardware."""

from __future__ import annotations

from typing import Any, Final

from efipolicy.formats.platform_map import MEMORY_TYPE
from efipolicy.formats.platform_values import (
    ADDRESS,
    COUNT,
    GUID,
    TEXT,
    PageSize,
    Width,
    declared,
    place_fields,
)
from efipolicy.model.declared import (
    AcpiTable,
    Allocation,
    BootPages,
    ConformanceProfiles,
    FirmwareAccess,
    FirmwareEnvironment,
    Hardware,
    Place,
    RuntimeProperties,
    SystemTable,
)
from efipolicy.model.efi import RUNTIME_SERVICES
from efipolicy.model.platform import Firmware
from efipolicy.source.document import Mapping
from efipolicy.source.shape import (
    Bits,
    Choice,
    Field,
    Flag,
    Integer,
    ListOf,
    MappingOf,
    Pattern,
    Record,
)

SERVICE: Final = Choice(*RUNTIME_SERVICES)

PLACE: Final = Record(
    "a place",
    "A range of physical addresses.",
    place_fields(Field("what", TEXT, "what is there, such as TSEG")),
    declared(Place),
)
PLACES: Final = ListOf(PLACE, phrase="a list of places")


def _firmware(_node: Mapping, values: dict[str, Any]) -> Firmware:
    return Firmware(**values)


FIRMWARE: Final = Record(
    "firmware",
    "Who made the firmware.",
    (
        Field("vendor", TEXT, "its maker"),
        Field("version", TEXT, "its version"),
        Field(
            "exercised",
            ListOf(Choice("physical", "virtual"), phrase="a list of modes"),
            "the modes it is known to have been run in",
        ),
        Field("bits", Width(), "the width of its code; 32 on x86_64 means mixed mode"),
        Field("smi_handler", Width(), "the width of its System Management Mode handler"),
        Field(
            "unavailable_services",
            ListOf(SERVICE, phrase="a list of runtime services"),
            "services that do not work after ExitBootServices, whatever a table says",
        ),
        Field(
            "environment",
            Record(
                "environment",
                "The processor state in which boot services run.",
                (
                    Field("granule", PageSize(), "the translation granule"),
                    Field(
                        "translation_tables",
                        ListOf(Choice("TTBR0", "TTBR1"), phrase="a list of TTBR0, TTBR1"),
                        "arm64: the table registers in use",
                    ),
                    Field("top_byte_ignored", Flag(), "arm64: whether TBI is on"),
                    Field(
                        "sctlr",
                        ListOf(
                            Choice("M", "A", "C", "SA", "I", "EE"),
                            phrase="a list of SCTLR bits",
                        ),
                        "arm64: the bits of SCTLR that are set",
                    ),
                    Field("stack_bytes", ADDRESS, "bytes of stack an image finds"),
                    Field("backing_store_bytes", ADDRESS, "ia64: bytes of backing store"),
                ),
                declared(FirmwareEnvironment),
            ),
            "the state in which boot services run",
        ),
    ),
    _firmware,
)

RUNTIME_PROPERTIES: Final = Record(
    "runtime_properties",
    "EFI_RT_PROPERTIES_TABLE.",
    (
        Field("version", Integer(16), "1"),
        Field("length", Integer(16), "bytes of the table: 8"),
        Field(
            "supported",
            Bits(
                RUNTIME_SERVICES,
                bits=32,
                phrase="a list of runtime services such as [GetTime], or the 32-bit mask",
            ),
            "the services that work after ExitBootServices, by name or as the mask",
            required=True,
        ),
    ),
    declared(RuntimeProperties),
)


SYSTEM_TABLE: Final = Record(
    "system_table",
    "Addresses in EFI_SYSTEM_TABLE, physical.",
    (
        Field("address", ADDRESS, "the table itself"),
        Field("runtime_services", ADDRESS, "the runtime services table"),
        Field("firmware_vendor", ADDRESS, "the vendor string"),
        Field("configuration_table", ADDRESS, "the array of GUIDs and pointers"),
        Field(
            "runtime_functions",
            MappingOf(ADDRESS, phrase="a mapping from services to addresses", names=SERVICE),
            "the pointers of the runtime services table, by the service's name",
        ),
    ),
    declared(SystemTable),
)

HARDWARE: Final = Record(
    "hardware",
    "What the board has, from its documentation.",
    (
        Field("off_limits", PLACES, "memory that only firmware may touch"),
        Field("unpopulated", PLACES, "addresses behind which there is nothing"),
        Field("operating_system_devices", PLACES, "devices that an operating system drives"),
        Field("smm_communication", PLACES, "buffers shared with System Management Mode"),
        Field(
            "physical_address_bits",
            Integer(8, minimum=20, maximum=64),
            "width of a physical address on this platform",
        ),
        Field("processor", TEXT, "the processor's name, as SMBIOS prints it"),
        Field(
            "address_features",
            ListOf(Choice("LPA", "LVA", "LPA2"), phrase="a list of LPA, LVA, LPA2"),
            "arm64: the extensions for 52-bit addresses it has",
        ),
    ),
    declared(Hardware),
)


def _allocation(node: Mapping, values: dict[str, Any]) -> Allocation:
    pages = values.pop("pages")
    return Allocation(**values, number_of_pages=pages, located=node)


ALLOCATION: Final = Record(
    "an allocation",
    "Pages an image allocated before ExitBootServices.",
    (
        Field(
            "by",
            Choice("application", "loader", "boot-driver", "runtime-driver"),
            "the kind of image",
            required=True,
        ),
        Field("type", MEMORY_TYPE, "the memory type it asked for", required=True),
        Field("physical_start", ADDRESS, "physical address of the first byte", required=True),
        Field("pages", ADDRESS, "number of EFI pages (4 KiB each)", required=True),
    ),
    _allocation,
)

ACPI_TABLE: Final = Record(
    "an ACPI table",
    "A table that is reachable from the RSDP.",
    (
        Field(
            "signature",
            Pattern(r"[A-Z0-9_]{4}", "four capital letters or digits, such as FACS"),
            "its signature",
            required=True,
        ),
        Field("address", ADDRESS, "physical address", required=True),
        Field("length", ADDRESS, "bytes"),
        Field("loaded", Choice("boot", "runtime"), "there at boot, or loaded at run time"),
    ),
    declared(AcpiTable),
)

CONFORMANCE_PROFILES: Final = Record(
    "conformance_profiles",
    "EFI_CONFORMANCE_PROFILES_TABLE.",
    (
        Field("version", COUNT, "1"),
        Field("number_of_profiles", COUNT, "how many profiles the table states"),
        Field("profiles", ListOf(GUID, phrase="a list of GUIDs"), "the profiles' GUIDs"),
    ),
    declared(ConformanceProfiles),
)

BOOT_PAGES: Final = Record(
    "a range of boot page tables",
    "The access that page tables in force at boot time grant to a range.",
    place_fields(
        Field("access", Choice("none", "R", "RW", "RX", "RWX"), "what is allowed", required=True),
        Field(
            "holds",
            Choice("code", "data", "stack", "mmio", "free", "null", "unmapped"),
            "what lies there",
        ),
    ),
    declared(BootPages),
)

FIRMWARE_ACCESS: Final = Record(
    "a firmware access",
    "An address firmware was seen, or is known, to touch.",
    (
        Field("physical", ADDRESS, "the address", required=True),
        Field("converted", Flag(), "whether firmware converts the pointer"),
        Field("note", TEXT, "how it is known"),
    ),
    declared(FirmwareAccess),
)
