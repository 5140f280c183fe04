"""ARM64-007."""

from collections.abc import Iterator

from efipolicy.plugin import (
    CACHEABILITY,
    EFI_MEMORY_ISA_VALID,
    EFI_MEMORY_UC,
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Severity,
    rule,
)


@rule(
    "arm64/runtime-code-as-device-memory",
    severity=Severity.ERROR,
    requirements=("ARM64-007",),
    sources=("UEFI 2.10 §2.3.6.1, Table 2.5", "UEFI 2.11 §2.3.6.1"),
    help="offer EFI_MEMORY_WB, WT or WC for code, or describe registers as EfiMemoryMappedIO",
    needs=("attributes",),
    architectures=("arm64",),
    examples=(
        Bad("EfiRuntimeServicesCode  0x80000000  16  RUNTIME UC"),
        Good("EfiRuntimeServicesCode  0x80000000  16  RUNTIME WB"),
        Good("EfiRuntimeServicesCode  0x80000000  16  RUNTIME UC WC"),
        Good("EfiRuntimeServicesData  0x80000000  16  RUNTIME UC"),
    ),
)
def runtime_code_as_device_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services code can be mapped as device memory only.

    EFI_MEMORY_UC is Device-nGnRnE on AArch64, not memory that happens to be uncached, and the
    architecture does not allow instructions to be fetched from a device. An operating system that
    maps the region as it is told gets a prefetch abort at the first call. Uncached code can be
    had with EFI_MEMORY_WC, which is Normal memory.

    Linux hides the mistake, since it maps everything that is not memory-mapped I/O write-back; from
    3.19 to 4.x it mapped what does not offer write-back as a device. FreeBSD maps such a region
    as a device and not executable. Code in flash is no exception: it has to be offered as Normal
    memory.
    """
    for descriptor in memory_map.descriptors:
        offers = (descriptor.attribute or 0) & CACHEABILITY
        code = descriptor.type == EfiMemoryType.EfiRuntimeServicesCode
        if code and offers == EFI_MEMORY_UC and not descriptor.has(EFI_MEMORY_ISA_VALID):
            yield Finding(
                descriptor,
                f"{descriptor} offers UC only, which is Device-nGnRnE: nothing can be executed",
                field="attribute",
            )
