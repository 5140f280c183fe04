"""SetVirtualAddressMap and ConvertPointer as firmware does them, and what it touches afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from efipolicy.engine.firmware import (
    FirmwareState,
    Pointer,
    convert_pointer,
    firmware_of,
    pointers,
    set_virtual_address_map,
)
from efipolicy.engine.firmware_accesses import AccessOutcome, accesses_of_plan
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.mapping import VirtualMapEntry
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.testing import factories

RUNTIME = 1 << 63


def entry(
    physical: int,
    virtual: int | None,
    pages: int = 16,
    *,
    type: int = 6,
    attribute: int = RUNTIME | 8,
) -> VirtualMapEntry:
    return VirtualMapEntry(physical, virtual, pages, type, attribute)


CODE = entry(0x100000, 0xFFFF0000, type=5)
DATA = entry(0x200000, 0xEEEE0000)


def converted_by(*entries: VirtualMapEntry, **fields: Any) -> FirmwareState:
    firmware, status = set_virtual_address_map(FirmwareState(**fields), entries)
    assert status == "EFI_SUCCESS"
    return firmware


def test_the_first_call_converts_and_a_second_one_is_refused() -> None:
    firmware = converted_by(CODE, DATA)
    assert firmware.virtual
    again, status = set_virtual_address_map(firmware, [entry(0x100000, 0x1000)])
    assert (again, status) == (firmware, "EFI_UNSUPPORTED")


@pytest.mark.parametrize(
    ("state", "arguments", "status"),
    [
        (FirmwareState(boot_services=True), {}, "EFI_UNSUPPORTED"),
        (FirmwareState(offers_call=False), {}, "EFI_UNSUPPORTED"),
        (FirmwareState(), {"descriptor_version": 2}, "EFI_INVALID_PARAMETER"),
        (FirmwareState(), {"descriptor_size": 39}, "EFI_INVALID_PARAMETER"),
    ],
)
def test_a_refused_call_is_not_used_up(
    state: FirmwareState, arguments: dict[str, int], status: str
) -> None:
    after, seen = set_virtual_address_map(state, [CODE], **arguments)
    assert (after, seen) == (state, status)
    assert not after.spent


def test_a_call_that_fails_at_work_is_used_up() -> None:
    firmware, _ = set_virtual_address_map(FirmwareState(), [CODE], conversion_fails=True)
    assert firmware.spent
    assert not firmware.virtual
    assert set_virtual_address_map(firmware, [CODE])[1] == "EFI_UNSUPPORTED"


def test_addresses_are_not_looked_at() -> None:
    firmware = converted_by(entry(0x100000, 0), entry(0x200000, 0x123), entry(0x300000, 0))
    assert convert_pointer(firmware, 0x100010) == ("EFI_SUCCESS", 0x10)
    assert convert_pointer(firmware, 0x200000) == ("EFI_SUCCESS", 0x123)


def test_the_first_entry_in_the_order_of_the_list_counts() -> None:
    one, other = entry(0x100000, 0xA0000000, 32), entry(0x108000, 0xB0000000)
    assert convert_pointer(converted_by(one, other), 0x108000).address == 0xA0008000
    assert convert_pointer(converted_by(other, one), 0x108000).address == 0xB0000000


def test_what_no_runtime_entry_holds_stays_as_it_is() -> None:
    firmware = converted_by(CODE, entry(0x300000, 0xDDDD0000, attribute=8, type=4))
    assert convert_pointer(firmware, 0x300000) == ("EFI_NOT_FOUND", 0x300000)
    assert convert_pointer(firmware, 0x110000) == ("EFI_NOT_FOUND", 0x110000)


def test_u_boot_takes_the_end_for_a_part_of_the_region() -> None:
    firmware = converted_by(CODE, implementation="u-boot")
    assert convert_pointer(firmware, 0x110000) == ("EFI_SUCCESS", 0xFFFF0000 + 0x10000)
    assert convert_pointer(firmware, 0x110001).status == "EFI_NOT_FOUND"


@pytest.mark.parametrize("entries", [(), (DATA,), (CODE, CODE)])
def test_u_boot_wants_one_code_entry(entries: tuple[VirtualMapEntry, ...]) -> None:
    state = FirmwareState(implementation="u-boot")
    assert set_virtual_address_map(state, entries) == (state, "EFI_INVALID_PARAMETER")


def platform(**fields: Any) -> Platform:
    return factories.platform(
        "EfiRuntimeServicesCode 0x100000 0x10 RUNTIME WB",
        "EfiRuntimeServicesData 0x200000 0x10 RUNTIME WB",
        architecture="x86_64",
        **fields,
    )


def test_the_vendor_and_the_properties_table_make_the_model() -> None:
    assert firmware_of(platform()) == FirmwareState()
    section = (
        "platform: {firmware: {vendor: Das U-Boot}}\n"
        "runtime_properties: {version: 1, length: 8, supported: [GetTime]}"
    )
    seen = firmware_of(platform(sections=section))
    assert seen == FirmwareState(implementation="u-boot", offers_call=False)


def test_configuration_tables_and_the_call_itself_stay_physical() -> None:
    section = (
        "system_table: {runtime_services: 0x200100, "
        "runtime_functions: {GetTime: 0x100200, ConvertPointer: 0x100300}}"
    )
    subject = platform(sections=section, configuration_tables=["SMBIOS3 0x200400"])
    assert pointers(subject, converted_by(CODE, DATA)) == (
        Pointer("EFI_SYSTEM_TABLE.RuntimeServices", 0x200100, 0xEEEE0100),
        Pointer("EFI_RUNTIME_SERVICES.GetTime", 0x100200, 0xFFFF0200),
        Pointer("EFI_RUNTIME_SERVICES.ConvertPointer", 0x100300, 0x100300),
        Pointer("configuration table SMBIOS3", 0x200400, 0x200400),
    )


def outcome(registry: Registry, strategy: str, access: str) -> AccessOutcome:
    subject = platform(sections=f"firmware_accesses: [{access}]")
    made = planned(subject, registry, PlanChoice(strategy=strategy))
    (seen,) = accesses_of_plan(subject, made)
    return seen


def test_a_forgotten_pointer_works_through_the_1_to_1_mapping(registry: Registry) -> None:
    seen = outcome(registry, "x86-topdown", "{physical: 0x200010, converted: false}")
    assert (seen.address, seen.works) == (0x200010, True)
    assert seen.through
    assert seen.through.virtual_start == 0x200000


def test_a_converted_pointer_works_through_the_layout(registry: Registry) -> None:
    seen = outcome(registry, "x86-topdown", "{physical: 0x200010, converted: true}")
    assert seen.works
    assert seen.address
    assert seen.address > 0xFFFFFFEF00000000


@pytest.mark.parametrize("converted", ["true", "false"])
@pytest.mark.parametrize("strategy", ["identity", "x86-topdown"])
def test_memory_that_nobody_maps_faults(registry: Registry, strategy: str, converted: str) -> None:
    seen = outcome(registry, strategy, f"{{physical: 0x900000, converted: {converted}}}")
    assert seen.works is False
    assert seen.address == 0x900000
    assert "nothing maps it there" in seen.sentence


def test_an_access_nobody_knows_more_of_may_work_either_way(registry: Registry) -> None:
    assert outcome(registry, "x86-topdown", "{physical: 0x200010}").works
    assert outcome(registry, "x86-topdown", "{physical: 0x900000}").works is False


def test_whether_a_pointer_is_converted_can_matter(registry: Registry) -> None:
    subject = factories.platform(
        "EfiRuntimeServicesCode 0x100000 0x10 RUNTIME WB",
        architecture="arm64",
        sections="firmware_accesses: [{physical: 0x100010}]",
    )
    made = planned(subject, registry, PlanChoice(strategy="arm64-stub-virtmap"))
    (seen,) = accesses_of_plan(subject, made)
    assert seen.works is None
    assert "nobody says" in seen.sentence


def test_of_mappings_at_one_distance_the_one_that_holds_the_access_counts(
    registry: Registry,
) -> None:
    known = "[{physical: 0x200008, converted: false}, {physical: 0x180000, converted: false}]"
    subject = platform(sections=f"firmware_accesses: {known}")
    made = planned(subject, registry, PlanChoice(strategy="identity"))
    inside, between = accesses_of_plan(subject, made)
    assert inside.through is not None
    assert inside.through.physical.start == 0x200000
    assert between.works is False
