"""The enumerations of the UEFI specification, under the specification's own names."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class EfiMemoryType(IntEnum):
    """EFI_MEMORY_TYPE (UEFI 2.11, 7.2.1; type 14 since 2.5, type 15 since 2.9)."""

    EfiReservedMemoryType = 0
    EfiLoaderCode = 1
    EfiLoaderData = 2
    EfiBootServicesCode = 3
    EfiBootServicesData = 4
    EfiRuntimeServicesCode = 5
    EfiRuntimeServicesData = 6
    EfiConventionalMemory = 7
    EfiUnusableMemory = 8
    EfiACPIReclaimMemory = 9
    EfiACPIMemoryNVS = 10
    EfiMemoryMappedIO = 11
    EfiMemoryMappedIOPortSpace = 12
    EfiPalCode = 13
    EfiPersistentMemory = 14
    EfiUnacceptedMemoryType = 15


FIRST_OEM_TYPE: Final = 0x7000_0000
"""From here to 0x7fffffff types belong to OEMs, above that to operating system loaders (2.5)."""

MEMORY_TYPES: Final[dict[str, int]] = {member.name: member.value for member in EfiMemoryType}
_TYPE_NAMES = {value: name for name, value in MEMORY_TYPES.items()}


def type_name(memory_type: int) -> str:
    """The specification's name of a type, or its number in hexadecimal."""
    return _TYPE_NAMES.get(memory_type) or f"{memory_type:#x}"


# Attribute bits of a memory descriptor (UEFI 2.11, 7.2.3).
EFI_MEMORY_UC: Final = 0x1
EFI_MEMORY_WC: Final = 0x2
EFI_MEMORY_WT: Final = 0x4
EFI_MEMORY_WB: Final = 0x8
EFI_MEMORY_UCE: Final = 0x10
EFI_MEMORY_WP: Final = 0x1000
EFI_MEMORY_RP: Final = 0x2000
EFI_MEMORY_XP: Final = 0x4000
EFI_MEMORY_NV: Final = 0x8000
EFI_MEMORY_MORE_RELIABLE: Final = 0x1_0000
EFI_MEMORY_RO: Final = 0x2_0000
EFI_MEMORY_SP: Final = 0x4_0000
EFI_MEMORY_CPU_CRYPTO: Final = 0x8_0000
EFI_MEMORY_HOT_PLUGGABLE: Final = 0x10_0000
EFI_MEMORY_ISA_MASK: Final = 0x0FFF_F000_0000_0000
EFI_MEMORY_ISA_VALID: Final = 0x4000_0000_0000_0000
EFI_MEMORY_RUNTIME: Final = 0x8000_0000_0000_0000

ATTRIBUTE_BITS: Final[dict[str, int]] = {
    "RUNTIME": EFI_MEMORY_RUNTIME,
    "ISA_VALID": EFI_MEMORY_ISA_VALID,
    "HOT_PLUGGABLE": EFI_MEMORY_HOT_PLUGGABLE,
    "CPU_CRYPTO": EFI_MEMORY_CPU_CRYPTO,
    "SP": EFI_MEMORY_SP,
    "RO": EFI_MEMORY_RO,
    "MORE_RELIABLE": EFI_MEMORY_MORE_RELIABLE,
    "NV": EFI_MEMORY_NV,
    "XP": EFI_MEMORY_XP,
    "RP": EFI_MEMORY_RP,
    "WP": EFI_MEMORY_WP,
    "UCE": EFI_MEMORY_UCE,
    "UC": EFI_MEMORY_UC,
    "WC": EFI_MEMORY_WC,
    "WT": EFI_MEMORY_WT,
    "WB": EFI_MEMORY_WB,
}
"""The single bits by their names without ``EFI_MEMORY_``, in the order they are written out."""

CACHEABILITY: Final = EFI_MEMORY_UC | EFI_MEMORY_WC | EFI_MEMORY_WT | EFI_MEMORY_WB
"""The cache types every architecture may offer. UCE and WP do not say how to map RAM."""

DEFINED_ATTRIBUTES: Final = 0xCFFF_F000_001F_F01F
"""Every attribute bit with a meaning up to UEFI 2.11."""


def attribute_names(attribute: int) -> list[str]:
    """The names of the set bits; what has no name follows as one hexadecimal number."""
    names = [name for name, bit in ATTRIBUTE_BITS.items() if attribute & bit]
    rest = attribute
    for name in names:
        rest &= ~ATTRIBUTE_BITS[name]
    return [*names, f"{rest:#x}"] if rest else names


RUNTIME_SERVICES: Final[dict[str, int]] = {
    "GetTime": 0x0001,
    "SetTime": 0x0002,
    "GetWakeupTime": 0x0004,
    "SetWakeupTime": 0x0008,
    "GetVariable": 0x0010,
    "GetNextVariableName": 0x0020,
    "SetVariable": 0x0040,
    "SetVirtualAddressMap": 0x0080,
    "ConvertPointer": 0x0100,
    "GetNextHighMonotonicCount": 0x0200,
    "ResetSystem": 0x0400,
    "UpdateCapsule": 0x0800,
    "QueryCapsuleCapabilities": 0x1000,
    "QueryVariableInfo": 0x2000,
}
"""RuntimeServicesSupported of EFI_RT_PROPERTIES_TABLE (UEFI 2.10, 4.6.2)."""

CONFIGURATION_TABLES: Final[dict[str, str]] = {
    "ACPI_20": "8868e871-e4f1-11d3-bc22-0080c73c8881",
    "ACPI": "eb9d2d30-2d88-11d3-9a16-0090273fc14d",
    "SMBIOS": "eb9d2d31-2d88-11d3-9a16-0090273fc14d",
    "SMBIOS3": "f2fd1544-9794-4a2c-992e-e5bbcf20e394",
    "SAL_SYSTEM_TABLE": "eb9d2d32-2d88-11d3-9a16-0090273fc14d",
    "MPS": "eb9d2d2f-2d88-11d3-9a16-0090273fc14d",
    "DTB": "b1b621d5-f19c-41a5-830b-d9152c69aae0",
    "RT_PROPERTIES": "eb66918a-7eef-402a-842e-931d21c38ae9",
    "MEMORY_ATTRIBUTES": "dcfa911d-26eb-469f-a220-38b7dc461220",
    "PROPERTIES": "880aaca3-4adc-4a04-9079-b747340825e5",
    "CONFORMANCE_PROFILES": "36122546-f7e7-4c8f-bd9b-eb8525b50c0b",
    "ESRT": "b122a263-3661-4f68-9929-78f8b0d62180",
    "JSON_CONFIG_DATA": "87367f87-1119-41ce-aaec-8be0111f558a",
    "JSON_CAPSULE_DATA": "35e7a725-8dd2-4cac-8011-33cda8109056",
    "JSON_CAPSULE_RESULT": "dbc461c3-b3de-422a-b9b4-9886fd49a1e5",
}
"""Well-known configuration tables and their GUIDs (UEFI 2.10, 4.6, and 23.4 for the ESRT)."""
