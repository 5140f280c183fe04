"""The platform file: the one description that reads it, and from which schema and docs derive."""

from __future__ import annotations

import re
from typing import Any, Final

from efipolicy.formats.platform_values import (
    COUNT,
    FormatVersion,
    Gaps,
    PageSize,
    QuotedRevision,
)
from efipolicy.model.efi import (
    ATTRIBUTE_BITS,
    CONFIGURATION_TABLES,
    MEMORY_TYPES,
    RUNTIME_SERVICES,
)
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    Acceptance,
    ArchitectureReason,
    ConfigurationTable,
    Firmware,
    MappingDeclaration,
    Platform,
)
from efipolicy.source import InputError, SourceText
from efipolicy.source.document import Mapping, parse
from efipolicy.source.shape import (
    INVALID,
    AnyNode,
    Bits,
    Choice,
    Field,
    Flag,
    Integer,
    JsonSchema,
    ListOf,
    MappingOf,
    Number,
    Pattern,
    Reading,
    Record,
    Text,
)

_ADDRESS = Integer(64)
_TEXT = Text()
_TYPE = Number(
    MEMORY_TYPES,
    bits=32,
    phrase="a memory type: a name of the specification such as `EfiRuntimeServicesCode`, "
    "or a 32-bit number",
)
_ATTRIBUTE = Bits(
    ATTRIBUTE_BITS,
    bits=64,
    phrase="a list of bit names such as [RUNTIME, WB], or a 64-bit number",
)
_RANGE = ListOf(_ADDRESS, length=2, phrase="a pair of addresses: [start, end)")
_SLUG = Pattern(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*",
    "a slug: lower-case letters and digits, `-`, `_` or `.` between",
)
_DATE = Pattern(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])", "a date such as 2027-03-31")
_GUID = Pattern(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "a GUID such as 8868e871-e4f1-11d3-bc22-0080c73c8881",
)


def _values(_node: Mapping, values: dict[str, Any]) -> dict[str, Any]:
    return values


def _descriptor(node: Mapping, values: dict[str, Any]) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=-1,
        type=values["type"],
        physical_start=values["physical_start"],
        number_of_pages=values["pages"],
        attribute=values.get("attribute"),
        virtual_start=values.get("virtual_start"),
        note=values.get("note"),
        located=node,
    )


DESCRIPTOR: Final = Record(
    "a memory descriptor",
    "One EFI_MEMORY_DESCRIPTOR.",
    (
        Field("type", _TYPE, "EFI_MEMORY_TYPE, by name or number", required=True),
        Field("physical_start", _ADDRESS, "physical address of the first byte", required=True),
        Field("virtual_start", _ADDRESS, "virtual address as the source printed it"),
        Field("pages", _ADDRESS, "number of EFI pages (4 KiB each)", required=True),
        Field("attribute", _ATTRIBUTE, "attribute bits; absent where the source does not say"),
        Field("note", _TEXT, "a remark for readers"),
    ),
    _descriptor,
)


def _numbered(
    descriptors: tuple[MemoryDescriptor, ...], missing: tuple[tuple[int, int], ...] = ()
) -> tuple[MemoryDescriptor, ...]:
    """Give each descriptor the index it was reported with: its place, missing ones counted."""
    gaps = dict(missing)
    index = 0
    for descriptor in descriptors:
        while index in gaps:
            index = gaps.pop(index) + 1
        object.__setattr__(descriptor, "index", index)
        index += 1
    return descriptors


def _memory_map(node: Mapping, values: dict[str, Any]) -> MemoryMap:
    return MemoryMap(
        descriptors=_numbered(values["descriptors"], values.get("missing", ())),
        descriptor_version=values.get("descriptor_version"),
        descriptor_size=values.get("descriptor_size"),
        size=values.get("size"),
        extent=values.get("extent", "unknown"),
        missing=values.get("missing", ()),
        origin=values.get("origin", "unknown"),
        located=node,
    )


def _memory_attributes_table(node: Mapping, values: dict[str, Any]) -> MemoryAttributesTable:
    return MemoryAttributesTable(
        entries=_numbered(values["entries"]),
        version=values.get("version"),
        descriptor_size=values.get("descriptor_size"),
        flags=values.get("flags"),
        address=values.get("address"),
        extent=values.get("extent", "whole"),
        located=node,
    )


def _configuration_table(node: Mapping, values: dict[str, Any]) -> ConfigurationTable:
    names = {guid: name for name, guid in CONFIGURATION_TABLES.items()}
    guid = values["guid"].lower() if "guid" in values else CONFIGURATION_TABLES[values["table"]]
    return ConfigurationTable(
        name=values.get("table") or names.get(guid),
        guid=guid,
        address=values["address"],
        length=values.get("length"),
        loaded=values.get("loaded"),
        located=node,
    )


