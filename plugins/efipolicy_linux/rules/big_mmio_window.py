"""Large EfiMemoryMappedIO descriptors: a note."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Option,
    Related,
    Severity,
    rule,
    size_text,
)

_SHOWN = 8


@rule(
    "linux/big-mmio-window",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §7.2, Table 7.5", "Linux commit 07eab0901ede", "linux-acpi 2022-12-02"),
    help="list only the registers that runtime services use",
    options=(
        Option(
            name="least_bytes",
            kind="integer",
            default=0x1000_0000,
            doc="the size in bytes from which a window is reported",
        ),
    ),
    examples=(
        Bad("EfiMemoryMappedIO  0xc0000000  0x10000  RUNTIME UC"),
        # All windows of a map are one finding.
        Bad(
            "EfiMemoryMappedIO  0x80000000  0x10000  RUNTIME UC",
            "EfiMemoryMappedIO  0xfed00000  1        RUNTIME UC",
            "EfiMemoryMappedIO  0xfdfe0000000  0x20000  RUNTIME UC",
        ),
        Good("EfiMemoryMappedIO  0xc0000000  0xffff   RUNTIME UC"),
        Good("EfiReservedMemoryType  0xc0000000  0x10000  UC"),
    ),
)
def big_mmio_window(memory_map: MemoryMap, options: Mapping[str, Any]) -> Iterator[Finding]:
    """A descriptor of type EfiMemoryMappedIO spans a large window.

    The type is there for the few registers that runtime services need mapped. Whole PCI
    configuration spaces and bridge windows are listed with it as well, which is legal. Linux on x86
    once reserved what the memory map called MMIO and had no room left to assign to devices; when it
    began to leave such windows out, other machines lost the configuration space their
    ACPI tables pointed to, and it had to make an exception for them.

    With EFI_MEMORY_RUNTIME the window also takes that much of the virtual addresses set aside for
    firmware, 64 GiB on x86-64. A note; UEFI-RT-007 is about windows nobody asked to have mapped.
    """
    big = [
        descriptor
        for descriptor in memory_map.descriptors
        if descriptor.type == EfiMemoryType.EfiMemoryMappedIO
        and descriptor.physical.size >= options["least_bytes"]
    ]
    if big:
        listed = ", ".join(f"{d.physical} ({size_text(d.physical.size)})" for d in big[:_SHOWN])
        more = f" and {len(big) - _SHOWN} more" if len(big) > _SHOWN else ""
        yield Finding(
            big[0],
            f"EfiMemoryMappedIO is a large window in {listed}{more}",
            field="pages",
            related=tuple(Related(descriptor, "another window") for descriptor in big[1:]),
        )
