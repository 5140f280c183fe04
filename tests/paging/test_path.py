"""Which entry of each table an address selects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.paging import Level, RadixGeometry, out_of_reach, path

FOUR_LEVEL = RadixGeometry(
    name="four",
    levels=(
        Level("PGD", shift=39, bits=9),
        Level("PUD", shift=30, bits=9, leaf=True),
        Level("PMD", shift=21, bits=9, leaf=True),
        Level("PTE", shift=12, bits=9, leaf=True),
    ),
)
TWO_LEVEL_64K = RadixGeometry(
    name="64k",
    levels=(Level("L2", shift=29, bits=13, leaf=True), Level("L3", shift=16, bits=13, leaf=True)),
)


def indices(geometry: RadixGeometry, address: int) -> list[int]:
    return [step.number for step in path(geometry, address)]


def test_the_efi_window_of_linux_hangs_below_the_last_entry_of_the_root() -> None:
    # From -68 GiB to -4 GiB: entries 444 to 507 of one table.
    assert indices(FOUR_LEVEL, 0xFFFFFFEF00000000) == [511, 444, 0, 0]
    assert indices(FOUR_LEVEL, 0xFFFFFFFEFFFFF000) == [511, 507, 511, 511]


@given(st.integers(0, (1 << 42) - 1))
def test_the_indices_spell_the_address(address: int) -> None:
    steps = path(TWO_LEVEL_64K, address)
    assert sum(step.number << step.level.shift for step in steps) == address - address % 0x10000


@pytest.mark.parametrize(
    ("address", "beyond"),
    [
        (0, False),
        (0xFFFF_8000_0000_0000, False),
        (0x0000_7FFF_FFFF_FFFF, False),
        (0x0000_8000_0000_0000, True),
        (0x0000_FFFF_FFFF_FFFF, True),
        (1 << 64, True),
        (0x0001_0000_0000_0000, True),
        (0xFFFF_7FFF_FFFF_FFFF, True),
    ],
)
def test_bits_above_the_tree_repeat_its_highest_bit(address: int, beyond: bool) -> None:
    assert out_of_reach(FOUR_LEVEL, address) is beyond
