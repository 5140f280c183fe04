"""UEFI-MAP-024."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)
from efipolicy_uefi.descriptors import MMIO_TYPES
from efipolicy_uefi.reuse import reuse


@rule(
    "uefi/mmio-used-as-ram",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-024", "UEFI-MAP-014"),
    sources=("UEFI 2.10 §7.2", "UEFI 2.7B erratum 1890"),
    help="leave device memory to ACPI or the devicetree, and map it for runtime services only",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME UC",
            sections="mapping: [{os: a, usable_memory: {types: [7, EfiMemoryMappedIO]}}]",
            at=0,
        ),
        Bad(sections="mapping: [{os: a, usable_memory: {types: [7, 12]}}]", at=0),
        Good(
            "EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME UC",
            sections="mapping: [{os: a, usable_memory: {types: [1, 2, 3, 4, 7]}}]",
        ),
    ),
)
def mmio_used_as_ram(
    usable_memory: UsableMemory, memory_map: MemoryMap | None = None
) -> Iterator[Finding | NotJudged]:
    """An operating system takes device registers for memory.

    EfiMemoryMappedIO and EfiMemoryMappedIOPortSpace name addresses behind which there is a
    device that runtime services use: flash, a clock, configuration space. A page allocator that
    gets them writes into the device.

    The two types say where firmware wants a mapping, not where devices are: that comes from ACPI
    or the devicetree. Linux once kept everything of type EfiMemoryMappedIO from being given to
    PCI devices, and laptops of Clevo and Lenovo ran out of room for them (Linux commit
    07eab0901ede).
    """
    yield from reuse(
        usable_memory,
        memory_map,
        MMIO_TYPES.__contains__,
        "there are devices behind these addresses, no RAM",
    )
