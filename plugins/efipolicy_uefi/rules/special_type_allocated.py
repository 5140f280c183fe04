"""UEFI-MAP-023."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Allocation,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    Responsible,
    Severity,
    pages_of,
    rule,
    type_name,
)

_SPECIAL = frozenset(
    {
        EfiMemoryType.EfiReservedMemoryType,
        EfiMemoryType.EfiMemoryMappedIO,
        EfiMemoryType.EfiUnacceptedMemoryType,
    }
)
_USUAL = {
    "application": EfiMemoryType.EfiLoaderData,
    "loader": EfiMemoryType.EfiLoaderData,
    "boot-driver": EfiMemoryType.EfiBootServicesData,
    "runtime-driver": EfiMemoryType.EfiRuntimeServicesData,
}


@rule(
    "uefi/special-type-allocated",
    severity=Severity.WARNING,
    requirements=("UEFI-MAP-023",),
    sources=("UEFI 2.10 §7.2.1", "U-Boot commit 426a15893f1"),
    help="allocate EfiLoaderData in an application or loader, EfiBootServicesData in a boot "
    "driver, EfiRuntimeServicesData in a runtime driver",
    fix="unsafe",
    examples=(
        Bad(
            at=0,
            sections="""
allocations: [{by: loader, type: EfiReservedMemoryType, physical_start: 0x7d000000, pages: 1}]
""",
        ),
        Bad(
            at=0,
            sections="""
allocations: [{by: boot-driver, type: EfiMemoryMappedIO, physical_start: 0x7d000000, pages: 1}]
""",
        ),
        Good(
            sections="""
allocations: [{by: loader, type: EfiLoaderData, physical_start: 0x7d000000, pages: 1}]
"""
        ),
        Good(
            sections="""
allocations: [{by: runtime-driver, type: EfiACPIMemoryNVS, physical_start: 0x7d000000, pages: 1}]
"""
        ),
    ),
)
def special_type_allocated(allocations: tuple[Allocation, ...]) -> Iterator[Finding]:
    """An image allocated memory of a type that is not for images.

    Applications, drivers and loaders must not ask AllocatePages for EfiReservedMemoryType,
    EfiMemoryMappedIO or EfiUnacceptedMemoryType: those describe the platform, not somebody's
    buffer. The memory never comes back. No operating system frees reserved memory after
    ExitBootServices, and each such page splits the map once more. U-Boot's device paths landed in
    reserved memory because two enumerations were mixed up.
    """
    for allocation in allocations:
        if allocation.type in _SPECIAL:
            usual = _USUAL[allocation.by]
            pages = pages_of(allocation.physical_start, allocation.number_of_pages)
            by_driver = allocation.by in ("boot-driver", "runtime-driver")
            yield Finding(
                allocation,
                f"a {allocation.by.replace('-', ' ')} allocated {pages} as "
                f"{type_name(allocation.type)}".replace("a application", "an application"),
                pages,
                field="type",
                help=f"allocate {usual.name}",
                responsible=Responsible.FIRMWARE if by_driver else Responsible.LOADER,
                fix=Fix(
                    "unsafe", f"allocate {usual.name}", (Edit(allocation, "type", int(usual)),)
                ),
            )
