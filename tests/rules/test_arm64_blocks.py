"""The 64 KiB pages of AArch64, against a loop over their 4 KiB pages."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given

from efipolicy.plugin import (
    CACHEABILITY,
    AddressRange,
    Finding,
    MemoryDescriptor,
    MemoryMap,
    Related,
)
from efipolicy.testing.strategies import attributes, disjoint_memory_maps
from efipolicy_arm64.rules.differing_cacheability_in_64k_page import (
    differing_cacheability_in_64k_page as differing,
)
from efipolicy_arm64.rules.mixed_cacheability_in_64k_page import (
    mixed_cacheability_in_64k_page as mixed,
)

PAGE, BLOCK = 0x1000, 0x10000
TRIGGERS = {0, 5, 6, 10}
Findings = Callable[..., list[Finding]]


MAPS = disjoint_memory_maps(
    types=[0, 4, 5, 6, 7, 9, 10, 11],
    attribute=attributes(["UC", "WC", "WT", "WB"]),
)


def pages_by_block(memory_map: MemoryMap) -> dict[int, list[MemoryDescriptor]]:
    blocks: dict[int, list[MemoryDescriptor]] = {}
    for descriptor in memory_map.descriptors:
        if descriptor.attribute and descriptor.attribute & CACHEABILITY:
            for page in range(descriptor.physical.start, descriptor.physical.end, PAGE):
                blocks.setdefault(page // BLOCK * BLOCK, []).append(descriptor)
    return blocks


def strongest(attribute: int) -> int:
    return next(bit for bit in (8, 4, 2, 1) if attribute & bit)


def brute_force(memory_map: MemoryMap) -> tuple[list[int], list[int]]:
    """The blocks with nothing in common, and those whose best offers differ."""
    nothing, differ = [], []
    for start, pages in sorted(pages_by_block(memory_map).items()):
        if not any(page.type in TRIGGERS for page in pages):
            continue
        common = CACHEABILITY
        for page in pages:
            common &= page.attribute or 0
        if not common:
            nothing.append(start)
        elif len({strongest(page.attribute or 0) for page in pages}) > 1:
            differ.append(start)
    return nothing, differ


def starts(findings: Iterator[Finding]) -> list[int]:
    return [finding.region.start for finding in findings if finding.region]


@given(MAPS)
def test_the_sweep_over_edges_agrees_with_a_loop_over_pages(memory_map: MemoryMap) -> None:
    found = starts(iter(mixed.check(memory_map))), starts(iter(differing.check(memory_map)))
    assert found == brute_force(memory_map)


@given(MAPS)
def test_a_block_is_in_at_most_one_finding(memory_map: MemoryMap) -> None:
    found = starts(iter(mixed.check(memory_map))) + starts(iter(differing.check(memory_map)))
    assert len(found) == len(set(found))


def test_a_finding_names_pages_and_their_number(findings: Findings) -> None:
    (finding,) = findings(
        "arm64/differing-cacheability-in-64k-page",
        "EfiConventionalMemory 0x81f38000 0x7c8 WB WT WC UC",
        "EfiReservedMemoryType 0x81f30000 8 WC",
        architecture="arm64",
    )
    subject = finding.subject
    assert isinstance(subject, MemoryDescriptor)
    assert subject.type_name == "EfiReservedMemoryType"
    assert finding.region == AddressRange(0x81F30000, 0x81F40000)
    assert finding.message == (
        "the 64 KiB page at 0x81f30000 has different best cache types among 2 descriptors: "
        "0x81f30000-0x81f38000 (8 pages of 4 KiB, EfiReservedMemoryType) offers WC; "
        "0x81f38000-0x81f40000 (8 pages of 4 KiB, EfiConventionalMemory) offers UC|WC|WT|WB, "
        "best WB"
    )
    (related,) = finding.related
    assert isinstance(related, Related)
    assert "0x81f38000-0x81f40000 (8 pages of 4 KiB)" in related.message


def test_both_ends_of_a_region_can_share_their_blocks(findings: Findings) -> None:
    found = findings(
        "arm64/mixed-cacheability-in-64k-page",
        "EfiMemoryMappedIO 0x80000000 1 UC",
        "EfiRuntimeServicesData 0x80001000 0x1e RUNTIME WB",
        "EfiMemoryMappedIO 0x8001f000 1 UC",
        architecture="arm64",
    )
    assert starts(iter(found)) == [0x80000000, 0x80010000]


@pytest.mark.parametrize("pages", [17, 1 << 34])
def test_a_region_of_many_terabytes_costs_its_two_ends(findings: Findings, pages: int) -> None:
    found = findings(
        "arm64/mixed-cacheability-in-64k-page",
        "EfiMemoryMappedIO 0x0 1 UC",
        f"EfiReservedMemoryType 0x1000 {pages} WB",
        architecture="arm64",
    )
    assert starts(iter(found)) == [0]
