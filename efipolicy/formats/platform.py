"""The platform file: the one description that reads it, and from which schema and docs derive."""

from __future__ import annotations

import re
from typing import Any, Final

from efipolicy.formats.platform_firmware import (
    ACPI_TABLE,
    ALLOCATION,
    BOOT_PAGES,
    CONFORMANCE_PROFILES,
    FIRMWARE,
    FIRMWARE_ACCESS,
    HARDWARE,
    RUNTIME_PROPERTIES,
    SYSTEM_TABLE,
)
from efipolicy.formats.platform_map import MEMORY_ATTRIBUTES_TABLE, MEMORY_MAP, MEMORY_TYPE
from efipolicy.formats.platform_mapping import HANDOVER, MAPPING
from efipolicy.formats.platform_values import (
    ADDRESS,
    COUNT,
    GUID,
    TEXT,
    Date,
    FormatVersion,
    QuotedRevision,
    declared,
)
from efipolicy.model.efi import CONFIGURATION_TABLES
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    Acceptance,
    ArchitectureReason,
    ConfigurationTable,
    Platform,
    UnreadableLine,
)
from efipolicy.source import InputError, SourceText
from efipolicy.source.document import Mapping, parse
from efipolicy.source.shape import (
    INVALID,
    Choice,
    Field,
    JsonSchema,
    ListOf,
    Pattern,
    Reading,
    Record,
)

_SLUG = Pattern(
    r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*",
    "a slug: lower-case letters and digits, `-`, `_` or `.` between",
)


def _values(_node: Mapping, values: dict[str, Any]) -> dict[str, Any]:
    return values


def _configuration_table(node: Mapping, values: dict[str, Any]) -> ConfigurationTable:
    names = {guid: name for name, guid in CONFIGURATION_TABLES.items()}
    guid = values["guid"].lower() if "guid" in values else CONFIGURATION_TABLES[values["table"]]
    return ConfigurationTable(
        name=values.get("table") or names.get(guid),
        guid=guid,
        address=values["address"],
        length=values.get("length"),
        loaded=values.get("loaded"),
        after_set_virtual_address_map=values.get("after_set_virtual_address_map"),
        located=node,
    )


def _architecture_reason(_node: Mapping, values: dict[str, Any]) -> ArchitectureReason:
    return ArchitectureReason(**values)


def _platform(node: Mapping, values: dict[str, Any]) -> Platform:
    values.pop("efipolicy")
    header: dict[str, Any] = dict(values.pop("platform"))
    header.setdefault(
        "architecture_reason",
        ArchitectureReason(kind="stated", evidence="platform.architecture of the file"),
    )
    return Platform(**header, **values, located=node)


HEADER: Final = Record(
    "platform",
    "What the platform is.",
    (
        Field("name", _SLUG, "names the page, the anchors and the fingerprints", required=True),
        Field("title", TEXT, "the name shown to people"),
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
                    Field("evidence", TEXT, "the words that say so", required=True),
                ),
                _architecture_reason,
            ),
            "where the architecture was not written by a person: how it was found",
        ),
        Field("uefi", QuotedRevision(), "revision of UEFI the firmware declares, quoted"),
        Field(
            "firmware",
            FIRMWARE,
            "who made the firmware, and how it was exercised",
        ),
    ),
    _values,
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
        Field("guid", GUID, "the GUID; give this or `table`"),
        Field("address", ADDRESS, "physical address of the table", required=True),
        Field("length", ADDRESS, "bytes"),
        Field("loaded", Choice("boot", "runtime"), "there at boot, or installed at run time"),
        Field(
            "after_set_virtual_address_map",
            ADDRESS,
            "what the entry's pointer held after SetVirtualAddressMap",
        ),
    ),
    _configuration_table,
    one_of=("table", "guid"),
)

ACCEPTANCE: Final = Record(
    "an acceptance",
    "A finding someone took responsibility for.",
    (
        Field(
            "rule",
            Pattern(r"[a-z0-9_]+/[a-z0-9-]+", "a rule id, pack/kebab-name"),
            "the rule's id",
            required=True,
        ),
        Field("at", ADDRESS, "an address of the region; without any, every finding of the rule"),
        Field("type", MEMORY_TYPE, "the memory type of the region, wherever it lies"),
        Field("pages", ADDRESS, "EFI pages of the region; as many binary digits are enough"),
        Field(
            "fingerprint",
            Pattern(r"[0-9a-f]{32}", "a fingerprint: 32 hexadecimal digits"),
            "the finding's fingerprint, as the JSON report has it",
        ),
        Field("reason", TEXT, "why this is all right; without one nothing is accepted"),
        Field("owner", TEXT, "who took responsibility"),
        Field("until", Date(), "the last day on which it holds"),
        Field("link", TEXT, "where to read more"),
    ),
    declared(Acceptance),
)

_NOT_READ = Record(
    "a line",
    "A line of a capture that looks like a descriptor and could not be read.",
    (
        Field("line", COUNT, "its number in the capture", required=True),
        Field("what", TEXT, "why it could not be read", required=True),
    ),
    declared(UnreadableLine),
)

PLATFORM_FILE: Final = Record(
    "the platform file",
    "One platform: what its firmware declares, and how its operating systems map it.",
    (
        Field("efipolicy", FormatVersion(), "version of this format", required=True),
        Field("platform", HEADER, "what the platform is", required=True),
        Field("memory_map", MEMORY_MAP, "what GetMemoryMap returned", required=True),
        Field("memory_attributes_table", MEMORY_ATTRIBUTES_TABLE, "the Memory Attributes Table"),
        Field(
            "configuration_tables",
            ListOf(_CONFIGURATION_TABLE, phrase="a list of configuration tables"),
            "the EFI configuration table",
        ),
        Field(
            "configuration_tables_extent",
            Choice("whole", "partial", "unknown"),
            "whether these are all tables; `whole` unless said otherwise",
        ),
        Field(
            "acpi_tables",
            ListOf(ACPI_TABLE, phrase="a list of ACPI tables"),
            "the ACPI tables behind the RSDP",
        ),
        Field("conformance_profiles", CONFORMANCE_PROFILES, "the profiles firmware claims"),
        Field("runtime_properties", RUNTIME_PROPERTIES, "which runtime services work"),
        Field("system_table", SYSTEM_TABLE, "addresses in the system table"),
        Field("hardware", HARDWARE, "what the board has"),
        Field(
            "allocations",
            ListOf(ALLOCATION, phrase="a list of allocations"),
            "pages that images allocated before ExitBootServices",
        ),
        Field(
            "boot_page_tables",
            ListOf(BOOT_PAGES, phrase="a list of ranges"),
            "the access that page tables grant at boot time",
        ),
        Field(
            "mapping",
            ListOf(MAPPING, phrase="a list of mappings"),
            "what the vendor supports, one entry an operating system",
        ),
        Field("handover", HANDOVER, "how the kernel is entered"),
        Field(
            "firmware_accesses",
            ListOf(FIRMWARE_ACCESS, phrase="a list of accesses"),
            "addresses firmware touches",
        ),
        Field(
            "not_read",
            ListOf(_NOT_READ, phrase="a list of lines"),
            "of an imported capture: lines that look like descriptors and could not be read",
        ),
        Field("accept", ListOf(ACCEPTANCE, phrase="a list of acceptances"), "accepted findings"),
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
    preface = _PREFACE.match(text)
    start = preface.end() if preface else 0
    key = _FLOW_KEY if text.startswith("{", start) else _KEY
    if key is _KEY and not _ANY_KEY.match(text, start):
        return False
    return "efipolicy" in text and key.search(text, start) is not None


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
