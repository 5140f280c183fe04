"""UEFI-CFG-014."""

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
from efipolicy_uefi.tables import RUNTIME_DATA, misplaced


@rule(
    "uefi/smbios-outside-runtime-services-data",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-014",),
    sources=("RISC-V BRS UEFI_030",),
    help="allocate the SMBIOS tables as EfiRuntimeServicesData",
    architectures=("riscv64",),
    examples=(
        Bad(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("SMBIOS3 0x7f000000",),
        ),
        Bad(
            "EfiReservedMemoryType  0x7f000000  16  WB",
            configuration_tables=("SMBIOS3 0x7f000000",),
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("SMBIOS3 0x7f000000",),
        ),
    ),
)
def smbios_outside_runtime_services_data(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
) -> Iterator[Finding | NotJudged]:
    """SMBIOS of a RISC-V server does not lie in runtime services data.

    The boot and runtime services specification for RISC-V, in its interoperable form, leaves one
    type for all SMBIOS structures where UEFI leaves several, so that every operating system finds
    them in memory nobody recycles. It is a demand of that profile, not of UEFI; the policy
    ``riscv-brs`` asks for it.
    """
    for table in configuration_tables:
        if table.name in ("SMBIOS", "SMBIOS3"):
            yield from misplaced(memory_map, table, (RUNTIME_DATA,))
