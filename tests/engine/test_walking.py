"""What a processor does at the addresses of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from efipolicy.engine.locating import Whereabouts, whereabouts
from efipolicy.engine.planned import Planned
from efipolicy.engine.walkers import walker_of
from efipolicy.errors import PluginError
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Mapping, MappingPlan, Protection, RuntimeCall
from efipolicy.paging import RadixGeometry, Window
from efipolicy.paging.entries import EntryFormats
from efipolicy.plugin.registry import Registry
from efipolicy.testing import factories

CODE = "EfiRuntimeServicesCode 0x7dd66000 0x400 RUNTIME WB"
HIGH = 0xFFFF_FFFE_FE00_0000


def mapping(
    physical: int, virtual: int, size: int = 0x1000, access: str = "RW", **given: object
) -> Mapping:
    extent = AddressRange(physical, physical + size)
    cache = given.pop("cache", "WB")
    return Mapping(extent, virtual, 5, access, cache, True, **given)  # type: ignore[arg-type]


def plan_of(*mappings: Mapping, **given: object) -> MappingPlan:
    call = RuntimeCall("CR3", "nothing")
    return MappingPlan("old", {}, "ok", mappings, (), None, call, **given)  # type: ignore[arg-type]


class Machine:
    """A plan on an architecture, and what lies at its addresses."""

    def __init__(
        self,
        registry: Registry,
        plan: MappingPlan,
        *,
        architecture: str = "x86_64",
        page_size: int = 0x1000,
        width: int | None = 39,
    ) -> None:
        known = registry.architectures[architecture]
        hardware = f"hardware: {{physical_address_bits: {width}}}\n" if width else ""
        self.platform = factories.platform(CODE, architecture=architecture, sections=hardware)
        self.plan, self.geometry = plan, known.geometries[page_size][0]
        walker = walker_of(Planned(plan, known, self.geometry), self.platform)
        assert walker
        self.walker = walker

    def at(self, address: int) -> Whereabouts:
        (one,) = whereabouts(
            self.platform, address, plan=self.plan, geometry=self.geometry, walker=self.walker
        )
        return one


def test_a_walk_reads_an_entry_of_each_level_and_says_what_each_access_comes_to(
    registry: Registry,
) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66000, HIGH + 0x1000)))
    one = machine.at(HIGH + 0x1234)
    (walked,) = one.walks
    assert [step.decoded.kind for step in walked.steps] == ["table", "table", "table", "leaf"]
    assert walked.steps[-1].entry == 0x8000_0000_7DD6_6023
    read, write, execute = walked.accesses
    assert read.physical == write.physical == one.physical == 0x7DD66234
    assert execute.explanation == "#PF, error code 0x11 (P, I)"
    # A page that is not to be executed is no fault of the address.
    assert (one.fault, walked.differences) == (None, ())


def test_a_physical_address_is_walked_at_each_place_it_is_mapped_at(registry: Registry) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66000, HIGH), mapping(0x7DD66000, 0x7DD66000)))
    one = machine.at(0x7DD66010)
    assert [walked.address for walked in one.walks] == [HIGH + 0x10, 0x7DD66010]
    assert {walked.physical for walked in one.walks} == {0x7DD66010}


def test_a_large_leaf_over_a_misaligned_frame_faults_with_its_reserved_bits(
    registry: Registry,
) -> None:
    # As Linux mapped it before October 2013: the frame's bits 20:13 stay in the entry.
    large = mapping(0x7DD66000, HIGH, 0x400000, "RWX")
    one = Machine(registry, plan_of(large, leaf_policy="va-only")).at(HIGH + 0x18)
    assert one.fault == (
        "#PF, error code 0x9 (P, RSVD); PMD[496] = 0x7dd660a3 has reserved bits 0x166000"
    )
    assert one.walks[0].differences == ("planned physical 0x7dd66018 WB, but the processor faults",)
    assert one.walks[0].accesses[2].explanation == "#PF, error code 0x19 (P, RSVD, I)"


def test_bit_12_of_a_large_leaf_is_no_fault_but_another_frame(registry: Registry) -> None:
    large = mapping(0x7DC01000, HIGH, 0x200000)
    one = Machine(registry, plan_of(large, leaf_policy="va-only")).at(HIGH + 0x2018)
    assert one.walks[0].physical == 0x7DC02018
    (difference,) = one.walks[0].differences
    assert difference.startswith("planned physical 0x7dc03018 WB, but the processor uses physical ")
    assert difference.endswith("bits 0x1000 of the address it names are read as PAT")


def test_an_address_no_processor_of_that_width_has_faults(registry: Registry) -> None:
    plan = plan_of(mapping(1 << 40, HIGH))
    fault = Machine(registry, plan).at(HIGH).fault
    assert fault
    assert "#PF, error code 0x9 (P, RSVD): the address has more than 39 bits; PTE[0]" in fault
    assert Machine(registry, plan, width=41).at(HIGH).walks[0].fault is None
    wider = Machine(registry, plan_of(mapping(1 << 52, HIGH)), width=None).at(HIGH).walks[0].fault
    assert wider
    assert "more than 52 bits, which is assumed" in wider


def test_an_empty_entry_ends_the_walk_and_is_named(registry: Registry) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66000, HIGH)))
    near = machine.at(HIGH + 0x1000)
    assert near.faults == (
        f"`old` maps nothing there; {HIGH:#x}-{HIGH + 0x1000:#x} is 0 B below",
        "#PF, error code 0x0 (not present); PTE[1] is empty",
    )
    far = machine.at(HIGH + (1 << 30))
    assert [step.decoded.kind for step in far.walks[0].steps] == ["table", "empty"]


def test_an_address_that_is_not_canonical_faults_before_any_entry(registry: Registry) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66000, HIGH)))
    one = machine.at(1 << 63)
    assert one.faults == ("no address that x86_64-4level translates", "#GP: not canonical")
    assert one.walks[0].steps == ()


def test_what_changes_after_it_was_mapped_is_told(registry: Registry) -> None:
    machine = Machine(
        registry,
        plan_of(
            mapping(0x7DD66000, HIGH, 0x2000, "RWX"),
            mapping(0x7DD70000, HIGH + 0x10000, temporary=True),
            protections=(Protection(AddressRange(HIGH, HIGH + 0x800), "RX"),),
        ),
    )
    assert machine.at(HIGH).walks[0].differences == ("mapped RWX, protected afterwards: RX",)
    assert machine.at(HIGH + 0x1000).walks[0].differences == ()
    assert machine.at(HIGH + 0x10000).walks[0].differences == (
        (
            "planned physical 0x7dd70000 WB, "
            "but it is taken out again once SetVirtualAddressMap is done"
        ),
    )


def test_a_page_that_a_later_mapping_took_over_is_told(registry: Registry) -> None:
    machine = Machine(
        registry,
        plan_of(mapping(0x7DD66000, HIGH, 0x2000, "RWX"), mapping(0x7DD67000, HIGH + 0x1000)),
    )
    assert machine.at(HIGH + 0x1000).walks[0].differences == (
        "the 4 KiB page of the mapping of 0x7dd67000-0x7dd68000 came on top of it: RW",
    )


def test_a_mapping_no_table_can_hold_is_told_with_the_reason(registry: Registry) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66800, HIGH)))
    (difference,) = machine.at(HIGH).walks[0].differences
    assert "nothing can hold it: virtual and physical address differ within a page" in difference


def test_a_page_larger_than_its_mapping_holds_what_lies_around(registry: Registry) -> None:
    plan = plan_of(mapping(0x7DD66000, 0x20006000, cache="normal"))
    machine = Machine(registry, plan, architecture="arm64", page_size=0x10000)
    virtual, physical = machine.at(0x20008010), machine.at(0x7DD68010)
    assert (virtual.space, virtual.physical) == ("virtual", 0x7DD68010)
    assert (physical.space, physical.virtual) == ("physical", 0x20008010)
    for one in (virtual, physical):
        assert one.mapping is None
        assert one.fault is None
        assert one.descriptor
        assert one.walks[0].differences == (
            (
                "nothing is planned here, but the 64 KiB page of the mapping of "
                "0x7dd66000-0x7dd67000 reaches it"
            ),
        )


def test_what_entries_cannot_express_is_said_and_not_walked(registry: Registry) -> None:
    machine = Machine(registry, plan_of(mapping(0x7DD66000, HIGH, cache="normal")))
    one = machine.at(HIGH)
    assert one.walks[0].steps == ()
    assert [step.level.name for step in one.path] == ["PGD", "PUD", "PMD", "PTE"]
    assert one.fault
    assert one.fault.startswith("cannot be walked: no entry of this kind makes memory normal; ")


def test_an_architecture_that_describes_no_entries_has_no_walk(registry: Registry) -> None:
    architecture = replace(registry.architectures["x86_64"], entry_formats=None)
    geometry = architecture.geometries[0x1000][0]
    assert isinstance(geometry, RadixGeometry)
    planned = Planned(plan_of(mapping(0x7DD66000, HIGH)), architecture, geometry)
    assert walker_of(planned, factories.platform(CODE)) is None


def test_a_window_needs_no_table_and_protects_nothing(registry: Registry) -> None:
    architecture = registry.architectures["x86_64"]
    geometry = architecture.geometries[0x1000][0]
    assert isinstance(geometry, RadixGeometry)
    window = Window(AddressRange(9 << 60, 10 << 60), 0, "WB")
    geometry = geometry._replace(windows=(window,))
    plan = plan_of(mapping(0x7DD66000, 9 << 60 | 0x7DD66000))
    platform = factories.platform(CODE)
    walker = walker_of(Planned(plan, architecture, geometry), platform)
    (one,) = whereabouts(
        platform, 9 << 60 | 0x7DD66010, plan=plan, geometry=geometry, walker=walker
    )
    assert (one.fault, one.path, one.physical) == (None, (), 0x7DD66010)
    (walked,) = one.walks
    assert walked.steps == ()
    assert walked.without_tables
    assert walked.without_tables.startswith("window 0x9000000000000000-")
    assert walked.differences == ("planned RW, but the processor allows RWX",)


REGION_7 = 7 << 61


def test_a_region_translates_by_granules_and_pins_pal_code(registry: Registry) -> None:
    pal = mapping(0x4000000, REGION_7 | 0x4000000, 0x40000, "RWX")._replace(type=13)
    machine = Machine(registry, plan_of(pal), architecture="ia64", page_size=0x4000, width=None)
    one = machine.at(REGION_7 | 0x4000010)
    (walked,) = one.walks
    assert (one.path, walked.fault, walked.differences) == ((), None, ())
    assert walked.without_tables == (
        "region 7, granule 0xe000000004000000-0xe000000005000000 RWX WB, filled in on a miss; "
        "for code in instruction register 1"
    )
    assert [access.physical for access in walked.accesses] == [0x4000010] * 3
    beyond = machine.at(REGION_7 | 0x8000000)
    assert beyond.walks[0].differences == (
        "nothing is planned here, but every address is translated there",
    )


def test_a_region_without_identity_holds_no_mapping(registry: Registry) -> None:
    plan = plan_of(mapping(0x4000000, 5 << 61))
    machine = Machine(registry, plan, architecture="ia64", page_size=0x4000, width=None)
    one = machine.at(5 << 61)
    assert one.walks[0].fault == "region 5 has no identity mapping"
    assert one.walks[0].differences == (
        "planned physical 0x4000000 WB, but nothing can hold it: region 5 has no identity mapping",
    )


def test_granules_of_another_size_are_the_strategys_fault(registry: Registry) -> None:
    plan = plan_of(mapping(0x4000000, REGION_7 | 0x4000000), largest_leaf=0x2000000)
    with pytest.raises(PluginError, match=r"strategy old failed: .* has no granules of 0x2000000"):
        Machine(registry, plan, architecture="ia64", page_size=0x4000)


def test_entry_formats_that_fail_are_the_plugins_fault(registry: Registry) -> None:
    def broken(geometry: RadixGeometry) -> EntryFormats:
        raise KeyError(geometry.name)

    architecture = replace(registry.architectures["x86_64"], entry_formats=broken)
    geometry = architecture.geometries[0x1000][0]
    planned = Planned(plan_of(mapping(0x7DD66000, HIGH)), architecture, geometry)
    with pytest.raises(PluginError, match="entry formats of x86_64 failed: KeyError"):
        walker_of(planned, factories.platform(CODE))
