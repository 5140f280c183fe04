"""UEFI-RT-004, for the types that no operating system marks by itself."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, EfiMemoryType, Finding, Good, MemoryMap, Severity, rule

_REUSABLE = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiConventionalMemory,
    }
)


@rule(
    "uefi/runtime-bit-on-reusable-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-RT-004",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "UEFI 2.10 §7.2.3"),
    help="allocate what runtime services use as EfiRuntimeServicesData",
    needs=("attributes",),
    examples=(
        Bad("EfiConventionalMemory  0x4000000  64  RUNTIME WB"),
        Bad("EfiLoaderData          0x4000000  64  RUNTIME WB", origin="kernel-edited"),
        Good("EfiRuntimeServicesData  0x4000000  64  RUNTIME WB"),
        Good("EfiConventionalMemory   0x4000000  64  WB"),
    ),
)
def runtime_bit_on_reusable_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services ask for a mapping of memory the operating system is free to use.

    After ExitBootServices conventional memory is free, and loader memory is the loader's. A
    mapping does not keep it from being handed out, and then firmware and the operating system
    write to the same pages. Xen once gave such memory away while firmware still used it (Xen
    commit f324300c83).
    """
    for descriptor in memory_map.runtime:
        if descriptor.type in _REUSABLE:
            yield Finding(
                descriptor,
                f"{descriptor} is free for the operating system and has EFI_MEMORY_RUNTIME",
                field="attribute",
            )
