"""With what access regions are mapped, and what the Memory Attributes Table takes away."""

from collections.abc import Callable

import pytest
from efipolicy.plugin import MappingPlan
from efipolicy.testing import descriptor, platform

from efipolicy_riscv64.permissions import access_at_map_time

Plan = Callable[..., MappingPlan]


@pytest.mark.parametrize(
    ("line", "access"),
    [
        ("EfiRuntimeServicesCode 0x1000 1 RUNTIME WB", "RWX"),
        ("EfiRuntimeServicesCode 0x1000 1 RUNTIME WB XP", "RW"),
        ("EfiRuntimeServicesCode 0x1000 1 RUNTIME WB XP WP", "RWX"),
        ("EfiRuntimeServicesCode 0x1000 1 RUNTIME WB RO", "RX"),
        ("EfiRuntimeServicesData 0x1000 1 RUNTIME WB", "RW"),
        ("EfiRuntimeServicesData 0x1000 1 RUNTIME WB RO XP", "R"),
        ("EfiRuntimeServicesCode 0x1000 1 ?", "RWX"),
        ("EfiMemoryMappedIO 0x1000 1 RUNTIME UC RO", "RW"),
    ],
)
def test_type_and_attributes_decide(line: str, access: str) -> None:
    assert access_at_map_time(descriptor(line)) == access


CODE = "EfiRuntimeServicesCode 0xbe720000 4 RUNTIME WB"
TABLE = (
    "EfiRuntimeServicesCode 0xbe720000 1 RUNTIME XP",
    "EfiRuntimeServicesCode 0xbe721000 2 RUNTIME RO",
    "EfiRuntimeServicesCode 0xbe723000 1 RUNTIME RO XP",
)


@pytest.mark.parametrize(
    ("kernel", "accesses"),
    [
        ((6, 12), ["RW", "RX", "R"]),
        ((5, 19), ["RW", "RX", "R"]),
        ((5, 18), ["RW", "RW"]),  # the bit W stayed
    ],
)
def test_the_table_takes_away_what_the_kernel_knows_to_take(
    plan: Plan, kernel: tuple[int, ...], accesses: list[str]
) -> None:
    there = platform(CODE, architecture="riscv64", memory_attributes_table=TABLE)
    made = plan(on=there, kernel=kernel)
    assert [one.access for one in made.protections] == accesses
    assert made.mappings[0].access == "RWX"
    assert made.protections[0].virtual == (0x20000000, 0x20001000)
    assert plan(on=there, memory_attributes=False).protections == ()


@pytest.mark.parametrize(
    "entry",
    [
        "EfiRuntimeServicesData 0xbe720000 1 RUNTIME XP",  # of another type
        "EfiRuntimeServicesCode 0xbe723000 2 RUNTIME XP",  # reaches beyond
        "EfiRuntimeServicesCode 0xbe720000 1 ?",
    ],
)
def test_an_entry_that_fits_no_region_takes_nothing(plan: Plan, entry: str) -> None:
    there = platform(CODE, architecture="riscv64", memory_attributes_table=[entry])
    assert plan(on=there).protections == ()