def _firmware(_node: Mapping, values: dict[str, Any]) -> Firmware:
    return Firmware(**values)


def _architecture_reason(_node: Mapping, values: dict[str, Any]) -> ArchitectureReason:
    return ArchitectureReason(**values)


def _mapping(node: Mapping, values: dict[str, Any]) -> MappingDeclaration:
    values.setdefault("options", {})
    return MappingDeclaration(**values, strategy_span=node.span_of("strategy"), located=node)


def _acceptance(node: Mapping, values: dict[str, Any]) -> Acceptance:
    return Acceptance(**values, located=node)


def _platform(node: Mapping, values: dict[str, Any]) -> Platform:
    values.pop("efipolicy")
    header: dict[str, Any] = dict(values.pop("platform"))
    header.setdefault(
        "architecture_reason",
        ArchitectureReason(kind="stated", evidence="platform.architecture of the file"),
    )
    return Platform(**header, **values, located=node)


_WORDS = ListOf(_TEXT, phrase="a list of words")
_PLACE = Field("start", _ADDRESS, "physical address of the first byte", required=True)
_SIZE = Field("size", _ADDRESS, "bytes", required=True)

_HEADER = Record(
    "platform",
    "What the platform is.",
    (
        Field("name", _SLUG, "names the page, the anchors and the fingerprints", required=True),
        Field("title", _TEXT, "the name shown to people"),
        Field(
            "architecture",
            Pattern(r"[\w.+-]+", "the name of an installed architecture, or `unknown`"),
            f"an installed architecture plugin, or `{UNKNOWN_ARCHITECTURE}`",
            required=True,
        ),
        Field(
            "architecture_reason",
            Record(
                "architecture_reason",
                "Why an imported capture is believed to be of this architecture.",
                (
                    Field(
                        "kind",
                        Choice("stated", "dialect", "option"),
                        "whether the text proves it, only its dialect suggests it, "
                        "or a person said so",
                        required=True,
                    ),
                    Field("evidence", _TEXT, "the words that say so", required=True),
                ),
                _architecture_reason,
            ),
            "where the architecture was not written by a person: how it was found",
        ),
        Field("uefi", QuotedRevision(), "revision of UEFI the firmware declares, quoted"),
        Field(
            "firmware",
            Record(
                "firmware",
                "Who made the firmware.",
                (
                    Field("vendor", _TEXT, "its maker"),
                    Field("version", _TEXT, "its version"),
                    Field(
                        "exercised",
                        ListOf(Choice("physical", "virtual"), phrase="a list of modes"),
                        "the modes it is known to have been run in",
                    ),
                ),
                _firmware,
            ),
            "who made the firmware, and how it was exercised",
        ),
    ),
    _values,
)

_MEMORY_MAP = Record(
    "memory_map",
    "What GetMemoryMap returned.",
    (
        Field("descriptor_version", COUNT, "version of the descriptor format"),
        Field("descriptor_size", COUNT, "bytes from one descriptor to the next"),
        Field("size", _ADDRESS, "bytes of the buffer"),
        Field(
            "extent",
            Choice("whole", "partial", "unknown"),
            "whether these are all descriptors; absence can be judged on a whole map only",
        ),
        Field(
            "missing",
            Gaps(),
            "gaps in the indices, both ends included",
        ),
        Field(
            "origin",
            Choice("firmware", "kernel-edited", "kexec", "unknown"),
            "whose list it is, and so whom a finding may blame",
        ),
        Field(
            "descriptors",
            ListOf(DESCRIPTOR, phrase="a list of memory descriptors"),
            "in the order they were reported: the order is evidence",
            required=True,
        ),
    ),
    _memory_map,
)

_MEMORY_ATTRIBUTES_TABLE = Record(
    "memory_attributes_table",
    "EFI_MEMORY_ATTRIBUTES_TABLE.",
    (
        Field("version", COUNT, "1 up to UEFI 2.9, 2 since 2.10"),
        Field("descriptor_size", COUNT, "bytes from one entry to the next"),
        Field("flags", COUNT, "reserved in version 1"),
        Field("address", _ADDRESS, "physical address of the table"),
        Field(
            "extent",
            Choice("whole", "partial", "unknown"),
            "whether these are all entries; `whole` unless said otherwise",
        ),
        Field(
            "entries",
            ListOf(DESCRIPTOR, phrase="a list of memory descriptors"),
            "the entries in their order",
            required=True,
        ),
    ),
    _memory_attributes_table,
)

_CONFIGURATION_TABLE = Record(
    "a configuration table",
    "An entry of the EFI configuration table.",
    (
        Field(
            "table",
            Choice(*CONFIGURATION_TABLES),
            "the well-known name; give this or `guid`",
        ),
        Field("guid", _GUID, "the GUID; give this or `table`"),
        Field("address", _ADDRESS, "physical address of the table", required=True),
        Field("length", _ADDRESS, "bytes"),
        Field("loaded", Choice("boot", "runtime"), "there at boot, or installed at run time"),
    ),
    _configuration_table,
    one_of=("table", "guid"),
)

