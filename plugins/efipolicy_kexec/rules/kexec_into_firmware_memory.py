"""KEXEC-008, what the memory map shows."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    Kernel,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Related,
    Responsible,
    Severity,
    rule,
    size_text,
)
from efipolicy_kexec.targets import Target, targets

KEPT = (
    EfiMemoryType.EfiReservedMemoryType,
    EfiMemoryType.EfiRuntimeServicesCode,
    EfiMemoryType.EfiRuntimeServicesData,
    EfiMemoryType.EfiACPIReclaimMemory,
    EfiMemoryType.EfiACPIMemoryNVS,
    EfiMemoryType.EfiPalCode,
)


@rule(
    "kexec/kexec-into-firmware-memory",
    severity=Severity.ERROR,
    requirements=("KEXEC-008",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "linux-efi 2024, efi/x86: fix EFI memory map corruption"),
    help="load the next kernel to memory that is free after ExitBootServices",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            "EfiConventionalMemory   0x70000000  0xe000  WB",
            "EfiRuntimeServicesData  0x7e000000  0x200   RUNTIME WB",
            sections="""
mapping:
  - kexec: [{segments: [[0x7e000000, 0x7e200000]]}]
""",
            at=0,
        ),
        # A crash kernel whose last page is the first of the ACPI tables.
        Bad(
            "EfiConventionalMemory  0x10000000  0x8000  WB",
            "EfiACPIReclaimMemory   0x18000000  16      WB",
            sections="""
mapping:
  - kexec: [{kind: crash, memory: [0x10000000, 0x18001000]}]
""",
            at=0,
        ),
        Good(
            "EfiConventionalMemory   0x70000000  0xe000  WB",
            "EfiRuntimeServicesData  0x7e000000  0x200   RUNTIME WB",
            sections="""
mapping:
  - kexec: [{segments: [[0x7de00000, 0x7e000000]]}]
""",
        ),
        Good(
            "EfiConventionalMemory  0x10000000  0x8000  WB",
            "EfiACPIReclaimMemory   0x18000000  16      WB",
            sections="""
mapping:
  - kexec: [{kind: crash, memory: [0x10000000, 0x18000000]}]
""",
        ),
    ),
)
def kexec_into_firmware_memory(
    chain: tuple[Kernel, ...], memory_map: MemoryMap
) -> Iterator[Finding | NotJudged]:
    """Kexec writes the next kernel over memory that has to outlive the one before.

    Runtime code and data, ACPI tables, reserved memory and, on Itanium, PAL code belong to firmware
    for as long as the machine runs; so does whatever carries EFI_MEMORY_RUNTIME. A kexec segment
    or a crash kernel's memory on top of it shows when the next kernel calls a service, enters a
    sleep state or takes a machine check, far from the cause.

    Linux keeps its loader away from such memory as long as its resource tree is right. Where the
    ranges came from somewhere else they were not: in 2024 kernels on hosts for confidential guests
    overwrote the copy of the memory map they had just handed over, and the next one saw garbage.

    Each range is compared with the map byte by byte. Memory the map does not describe, and device
    registers without EFI_MEMORY_RUNTIME, are not this rule's business.
    """
    for target in targets(chain):
        if isinstance(target, NotJudged):
            yield target
        else:
            yield from _judged(target, memory_map)


def _judged(target: Target, memory_map: MemoryMap) -> Iterator[Finding | NotJudged]:
    described = 0
    struck: list[tuple[MemoryDescriptor, AddressRange]] = []
    for descriptor in memory_map.sharing(target.region):
        shared = descriptor.physical & target.region
        described += shared.size
        if descriptor.type in KEPT or descriptor.runtime:
            struck.append((descriptor, shared))
        elif descriptor.attribute is None:
            yield NotJudged("memory_map.descriptors[].attribute")
    if struck:
        listed = ", ".join(
            f"{descriptor.type_name} in {shared} ({size_text(shared.size)})"
            for descriptor, shared in struck
        )
        yield Finding(
            target.hop,
            f"{target.name} overlaps {listed}",
            struck[0][1],
            field=target.field,
            related=tuple(
                Related(descriptor, f"{shared} is overwritten") for descriptor, shared in struck
            ),
        )
    elif described < target.region.size and memory_map.extent != "whole":
        yield NotJudged("memory_map.extent: whole")
