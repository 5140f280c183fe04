"""IA64-010."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_MEMORY_UC,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    Responsible,
    Severity,
    kernels_before,
    rule,
)
from efipolicy_linux.handed_over import is_linux

_CACHED = 7 << 61
_UNCACHED = 6 << 61


def _map(attribute: str, virtual_start: int) -> str:
    return f"""
mapping:
  - os: linux
    virtual_map:
      - {{type: 6, physical_start: 0x7f000000, pages: 16, attribute: [{attribute}],
         virtual_start: {virtual_start:#x}}}
"""


@rule(
    "linux/virtual-address-in-other-region",
    severity=Severity.INFO,
    requirements=("IA64-010",),
    sources=("Linux 6.6 arch/ia64/kernel/efi.c",),
    help="give write-back memory its address in region 7, and other memory that in region 6",
    architectures=("ia64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections=_map("RUNTIME, WB", 0xC000_0000_7F00_0000), at=0),
        Bad(sections=_map("RUNTIME, UC", 0xE000_0000_7F00_0000), at=0),
        Good(sections=_map("RUNTIME, WB", 0xE000_0000_7F00_0000)),
        Good(sections=_map("RUNTIME, WB, UC", 0xE000_0000_7F00_0000)),
        Good(sections=_map("RUNTIME, UC", 0xC000_0000_7F00_0000)),
    ),
)
def virtual_address_in_other_region(
    virtual_map: tuple[MemoryDescriptor, ...],
    mapping: MappingDeclaration,
    platform: Platform,
    memory_map: MemoryMap | None = None,
) -> Iterator[Finding]:
    """A runtime region has another virtual address than Linux on Itanium gives it.

    On Itanium the top three bits of an address choose a region. Linux uses region 7 for all memory,
    cached, and region 6 for all of it uncached, both one to one. The virtual address of a runtime
    region follows from its attribute: write-back memory is at 0xe000000000000000 and its physical
    address; what offers uncached, write-combining or write-through only is at 0xc000000000000000
    and its own. What offers none of them stays where it is.

    No clause asks for it. But since the addresses depend on nothing else, every kernel comes to the
    same ones, and one that follows by kexec finds firmware where it expects it. Xen took up the
    same layout in 2008 for this reason. Only Linux is judged: entries of ``mapping`` with another
    ``os`` are not.
    """
    before = kernels_before(mapping, platform)
    if not is_linux(mapping, before[0] if before else None):
        return
    for entry in virtual_map:
        expected = _expected(entry, memory_map)
        if None not in (expected, entry.virtual_start) and entry.virtual_start != expected:
            edit = Edit(entry, "virtual_start", expected)
            declared = mapping.virtual_map is not None
            yield Finding(
                entry,
                f"{entry} is given {entry.virtual_start:#x}; Linux gives it {expected:#x}",
                field="virtual_start",
                fix=Fix("unsafe", f"declare {expected:#x}", (edit,)) if declared else None,
            )


def _expected(entry: MemoryDescriptor, memory_map: MemoryMap | None) -> int | None:
    """The virtual start Linux computes; ``None`` where it gives none."""
    described = memory_map.at(entry.physical_start) if memory_map else None
    stated = entry if entry.attribute is not None else described
    if stated is None or not stated.runtime:
        return None
    if stated.has(EFI_MEMORY_WB):
        return _CACHED + entry.physical_start
    if stated.has(EFI_MEMORY_UC | EFI_MEMORY_WC | EFI_MEMORY_WT):
        return _UNCACHED | entry.physical_start
    return None
