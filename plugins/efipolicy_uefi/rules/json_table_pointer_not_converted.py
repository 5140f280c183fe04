"""UEFI-CFG-015, the tables that are converted."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import extent_of, name_of
from efipolicy_uefi.virtual_maps import placed

_CONVERTED = ("JSON_CONFIG_DATA", "JSON_CAPSULE_RESULT")
_AFTER = "configuration_tables[].after_set_virtual_address_map"
_MAP = """
mapping:
  - virtual_map:
      - type: EfiRuntimeServicesData
        physical_start: 0x7e0a0000
        virtual_start: 0x200a0000
        pages: 16
"""


def _seen(address: str) -> str:
    return f"""
configuration_tables:
  - table: JSON_CONFIG_DATA
    address: 0x7e0a1000
    after_set_virtual_address_map: {address}
{_MAP}"""


@rule(
    "uefi/json-table-pointer-not-converted",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-015",),
    sources=("UEFI 2.10 §4.6.1.2", "UEFI 2.11 §4.6.1.2"),
    help="convert the pointer with ConvertPointer when the virtual address change is signalled",
    examples=(
        Bad(sections=_seen("0x7e0a1000")),
        Bad(sections=_seen("0x200a0000")),
        Good(sections=_seen("0x200a1000")),
    ),
)
def json_table_pointer_not_converted(
    configuration_tables: tuple[ConfigurationTable, ...],
    virtual_map: tuple[MemoryDescriptor, ...],
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """The pointer to a JSON table is not where SetVirtualAddressMap put the table.

    Runtime firmware goes on using its JSON configuration data and capsule results after the
    operating system has moved it, so their pointers are converted: the exception to the rule that
    pointers to tables stay physical. A pointer left physical is one firmware may no longer follow,
    and the first capsule that is processed at run time faults.

    The address each table must have follows from the virtual layout, which the file declares as
    ``virtual_map`` or leaves to a strategy. With several operating systems in ``mapping`` nobody
    says under which of them the pointer was read, and one that does not fit all of them is not
    judged. The table of JSON capsule data is another matter: it stays physical.
    """
    declared = platform.mapping or ()
    if not any(mapping is one for one in declared):
        return  # a kernel started by kexec takes over what its predecessor told firmware
    for table in configuration_tables:
        if table.name not in _CONVERTED:
            continue
        after = table.after_set_virtual_address_map
        if after is None:
            yield NotJudged(_AFTER)
            continue
        entry, virtual_start = _entry_of(table.address, virtual_map, platform.memory_map)
        if entry is None:
            yield NotJudged(f"mapping[].virtual_map with {table.address:#x}")
            continue
        expected = table.address - entry.physical_start + virtual_start
        if after == expected:
            continue
        if len(declared) > 1:
            yield NotJudged("one entry of mapping")
            continue
        yield Finding(
            table,
            f"the pointer to {name_of(table)} is {after:#x} after SetVirtualAddressMap"
            f"{', still physical' if after == table.address else ''}; "
            f"the table is at {expected:#x} then",
            extent_of(table),
            field="after_set_virtual_address_map",
            related=(Related(entry, f"{entry.type_name} is mapped at {virtual_start:#x}"),),
        )


def _entry_of(
    address: int, virtual_map: tuple[MemoryDescriptor, ...], memory_map: MemoryMap
) -> tuple[MemoryDescriptor | None, int]:
    """The entry firmware converts an address by, the first one with EFI_MEMORY_RUNTIME."""
    pairs = placed(virtual_map, memory_map)
    return next((pair for pair in pairs if address in pair[0].physical), (None, 0))
