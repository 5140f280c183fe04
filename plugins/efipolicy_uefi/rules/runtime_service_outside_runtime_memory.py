"""UEFI-RT-008, the pointers of the runtime services table."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    NotJudged,
    Platform,
    Revision,
    Severity,
    SystemTable,
    rule,
)
from efipolicy_uefi.runtime_services import outside_runtime_memory, unlisted

_FUNCTIONS = """
system_table:
  runtime_functions: {GetTime: 0x7f000100, SetTime: 0x7f000200, GetWakeupTime: 0x7f000300,
    SetWakeupTime: 0x7f000400, GetVariable: 0x7f000500, GetNextVariableName: 0x7f000600,
    SetVariable: 0x7f000700, SetVirtualAddressMap: 0x7f000800, ConvertPointer: 0x7f000900,
    GetNextHighMonotonicCount: 0x7f000a00, ResetSystem: 0x7f000b00, UpdateCapsule: 0x7f000c00,
    QueryCapsuleCapabilities: 0x7f000d00, QueryVariableInfo: 0x7f000e00}
"""


@rule(
    "uefi/runtime-service-outside-runtime-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-008",),
    sources=("UEFI 2.10 §8.4.1", "UEFI 2.10 §8.4.2", "UEFI 2.10 §4.5"),
    help="let a runtime driver, whose code is EfiRuntimeServicesCode, provide the service",
    needs=("system_table.runtime_functions",),
    examples=(
        Bad("EfiBootServicesCode  0x7f000000  16  WB", at=0, sections=_FUNCTIONS),
        Good("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB", sections=_FUNCTIONS),
    ),
)
def runtime_service_outside_runtime_memory(
    platform: Platform, system_table: SystemTable, revision: Revision | None = None
) -> Iterator[Finding | NotJudged]:
    """The code of a runtime service lies in memory that is not mapped for runtime services.

    The operating system jumps to these addresses when boot services are long gone. Code in boot
    services memory has been overwritten by then, and code without EFI_MEMORY_RUNTIME has no
    mapping: Linux catches the fault on x86, disables runtime services and taints itself, and stops
    elsewhere. SetVirtualAddressMap fails over such a pointer before, for ConvertPointer does not
    find the address in the virtual map.

    All services in one wrong place are one finding. A null pointer is
    ``uefi/null-runtime-service``. Services whose pointers are not declared are not judged.
    """
    functions = system_table.runtime_functions or {}
    yield from unlisted(functions, revision)
    pointers = {name: address for name, address in functions.items() if address}
    fields = dict.fromkeys(pointers, "runtime_functions")
    yield from outside_runtime_memory(system_table, pointers, platform.memory_map, fields)
