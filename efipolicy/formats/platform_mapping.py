"""The platform file's sections on operating systems: ``mapping:`` and ``handover:``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from efipolicy.formats.platform_firmware import PLACES, SERVICE
from efipolicy.formats.platform_map import DESCRIPTOR, MEMORY_TYPE, numbered
from efipolicy.formats.platform_values import (
    ADDRESS,
    COUNT,
    RANGE,
    TEXT,
    Bytes,
    PageSize,
    declared,
    place_fields,
)
from efipolicy.model.declared import (
    Carried,
    ExitBootServices,
    Handover,
    Image,
    MemoryTypes,
    OperationRegion,
    RuntimeCalls,
    RuntimeRegion,
    SetVirtualAddressMap,
    UsableMemory,
)
from efipolicy.model.platform import MappingDeclaration
from efipolicy.source.document import Mapping, Node, Scalar
from efipolicy.source.shape import (
    INVALID,
    AnyNode,
    Choice,
    Field,
    Flag,
    Integer,
    JsonSchema,
    ListOf,
    MappingOf,
    Pattern,
    Reading,
    Record,
    Shape,
)


def _words(**also: str) -> dict[str, str]:
    """Other words for choices, as people write them; an underscore stands for a hyphen too."""
    words: dict[str, str] = {}
    for name, others in also.items():
        choice = name.replace("_", "-")
        spellings = dict.fromkeys(others.split())
        spellings |= {word.replace("-", "_"): None for word in (choice, *spellings)}
        words |= {word: choice for word in spellings if word != choice}
    return words


class _HowOften(Choice):
    """A number of calls, as a word or as the number itself."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The word."""
        if isinstance(node, Scalar) and node.text[:1].isdigit():
            number = COUNT.read(node, reading)
            return self.choices[min(number, 2)] if isinstance(number, int) else number
        return super().read(node, reading)

    def json_schema(self) -> JsonSchema:
        """The words, or a number."""
        return {"anyOf": [super().json_schema(), *COUNT.json_schema()["anyOf"]]}


_COMPONENT = Choice(
    "loader",
    "stub",
    "kernel",
    "hypervisor",
    "guest",
    also=_words(
        loader="bootloader boot-loader os-loader grub",
        stub="efi-stub efistub",
        kernel="os operating-system linux",
        hypervisor="xen vmm",
        guest="dom0 domain-0 control-domain",
    ),
)
_IDENTITY = _words(identity="identity-map identity-mapped 1:1 one-to-one")
_LEVEL = Choice("EL1", "EL2", also={"el1": "EL1", "el2": "EL2"})
_CACHE_TYPE = Choice("UC", "WC", "WT", "WB")
_TYPES = ListOf(MEMORY_TYPE, phrase="a list of memory types")

_EXIT_BOOT_SERVICES = Record(
    "exit_boot_services",
    "How boot services ended.",
    (
        Field("by", _COMPONENT, "who called ExitBootServices"),
        Field("map_key", ADDRESS, "the key of the memory map it was called with"),
    ),
    declared(ExitBootServices),
)