_RUNTIME_PROPERTIES = Record(
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
    _values,
)

_SYSTEM_TABLE = Record(
    "system_table",
    "Addresses in EFI_SYSTEM_TABLE, physical.",
    (
        Field("address", _ADDRESS, "the table itself"),
        Field("runtime_services", _ADDRESS, "the runtime services table"),
        Field("firmware_vendor", _ADDRESS, "the vendor string"),
        Field("configuration_table", _ADDRESS, "the array of GUIDs and pointers"),
    ),
    _values,
)

_HARDWARE = Record(
    "hardware",
    "What the board has, from its documentation.",
    (
        Field(
            "off_limits",
            ListOf(
                Record(
                    "a place that is off limits",
                    "Memory nobody but firmware may touch.",
                    (_PLACE, _SIZE, Field("what", _TEXT, "its purpose, such as TSEG")),
                    _values,
                ),
                phrase="a list of places",
            ),
            "memory that only firmware may touch",
        ),
        Field(
            "unpopulated",
            ListOf(
                Record(
                    "an unpopulated place", "Addresses without hardware.", (_PLACE, _SIZE), _values
                ),
                phrase="a list of places",
            ),
            "addresses behind which there is nothing",
        ),
        Field(
            "physical_address_bits",
            Integer(8, minimum=20, maximum=64),
            "width of a physical address on this platform",
        ),
    ),
    _values,
)

_SVAM = Record(
    "set_virtual_address_map",
    "How SetVirtualAddressMap is called.",
    (
        Field("calls", Choice("never", "once", "more"), "how often in one boot"),
        Field(
            "when",
            Choice("before-exit-boot-services", "after-exit-boot-services"),
            "before or after ExitBootServices",
        ),
        Field("by", Choice("loader", "stub", "kernel", "hypervisor"), "who calls it"),
        Field(
            "under",
            Choice("identity", "physical", "virtual"),
            "the translation in force during the call",
        ),
        Field(
            "entries",
            Choice("whole", "split", "merged"),
            "whether the list holds the map's descriptors as they were returned",
        ),
    ),
    _values,
)

_CALLS = Record(
    "calls",
    "The processor state in which runtime services are called.",
    (
        Field("exception_level", Choice("EL1", "EL2"), "arm64: the level of all calls"),
        Field("serialised", Flag(), "whether calls exclude each other"),
        Field("stack_bytes", _ADDRESS, "bytes of stack a service finds"),
        Field(
            "protection_from",
            Choice("mat", "type", "none"),
            "where page permissions come from",
        ),
    ),
    _values,
)


def _mapping_fields(*more: Field) -> tuple[Field, ...]:
    return (
        Field(
            "strategy",
            Pattern(r"[a-z0-9][a-z0-9-]*", "the name of an installed strategy"),
            "an installed strategy plugin",
            required=True,
        ),
        Field(
            "options",
            MappingOf(AnyNode(), phrase="a mapping of options"),
            "the strategy's own options",
        ),
        Field("page_size", PageSize(), "the operating system's page, not EFI's"),
        Field(
            "virtual_address_bits",
            Integer(8, minimum=32, maximum=64),
            "width of a virtual address",
        ),
        Field("set_virtual_address_map", _SVAM, "how SetVirtualAddressMap is called"),
        Field("calls", _CALLS, "the state in which services are called"),
        *more,
    )


_KEXEC_HOP = Record(
    "a kexec hop",
    "A kernel that follows the one before it.",
    _mapping_fields(
        Field("os", _TEXT, "the operating system"),
        Field("kind", Choice("kexec", "crash"), "an ordinary kexec, or a crash kernel"),
        Field("memory", _RANGE, "crash: the memory it was given, [start, end)"),
    ),
    _mapping,
)

_MAPPING = Record(
    "a mapping",
    "How one operating system maps the runtime regions.",
    _mapping_fields(
        Field("os", _TEXT, "the operating system"),
        Field(
            "kexec",
            ListOf(_KEXEC_HOP, phrase="a list of kexec hops"),
            "the kernels that follow this one, in order",
        ),
    ),
    _mapping,
)

_ON_OFF = Flag("on", "off")

