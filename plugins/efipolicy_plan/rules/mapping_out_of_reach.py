"""Mappings that no page table can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    AddressRange,
    Architecture,
    Bad,
    Finding,
    Good,
    Mapping,
    MappingDeclaration,
    MemoryMap,
    NotJudged,
    RadixGeometry,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.leaves import SHOWN, Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables


@rule(
    "plan/mapping-out-of-reach",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Intel SDM volume 1, 3.3.7.1",
        "Arm ARM (DDI 0487), D8.2",
        "UEFI 2.10 §8.4.1",
    ),
    help="choose addresses that the page tables translate, or tables of more levels",
    responsible=Responsible.KERNEL,
    unless=("linux/identity-mapping-out-of-reach",),
    examples=(
        Bad(
            "EfiMemoryMappedIO  0x800000000000  16  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: identity, virtual_address_bits: 48}]",
            at=0,
        ),
        Bad(
            "EfiMemoryMappedIO  0x40000000000  16  RUNTIME UC",
            architecture="arm64",
            sections="mapping: [{strategy: identity, page_size: 64K, virtual_address_bits: 42}]",
            at=0,
        ),
        Good(
            "EfiMemoryMappedIO  0x7ffffff0000  16  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: identity, virtual_address_bits: 48}]",
        ),
        Good(
            "EfiMemoryMappedIO  0x800000000000  16  RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: identity, virtual_address_bits: 57}]",
        ),
    ),
)
def mapping_out_of_reach(
    page_tables: PageTables,
    mapping: MappingDeclaration,
    memory_map: MemoryMap,
    architecture: Architecture,
) -> Iterator[Finding | NotJudged]:
    """A region is to be mapped at addresses that the page tables do not translate.

    A table of so many levels translates so many bits. On x86-64 all bits above have to repeat the
    highest of them, on AArch64 they have to be all clear for the lower half and all set for the
    upper one. An address in the hole between cannot be in any table, and using it faults whatever
    the tables hold. So does a region whose virtual and physical address differ within a page of the
    operating system: no page can be both.

    The region stays unmapped, and a service that touches it faults. Where no
    ``virtual_address_bits`` are declared and a kernel of the same page size may have enough of
    them, it is not judged. Addresses that a strategy has no room for have a rule of their own,
    ``linux/runtime-window-overflow``, and so have those that are handed to SetVirtualAddressMap on
    x86-64, ``x86_64/virtual-address-not-canonical``.
    """
    owners = Owners(memory_map, mapping)
    for reason in dict.fromkeys(refusal.reason for refusal in page_tables.refused):
        refused = [r.mapping for r in page_tables.refused if r.reason == reason]
        mappings = [page_tables.mappings[index] for index in refused]
        known = [m for m in mappings if not m.descriptors or owners.descriptors_of(m)]
        out = [m for m in known if _certain(m, mapping, page_tables, architecture)]
        if out:
            yield _finding(out, reason, owners)
        elif known:
            yield NotJudged("mapping[].virtual_address_bits")


def _certain(
    mapping: Mapping, declared: MappingDeclaration, tables: PageTables, architecture: Architecture
) -> bool:
    """Whether no table that the kernel may have holds a mapping."""
    virtual, page_size = mapping.virtual, tables.geometry.page_size
    if virtual is None or declared.virtual_address_bits is not None:
        return True
    if (virtual.start - mapping.physical.start) % page_size:
        return True
    return not any(
        reach.covers(virtual)
        for geometry in architecture.geometries.get(page_size, ())
        if isinstance(geometry, RadixGeometry)
        for reach in geometry.translated
    )


def _finding(mappings: list[Mapping], reason: str, owners: Owners) -> Finding:
    first = mappings[0]
    virtual = first.virtual or AddressRange(0, 0)
    more = f", and {len(mappings) - 1} more mappings" if len(mappings) > 1 else ""
    if len(mappings) == 2:
        more = ", and 1 more mapping"
    return Finding(
        owners.declared,
        f"{owners.what(first)}{more} cannot be mapped at {virtual}: {reason}",
        first.physical,
        field="virtual_address_bits",
        related=tuple(
            Related(descriptor, f"is to be mapped at {each.virtual}")
            for each in mappings[:SHOWN]
            for descriptor in owners.descriptors_of(each)[:1]
        ),
    )
