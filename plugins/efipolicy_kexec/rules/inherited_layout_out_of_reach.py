"""KEXEC-006."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    Good,
    Kernel,
    MemoryDescriptor,
    NotJudged,
    Option,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.chain import CALLS, LAYOUT, Hop, carried_over, hops
from efipolicy_kexec.layouts import virtual_of

_TOP = 1 << 64
_SIGN_EXTENDED = ("x86_64", "riscv64")
_TWO_TABLES = ("arm64",)
_ONE_SPACE = ("i386", "arm32")
_CHAIN = """
mapping:
  - set_virtual_address_map: {calls: once}
    virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: VIRTUAL,
         pages: 16, attribute: [RUNTIME, WB]}
    kexec: [{virtual_address_bits: BITS}]
"""


def _sections(virtual: str, bits: int) -> str:
    return _CHAIN.replace("VIRTUAL", virtual).replace("BITS", str(bits))


@rule(
    "kexec/inherited-layout-out-of-reach",
    severity=Severity.ERROR,
    requirements=("KEXEC-006",),
    sources=(
        "Linux 6.12 drivers/firmware/efi/libstub/efi-stub.c",
        "Linux commit d2f7cbe7b26a",
    ),
    help="choose virtual addresses that every kernel of the chain can reach",
    architectures=(*_SIGN_EXTENDED, *_TWO_TABLES, *_ONE_SPACE),
    responsible=Responsible.KERNEL,
    options=(
        Option(
            name="half",
            kind="choice",
            choices=("both", "low", "high"),
            default="both",
            doc="the half of the address space that runtime services may live in; 32-bit "
            "architectures have one only",
        ),
    ),
    examples=(
        Bad(architecture="arm64", sections=_sections("0x800000000000", 39), at=0),
        # 16 pages, the last of them beyond 2^39.
        Bad(architecture="arm64", sections=_sections("0x7fffff1000", 39), at=0),
        Bad(architecture="x86_64", sections=_sections("0xff00000000000000", 48), at=0),
        Bad(
            architecture="arm64",
            options={"half": "low"},
            sections=_sections("0xffffff8000000000", 39),
            at=0,
        ),
        Good(architecture="arm64", sections=_sections("0x20000000", 39)),
        Good(architecture="arm64", sections=_sections("0x7fffff0000", 39)),
        Good(architecture="arm64", sections=_sections("0xffffff8000000000", 39)),
        Good(architecture="x86_64", sections=_sections("0xfffffffefe000000", 48)),
    ),
)
def inherited_layout_out_of_reach(
    chain: tuple[Kernel, ...], platform: Platform, options: Mapping[str, Any]
) -> Iterator[Finding | NotJudged]:
    """A kernel started by kexec cannot translate the virtual addresses it takes over.

    The first kernel chose the layout, and the next one has to map it as it is. With fewer bits of
    virtual address, or fewer levels of page tables, some of those addresses do not exist for it:
    Linux refuses the mapping and runs without runtime services.

    Linux chose its layouts with this in mind. On arm64 and RISC-V the stub starts at 512 MiB, low
    enough for every kernel; on x86-64 the window below -4 GiB exists with four and with five
    levels alike. Linux 4.13 to 6.0 on arm64 could move the base anywhere in 48 bits, which a
    kernel built for 39 bits cannot follow; neither can it reach physical addresses beyond 2^39
    that a first kernel mapped one to one.

    Judged is the width only: whether every virtual range lies in what so many bits translate. On
    x86-64 and RISC-V these are the two canonical halves of half the width each, on arm64 the ranges
    of both table registers, the full width each, on 32-bit architectures the one address space.
    What else the kernel keeps at such an address, and whether it runs firmware in one half only,
    a platform file does not say; the option ``half`` narrows it.
    """
    for hop in hops(chain):
        if hop.caller is None:
            if hop.unsure:
                yield NotJudged(CALLS)
            continue
        layout = hop.kernel.declared.virtual_map
        if layout is None:
            layout = hop.caller.virtual_map
        bits = hop.kernel.declared.virtual_address_bits
        if layout is None:
            yield NotJudged(LAYOUT)
        elif bits is None:
            yield NotJudged("mapping[].kexec[].virtual_address_bits")
        else:
            yield from _judged(hop, layout, _unreachable(platform.architecture, bits, options))


def _judged(
    hop: Hop, layout: tuple[MemoryDescriptor, ...], unreachable: tuple[AddressRange, ...]
) -> Iterator[Finding | NotJudged]:
    beyond: list[tuple[MemoryDescriptor, AddressRange]] = []
    for entry in filter(carried_over, layout):
        virtual = virtual_of(entry, entry.physical)
        if virtual is None:
            yield NotJudged("mapping[].virtual_map[].virtual_start")
            continue
        parts = [part for part in (virtual & gap for gap in unreachable) if part.size]
        beyond += [(entry, part) for part in parts]
    if beyond:
        entry, part = beyond[0]
        listed = ", ".join(f"{part} ({entry.type_name})" for entry, part in beyond)
        yield Finding(
            hop.kernel.declared,
            f"{hop.kernel.declared.virtual_address_bits}-bit virtual addresses do not reach "
            f"{len(beyond)} {'range' if len(beyond) == 1 else 'ranges'} of the layout: {listed}",
            _physical(entry, part),
            field="virtual_address_bits",
            related=tuple(Related(entry, f"virtual {part}") for entry, part in beyond),
        )


def _physical(entry: MemoryDescriptor, part: AddressRange) -> AddressRange:
    offset = entry.physical_start - (entry.virtual_start or 0)
    return AddressRange(part.start + offset, part.end + offset)


def _unreachable(
    architecture: str, bits: int, options: Mapping[str, Any]
) -> tuple[AddressRange, ...]:
    """The virtual addresses that so many bits do not translate, 2^64 and more included."""
    span = 1 << (bits - 1 if architecture in _SIGN_EXTENDED else bits)
    span = min(span, _TOP)
    low, high = span, _TOP - span
    if architecture in _ONE_SPACE or options["half"] == "low":
        high = _TOP
    elif options["half"] == "high":
        low = 0
    gap = AddressRange(low, max(low, high))
    return (gap, AddressRange(_TOP, 2 * _TOP))
