"""What memory types and attribute bits mean, in our words: the data of two pages of the reference.

UEFI 2.11, 7.2 with Tables 7.5 and 7.6, 7.2.1 and 7.2.3; ACPI 6.4, 15; EFI 1.02 and 1.10 for what is
older; the revision history for what came when.
"""

from __future__ import annotations

from typing import Final

from efipolicy.named_tuple import NamedTuple


class TypeFacts(NamedTuple):
    """One memory type.

    ``before`` is who uses it until ExitBootServices, ``after`` what an operating system may do with
    it then, ``runtime`` whether it carries EFI_MEMORY_RUNTIME, ``acpi`` the range type of the ACPI
    address map. An empty text: nobody says.
    """

    meaning: str
    before: str
    after: str
    runtime: str
    acpi: str = "reserved"
    since: str = "EFI 1.02"
    section: str = "UEFI 2.11 §7.2, Tables 7.5 and 7.6"


_PRESERVED = "kept as it is, while the system runs and while it sleeps in S1 to S3"
_FREE = "free"

TYPES: Final = {
    0: TypeFacts(
        "Memory that nobody but firmware or hardware may touch.",
        "not used",
        "never used",
        "no statement; better not, because everything with the bit gets mapped",
    ),
    1: TypeFacts(
        "Code of applications, boot loaders among them.",
        "applications and the loader",
        "as loader and operating system agree",
        "no",
        "memory",
    ),
    2: TypeFacts(
        "Data of applications and of the boot loader; what their pool is made of.",
        "applications and the loader",
        "as loader and operating system agree",
        "no",
        "memory",
    ),
    3: TypeFacts(
        "Code of drivers that end with ExitBootServices.", "boot drivers", _FREE, "no", "memory"
    ),
    4: TypeFacts(
        "Data of such drivers; what their pool is made of.",
        "boot drivers",
        "free, once the tables that lie in it are copied",
        "no",
        "memory",
    ),
    5: TypeFacts(
        "Code of the drivers that stay: what an operating system calls when it calls firmware.",
        "runtime drivers",
        _PRESERVED,
        "expected",
    ),
    6: TypeFacts(
        "Data of the drivers that stay; what their pool is made of.",
        "runtime drivers",
        _PRESERVED,
        "usual, not required",
    ),
    7: TypeFacts("Memory nobody has taken.", "free", _FREE, "no", "memory"),
    8: TypeFacts("Memory in which errors were found.", "not used", "never used", "no"),
    9: TypeFacts(
        "Memory that holds ACPI tables.",
        "the tables",
        "kept until ACPI is on and its tables are read, then free",
        "forbidden",
        "ACPI",
    ),
    10: TypeFacts(
        "Memory that ACPI firmware works in.", "firmware", _PRESERVED, "forbidden", "NVS"
    ),
    11: TypeFacts(
        "Device registers that firmware uses while the operating system runs, and wants mapped.",
        "firmware",
        "not used: an operating system learns of devices from ACPI",
        "yes, that is what the type is for",
    ),
    12: TypeFacts(
        "The window through which a processor without I/O instructions reaches I/O ports. On "
        "Itanium there should be exactly one.",
        "firmware",
        "not used as memory",
        "",
    ),
    13: TypeFacts(
        "Firmware of the processor itself, on Itanium.",
        "the processor",
        "kept as it is, while the system runs and while it sleeps in S1 to S4 (EFI 1.10: to S3)",
        "",
    ),
    14: TypeFacts(
        "Memory like any other that keeps its contents without power. In EFI 1.02 the number meant "
        "memory reserved for firmware.",
        "free",
        _FREE,
        "no",
        "persistent",
        since="UEFI 2.5",
    ),
    15: TypeFacts(
        "Memory of a confidential virtual machine that the guest has to accept before it touches "
        "it.",
        "nobody, until it is accepted",
        "accepted first, then free",
        "no",
        "",
        since="UEFI 2.9",
    ),
}
"""The types of the specification by number."""


