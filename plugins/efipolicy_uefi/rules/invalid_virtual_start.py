"""UEFI-MAP-004."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    NO_VIRTUAL_START,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryDescriptor,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)
from efipolicy_uefi.descriptors import wraps

_OF_A_KERNEL = ("kernel-edited", "kexec")


@rule(
    "uefi/invalid-virtual-start",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-004",),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §8.4.1"),
    help="choose a virtual start that is a multiple of 4 KiB, with room for every page above it",
    needs=("virtual_starts",),
    fix="unsafe",
    examples=(
        Bad("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0x20000800"),
        Bad("EfiRuntimeServicesCode  0x7f000000  2   RUNTIME WB  @0xfffffffffffff000"),
        Good("EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0x20000000"),
        Good("EfiRuntimeServicesCode  0x7f000000  1   RUNTIME WB  @0xfffffffffffff000"),
        Good("EfiConventionalMemory   0x7f000000  16  WB  @0x0"),
        # The boot stub of Linux marks a failed SetVirtualAddressMap so.
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB  @0xffffffffffffffff",
            origin="kernel-edited",
        ),
        # U-Boot repeats the physical address; its misalignment is uefi/misaligned-physical-start.
        Good("EfiMemoryMappedIO  0x1e88180  1  RUNTIME UC  @0x1e88180"),
    ),
)
def invalid_virtual_start(memory_map: MemoryMap) -> Iterator[Finding]:
    """A virtual address is none that SetVirtualAddressMap could be given.

    Firmware moves its code by the difference between virtual and physical start; when that is not
    a whole number of pages, every address the code forms relative to its page is wrong. A range
    that runs out at the top of the address space wraps to address 0. A virtual start of 0 says
    that none was chosen yet and is not judged.

    In a map that was read back from an operating system the addresses are its own choice, and so
    is the fault. There all ones are no address: Linux's boot stub writes them when
    SetVirtualAddressMap failed.
    """
    of_a_kernel = memory_map.origin in _OF_A_KERNEL
    for descriptor in memory_map.descriptors:
        marked = of_a_kernel and descriptor.virtual_start == NO_VIRTUAL_START
        if descriptor.virtual_start and not marked:
            fault = _fault(descriptor, descriptor.virtual_start)
            if fault:
                yield Finding(
                    descriptor,
                    f"the virtual start {descriptor.virtual_start:#x} of "
                    f"{descriptor.type_name} {fault}",
                    field="virtual_start",
                    responsible=Responsible.KERNEL if of_a_kernel else None,
                    fix=_rounded(descriptor, descriptor.virtual_start),
                )


def _rounded(descriptor: MemoryDescriptor, virtual_start: int) -> Fix | None:
    """Round down to a page, where that gives a place; it may be another region's already."""
    page = virtual_start - virtual_start % EFI_PAGE_SIZE
    if page in (0, virtual_start) or _fault(descriptor, page):
        return None
    edit = Edit(descriptor, "virtual_start", page)
    return Fix("unsafe", f"round the virtual start down to {page:#x}", (edit,))


def _fault(descriptor: MemoryDescriptor, virtual_start: int) -> str | None:
    copied = virtual_start == descriptor.physical_start
    if virtual_start % EFI_PAGE_SIZE and not copied:
        return f"lies {virtual_start % EFI_PAGE_SIZE:#x} bytes inside a page"
    if wraps(virtual_start, descriptor.number_of_pages):
        return f"leaves no room for {descriptor.number_of_pages:#x} pages below the end of 64 bits"
    return None
