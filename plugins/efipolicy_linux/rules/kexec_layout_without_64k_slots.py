"""KEXEC-005."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    Kernel,
    MemoryDescriptor,
    NotJudged,
    Related,
    Responsible,
    Severity,
    round_down,
    round_up,
    rule,
)
from efipolicy_linux.handed_over import is_linux, virtual_range

_SLOT = 0x10000


@rule(
    "linux/kexec-layout-without-64k-slots",
    severity=Severity.ERROR,
    requirements=("KEXEC-005",),
    sources=(
        "Linux 6.12 drivers/firmware/efi/libstub/efi-stub.c",
        "Linux commit f3cfdfd239da",
    ),
    help="give each region a 64 KiB slot of its own, at its physical offset within 64 KiB",
    architectures=("arm64", "riscv64"),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            architecture="arm64",
            sections="""
mapping:
  - page_size: 4K
    set_virtual_address_map: {calls: once}
    virtual_map:
      - {type: 5, physical_start: 0x7f001000, virtual_start: 0x20001000,
         pages: 4, attribute: [RUNTIME, WB]}
      - {type: 6, physical_start: 0x7f015000, virtual_start: 0x20005000,
         pages: 4, attribute: [RUNTIME, WB]}
    kexec: [{page_size: 64K}]
""",
            at=0,
        ),
        # Alone in its slot, but at another offset than in physical memory.
        Bad(
            architecture="arm64",
            sections="""
mapping:
  - page_size: 64K
    set_virtual_address_map: {calls: once}
    virtual_map:
      - {type: 5, physical_start: 0x7f001000, virtual_start: 0x20002000,
         pages: 4, attribute: [RUNTIME, WB]}
    kexec: [{page_size: 4K}]
""",
            at=0,
        ),
        Good(
            architecture="arm64",
            sections="""
mapping:
  - page_size: 4K
    set_virtual_address_map: {calls: once}
    virtual_map:
      - {type: 5, physical_start: 0x7f001000, virtual_start: 0x20001000,
         pages: 4, attribute: [RUNTIME, WB]}
      - {type: 6, physical_start: 0x7f015000, virtual_start: 0x20015000,
         pages: 4, attribute: [RUNTIME, WB]}
    kexec: [{page_size: 64K}]
""",
        ),
        # Nobody needs slots where all kernels have the same pages.
        Good(
            architecture="arm64",
            sections="""
mapping:
  - page_size: 4K
    set_virtual_address_map: {calls: once}
    virtual_map:
      - {type: 5, physical_start: 0x7f001000, virtual_start: 0x20001000,
         pages: 4, attribute: [RUNTIME, WB]}
      - {type: 6, physical_start: 0x7f005000, virtual_start: 0x20005000,
         pages: 4, attribute: [RUNTIME, WB]}
    kexec: [{page_size: 4K}]
""",
        ),
    ),
)
def kexec_layout_without_64k_slots(chain: tuple[Kernel, ...]) -> Iterator[Finding | NotJudged]:
    """Kernels with different page sizes share a layout that only small pages can map.

    A kernel with 64 KiB pages can give one access and one cache type to a whole page. Two regions
    in one slot of 64 KiB get the same, or the one that was mapped last wins; a region whose virtual
    and physical addresses differ within 64 KiB cannot be mapped at all, and Linux refuses it with
    a warning.

    The EFI stub has left a slot to each region whatever its own page size, so that kernels of 4,
    16 and 64 KiB can follow each other; only from Linux 4.3 to 5.7 did it put regions that touch
    and have the same attributes next to each other. Layouts from elsewhere have to keep the rule
    where page sizes change. Judged is the first kernel's layout, by the page sizes the chain
    declares. Parts of one region, of equal type and attributes and at one distance from their
    physical addresses, count as one.
    """
    first = chain[0]
    kernels = [kernel.declared for kernel in chain]
    if not all(is_linux(declared, first.declared) for declared in kernels):
        return
    if _stays_physical(first):
        return
    sizes = {declared.page_size for declared in kernels}
    if len(sizes - {None}) > 1 and first.virtual_map is not None:
        yield from _judged(first.virtual_map)
    elif None in sizes:
        yield NotJudged("mapping[].page_size")
    elif len(sizes) > 1:
        yield NotJudged("mapping[].virtual_map, or a strategy that calls SetVirtualAddressMap")


def _stays_physical(first: Kernel) -> bool:
    """Whether there is no layout to judge, because nobody chose one."""
    svam = first.declared.set_virtual_address_map
    if svam and svam.calls:
        return svam.calls == "never"
    if first.declared.virtual_map is not None:
        return all(e.virtual_start == e.physical_start for e in first.declared.virtual_map)
    return first.plan is not None and first.plan.svam is None


def _judged(layout: tuple[MemoryDescriptor, ...]) -> Iterator[Finding | NotJudged]:
    placed: list[tuple[AddressRange, MemoryDescriptor]] = []
    for entry in layout:
        virtual = virtual_range(entry)
        if virtual is None:
            yield NotJudged("mapping[].virtual_map[].virtual_start")
        elif entry.attribute is None or entry.runtime:
            placed.append((virtual, entry))
    placed.sort(key=lambda item: item[0])
    before: tuple[AddressRange, MemoryDescriptor] | None = None
    for virtual, entry in placed:
        skew = (virtual.start - entry.physical_start) % _SLOT
        if skew:
            yield Finding(
                entry,
                f"{entry} is mapped at {virtual.start:#x}, {skew:#x} bytes off its physical "
                "offset within 64 KiB",
                field="virtual_start",
            )
        if before and virtual.start < round_up(before[0].end, _SLOT) and _differ(before[1], entry):
            slot = round_down(virtual.start, _SLOT)
            yield Finding(
                entry,
                f"{entry} at {virtual.start:#x} shares the 64 KiB slot {slot:#x} with "
                f"{before[1]} at {before[0].start:#x}",
                field="virtual_start",
                related=(Related(before[1], "in the same slot"),),
            )
        before = (virtual, entry)


def _differ(one: MemoryDescriptor, other: MemoryDescriptor) -> bool:
    """Whether two entries need more than one large page: another region, access or distance."""
    return (one.type, one.attribute, _distance(one)) != (
        other.type,
        other.attribute,
        _distance(other),
    )


def _distance(entry: MemoryDescriptor) -> int:
    return (entry.virtual_start or 0) - entry.physical_start