_SVAM = Record(
    "set_virtual_address_map",
    "How SetVirtualAddressMap is called.",
    (
        Field(
            "calls",
            _HowOften(
                "never",
                "once",
                "more",
                also=_words(more="twice thrice repeatedly more-than-once", never="no none"),
            ),
            "how often in one boot",
        ),
        Field(
            "when",
            Choice(
                "before-exit-boot-services",
                "after-exit-boot-services",
                also=_words(
                    before_exit_boot_services="before before-ebs before-ExitBootServices",
                    after_exit_boot_services="after after-ebs after-ExitBootServices",
                ),
            ),
            "before or after ExitBootServices",
        ),
        Field("by", _COMPONENT, "who calls it; a guest is also the control domain of a hypervisor"),
        Field(
            "under",
            Choice("identity", "physical", "virtual", also=_IDENTITY),
            "the translation in force during the call",
        ),
        Field(
            "entries",
            Choice(
                "whole",
                "split",
                "merged",
                also=_words(
                    whole="whole-descriptors descriptors",
                    split="pieces parts mat mat-pieces mat-entries",
                    merged="joined coalesced",
                ),
            ),
            "whether the list holds the map's descriptors as they were returned",
        ),
        Field("descriptor_size", COUNT, "bytes it passes as the size of a descriptor"),
        Field("descriptor_version", COUNT, "the version of the descriptors it passes"),
        Field("memory_map_size", ADDRESS, "bytes it passes as the size of the list"),
        Field(
            "processors",
            Choice("quiet", "busy", also=_words(quiet="idle", busy="active running")),
            "whether another processor may be in a runtime call meanwhile",
        ),
        Field(
            "boot_services_memory",
            Choice(
                "freed-before",
                "freed-after",
                "kept",
                also=_words(freed_before="before", freed_after="after"),
            ),
            "when the operating system takes boot-services memory for itself",
        ),
        Field(
            "protection",
            Choice("before", "after", "never"),
            "when permissions of runtime code are tightened",
        ),
        Field(
            "result",
            Choice(
                "success",
                "failed",
                also=_words(success="succeeded ok", failed="failure error unsupported"),
            ),
            "how the call ended",
        ),
    ),
    declared(SetVirtualAddressMap),
)

_CALLS = Record(
    "calls",
    "The processor state in which runtime services are called.",
    (
        Field("exception_level", _LEVEL, "arm64: the level of all calls"),
        Field("boot_exception_level", _LEVEL, "arm64: the level boot services ran at"),
        Field("privilege_mode", TEXT, "the mode of all calls, in the processor's words: S, PLV0"),
        Field(
            "other_callers",
            ListOf(TEXT, phrase="a list of words"),
            "who else calls runtime services: a guest, a second kernel, another level",
        ),
        Field("serialised", Flag(), "whether calls exclude each other"),
        Field("stack_bytes", Bytes(64), "bytes of stack a service finds"),
        Field("stack_alignment", COUNT, "bytes the stack pointer is a multiple of"),
        Field(
            "protection_from",
            Choice(
                "mat",
                "type",
                "memory-map",
                "none",
                also=_words(
                    mat="MAT memory-attributes-table",
                    type="types memory-type",
                    memory_map="map GetMemoryMap",
                ),
            ),
            "where page permissions come from",
        ),
        Field(
            "protection_bits",
            ListOf(Choice("RO", "XP", "RP", "WP", "UCE"), phrase="a list of attribute bits"),
            "the attribute bits taken for page permissions",
        ),
        Field(
            "addresses",
            Choice("physical", "identity", "virtual", also=_IDENTITY),
            "the addresses services are called by",
        ),
        Field(
            "identity_mapped",
            Flag(),
            "whether virtual equals physical for the ranges of the map during a call",
        ),
        Field("paging", Flag("on", "off"), "whether translation is on during a call"),
        Field(
            "services",
            ListOf(SERVICE, phrase="a list of runtime services"),
            "the services the operating system calls",
        ),
        Field("arguments", PLACES, "where the buffers handed to services lie"),
        Field("fp_control", Integer(16), "x86: the x87 control word"),
        Field("mxcsr", Integer(32), "x86: MXCSR"),
        Field("cr0", ListOf(Choice("EM", "TS"), phrase="a list of EM, TS"), "x86: bits set in CR0"),
        Field("direction_flag", Flag(), "x86: whether DF is set"),
        Field("streaming_mode", Flag(), "arm64: whether SME streaming mode is on"),
        Field(
            "machine_check_map",
            Choice("same", "other"),
            "the tables under which a handler of MCA, INIT or NMI calls",
        ),
        Field(
            "machine_check_reset",
            Choice("ResetSystem", "SAL"),
            "ia64: how the machine-check handler resets the system",
        ),
    ),
    declared(RuntimeCalls),
)

_USABLE_MEMORY = Record(
    "usable_memory",
    "The memory an operating system takes for itself after ExitBootServices.",
    (
        Field("types", _TYPES, "the memory types its page allocator gets"),
        Field("before_acpi", _TYPES, "those it gets before ACPI is enabled"),
        Field(
            "unaccepted",
            Choice(
                "accepted",
                "not-accepted",
                also=_words(accepted="lazy eager on-demand", not_accepted="no never"),
            ),
            "whether EfiUnacceptedMemoryType is accepted before it is used",
        ),
    ),
    declared(UsableMemory),
)

