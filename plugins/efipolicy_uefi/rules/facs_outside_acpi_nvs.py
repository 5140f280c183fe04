"""UEFI-CFG-005."""

from collections.abc import Iterator

from efipolicy.plugin import AcpiTable, Bad, Finding, Good, MemoryMap, NotJudged, Severity, rule
from efipolicy_uefi.tables import NVS, misplaced_acpi_table


@rule(
    "uefi/facs-outside-acpi-nvs",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-005",),
    sources=("UEFI 2.10 §2.3.2 to §2.3.8", "UEFI 2.11 §2.3.2 to §2.3.8"),
    help="allocate the FACS as EfiACPIMemoryNVS",
    examples=(
        Bad(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: FACS, address: 0x7f00f000, length: 64}]",
            at=0,
        ),
        Bad(
            "EfiACPIMemoryNVS      0x7f000000  16  WB",
            "EfiACPIReclaimMemory  0x7f010000  16  WB",
            sections="acpi_tables: [{signature: FACS, address: 0x7f00ffe0, length: 64}]",
            at=0,
        ),
        Good(
            "EfiACPIMemoryNVS  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: FACS, address: 0x7f00ffc0, length: 64}]",
        ),
        # Hardware-reduced ACPI has no FACS.
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            sections="acpi_tables: [{signature: FACP, address: 0x7f00f000, length: 276}]",
        ),
    ),
)
def facs_outside_acpi_nvs(
    memory_map: MemoryMap, acpi_tables: tuple[AcpiTable, ...]
) -> Iterator[Finding | NotJudged]:
    """The FACS, with which a sleeping machine is woken, does not lie in ACPI NVS memory.

    Operating system and firmware write to the FACS as long as the machine runs: it holds the
    global lock and the vector that firmware jumps to after sleep. EfiACPIReclaimMemory is free
    for other use once the operating system has read its tables, so the vector is gone, or points
    into something else, at the first wake from S3. EfiACPIMemoryNVS is kept while the machine runs
    and in sleep states up to S3.

    A machine that never sleeps shows nothing, which is how the fault gets shipped. Hardware-reduced
    platforms have no FACS and need none; the profile for RISC-V servers even forbids it (ACPI_020).
    """
    for table in acpi_tables:
        if table.signature == "FACS":
            yield from misplaced_acpi_table(memory_map, table, (NVS,))
