"""UEFI-MAP-013, a RUNTIME region in unaccepted memory."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, EfiMemoryType, Finding, Good, MemoryMap, Severity, rule


@rule(
    "uefi/runtime-bit-on-unaccepted-memory",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-013",),
    sources=("UEFI 2.10 §7.2", "UEFI 2.10 §7.2.1"),
    help="accept the memory before it is used, and describe it as EfiRuntimeServicesData",
    needs=("attributes",),
    examples=(
        Bad("EfiUnacceptedMemoryType  0x100000000  0x40000  RUNTIME WB", uefi="2.9"),
        Good("EfiUnacceptedMemoryType  0x100000000  0x40000  WB", uefi="2.9"),
        Good("EfiRuntimeServicesData   0x7f000000   16       RUNTIME WB", uefi="2.9"),
    ),
)
def runtime_bit_on_unaccepted_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Runtime services ask for a mapping of memory that nobody has accepted.

    In a confidential guest, Intel TDX or AMD SEV-SNP, memory of type EfiUnacceptedMemoryType (UEFI
    2.9 and later) has to be accepted before the first access. A runtime service that touches it
    ends the guest: the access raises an exception or an exit that the host treats as fatal. An
    operating system has no reason to accept memory for firmware's sake, and Linux built without
    support for it ignores the type altogether.
    """
    for descriptor in memory_map.runtime:
        if descriptor.type == EfiMemoryType.EfiUnacceptedMemoryType:
            yield Finding(
                descriptor,
                f"{descriptor} has EFI_MEMORY_RUNTIME and must be accepted before any use",
                field="attribute",
            )
