"""KEXEC-002."""

from collections.abc import Iterator

from efipolicy.plugin import (
    NO_VIRTUAL_START,
    AddressRange,
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    Kernel,
    MappingDeclaration,
    MemoryDescriptor,
    NotJudged,
    Related,
    Responsible,
    Severity,
    attribute_names,
    rule,
)
from efipolicy_kexec.chain import CALLS, LAYOUT, Hop, carried_over, hops
from efipolicy_kexec.layouts import Layout, pages_in, virtual_of

_LAYOUT_OF_HOP = "mapping[].kexec[].virtual_map"
_REUSABLE = (
    EfiMemoryType.EfiLoaderCode,
    EfiMemoryType.EfiLoaderData,
    EfiMemoryType.EfiBootServicesCode,
    EfiMemoryType.EfiBootServicesData,
    EfiMemoryType.EfiConventionalMemory,
)


@rule(
    "kexec/inherited-layout-changed",
    severity=Severity.ERROR,
    requirements=("KEXEC-002",),
    sources=(
        "Linux 6.12 Documentation/ABI/testing/sysfs-firmware-efi-runtime-map",
        "Linux commit d2f7cbe7b26a",
    ),
    help="map every region as the kernel did that called SetVirtualAddressMap",
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec:
      - virtual_map:
          - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefd000000,
             pages: 16, attribute: [RUNTIME, WB]}
""",
            at=0,
        ),
        # One page is gone, and one attribute.
        Bad(
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec:
      - virtual_map:
          - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
             pages: 15, attribute: [RUNTIME, UC]}
""",
            at=(0, 0),
        ),
        # Another region stands where firmware expects its data.
        Bad(
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec:
      - virtual_map:
          - {type: 6, physical_start: 0x7f000000, virtual_start: 0xfffffffefe000000,
             pages: 16, attribute: [RUNTIME, WB]}
""",
            at=(0, 0),
        ),
        Good(
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec:
      - virtual_map:
          - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
             pages: 16, attribute: [RUNTIME, WB]}
"""
        ),
        # Cut in two, every byte is where it was.
        Good(
            sections="""
mapping:
  - virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec:
      - virtual_map:
          - {type: 6, physical_start: 0x7e004000, virtual_start: 0xfffffffefe004000,
             pages: 12, attribute: [RUNTIME, WB]}
          - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
             pages: 4, attribute: [RUNTIME, WB]}
"""
        ),
    ),
)
def inherited_layout_changed(chain: tuple[Kernel, ...]) -> Iterator[Finding | NotJudged]:
    """A kernel started by kexec maps runtime regions elsewhere than the kernel that fixed them.

    Firmware's pointers hold the virtual addresses it was told once. A kernel that maps a region at
    another address, or leaves part of it out, or maps other memory there, makes the next service
    call fault or read what is not its own. Another cache type for the same memory is a conflict
    the architecture does not define.

    Linux on x86 exports its layout in /sys/firmware/efi/runtime-map and hands it to the next
    kernel, which maps what it is given and chooses nothing (the addresses became stable for this
    purpose in 3.14); on arm64 and RISC-V the layout travels in the memory map that the device tree
    points to. Linux and Xen on Itanium compute the same addresses from the physical ones, but only
    since mid-2008; before, a kexec between them failed in just this way.

    Entries are compared range by range, so entries that were merged or cut are no difference.
    Memory without EFI_MEMORY_RUNTIME is not compared, and memory that the kernel keeps for itself
    beside the layout, such as boot-services memory it marked, takes nothing from firmware. The
    layout of a hop is what it declares: what its strategy would choose for a first boot is no
    evidence.
    """
    for hop in hops(chain):
        declared = hop.kernel.declared.virtual_map
        if hop.caller is None:
            if hop.unsure:
                yield NotJudged(CALLS)
        elif declared is None:
            yield NotJudged(_LAYOUT_OF_HOP)
        elif hop.caller.virtual_map is None:
            yield NotJudged(LAYOUT)
        else:
            yield from _differences(hop, hop.caller.virtual_map, declared)


def _differences(
    hop: Hop, before: tuple[MemoryDescriptor, ...], now: tuple[MemoryDescriptor, ...]
) -> Iterator[Finding | NotJudged]:
    """What is missing or other than before, by the entries before; then what is new."""
    layout = Layout(entry for entry in now if entry.virtual_start != NO_VIRTUAL_START)
    for expected in filter(carried_over, before):
        for region, found in layout.pieces(expected.physical):
            if found is None:
                yield _missing(hop.kernel.declared, expected, region)
            else:
                yield from _compared(expected, found, region)
    layout = Layout(before)
    at_virtual = {entry.virtual_start: entry for entry in before}
    for found in filter(carried_over, now):
        for region, expected_here in layout.pieces(found.physical):
            displaced = at_virtual.get(found.virtual_start)
            if expected_here is None and (displaced or found.type not in _REUSABLE):
                yield _new(found, region, displaced)


def _missing(
    declared: MappingDeclaration, expected: MemoryDescriptor, region: AddressRange
) -> Finding:
    virtual = virtual_of(expected, region)
    where = f", which firmware uses at {virtual.start:#x}" if virtual else ""
    share = ""
    if region != expected.physical:
        share = f"{pages_in(region)} of {expected.number_of_pages} pages of "
    return Finding(
        declared,
        f"the kernel started by kexec leaves out {share}{expected.type_name} {region}{where}",
        region,
        field="virtual_map",
        related=(Related(expected, "mapped before"),),
    )


def _new(
    found: MemoryDescriptor, region: AddressRange, displaced: MemoryDescriptor | None
) -> Finding:
    known = " at the virtual address of " + str(displaced) if displaced else ""
    return Finding(
        found,
        f"the kernel started by kexec maps {found.type_name} {region}{known}, which the kernel "
        "before did not map",
        region,
        field="physical_start",
        related=(Related(displaced, "firmware expects this there"),) if displaced else (),
    )


def _compared(
    expected: MemoryDescriptor, found: MemoryDescriptor, region: AddressRange
) -> Iterator[Finding | NotJudged]:
    old, new = virtual_of(expected, region), virtual_of(found, region)
    wrong: list[str] = []
    edits: list[Edit] = []
    if old is None or new is None:
        yield NotJudged("mapping[].virtual_map[].virtual_start")
    elif old != new:
        way = "below" if new.start < old.start else "above"
        wrong.append(
            f"is mapped at {new.start:#x}, {abs(new.start - old.start):#x} bytes {way} "
            f"{old.start:#x}, where firmware uses it"
        )
        edits.append(Edit(found, "virtual_start", expected.virtual_start))
    if expected.attribute is None or found.attribute is None:
        yield NotJudged("mapping[].virtual_map[].attribute")
    elif expected.attribute != found.attribute:
        bits = "|".join(attribute_names(expected.attribute ^ found.attribute))
        wrong.append(
            f"has {found.attribute_text} and had {expected.attribute_text}, a difference of {bits}"
        )
        edits.append(Edit(found, "attribute", expected.attribute))
    if wrong:
        fixable = found.physical == expected.physical
        yield Finding(
            found,
            f"{expected.type_name} {region} {', and '.join(wrong)}",
            region,
            field=edits[0].field,
            related=(Related(expected, "as the kernel before has it"),),
            fix=Fix("unsafe", "copy the entry before", tuple(edits)) if fixable else None,
        )
