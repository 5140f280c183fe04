"""UEFI-RT-008, the pointers of the system table."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, NotJudged, Platform, Severity, SystemTable, rule
from efipolicy_uefi.runtime_services import outside_runtime_memory

_FIELDS = {
    "RuntimeServices": "runtime_services",
    "ConfigurationTable": "configuration_table",
    "FirmwareVendor": "firmware_vendor",
}
_POINTERS = """
system_table:
  {runtime_services: 0x7e010000, firmware_vendor: 0x7e011000, configuration_table: 0x7d001000}
"""


@rule(
    "uefi/runtime-pointer-outside-runtime-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-008",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.10 §8.4.2", "UEFI 2.10 §4.3"),
    help="allocate what the pointer leads to as EfiRuntimeServicesData with EFI_MEMORY_RUNTIME",
    examples=(
        Bad(
            "EfiBootServicesData     0x7d000000  16    WB",
            "EfiRuntimeServicesData  0x7e000000  0x20  RUNTIME WB",
            at=0,
            sections=_POINTERS,
        ),
        Bad("EfiRuntimeServicesData  0x7e000000  0x20  RUNTIME WB", at=0, sections=_POINTERS),
        Good(
            "EfiRuntimeServicesData  0x7d000000  16    RUNTIME WB",
            "EfiRuntimeServicesData  0x7e000000  0x20  RUNTIME WB",
            sections=_POINTERS,
        ),
    ),
)
def runtime_pointer_outside_runtime_memory(
    platform: Platform, system_table: SystemTable
) -> Iterator[Finding | NotJudged]:
    """A pointer of the system table leads to memory that is not mapped for runtime services.

    SetVirtualAddressMap converts RuntimeServices, ConfigurationTable and FirmwareVendor to virtual
    addresses. An address that no region of the virtual map holds cannot be converted:
    ConvertPointer answers EFI_NOT_FOUND, which the specification calls fatal as a rule. A firmware
    that goes on regardless leaves a physical address behind, and the operating system then reads
    the table where nothing is mapped. Where the memory is of boot services it is also reused
    by then, so Linux finds garbage even if it never asks for virtual addresses.
    """
    pointers = {}
    for name, field in _FIELDS.items():
        address = getattr(system_table, field)
        if address is None:
            yield NotJudged(f"system_table.{field}")
        elif address or field == "runtime_services":  # the others may be null, and lead nowhere
            pointers[name] = address
    yield from outside_runtime_memory(system_table, pointers, platform.memory_map, _FIELDS)