_RUNTIME_REGION = Record(
    "a runtime region",
    "A range that is mapped for runtime services.",
    place_fields(
        Field(
            "cache",
            Choice("UC", "WC", "WT", "WB", "WP", "UCE"),
            "the EFI cache type it is mapped with",
            required=True,
        )
    ),
    declared(RuntimeRegion),
)

_OPERATION_REGION = Record(
    "an operation region",
    "An ACPI operation region in memory.",
    place_fields(Field("cache", _CACHE_TYPE, "how it is mapped", required=True)),
    declared(OperationRegion),
)

_MEMORY_TYPES = Record(
    "memory_types",
    "arm64: how EFI cache types are mapped.",
    (
        Field(
            "encodings",
            MappingOf(
                Integer(8), phrase="a mapping from cache types to MAIR bytes", names=_CACHE_TYPE
            ),
            "the MAIR byte of each EFI cache type",
        ),
        Field(
            "shareability",
            MappingOf(
                Choice("non", "outer", "inner"),
                phrase="a mapping from cache types to a shareability",
                names=_CACHE_TYPE,
            ),
            "the shareability of each EFI cache type",
        ),
    ),
    declared(MemoryTypes),
)

_CARRIED = Record(
    "carried",
    "What the kernel before hands over.",
    (
        Field("system_table", ADDRESS, "address of the system table, as handed over"),
        Field("firmware_vendor", ADDRESS, "address of the vendor string, as handed over"),
        Field("configuration_table", ADDRESS, "address of the configuration array, as handed over"),
        Field("smbios", ADDRESS, "address of the SMBIOS table, as handed over"),
        Field("descriptor_size", COUNT, "the size of a descriptor the next kernel is told"),
        Field("entry_size", COUNT, "bytes from one entry to the next of the list it is given"),
        Field(
            "memory_attributes_table",
            Choice(
                "reserved",
                "reused",
                "ignored",
                also=_words(reserved="kept", reused="overwritten", ignored="dropped"),
            ),
            "whether the table's memory is kept, taken, or the table is not used at all",
        ),
    ),
    declared(Carried),
)