class RangeFacts(NamedTuple):
    """Types without a name, ``first`` to ``last``."""

    first: int
    last: int
    title: str
    meaning: str
    since: str = "UEFI 2.5"


RANGES: Final = (
    RangeFacts(
        16,
        0x6FFF_FFFF,
        "Unassigned types",
        "The specification may give them a meaning some day; AllocatePages refuses them.",
        since="",
    ),
    RangeFacts(
        0x7000_0000,
        0x7FFF_FFFF,
        "Types of OEMs",
        "Whatever a vendor means by them. An operating system leaves such memory alone.",
    ),
    RangeFacts(
        0x8000_0000,
        0xFFFF_FFFF,
        "Types of operating system loaders",
        "Whatever a loader means by them; the operating system it loads knows.",
    ),
)
"""UEFI 2.11, 7.2.1."""


class AttributeFacts(NamedTuple):
    """One attribute of a memory descriptor. ``kind`` says what sort of statement it is."""

    kind: str
    meaning: str
    since: str = "EFI 1.02"
    section: str = "UEFI 2.11 §7.2.3"


_CACHE = "cache type on offer"
_PROTECTION = "protection on offer"
_PROPERTY = "property"

ATTRIBUTES: Final = {
    "UC": AttributeFacts(_CACHE, "It can be mapped uncached."),
    "WC": AttributeFacts(_CACHE, "It can be mapped so that writes are gathered."),
    "WT": AttributeFacts(_CACHE, "It can be cached, with every write going to memory as well."),
    "WB": AttributeFacts(_CACHE, "It can be cached, with writes kept until they must leave."),
    "UCE": AttributeFacts(
        _CACHE, "It can be mapped uncached and exported, with the semaphore fetch-and-add."
    ),
    "WP": AttributeFacts(
        "cache type on offer; a protection before UEFI 2.5",
        "It can be cached for reads, with writes going past the cache. Read-only memory is RO.",
    ),
    "RP": AttributeFacts(_PROTECTION, "Reads can be forbidden."),
    "XP": AttributeFacts(
        _PROTECTION,
        "Execution can be forbidden. In the Memory Attributes Table: it is to be forbidden.",
    ),
    "NV": AttributeFacts(_PROPERTY, "It keeps its contents without power.", "UEFI 2.5"),
    "MORE_RELIABLE": AttributeFacts(
        _PROPERTY,
        "It is more reliable than the rest, mirrored for example. Where all memory is alike no "
        "descriptor carries the bit.",
        "UEFI 2.5",
    ),
    "RO": AttributeFacts(
        _PROTECTION,
        "Writes can be forbidden. In the Memory Attributes Table: they are to be forbidden.",
        "UEFI 2.5",
    ),
    "SP": AttributeFacts(
        _PROPERTY,
        "It is meant for some purpose, and an operating system keeps it out of its general pool "
        "unless told otherwise.",
        "UEFI 2.8",
    ),
    "CPU_CRYPTO": AttributeFacts(_PROPERTY, "The processor can encrypt it.", "UEFI 2.8"),
    "HOT_PLUGGABLE": AttributeFacts(
        _PROPERTY, "It may be taken away while the system runs.", "UEFI 2.11"
    ),
    "ISA_MASK": AttributeFacts(
        "field",
        "How to cache it, in the architecture's own terms; AArch64 alone defines it, as the byte "
        "of MAIR. Where in the 16 bits that byte stands is not stated.",
        "UEFI 2.10",
        "UEFI 2.11 §7.2.3, §2.3.6.1",
    ),
    "ISA_VALID": AttributeFacts("flag", "ISA_MASK counts.", "UEFI 2.10"),
    "RUNTIME": AttributeFacts(
        "request",
        "The operating system has to map it for runtime services; SetVirtualAddressMap is told of "
        "it.",
    ),
}
"""The attributes by their names without ``EFI_MEMORY_``, the lowest bit first."""
