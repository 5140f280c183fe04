"""Predictions held against observations, region by region."""

from __future__ import annotations

from dataclasses import replace

import pytest

from efipolicy.engine.planned import Planned
from efipolicy.engine.verification import Verification
from efipolicy.engine.verifying import verify
from efipolicy.model.address import AddressRange
from efipolicy.model.evidence import PageTableDump, PageTableRange, Remapping
from efipolicy.model.mapping import Mapping, MappingPlan, RuntimeCall, Unforeseen
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Capture, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText, TextRecord

HIGH = 0xFFFF_FFFE_FF40_0000
RUNTIME = 1 << 63 | 0xF
LOCATED = TextRecord(SourceText("dump.txt", "a row"), 0, 5)


def _mapping(
    physical: int, virtual: int, pages: int, access: str = "RW", **more: object
) -> Mapping:
    extent = AddressRange(physical, physical + pages * 0x1000)
    return Mapping(extent, virtual, 6, access, "WB", True)._replace(**more)  # type: ignore[arg-type]


def _planned(registry: Registry, *mappings: Mapping, **more: object) -> Planned:
    plan = MappingPlan("any", {}, "ok", mappings, (), None, RuntimeCall("CR3", "nothing"))
    architecture = registry.architectures["x86_64"]
    geometry = architecture.geometries[0x1000][0]
    return Planned(plan._replace(**more), architecture, geometry)  # type: ignore[arg-type]


def _platform(memory_map: MemoryMap | None = None, **evidence: object) -> Platform:
    return Platform(
        name="any",
        architecture="x86_64",
        architecture_reason=ArchitectureReason("stated", "here"),
        memory_map=memory_map or MemoryMap(extent="whole"),
        capture=Capture(dialect="any", **evidence),  # type: ignore[arg-type]
    )


def _layout(*entries: tuple[int, int, int], extent: str = "whole") -> Platform:
    descriptors = tuple(
        MemoryDescriptor(
            index=index,
            type=6,
            physical_start=physical,
            number_of_pages=pages,
            attribute=RUNTIME,
            virtual_start=virtual,
        )
        for index, (physical, virtual, pages) in enumerate(entries)
    )
    return _platform(
        MemoryMap(descriptors=descriptors, origin="kernel-edited", extent=extent)  # type: ignore[arg-type]
    )


def _row(
    virtual: int,
    pages: int,
    physical: int | None = None,
    *,
    access: str | None = "RW",
    leaf: int | None = 0x1000,
    cache: str | None = "WB",
    section: str | None = None,
) -> PageTableRange:
    extent = AddressRange(virtual, virtual + pages * 0x1000)
    return PageTableRange(extent, physical, "pte", leaf, access, cache, (), section, LOCATED)  # type: ignore[arg-type]


def _dump(*rows: PageTableRange) -> Platform:
    return _platform(page_tables=(PageTableDump("any", rows, LOCATED),))


def _whats(found: Verification) -> list[tuple[str, int | None, int]]:
    return [(one.what, one.virtual_start, one.size) for one in found.mismatches]


def test_ranges_are_compared_and_not_entries(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    split = _layout((0x100000, HIGH, 3), (0x103000, HIGH + 0x3000, 5))
    assert verify(planned, _platform(), split).status == "match"
    parts = _planned(registry, _mapping(0x100000, HIGH, 3), _mapping(0x103000, HIGH + 0x3000, 5))
    merged = _layout((0x100000, HIGH, 8))
    assert verify(parts, _platform(), merged).status == "match"


def test_only_the_part_that_moved_is_a_mismatch(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    observed = _layout((0x100000, HIGH, 3), (0x103000, HIGH + 0x4000, 5))
    found = verify(planned, _platform(), observed)
    assert _whats(found) == [("address", HIGH + 0x3000, 0x5000)]
    assert found.mismatches[0].observed == f"{HIGH + 0x4000:#x}"


def test_what_one_side_lacks_is_missing_or_extra(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    observed = _layout((0x102000, HIGH + 0x2000, 2), (0x900000, HIGH - 0x1000, 1))
    found = verify(planned, _platform(), observed)
    assert _whats(found) == [
        ("extra", HIGH - 0x1000, 0x1000),
        ("missing", HIGH, 0x2000),
        ("missing", HIGH + 0x4000, 0x4000),
    ]


def test_what_is_taken_out_again_need_not_be_there(registry: Registry) -> None:
    planned = _planned(
        registry, _mapping(0x100000, HIGH, 1), _mapping(0x200000, HIGH + 0x1000, 1, temporary=True)
    )
    assert verify(planned, _platform(), _layout((0x100000, HIGH, 1))).status == "match"
    both = _layout((0x100000, HIGH, 1), (0x200000, HIGH + 0x1000, 1))
    assert verify(planned, _platform(), both).status == "match"
    wrong = _layout((0x100000, HIGH, 1), (0x200000, HIGH + 0x2000, 1))
    assert verify(planned, _platform(), wrong).status == "mismatch"


def test_an_address_that_u_boot_left_in_other_memory_is_no_placement(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 1))
    layout = _layout((0x100000, HIGH, 1), (0x200000, 0x200000, 1)).memory_map
    runtime, other = layout.descriptors
    descriptors = (runtime, replace(other, type=7, attribute=0xF))
    observed = _platform(replace(layout, descriptors=descriptors))
    found = verify(planned, _platform(), observed)
    assert (found.status, found.compared["addresses"]) == ("match", 1)


def test_addresses_that_firmware_left_behind_are_no_evidence(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 1))
    observed = _layout((0x100000, HIGH, 1))
    firmwares = replace(observed, memory_map=replace(observed.memory_map, origin="firmware"))
    assert verify(planned, _platform(), firmwares).status == "nothing-to-compare"


def test_a_line_that_tells_one_address_counts(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    right = _platform(remappings=(Remapping(0x101000, HIGH + 0x1000, LOCATED),))
    assert verify(planned, _platform(), right).status == "match"
    wrong = _platform(remappings=(Remapping(0x101000, HIGH, LOCATED),))
    assert [one.what for one in verify(planned, _platform(), wrong).mismatches] == ["address"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (_row(HIGH, 8, 0x100000), None),
        (_row(HIGH, 8), None),
        (_row(HIGH, 8, access=None, leaf=None, cache=None), None),
        (_row(HIGH, 8, 0x101000), "address"),
        (_row(HIGH, 8, access="RWX"), "access"),
        (_row(HIGH, 8, cache="UC-"), "cache"),
        (_row(HIGH, 8, leaf=0x200000), "leaf"),
    ],
)
def test_a_row_is_compared_in_what_it_tells(
    registry: Registry, row: PageTableRange, what: str | None
) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    found = verify(planned, _platform(), _dump(row))
    assert _whats(found) == ([(what, HIGH, 0x8000)] if what else [])


def test_rows_of_the_kernels_half_are_left_out_unless_they_are_of_efi(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8))
    own = _row(0xFFFF_8880_0000_0000, 16, section="Low Kernel Mapping")
    right = _row(HIGH, 8, section="EFI Runtime Services")
    found = verify(planned, _platform(), _dump(own, right))
    assert (found.status, found.left_out, found.compared["page-table rows"]) == ("match", 1, 1)
    assert verify(planned, _platform(), _dump(own)).status == "nothing-to-compare"


