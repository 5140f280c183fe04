"""UEFI-MAT-014 and WIN-002, where there is a table."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryAttributesTable,
    MemoryMap,
    Platform,
    Severity,
    rule,
)
from efipolicy_windows.hvci import with_hvci

_RUNTIME_TYPES = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)


@rule(
    "windows/runtime-memory-left-out-of-mat",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-014", "WIN-002"),
    sources=(
        "MicrosoftDocs bringup/unified-extensible-firmware-interface.md",
        "UEFI 2.10 §4.6.4",
        "Linux arch/arm64/kernel/efi.c",
    ),
    help="list the region in the Memory Attributes Table",
    needs=("whole_memory_attributes_table", "whole_map", "attributes"),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            architecture="arm64",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",),
            at=2,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0xffc00000  16  RUNTIME UC",
            memory_attributes_table=(
                "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME RO",
                "EfiRuntimeServicesData  0x7f010000  16  RUNTIME XP",
            ),
        ),
        # Covered in part: uefi/descriptor-partly-covered-by-mat.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            memory_attributes_table=("EfiRuntimeServicesCode  0x7f000000  8  RUNTIME RO",),
        ),
    ),
)
def runtime_memory_left_out_of_mat(
    memory_map: MemoryMap, memory_attributes_table: MemoryAttributesTable, platform: Platform
) -> Iterator[Finding]:
    """The Memory Attributes Table leaves out a region of runtime services.

    To UEFI this says that the region cannot be protected. Windows demands that the table describes
    all of the runtime, and does not turn on the protection of firmware memory otherwise. Linux maps
    a region without an entry by its type: EfiRuntimeServicesCode on arm64 writable and executable,
    which is what the table was made to avoid.

    Regions of device memory need no entry. A region of which the table lists a part breaks the
    specification itself and is reported by uefi/descriptor-partly-covered-by-mat.
    """
    entries = sorted(
        (e for e in memory_attributes_table.entries if e.type in _RUNTIME_TYPES),
        key=lambda entry: entry.physical_start,
    )
    starts = [entry.physical_start for entry in entries]
    reaches = list(accumulate((entry.physical.end for entry in entries), max))
    for descriptor in memory_map.runtime:
        before = bisect_left(starts, descriptor.physical.end)
        listed = before > 0 and reaches[before - 1] > descriptor.physical.start
        if descriptor.type in _RUNTIME_TYPES and not listed:
            yield Finding(
                descriptor,
                f"the Memory Attributes Table has no entry for {descriptor}",
                requirements=with_hvci(platform, "UEFI-MAT-014"),
            )
