"""UEFI-MAP-016."""

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


@rule(
    "uefi/acpi-nvs-reused",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-016", "UEFI-MAP-014"),
    sources=("UEFI 2.10 §7.2", "ACPI 6.4 §15"),
    help="keep EfiACPIMemoryNVS reserved",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiACPIMemoryNVS  0x7f77e000  128  WB",
            sections="mapping: [{os: a, usable_memory: {types: [7, 10]}}]",
            at=0,
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f77e000  128  WB",
            sections="mapping: [{os: a, usable_memory: {types: [1, 2, 3, 4, 7]}}]",
        ),
    ),
)
def acpi_nvs_reused(
    usable_memory: UsableMemory, memory_map: MemoryMap | None = None
) -> Iterator[Finding | NotJudged]:
    """An operating system takes the memory in which ACPI keeps its state.

    The code in ACPI tables and firmware itself read EfiACPIMemoryNVS for as long as the machine
    runs, and again when it wakes up; the FACS with the waking vector lies there. A machine whose
    NVS was handed out comes back from sleep to nothing, or not at all.

    UEFI asks to keep it in the states S1 to S3, ACPI asks to save and restore it around S4 too.
    """
    yield from reuse(
        usable_memory,
        memory_map,
        lambda kind: kind == EfiMemoryType.EfiACPIMemoryNVS,
        "ACPI code and firmware use this memory until the machine is off",
    )
