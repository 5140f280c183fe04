"""X64-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    Responsible,
    Severity,
    rule,
)

_TOP = 1 << 64
_FOUR_LEVEL_BITS = 48
_NONE = _TOP - 1


def _map(virtual_start: int, pages: int = 16, bits: str = "") -> str:
    return f"""
mapping:
  - os: a
{bits}
    virtual_map:
      - {{type: EfiRuntimeServicesCode, physical_start: 0x7f000000, pages: {pages},
         attribute: [RUNTIME, WB], virtual_start: {virtual_start:#x}}}
"""


@rule(
    "x86_64/virtual-address-not-canonical",
    severity=Severity.ERROR,
    requirements=("X64-003",),
    sources=("x86-64 architecture, canonical addresses",),
    help="choose virtual addresses whose upper bits repeat the highest translated one",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections=_map(0x0001_0000_0000_0000), at=0),
        # The last page reaches into the hole.
        Bad(sections=_map(0x0000_7FFF_FFFF_1000), at=0),
        Bad(
            sections=_map(0x0100_0000_0000_0000, bits="    virtual_address_bits: 57"),
            at=0,
        ),
        Good(sections=_map(0xFFFF_FFFF_0000_0000 - 0x0200_0000)),
        Good(sections=_map(0x0000_7FFF_FFFF_0000)),
        Good(sections=_map(0xFFFF_8000_0000_0000)),
        Good(sections=_map(0x0001_0000_0000_0000, bits="    virtual_address_bits: 57")),
    ),
)
def virtual_address_not_canonical(
    virtual_map: tuple[MemoryDescriptor, ...], mapping: MappingDeclaration
) -> Iterator[Finding]:
    """SetVirtualAddressMap is given addresses that no x86-64 processor takes for addresses.

    A processor with four levels of page tables translates 48 bits, one with five levels 57. All
    bits above have to repeat the highest of these, which leaves a hole in the middle of the address
    space. Firmware stores converted pointers and uses them at the next call: an access through one
    that is not canonical raises a general protection fault, whatever the page tables hold.

    The specification does not say it; it follows from the architecture. Firmware does not check
    virtual addresses either, EDK II converts to whatever it is given. The width is that of
    ``virtual_address_bits``, 48 where it is not declared. Linux's window below -4 GiB is canonical
    with four and with five levels.
    """
    bits = mapping.virtual_address_bits or _FOUR_LEVEL_BITS
    half = 1 << (bits - 1)
    hole = AddressRange(half, max(half, _TOP - half))
    width = f"{bits}-bit" if mapping.virtual_address_bits else f"{bits}-bit (none is declared)"
    for entry in virtual_map:
        if entry.virtual_start is None or entry.virtual_start == _NONE:
            continue  # no address was chosen: Xen and Linux's stub write all ones
        virtual = AddressRange(entry.virtual_start, entry.virtual_start + entry.physical.size)
        beyond = virtual.end > _TOP
        if virtual.overlaps(hole) or beyond:
            what = "reaches beyond 2^64" if beyond else f"is not canonical in {width} paging"
            yield Finding(
                entry,
                f"{entry} is given the virtual range {virtual}, which {what}",
                field="virtual_start",
            )
