"""X64-006, virtual addresses."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Firmware,
    Fix,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    Responsible,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import is_linux

_NONE = (1 << 64) - 1


def _map(virtual_start: int, bits: int = 32) -> str:
    return f"""
platform: {{firmware: {{bits: {bits}}}}}
mapping:
  - os: linux
    virtual_map:
      - {{type: 6, physical_start: 0x7e000000, pages: 16, attribute: [RUNTIME, WB],
         virtual_start: {virtual_start:#x}}}
"""


@rule(
    "linux/mixed-mode-region-moved",
    severity=Severity.ERROR,
    requirements=("X64-006",),
    sources=("Linux 6.12 arch/x86/platform/efi/efi_64.c",),
    help="give each runtime region of 32-bit firmware its physical address",
    needs=("firmware.bits",),
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections=_map(0xFFFF_FFFE_FE00_0000), at=0),
        Bad(sections=_map(0x7E01_0000), at=0),
        Good(sections=_map(0x7E00_0000)),
        Good(sections=_map(0xFFFF_FFFE_FE00_0000, bits=64)),
    ),
)
def mixed_mode_region_moved(
    virtual_map: tuple[MemoryDescriptor, ...], mapping: MappingDeclaration, firmware: Firmware
) -> Iterator[Finding]:
    """A runtime region of 32-bit firmware gets a virtual address that is not its physical one.

    In mixed mode a 64-bit Linux calls 32-bit firmware. Pointers of 32 bits cannot hold addresses of
    the kernel's window below -4 GiB, so Linux maps every region one to one and tells
    SetVirtualAddressMap just that, with all RAM mapped beside it for the arguments.

    Firmware that is told another address stores the lower half of it, and the next call goes there.
    Even an address below 4 GiB breaks Linux's way of calling, which passes physical pointers.
    """
    if firmware.bits != 32 or not is_linux(mapping):
        return
    for entry in virtual_map:
        start = entry.virtual_start
        if start is None or start in (_NONE, entry.physical_start):
            continue
        edit = Edit(entry, "virtual_start", entry.physical_start)
        declared = mapping.virtual_map is not None
        yield Finding(
            entry,
            f"{entry} is given {start:#x}; 32-bit firmware has to stay at its physical addresses",
            field="virtual_start",
            fix=Fix("unsafe", "declare the physical address", (edit,)) if declared else None,
        )
