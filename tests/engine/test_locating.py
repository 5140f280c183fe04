"""What lies at an address."""

from __future__ import annotations

import pytest

from efipolicy.engine.locating import Whereabouts, whereabouts
from efipolicy.engine.planning import PlanChoice, plan_if_any
from efipolicy.errors import UsageError
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.testing import factories

LINES = (
    "EfiConventionalMemory   0x0         0xa0    WB",
    "EfiConventionalMemory   0x100000    0x1000  WB",
    "EfiRuntimeServicesCode  0x7e000000  0x10    RUNTIME WB @0xfffffffeffe00000",
    "EfiRuntimeServicesData  0x7e010000  0x20    RUNTIME WB @0xfffffffeffc10000",
)
SECTIONS = """\
mapping:
  - os: linux
    virtual_map:
      - {type: EfiRuntimeServicesCode, physical_start: 0x7e000000, virtual_start: 0x20000000,
         pages: 0x10, attribute: [RUNTIME, WB]}
      - {type: EfiRuntimeServicesData, physical_start: 0x7e010000, virtual_start: 0x400000,
         pages: 0x20, attribute: [RUNTIME, WB]}
"""


def example(**given: object) -> Platform:
    return factories.platform(*LINES, architecture="x86_64", **given)  # type: ignore[arg-type]


def only(found: tuple[Whereabouts, ...]) -> Whereabouts:
    assert len(found) == 1
    return found[0]


def test_a_physical_address_lies_in_a_descriptor_between_its_neighbours() -> None:
    one = only(whereabouts(example(), 0x7E00_0123))
    assert one.space == "physical"
    assert one.descriptor
    assert (one.descriptor.index, one.fault) == (2, None)
    assert one.below
    assert one.above
    assert (one.below.index, one.above.index) == (1, 3)


def test_every_descriptor_that_holds_an_address_is_found() -> None:
    lines = (*LINES, "EfiReservedMemoryType  0x7d000000  0x1800  UC")
    platform = factories.platform(*lines, architecture="x86_64")
    one = only(whereabouts(platform, 0x7E00_0123))
    assert one.descriptor
    assert (one.descriptor.index, [other.index for other in one.overlapping]) == (2, [4])
    assert only(whereabouts(platform, 0x7E00_0123, space="physical")).overlapping
    assert only(whereabouts(platform, 0x7D00_0000)).overlapping == ()


def test_a_hole_has_neighbours_too() -> None:
    one = only(whereabouts(example(), 0xB0000))
    assert one.descriptor is None
    assert one.below
    assert one.above
    assert (one.below.index, one.above.index) == (0, 1)
    assert one.fault == "no descriptor of the memory map holds it"


def test_outside_a_part_of_a_map_nothing_is_certain() -> None:
    one = only(whereabouts(example(extent="partial"), 0xB0000))
    assert one.fault == "no descriptor that was captured holds it, and the map may hold more"


def test_an_entry_of_the_memory_attributes_table_and_a_table_are_found_with_it() -> None:
    platform = example(
        memory_attributes_table=("EfiRuntimeServicesCode 0x7e004000 4 RUNTIME RO",),
        configuration_tables=("ACPI_20 0x7e004010 36", "SMBIOS3 0x7e004100"),
    )
    one = only(whereabouts(platform, 0x7E00_4020))
    assert one.entry
    assert one.entry.physical_start == 0x7E004000
    assert one.table
    assert one.table.name == "ACPI_20"
    # Without a length only its first byte is known to be the table's.
    assert only(whereabouts(platform, 0x7E00_4100)).table
    assert only(whereabouts(platform, 0x7E00_4101)).table is None


def test_a_declared_layout_translates_both_ways() -> None:
    platform = example(sections=SECTIONS)
    there = only(whereabouts(platform, 0x7E00_0123))
    assert there.virtual == 0x2000_0123
    back = only(whereabouts(platform, 0x2000_0123))
    assert (back.space, back.physical) == ("virtual", 0x7E00_0123)
    assert back.descriptor
    assert back.descriptor.index == 2


def test_an_address_that_means_two_bytes_gets_two_answers() -> None:
    # 0x400000 is free memory, and firmware's data once its layout is in force.
    platform = example(sections=SECTIONS)
    first, second = whereabouts(platform, 0x400010)
    assert (first.space, first.physical, first.virtual) == ("physical", 0x400010, None)
    assert first.fault == "the virtual layout does not map it"
    assert (second.space, second.physical) == ("virtual", 0x7E01_0010)
    assert only(whereabouts(platform, 0x400010, space="virtual")) == second
    assert only(whereabouts(platform, 0x400010, space="physical")) == first


def test_what_firmware_left_in_virtual_start_is_no_mapping() -> None:
    assert only(whereabouts(example(), 0x7E00_0000)).mapping is None
    kernel = example(origin="kernel-edited")
    mapping = only(whereabouts(kernel, 0x7E00_0000)).mapping
    assert mapping
    assert (mapping.virtual_start, mapping.source) == (0xFFFF_FFFE_FFE0_0000, "memory_map")


def test_a_plan_gives_the_mapping_and_the_path(registry: Registry) -> None:
    platform = example()
    choice = PlanChoice(strategy="x86-topdown")
    plan, geometry = plan_if_any(platform, registry, choice)
    one = only(whereabouts(platform, 0x7E01_0010, plan=plan, geometry=geometry))
    assert one.mapping
    assert one.mapping.source == "x86-topdown"
    assert one.virtual == one.mapping.to_virtual(0x7E01_0010)
    assert [step.level.name for step in one.path] == ["PGD", "PUD", "PMD", "PTE"]
    assert one.path[0].number == 511
    # The 1:1 copy of what firmware may touch physically is the second.
    assert [mapping.virtual_start for mapping in one.mappings][1] == 0x7E01_0000


def test_an_address_nothing_maps_says_what_is_nearest(registry: Registry) -> None:
    platform = example()
    plan, geometry = plan_if_any(platform, registry, PlanChoice(strategy="x86-topdown"))
    assert plan
    top = max((m.virtual_start or 0) + m.physical.size for m in plan.mappings)
    one = only(whereabouts(platform, top + 0x5000, plan=plan, geometry=geometry))
    assert one.space == "virtual"
    assert one.fault
    assert one.fault.startswith("`x86-topdown` maps nothing there; ")
    assert one.fault.endswith(" is 20 KiB below")
    unreachable = only(whereabouts(platform, 1 << 63, plan=plan, geometry=geometry))
    assert unreachable.fault == "no address that x86_64-4level translates"
    assert unreachable.path == ()


def test_without_a_strategy_there_is_still_the_shape_of_the_tables(registry: Registry) -> None:
    plan, geometry = plan_if_any(example(), registry, PlanChoice(virtual_address_bits=57))
    assert plan is None
    assert geometry
    assert geometry.virtual_address_bits == 57


def test_an_option_needs_a_strategy(registry: Registry) -> None:
    with pytest.raises(UsageError, match="choose one with --strategy"):
        plan_if_any(example(), registry, PlanChoice(options={"order": "forward"}))
