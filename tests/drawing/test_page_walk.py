"""The picture of a page walk."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from efipolicy.drawing.page_walk import (
    address_parts,
    describe_page_walk,
    page_walk_ends,
    page_walk_svg,
    step_words,
)
from efipolicy.drawing.svg import Form
from efipolicy.engine.locating import whereabouts
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.engine.walkers import walker_of
from efipolicy.engine.walking import Walked
from efipolicy.model.platform import Platform
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.strategy_examples import platform_at
from tests.conftest import PLATFORMS
from tests.drawing.text_boxes import SVG, misplaced

OVMF, AAVMF, RX8620 = (
    platform_at(str(PLATFORMS / f"{name}.yaml"))
    for name in ("ovmf-x86_64", "aavmf-arm64", "hp-rx8620-ia64")
)
EVERY = [
    pytest.param(platform, name, id=f"{platform.name}-{name}")
    for platform in (OVMF, AAVMF, RX8620)
    for name, strategy in sorted(registry().strategies.items())
    if not strategy.architectures or platform.architecture in strategy.architectures
]
"""Each strategy on the platforms of its architectures."""

TAKEN_OUT = (
    "planned physical 0x7f8e_e123 WB, but it is taken out again once SetVirtualAddressMap is done"
)
GRANULE = "granule 0xe000_0040_ff00_0000-0xe000_0041_0000_0000 RWX WB"


def walks(
    platform: Platform, address: int, strategy: str, **choice: object
) -> tuple[Planned, list[Walked]]:
    """The plan of a strategy, and every walk of an address in it."""
    made = planned(platform, registry(), PlanChoice(strategy=strategy, **choice))  # type: ignore[arg-type]
    walker = walker_of(made, platform)
    found = whereabouts(platform, address, plan=made.plan, geometry=made.geometry, walker=walker)
    return made, [walked for one in found for walked in one.walks]


def picture(made: Planned, walked: Walked, form: Form = "standalone") -> str:
    return page_walk_svg(
        walked,
        made.geometry,
        figure_id="walk",
        title=f"Page walk of {walked.address:#x}",
        facts=made.plan.strategy,
        form=form,
    )


def test_a_walk_is_told_part_by_part_and_entry_by_entry():
    made, (walked, _) = walks(OVMF, 0x7F5EC123, "x86-topdown")
    assert describe_page_walk(walked, made.geometry).splitlines() == [
        "bits 63\N{EN DASH}48 select nothing 0xffff",
        "bits 47\N{EN DASH}39 PGD 511",
        "bits 38\N{EN DASH}30 PUD 507",
        "bits 29\N{EN DASH}21 PMD 504",
        "bits 20\N{EN DASH}12 PTE 492",
        "bits 11\N{EN DASH}0 offset 0x123",
        "PGD[511] flags 0x63 leads to a table",
        "PUD[507] flags 0x63 leads to a table",
        "PMD[504] flags 0x63 leads to a table",
        "PTE[492] 0x8000_0000_7f5e_c023 maps 4 KiB at 0x7f5e_c000, RW WB",
        "physical 0x7f5e_c123: read, write, WB",
        "execute: #PF, error code 0x11 (P, I); PTE[492] = 0x8000_0000_7f5e_c023",
        "mapped RWX, protected afterwards: RW",
    ]


def test_what_is_taken_out_again_ends_at_an_empty_entry():
    made, found = walks(OVMF, 0x7F8EE123, "x86-topdown")
    walked = found[0]
    assert step_words(walked.steps[-1]) == "empty"
    assert page_walk_ends(walked) == [
        "#PF, error code 0x0 (not present); PMD[506] is empty",
        TAKEN_OUT,
    ]
    assert address_parts(walked, made.geometry)[-1].bits_text == "20\N{EN DASH}0"
    assert picture(made, walked).count('class="ep-error"') == 2


def test_an_address_of_itanium_has_a_region_and_what_it_spells():
    made, (walked,) = walks(RX8620, 0x40FF556010, "ia64-region67")
    assert describe_page_walk(walked, made.geometry).splitlines() == [
        "bits 63\N{EN DASH}61 region 7",
        "bits 60\N{EN DASH}0 offset 0x40ff556010",
        f"no tables: region 7, {GRANULE}, filled in on a miss",
        "physical 0x0040_ff55_6010: read, write, execute, WB",
    ]


@pytest.mark.parametrize(("platform", "strategy"), EVERY)
def test_every_walk_has_all_bits_of_its_address_and_every_text_its_place(
    platform: Platform, strategy: str
):
    found = [
        (made, walked)
        for region in platform.memory_map.runtime
        for made, each in [walks(platform, region.physical.end - 1, strategy)]
        for walked in each
    ]
    for made, walked in found[:40]:
        parts = address_parts(walked, made.geometry)
        assert sum(part.value << part.low for part in parts) == walked.address
        assert [part.high for part in parts[1:]] == [part.low - 1 for part in parts[:-1]]
        assert (parts[0].high, parts[-1].low) == (63, 0)
        svg = picture(made, walked)
        assert misplaced(svg) == []
        ids = {element.get("id") for element in ET.fromstring(svg).iter(f"{SVG}g")}
        assert {f"walk-{step.level.name}" for step in walked.steps} <= ids


@pytest.mark.parametrize("bits", [39, 48, 52])
def test_levels_are_those_of_the_width_that_is_chosen(bits: int):
    made, found = walks(AAVMF, 0x7C440010, "arm64-stub-virtmap", virtual_address_bits=bits)
    parts = address_parts(found[0], made.geometry)
    assert [part.name for part in parts if part.name.startswith("L")] == [
        step.level.name for step in found[0].steps
    ]
    assert parts[1].high == made.geometry.virtual_address_bits - 1
    assert misplaced(picture(made, found[0])) == []


def test_a_printed_picture_has_neither_classes_nor_links():
    made, (walked, _) = walks(OVMF, 0x7F5EC123, "x86-topdown")
    printed = picture(made, walked, "print")
    assert "class=" not in printed
    assert "var(" not in printed
    assert picture(made, walked) == picture(made, walked)


def test_what_a_pointer_shows_explains_every_set_field():
    made, (walked, _) = walks(OVMF, 0x7F5EC123, "x86-topdown")
    assert "NX 0x1 not executable" in picture(made, walked)
