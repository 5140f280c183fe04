"""UEFI-CFG-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Severity,
    rule,
)
from efipolicy_uefi.tables import ACPI_ROOT_POINTERS, NVS, RUNTIME_DATA, misplaced

_ALLOWED = (RUNTIME_DATA, NVS)


@rule(
    "uefi/runtime-loaded-table-outside-kept-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-007",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "UEFI 2.11 §2.3.2 to §2.3.8"),
    help="create the table in EfiRuntimeServicesData",
    examples=(
        Bad(
            "EfiBootServicesData  0x7f000000  16  WB",
            configuration_tables=("JSON_CAPSULE_RESULT 0x7f000000 0x100 runtime",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("JSON_CAPSULE_RESULT 0x7f000000 0x100 runtime",),
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            configuration_tables=("JSON_CAPSULE_RESULT 0x7f000000 0x100 runtime",),
        ),
        Good(
            "EfiBootServicesData  0x7f000000  16  WB",
            configuration_tables=("JSON_CAPSULE_RESULT 0x7f000000 0x100 boot",),
        ),
    ),
)
def runtime_loaded_table_outside_kept_memory(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding | NotJudged]:
    """A configuration table made at run time lies in memory the operating system has taken.

    When firmware installs a table after ExitBootServices, boot services memory is gone and ACPI
    reclaim memory may be; only EfiRuntimeServicesData and EfiACPIMemoryNVS are kept for firmware.
    A table anywhere else overwrites what the operating system keeps there, or is overwritten.

    When a table came, its key ``loaded`` says; without the key, a table in memory that would do at
    boot only is not checked. ACPI tables that are loaded at run time must be in EfiACPIMemoryNVS,
    which another rule judges.
    """
    for table in configuration_tables:
        if table.name in ACPI_ROOT_POINTERS:
            continue
        if table.loaded == "runtime":
            yield from misplaced(memory_map, table, _ALLOWED)
        elif table.loaded is None:
            holder = memory_map.at(table.address)
            if holder is None or holder.type not in _ALLOWED:
                yield NotJudged("configuration_tables[].loaded")
