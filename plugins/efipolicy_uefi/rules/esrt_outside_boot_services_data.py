"""UEFI-CFG-016."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Platform,
    Severity,
    rule,
)
from efipolicy_uefi.tables import BOOT_DATA, RECLAIM, misplaced


@rule(
    "uefi/esrt-outside-boot-services-data",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-016",),
    sources=("UEFI 2.10 §23.4", "UEFI 2.6 §22.3", "Xen commits 8d410ac2c1, d7669c1014"),
    help="allocate the ESRT as EfiBootServicesData",
    examples=(
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            configuration_tables=("ESRT 0x7f000018",),
        ),
        Bad(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("ESRT 0x7f000018",),
            sections="mapping: [{os: linux}]",
        ),
        Good(
            "EfiBootServicesData  0x7f000000  16  WB",
            configuration_tables=("ESRT 0x7f000018",),
        ),
        Good(
            "EfiACPIReclaimMemory  0x7f000000  16  WB",
            configuration_tables=("ESRT 0x7f000018",),
            sections="mapping: [{os: linux, hypervisor: xen}]",
        ),
    ),
)
def esrt_outside_boot_services_data(
    memory_map: MemoryMap,
    configuration_tables: tuple[ConfigurationTable, ...],
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """The ESRT, which lists the firmware an operating system can update, is in the wrong memory.

    The specification puts it into EfiBootServicesData: an operating system reads it once, early,
    and takes the memory back. In EfiRuntimeServicesData it costs runtime memory for good and cuts
    the region that is mapped for firmware into more pieces.

    Under a hypervisor only EfiACPIReclaimMemory works, because boot services memory is recycled
    before the first guest reads anything. Xen therefore moves the table itself, at first to
    EfiRuntimeServicesData and later, for the sake of fewer mappings, to EfiACPIReclaimMemory.
    Firmware for such a machine may put it there at once: where an entry of ``mapping`` names a
    ``hypervisor`` that type passes too, and where there is no ``mapping`` it is not checked.

    The opposite fault exists as well: EDK II's capsule library once read the table at run time,
    where boot services memory has no mapping any more (tianocore/edk2 issue 9650).
    """
    hypervisor = any(declared.hypervisor for declared in platform.mapping or ())
    allowed = (BOOT_DATA, RECLAIM) if hypervisor else (BOOT_DATA,)
    for table in configuration_tables:
        if table.name != "ESRT":
            continue
        holder = memory_map.at(table.address)
        if holder and holder.type == RECLAIM and platform.mapping is None:
            yield NotJudged("mapping[].hypervisor")
        else:
            yield from misplaced(memory_map, table, allowed)
