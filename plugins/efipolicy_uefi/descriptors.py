"""What several rules ask of a descriptor."""

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    FIRST_OEM_TYPE,
    HIGHEST_PAGE_START,
    EfiMemoryType,
    MemoryDescriptor,
)

_LAST_ASSIGNED_TYPE = max(EfiMemoryType)
_LAST_TYPE = 0xFFFF_FFFF


def unassigned(memory_type: int) -> bool:
    """Whether a type is neither the specification's nor an OEM's nor a loader's (7.2.1)."""
    return not (memory_type <= _LAST_ASSIGNED_TYPE or FIRST_OEM_TYPE <= memory_type <= _LAST_TYPE)


def wraps(start: int, number_of_pages: int) -> bool:
    """Whether the last page would start where no page can (UEFI 2.10, 7.2.3)."""
    return start + (number_of_pages - 1) * EFI_PAGE_SIZE > HIGHEST_PAGE_START


def vendor_owned(descriptor: MemoryDescriptor) -> bool:
    """Whether only an OEM or an operating system loader knows what the type means."""
    return descriptor.type >= FIRST_OEM_TYPE
