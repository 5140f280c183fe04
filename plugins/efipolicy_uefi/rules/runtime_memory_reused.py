"""UEFI-MAP-015."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)
from efipolicy_uefi.reuse import reuse

_RUNTIME = {EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData}


@rule(
    "uefi/runtime-memory-reused",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-015", "UEFI-MAP-014"),
    sources=("UEFI 2.10 §7.2", "UEFI 2.10 §2.3.2 to §2.3.8"),
    help="keep EfiRuntimeServicesCode and EfiRuntimeServicesData reserved",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  WB",
            sections="mapping: [{os: a, usable_memory: {types: [EfiConventionalMemory, 6]}}]",
            at=0,
        ),
        Bad(
            sections="mapping: [{os: a, usable_memory: {types: [7], before_acpi: [7, 5]}}]",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  WB",
            sections="mapping: [{os: a, usable_memory: {types: [1, 2, 3, 4, 7]}}]",
        ),
    ),
)
def runtime_memory_reused(
    usable_memory: UsableMemory, memory_map: MemoryMap | None = None
) -> Iterator[Finding | NotJudged]:
    """An operating system takes memory that firmware goes on using.

    Code and data of runtime services stay firmware's own until the machine is switched off. That
    is said by the type: an entry without EFI_MEMORY_RUNTIME asks for no mapping and is still not
    free. Xen maps both types whatever the attribute says, because some firmware leaves the field
    empty (Xen commit e3abdc626a).

    The next GetVariable, or a service that runs in System Management Mode, finds other things
    where its code and its variables were.
    """
    yield from reuse(
        usable_memory,
        memory_map,
        _RUNTIME.__contains__,
        "firmware keeps this memory, with EFI_MEMORY_RUNTIME and without",
    )
