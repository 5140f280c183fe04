"""WIN-001, the buffers shared with System Management Mode."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    Hardware,
    MemoryMap,
    NotJudged,
    Related,
    Severity,
    rule,
)
from efipolicy_windows.ranges import pieces

_ALLOWED = (
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiACPIMemoryNVS,
    EfiMemoryType.EfiReservedMemoryType,
)


@rule(
    "windows/smm-communication-buffer-outside-firmware-memory",
    severity=Severity.WARNING,
    requirements=("WIN-001",),
    sources=("Microsoft: System Guard Secure Launch and SMM protection",),
    help="allocate the buffer as EfiRuntimeServicesData or EfiACPIMemoryNVS",
    needs=("hardware.smm_communication",),
    architectures=("x86_64", "arm64"),
    examples=(
        Bad(
            "EfiConventionalMemory  0x7e000000  16  WB",
            architecture="x86_64",
            sections="hardware: {smm_communication: [{start: 0x7e000000, size: 0x1000}]}",
            at=0,
        ),
        # The second page lies in boot-services memory.
        Bad(
            "EfiRuntimeServicesData  0x7e000000  1  RUNTIME WB",
            "EfiBootServicesData     0x7e001000  1  WB",
            architecture="x86_64",
            sections="hardware: {smm_communication: [{start: 0x7e000000, size: 0x2000}]}",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesData  0x7e000000  1  RUNTIME WB",
            "EfiACPIMemoryNVS        0x7e001000  1  WB",
            architecture="x86_64",
            sections="hardware: {smm_communication: [{start: 0x7e000000, size: 0x2000}]}",
        ),
    ),
)
def smm_communication_buffer_outside_firmware_memory(
    memory_map: MemoryMap, hardware: Hardware
) -> Iterator[Finding | NotJudged]:
    """A buffer shared with System Management Mode lies in memory that is not firmware's to keep.

    Windows allows System Management Mode to read and write only buffers of types
    EfiRuntimeServicesCode, EfiRuntimeServicesData, EfiACPIMemoryNVS and EfiReservedMemoryType
    (System Guard, Windows 10 1809 and later), and rejects a platform that talks to it through other
    memory.

    Under any operating system a buffer in memory that is reusable after ExitBootServices is
    overwritten in time, and the handler then writes over whatever took its place.
    """
    names = ", ".join(kind.name for kind in _ALLOWED[:-1])
    for place in hardware.smm_communication or ():
        for region, holder in pieces(place.physical, memory_map):
            if holder and holder.type in _ALLOWED:
                continue
            if holder is None and memory_map.extent != "whole":
                yield NotJudged("memory_map.extent: whole")
                continue
            where = f"in {holder.type_name}" if holder else "in no descriptor of the memory map"
            yield Finding(
                place,
                f"{place.what or 'a buffer shared with System Management Mode'}: {region} lies "
                f"{where}, not in {names} or {_ALLOWED[-1].name}",
                region,
                field="start",
                related=(Related(holder, "holds it"),) if holder else (),
            )