def test_boot_services_that_stay_mapped_are_explained(registry: Registry) -> None:
    kept = _mapping(0x200000, HIGH + 0x10000, 4, temporary=True)
    planned = _planned(registry, _mapping(0x100000, HIGH, 8), kept)
    rows = (_row(HIGH, 8), _row(HIGH + 0x10000, 4))
    found = verify(planned, _platform(), _dump(*rows))
    assert (found.status, len(found.explained)) == ("match", 1)
    assert "efi=debug" in found.explained[0].why
    other = verify(planned, _platform(), _dump(rows[0], _row(HIGH + 0x10000, 4, access="RWX")))
    assert _whats(other) == [("extra", HIGH + 0x10000, 0x4000)]


def test_one_unforeseen_run_of_the_right_size_is_explained(registry: Registry) -> None:
    unforeseen = Unforeseen("the list for SetVirtualAddressMap", (1, 2, 4), "RW")
    planned = _planned(registry, _mapping(0x100000, HIGH, 8), unforeseen=(unforeseen,))
    fits, second = _row(0x7000, 4, 0x7000), _row(0x20000, 4, 0x20000)
    found = verify(planned, _platform(), _dump(_row(HIGH, 8), fits))
    assert (found.status, found.explained[0].number_of_pages) == ("match", 4)
    twice = verify(planned, _platform(), _dump(_row(HIGH, 8), fits, second))
    assert _whats(twice) == [("extra", 0x20000, 0x4000)]
    for row in (_row(0x7000, 3, 0x7000), _row(0x7000, 4, 0x8000), _row(0x7000, 4, access="RX")):
        other = verify(planned, _platform(), _dump(_row(HIGH, 8), row))
        assert other.status == "mismatch"


def test_an_attributes_table_that_was_not_read_explains_other_permissions(
    registry: Registry,
) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8, "RWX"))
    rows = _dump(_row(HIGH, 4, access="RX"), _row(HIGH + 0x4000, 4, access="RW"))
    found = verify(planned, _platform(), rows)
    assert found.status == "match"
    assert "Memory Attributes Table" in found.explained[0].why
    none = replace(_platform(), configuration_tables=())
    assert verify(planned, none, rows).status == "mismatch"


def test_neighbouring_stretches_that_differ_alike_are_one(registry: Registry) -> None:
    planned = _planned(registry, _mapping(0x100000, HIGH, 8), _mapping(0x300000, HIGH + 0x10000, 1))
    rows = _dump(*(_row(HIGH + page * 0x1000, 1, cache="UC-") for page in range(8)))
    found = verify(planned, _platform(), rows)
    assert _whats(found) == [("cache", HIGH, 0x8000), ("missing", HIGH + 0x10000, 0x1000)]


@pytest.mark.parametrize("extent", ["partial", "unknown"])
def test_a_part_of_a_map_predicts_nothing_that_could_be_wrong(
    registry: Registry, extent: str
) -> None:
    part = _platform(MemoryMap(extent=extent))  # type: ignore[arg-type]
    found = verify(_planned(registry), part, _layout((0x100000, HIGH, 3)))
    assert (found.status, found.mismatches, found.partial) == ("nothing-to-compare", (), True)
    assert [one.number_of_pages for one in found.explained] == [3]


def test_what_a_part_of_a_map_predicts_can_match(registry: Registry) -> None:
    part = _platform(MemoryMap(extent="partial"))
    planned = _planned(registry, _mapping(0x100000, HIGH, 3))
    assert verify(planned, part, _layout((0x100000, HIGH, 3))).status == "match"
