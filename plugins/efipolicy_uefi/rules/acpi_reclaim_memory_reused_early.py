"""UEFI-MAP-017."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryMap,
    NotJudged,
    Platform,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)
from efipolicy_uefi.reuse import TYPES, dropped, found_in
from efipolicy_uefi.virtual_maps import kernels_after

_RECLAIM = EfiMemoryType.EfiACPIReclaimMemory


@rule(
    "uefi/acpi-reclaim-memory-reused-early",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-017", "UEFI-MAP-014"),
    sources=("UEFI 2.10 §7.2", "Linux 6.6 drivers/firmware/efi/efi-init.c"),
    help="keep EfiACPIReclaimMemory until ACPI is enabled, and for good where kexec follows",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiACPIReclaimMemory  0x7f76c000  18  WB",
            sections="mapping: [{os: a, usable_memory: {types: [7, 9], before_acpi: [7, 9]}}]",
            at=0,
        ),
        Bad(sections="mapping: [{os: a, usable_memory: {before_acpi: [7, 9]}}]", at=0),
        Bad(
            "EfiACPIReclaimMemory  0x7f76c000  18  WB",
            sections="""
mapping:
  - os: a
    usable_memory: {types: [7, 9], before_acpi: [7]}
    kexec: [{kind: crash, usable_memory: {types: [7]}}]
""",
            at=0,
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f76c000  18  WB",
            sections="mapping: [{os: a, usable_memory: {types: [7, 9], before_acpi: [7]}}]",
        ),
        Good(
            sections="""
mapping:
  - os: a
    usable_memory: {types: [1, 2, 3, 4, 7]}
    kexec: [{kind: kexec, usable_memory: {types: [7, 9], before_acpi: [7]}}]
"""
        ),
    ),
)
def acpi_reclaim_memory_reused_early(
    usable_memory: UsableMemory,
    mapping: MappingDeclaration,
    platform: Platform,
    memory_map: MemoryMap | None = None,
) -> Iterator[Finding | NotJudged]:
    """An operating system takes the memory of the ACPI tables while somebody has yet to read them.

    EfiACPIReclaimMemory holds the tables, and on many arm64 and RISC-V machines the devicetree.
    It becomes free when ACPI is enabled and the tables were read, not with ExitBootServices. What
    the page allocator gets before that is overwritten first of all by the kernel that looks for
    its interrupt controllers there.

    A kernel that is started by kexec reads the same tables at the same addresses. So where
    another kernel follows, the memory has to stay reserved for good: Linux on arm64 never frees
    it for just that reason.
    """
    late = usable_memory.types or ()
    early = usable_memory.before_acpi
    related = found_in(memory_map, (_RECLAIM,))
    if early and _RECLAIM in early:
        yield Finding(
            usable_memory,
            "EfiACPIReclaimMemory is given to the page allocator before ACPI is enabled",
            field="before_acpi",
            related=related,
            fix=Fix(
                "unsafe",
                "take EfiACPIReclaimMemory out of what is used before ACPI",
                dropped(usable_memory, (_RECLAIM,), "before_acpi"),
            ),
        )
    elif _RECLAIM in late and kernels_after(mapping, platform):
        yield Finding(
            usable_memory,
            "EfiACPIReclaimMemory is given to the page allocator, "
            "and a kernel started by kexec has to read its tables again",
            field="types",
            related=related,
            requirements=("UEFI-MAP-017",),
            fix=Fix(
                "unsafe",
                "keep EfiACPIReclaimMemory out of what is used",
                dropped(usable_memory, (_RECLAIM,)),
            ),
        )
    elif usable_memory.types is None:
        yield NotJudged(TYPES)
    elif _RECLAIM in late and early is None:
        yield NotJudged("mapping[].usable_memory.before_acpi")