_HANDOVER = Record(
    "handover",
    "The state in which the boot loader enters the kernel.",
    (
        Field("variant", _TEXT, "the hand-over"),
        Field(
            "image",
            Record(
                "image",
                "The kernel image.",
                (
                    Field("base", _ADDRESS, "physical address", required=True),
                    Field("size", _ADDRESS, "bytes of the file part", required=True),
                    Field("memory_size", _ADDRESS, "bytes with the part that is zeroed"),
                ),
                _values,
            ),
            "where the kernel image lies",
        ),
        Field("exception_level", Choice("EL1", "EL2"), "arm64: the level at entry"),
        Field("mmu", _ON_OFF, "whether translation is on"),
        Field("cache", _ON_OFF, "whether data caches are on"),
        Field("idmap_text", _ADDRESS, "bytes of code that runs from the identity map"),
        Field("hyp_text", _ADDRESS, "bytes of code that runs at EL2"),
    ),
    _values,
)

_FIRMWARE_ACCESS = Record(
    "a firmware access",
    "An address firmware was seen, or is known, to touch.",
    (
        Field("physical", _ADDRESS, "the address", required=True),
        Field("converted", Flag(), "whether firmware converts the pointer"),
        Field("note", _TEXT, "how it is known"),
    ),
    _values,
)

_ACCEPTANCE = Record(
    "an acceptance",
    "A finding someone took responsibility for.",
    (
        Field(
            "rule",
            Pattern(r"[a-z0-9_]+/[a-z0-9-]+", "a rule id, pack/kebab-name"),
            "the rule's id",
            required=True,
        ),
        Field("at", _ADDRESS, "an address of the region; without it, every finding of the rule"),
        Field("reason", _TEXT, "why this is all right", required=True),
        Field("owner", _TEXT, "who took responsibility"),
        Field("until", _DATE, "the last day on which it holds"),
        Field("link", _TEXT, "where to read more"),
    ),
    _acceptance,
)

PLATFORM_FILE: Final = Record(
    "the platform file",
    "One platform: what its firmware declares, and how its operating systems map it.",
    (
        Field("efipolicy", FormatVersion(), "version of this format", required=True),
        Field("platform", _HEADER, "what the platform is", required=True),
        Field("memory_map", _MEMORY_MAP, "what GetMemoryMap returned", required=True),
        Field("memory_attributes_table", _MEMORY_ATTRIBUTES_TABLE, "the Memory Attributes Table"),
        Field(
            "configuration_tables",
            ListOf(_CONFIGURATION_TABLE, phrase="a list of configuration tables"),
            "the EFI configuration table",
        ),
        Field("runtime_properties", _RUNTIME_PROPERTIES, "which runtime services work"),
        Field("system_table", _SYSTEM_TABLE, "addresses in the system table"),
        Field("hardware", _HARDWARE, "what the board has"),
        Field(
            "mapping",
            ListOf(_MAPPING, phrase="a list of mappings"),
            "what the vendor supports, one entry an operating system",
        ),
        Field("handover", _HANDOVER, "how the kernel is entered"),
        Field(
            "firmware_accesses",
            ListOf(_FIRMWARE_ACCESS, phrase="a list of accesses"),
            "addresses firmware touches",
        ),
        Field("accept", ListOf(_ACCEPTANCE, phrase="a list of acceptances"), "accepted findings"),
    ),
    _platform,
)

_PREFACE = re.compile(r"(?:[ \t]*(?:#[^\n]*|---[^\n]*|%[^\n]*)?\r?\n)*+")
_ANY_KEY = re.compile(r"""["']?\w[\w-]*["']?[ \t]*:(?=[ \t\r\n]|$)""")
_KEY = re.compile(r"""^["']?efipolicy["']?[ \t]*:[ \t]*(?:["']?\d|\#|\r?$)""", re.MULTILINE)
_FLOW_KEY = re.compile(r"""[{,\s]["']?efipolicy["']?\s*:\s*["']?\d""")


def is_platform_file(source: SourceText) -> bool:
    """Whether a text is a YAML or JSON mapping with the key ``efipolicy`` at its top level.

    Cheap, and linear in the length of the text: it is asked of every file of a walk.
    """
    text = source.text
    if "efipolicy" not in text:
        return False
    preface = _PREFACE.match(text)
    start = preface.end() if preface else 0
    if text.startswith("{", start):
        return _FLOW_KEY.search(text, start) is not None
    return _ANY_KEY.match(text, start) is not None and _KEY.search(text, start) is not None


def read_platform(source: SourceText) -> tuple[Platform | None, list[InputError]]:
    """The platform a file describes, and every error of the file in the order of its lines.

    The platform is ``None`` when there is an error.
    """
    node, errors = parse(source)
    if node is None:
        errors = errors or [InputError(source.path, "an empty document", "a platform file")]
        return None, errors
    reading = Reading()
    value = PLATFORM_FILE.read(node, reading)
    errors += reading.errors
    errors.sort(key=lambda error: error.span.start if error.span else 0)
    return (None if value is INVALID or errors else value), errors


def platform_schema() -> JsonSchema:
    """The JSON Schema of the platform file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "efipolicy platform file",
        **PLATFORM_FILE.json_schema(),
    }
