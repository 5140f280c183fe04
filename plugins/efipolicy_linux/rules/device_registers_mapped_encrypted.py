"""Device registers that a confidential guest takes for memory."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Severity,
    rule,
)

_REGISTERS = "EfiRuntimeServicesData  0xffc00000  0x400  RUNTIME UC"
_SEV = "mapping: [{strategy: x86-topdown, options: {encryption: sev}}]"


@rule(
    "linux/device-registers-mapped-encrypted",
    severity=Severity.WARNING,
    requirements=(),
    sources=("Linux 6.12 arch/x86/platform/efi/efi_64.c",),
    help="declare device registers as EfiMemoryMappedIO",
    needs=("attributes",),
    architectures=("x86_64",),
    examples=(
        Bad(_REGISTERS, sections=_SEV),
        Good("EfiMemoryMappedIO  0xffc00000  0x400  RUNTIME UC", sections=_SEV),
        Good("EfiRuntimeServicesData  0x7e000000  16  RUNTIME UC WC WT WB", sections=_SEV),
        Good(_REGISTERS, sections="mapping: [{strategy: x86-topdown}]"),
    ),
)
def device_registers_mapped_encrypted(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """Memory that cannot be cached is typed as runtime memory, and mapped encrypted in a guest.

    Under AMD SEV a guest sets a bit in each leaf that leads to private memory. Linux sets it for
    every runtime region but those of type EfiMemoryMappedIO, for that is all it knows of what lies
    there. Flash or a register file that firmware declares as runtime services data, without
    EFI_MEMORY_WB, then gets the bit, and what the device holds is read through a cipher.

    On bare metal the type does no harm on x86, where the cache type follows the attributes. On
    arm64, whose kernels take every such region for ordinary memory, it is
    ``uefi/runtime-region-mapped-with-other-cacheability``.
    """
    encrypted = {
        index for one in plan.mappings if one.runtime and one.encrypted for index in one.descriptors
    }
    for descriptor in memory_map.runtime:
        if descriptor.index in encrypted and not descriptor.has(EFI_MEMORY_WB):
            yield Finding(
                descriptor,
                f"{descriptor} does not offer EFI_MEMORY_WB, as device registers do not, and "
                f"{plan.strategy} maps it encrypted",
                field="type",
                related=(Related(mapping, "a guest with encrypted memory"),),
            )
