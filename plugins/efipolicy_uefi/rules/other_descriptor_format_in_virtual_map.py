"""UEFI-SVAM-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryMap,
    NotJudged,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)


@rule(
    "uefi/other-descriptor-format-in-virtual-map",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-009",),
    sources=(
        "UEFI 2.10 §8.4.1",
        "EDK II MdeModulePkg/Core/RuntimeDxe/Runtime.c",
        "U-Boot commit 53e1d8fae8c",
    ),
    help="pass descriptor size and version as GetMemoryMap returned them, and their whole multiple",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            descriptor_size=48,
            sections="mapping: [{os: a, set_virtual_address_map: {descriptor_size: 40}}]",
            at=0,
        ),
        Bad(
            descriptor_version=1,
            sections="mapping: [{os: a, set_virtual_address_map: {descriptor_version: 2}}]",
            at=0,
        ),
        Bad(
            descriptor_size=48,
            sections="""
mapping: [{os: a, set_virtual_address_map: {descriptor_size: 48, memory_map_size: 100}}]
""",
            at=0,
        ),
        Good(
            descriptor_size=48,
            descriptor_version=1,
            sections="""
mapping:
  - os: a
    set_virtual_address_map: {descriptor_size: 48, descriptor_version: 1, memory_map_size: 96}
""",
        ),
    ),
)
def other_descriptor_format_in_virtual_map(
    svam: SetVirtualAddressMap, memory_map: MemoryMap, mapping: MappingDeclaration
) -> Iterator[Finding | NotJudged]:
    """SetVirtualAddressMap is told another descriptor format than GetMemoryMap returned.

    A descriptor may grow: firmware reports a size of 48 bytes for a structure of 40, and whoever
    walks the list has to step by what was reported. SetVirtualAddressMap walks by what it is told.
    EDK II answers EFI_INVALID_PARAMETER to another version and to less than 40 bytes, and takes
    every other size at its word; then it reads attributes where addresses are, and relocates
    itself to nowhere.

    The size of the list is a whole number of descriptors, and that of its entries where these are
    declared.
    """
    if svam.calls == "never":
        return
    if svam.descriptor_size is None and svam.descriptor_version is None:
        yield NotJudged("mapping[].set_virtual_address_map.descriptor_size")
    yield from _compared(svam, "descriptor_size", memory_map.descriptor_size)
    yield from _compared(svam, "descriptor_version", memory_map.descriptor_version)
    yield from _list_size(svam, memory_map, mapping)


def _compared(
    svam: SetVirtualAddressMap, field: str, returned: int | None
) -> Iterator[Finding | NotJudged]:
    passed: int | None = getattr(svam, field)
    if passed is None:
        return
    if returned is None:
        yield NotJudged(f"memory_map.{field}")
    elif passed != returned:
        yield Finding(
            svam,
            f"SetVirtualAddressMap is told {field.replace('_', ' ')} {passed}, "
            f"and GetMemoryMap returned {returned}",
            field=field,
            fix=Fix("unsafe", f"pass {returned}", (Edit(svam, field, returned),)),
        )


def _list_size(
    svam: SetVirtualAddressMap, memory_map: MemoryMap, mapping: MappingDeclaration
) -> Iterator[Finding]:
    step = svam.descriptor_size or memory_map.descriptor_size
    size = svam.memory_map_size
    if size is None or not step:
        return
    if size % step:
        yield Finding(
            svam,
            f"a list of {size} bytes is no whole number of descriptors of {step}",
            field="memory_map_size",
        )
    elif mapping.virtual_map is not None and size != step * len(mapping.virtual_map):
        yield Finding(
            svam,
            f"a list of {size} bytes has room for {size // step} descriptors of {step}, "
            f"and {len(mapping.virtual_map)} are in it",
            field="memory_map_size",
        )