def _mapping_fields(*more: Field) -> tuple[Field, ...]:
    return (
        Field("os", TEXT, "the operating system"),
        Field(
            "kernel",
            Pattern(r"\d{1,4}\.\d{1,4}(?:\.\d{1,4}){0,2}", "a kernel release such as 6.12.15"),
            "the release of its kernel",
        ),
        Field(
            "command_line",
            ListOf(TEXT, phrase="a list of kernel parameters such as [efi=novamap, nokaslr]"),
            "the kernel parameters that change how it treats firmware",
        ),
        Field(
            "strategy",
            Pattern(r"[a-z0-9][a-z0-9-]*", "the name of an installed strategy"),
            "an installed strategy plugin; without one there is nothing to plan",
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
        Field("hypervisor", TEXT, "the hypervisor it runs on, such as xen"),
        Field("exit_boot_services", _EXIT_BOOT_SERVICES, "how boot services ended"),
        Field("set_virtual_address_map", _SVAM, "how SetVirtualAddressMap is called"),
        Field(
            "virtual_map",
            ListOf(DESCRIPTOR, phrase="a list of memory descriptors"),
            "the virtual layout in use, where it is not left to the strategy",
        ),
        Field("calls", _CALLS, "the state in which services are called"),
        Field("usable_memory", _USABLE_MEMORY, "the memory it takes for itself"),
        Field(
            "runtime_regions",
            ListOf(_RUNTIME_REGION, phrase="a list of runtime regions"),
            "how runtime regions are mapped, where it is not left to the strategy",
        ),
        Field(
            "operation_regions",
            ListOf(_OPERATION_REGION, phrase="a list of operation regions"),
            "how ACPI operation regions are mapped",
        ),
        Field("memory_types", _MEMORY_TYPES, "arm64: how EFI cache types are mapped"),
        *more,
    )


def _mapping(node: Mapping, values: dict[str, Any]) -> MappingDeclaration:
    values.setdefault("options", {})
    if "virtual_map" in values:
        numbered(values["virtual_map"])
    return MappingDeclaration(**values, strategy_span=node.span_of("strategy"), located=node)


_CHANNEL = Choice(
    "auto",
    "none",
    "setup_data",
    "device-tree",
    "purgatory",
    also={"setup-data": "setup_data", "device_tree": "device-tree", "dt": "device-tree"},
)
_LOADER = Choice("kexec-tools", "kexec-file", "unspecified")
_OF_THE_HOP: Final[dict[str, Shape]] = {
    "channel": _CHANNEL,
    "loader": _LOADER,
    "skip_svam": Flag(),
}
_KIND = Choice("kexec", "crash", also=_words(crash="kdump"))

HOP_FIELDS: Final[dict[str, Shape]] = {
    **_OF_THE_HOP,
    "kind": _KIND,
    "memory": RANGE,
    "page_size": PageSize(),
    "virtual_address_bits": Integer(8, minimum=32, maximum=64),
}
"""The keys of a hop that a command line may state too."""


class _KexecHop(Record):
    """A kexec hop: what is said of the way to the kernel may stand among its options."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The declaration. A key wins over an option of the same name."""
        hop: Any = super().read(node, reading)
        if not isinstance(hop, MappingDeclaration):
            return hop
        said = {name: hop.options[name] for name in _OF_THE_HOP if name in hop.options}
        if not said:
            return hop
        values = {name: _OF_THE_HOP[name].read(said[name], reading) for name in said}
        if INVALID in values.values():
            return INVALID
        values |= {name: getattr(hop, name) for name in said if getattr(hop, name) is not None}
        options = {name: each for name, each in hop.options.items() if name not in said}
        return replace(hop, options=options, **values)


_KEXEC_HOP = _KexecHop(
    "a kexec hop",
    "A kernel that follows the one before it.",
    _mapping_fields(
        Field(
            "kind",
            _KIND,
            "an ordinary kexec, or a crash kernel",
        ),
        Field("memory", RANGE, "crash: the memory it was given, [start, end)"),
        Field(
            "segments",
            ListOf(RANGE, phrase="a list of pairs: [start, end)"),
            "where kexec puts the next kernel, physical",
        ),
        Field("carried", _CARRIED, "what the kernel before hands over"),
        Field("channel", _CHANNEL, "how it learns of firmware; auto: the usual way"),
        Field("loader", _LOADER, "what loaded it"),
        Field(
            "skip_svam",
            Flag(),
            "whether a kernel that computes its own layout knows that firmware has one",
        ),
    ),
    _mapping,
)

MAPPING: Final = Record(
    "a mapping",
    "How one operating system maps the runtime regions.",
    _mapping_fields(
        Field(
            "kexec",
            ListOf(_KEXEC_HOP, phrase="a list of kexec hops"),
            "the kernels that follow this one, in order",
        ),
    ),
    _mapping,
)

_ON_OFF = Flag("on", "off")

HANDOVER: Final = Record(
    "handover",
    "The state in which the boot loader enters the kernel.",
    (
        Field("variant", TEXT, "the hand-over"),
        Field(
            "image",
            Record(
                "image",
                "The kernel image.",
                (
                    Field("base", ADDRESS, "physical address", required=True),
                    Field("size", ADDRESS, "bytes of the file part", required=True),
                    Field("memory_size", ADDRESS, "bytes with the part that is zeroed"),
                ),
                declared(Image),
            ),
            "where the kernel image lies",
        ),
        Field("exception_level", _LEVEL, "arm64: the level at entry"),
        Field("mmu", _ON_OFF, "whether translation is on"),
        Field(
            "identity_mapped",
            Flag(),
            "whether virtual equals physical for the ranges of the map, where translation is on",
        ),
        Field("cache", _ON_OFF, "whether data caches are on"),
        Field("idmap_text", ADDRESS, "bytes of code that runs from the identity map"),
        Field("hyp_text", ADDRESS, "bytes of code that runs at EL2"),
    ),
    declared(Handover),
)
