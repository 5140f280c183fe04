"""Ranges taken together, and what the descriptors of a type cover."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.address import AddressRange
from efipolicy.model.extents import TypeExtents, united, without
from efipolicy.testing import factories

RANGES = st.lists(
    st.builds(
        lambda start, size: AddressRange(start, start + size),
        st.integers(0, 40),
        st.integers(0, 9),
    ),
    max_size=8,
)


def addresses(ranges: list[AddressRange]) -> set[int]:
    return {address for one in ranges for address in range(one.start, one.end)}


@given(RANGES, RANGES)
def test_ranges_and_what_they_leave_out_are_those_of_their_addresses(
    here: list[AddressRange], there: list[AddressRange]
) -> None:
    assert addresses(united(here)) == addresses(here)
    left = list(without(united(here), united(there)))
    assert addresses(left) == addresses(here) - addresses(there)
    assert left == united(left)


@given(RANGES)
def test_united_ranges_are_in_order_and_apart(ranges: list[AddressRange]) -> None:
    found = united(ranges)
    assert all(one.end < other.start for one, other in pairwise(found))
    assert all(one.size for one in found)


@pytest.mark.parametrize(
    ("line", "covered"),
    [
        ("EfiACPIMemoryNVS 0x1000 4 WB", True),
        ("EfiACPIMemoryNVS 0x2000 2 UC RUNTIME", True),
        ("EfiACPIMemoryNVS 0x1000 5 WB", False),
        ("EfiACPIMemoryNVS 0x0 2 WB", False),
        ("EfiACPIMemoryNVS 0x8000 1 WB", False),
        ("EfiReservedMemoryType 0x1000 4 WB", False),
        ("EfiPalCode 0x1000 1 WB", False),
        ("EfiPalCode 0x1000 0 WB", True),
    ],
)
def test_a_region_is_covered_by_all_descriptors_of_its_type(line: str, covered: bool) -> None:
    lines = (
        "EfiACPIMemoryNVS 0x1000 2 WB",
        "EfiACPIMemoryNVS 0x3000 2 UC",
        "EfiReservedMemoryType 0x5000 1 WB",
    )
    extents = TypeExtents(map(factories.descriptor, lines))
    assert extents.cover(factories.descriptor(line)) is covered
