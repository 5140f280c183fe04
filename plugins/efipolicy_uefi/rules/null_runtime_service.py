"""UEFI-RT-013."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, NotJudged, Revision, Severity, SystemTable, rule
from efipolicy_uefi.ranges import listed
from efipolicy_uefi.runtime_services import unlisted


@rule(
    "uefi/null-runtime-service",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-013",),
    sources=("UEFI 2.10 §8.1", "UEFI 2.10 §4.6.2", "revision history of UEFI 2.8, #1961"),
    help="point to a function in EfiRuntimeServicesCode that returns EFI_UNSUPPORTED",
    needs=("system_table.runtime_functions",),
    examples=(
        Bad(
            at=0,
            sections="""
system_table: {runtime_functions: {GetTime: 0x7f000100, SetTime: 0}}
""",
        ),
        Good(
            sections="""
system_table:
  runtime_functions: {GetTime: 0x7f000100, SetTime: 0x7f000200, GetWakeupTime: 0x7f000200,
    SetWakeupTime: 0x7f000200, GetVariable: 0x7f000500, GetNextVariableName: 0x7f000600,
    SetVariable: 0x7f000700, SetVirtualAddressMap: 0x7f000800, ConvertPointer: 0x7f000900,
    GetNextHighMonotonicCount: 0x7f000a00, ResetSystem: 0x7f000b00, UpdateCapsule: 0x7f000200,
    QueryCapsuleCapabilities: 0x7f000200, QueryVariableInfo: 0x7f000e00}
"""
        ),
    ),
)
def null_runtime_service(
    system_table: SystemTable, revision: Revision | None = None
) -> Iterator[Finding | NotJudged]:
    """A runtime service cannot be called at all.

    Since UEFI 2.8 a service may be unsupported at run time, but it must stay callable and say so
    with EFI_UNSUPPORTED. EFI_RT_PROPERTIES_TABLE tells which services that are, and it is a hint
    that an operating system may ignore; systems older than the table call everything. Linux takes
    its own wrapper through the pointer: on x86 the fault is caught, and all runtime services are
    switched off from then on. Others jump to address 0.

    Services whose pointers are not declared are not judged.
    """
    functions = system_table.runtime_functions or {}
    yield from unlisted(functions, revision)
    null = [name for name, address in functions.items() if address == 0]
    if null:
        yield Finding(
            system_table,
            f"the pointer{'s' if len(null) > 1 else ''} of {listed(null)} "
            f"{'are' if len(null) > 1 else 'is'} null",
            field="runtime_functions",
        )
