"""UEFI-CFG-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Revision,
    Severity,
    rule,
)
from efipolicy_uefi.tables import RECLAIM, misplaced

_DEMANDED_SINCE = Revision(2, 9)


@rule(
    "uefi/devicetree-outside-acpi-reclaim-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-011",),
    sources=("UEFI 2.10 §4.6.1.3", "UEFI 2.11 §4.6.1.3", "EBBR ch. 2"),
    help="allocate the devicetree as EfiACPIReclaimMemory",
    architectures=("arm64", "arm32", "riscv64"),
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="arm64",
            uefi="2.10",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
        Bad(
            "EfiReservedMemoryType  0x7f000000  16  WB",
            architecture="arm64",
            uefi="2.9",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
        # No revision is declared.
        Bad(
            "EfiBootServicesData  0x7f000000  16  WB",
            architecture="arm64",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            architecture="arm64",
            uefi="2.10",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="arm64",
            uefi="2.8",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
        Good(
            "EfiBootServicesData  0x7f000000  16  WB",
            architecture="x86_64",
            uefi="2.10",
            configuration_tables=("DTB 0x7f000000 0x8000",),
        ),
    ),
)
def devicetree_outside_acpi_reclaim_memory(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
    revision: Revision | None = None,
) -> Iterator[Finding | NotJudged]:
    """The devicetree does not lie in ACPI reclaim memory.

    Despite its name EfiACPIReclaimMemory is the type for every hardware description: the operating
    system keeps it until it has read the description, and may then use the memory. In boot services
    data the tree may be gone before it is read; in runtime data it is mapped for firmware that
    never looks at it, and its pages are lost to the operating system for good.

    UEFI 2.9 made this a demand for AArch32, AArch64 and RISC-V. EBBR repeats it, and U-Boot moved
    its tree from runtime data to EfiACPIReclaimMemory (U-Boot commit 42a426e027d). Firmware that
    declares an older revision owes nothing; where the file declares no ``uefi`` revision, one that
    has the demand is assumed, and the finding says so.
    """
    assumed = "" if revision else "; UEFI demands it since 2.9, which is assumed without a revision"
    for table in configuration_tables:
        if table.name != "DTB" or (revision and revision < _DEMANDED_SINCE):
            continue
        for found in misplaced(memory_map, table, (RECLAIM,)):
            if isinstance(found, Finding):
                yield found._replace(message=found.message + assumed)
            else:
                yield found
