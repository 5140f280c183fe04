"""The picture of a mapping."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.api import ReadingOptions, open_source, read_source
from efipolicy.drawing.mapping import describe_mapping, mapping_svg
from efipolicy.drawing.mapping_alike import places_of
from efipolicy.drawing.mapping_foot import percent, use_text
from efipolicy.drawing.mapping_picture import MappingPicture, offset_text
from efipolicy.drawing.mapping_ribbons import MOST_RIBBONS
from efipolicy.drawing.svg import Form
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.model.address import AddressRange, size_text
from efipolicy.model.mapping import (
    Mapping,
    MappingPlan,
    Placement,
    PlacementWindow,
    PlanProblem,
    PlanStatus,
    RuntimeCall,
)
from efipolicy.model.memory_map import MemoryMap
from efipolicy.plugin.discovery import EntryPoint, entry_points
from efipolicy.plugin.registry import Registry
from tests.conftest import FIXTURES, PLATFORMS, ROOT
from tests.drawing.maps import RUNTIME_WB, crowd, finding, map_of
from tests.drawing.text_boxes import SVG, misplaced, text_boxes

OVMF5 = FIXTURES / "platforms" / "ovmf5.yaml"
CAPTURES = ROOT / "tests" / "captures"
EXAMPLES = PLATFORMS.parent / "examples"
EMPTY = MemoryMap(descriptors=())
GIB = 1 << 30
TOP = 1 << 64
FORMS: tuple[Form, ...] = ("inline", "standalone", "print")

# Five address pairs of Borislav Petkov's mail of 2013-10-02 about mapping them at a constant
# distance; the mail prints no types.
FIVE = [
    (0x80_0000, 0x100_0000, 4),
    (0x7C00_0000, 0x7C02_0000, 4),
    (0x7DC5_B000, 0x7E14_6000, 3),
    (0x7FA6_5000, 0x7FFE_0000, 5),
    (0x7FFE_0000, 0x8000_0000, 6),
]
OFFSET = 0xFFFF_FFFE_8000_0000
TOPDOWN = [
    0xFFFF_FFFE_FEC0_0000,
    0xFFFF_FFFE_FF40_0000,
    0xFFFF_FFFE_FF45_B000,
    0xFFFF_FFFE_FFA6_5000,
    0xFFFF_FFFE_FFFE_0000,
]
# Regions of an arm64 machine, made up, where the EFI stub puts them.
STUB = [
    (0x900_0000, 0x901_0000, 11, 0x2000_0000),
    (0x4_3FF8_0000, 0x4_3FFA_0000, 6, 0x2001_0000),
    (0x4_3FFA_0000, 0x4_4002_0000, 5, 0x2003_0000),
    (0x4_4002_0000, 0x4_400B_0000, 6, 0x200B_0000),
    (0x4_4040_0000, 0x4_4080_0000, 5, 0x2020_0000),
    (0x4_40A1_0000, 0x4_40A2_0000, 6, 0x2060_0000),
]


def mapped(start: int, end: int, kind: int = 6, virtual: int | None = None, **more) -> Mapping:
    return Mapping(AddressRange(start, end), virtual, kind, "RW", "WB", kind in (5, 6, 11), **more)


BELOW_4G = PlacementWindow(TOP - 68 * GIB, TOP - 4 * GIB, "EFI_VA_END", "EFI_VA_START")
STUB_AREA = PlacementWindow(0x2000_0000, 1 << 48, "EFI_RT_VIRTUAL_BASE", "VA limit, 48-bit")
ITANIUM = (
    PlacementWindow(6 << 61, 7 << 61, "region 6, uncached"),
    PlacementWindow(7 << 61, TOP, "region 7, cached", "end of the address space"),
)


def plan_of(
    mappings: Sequence[Mapping],
    strategy: str = "third-party",
    status: PlanStatus = "ok",
    **more,
) -> MappingPlan:
    call = RuntimeCall("CR3", "everything")
    return MappingPlan(strategy, {}, status, tuple(mappings), (), None, call, **more)


FIXED_PLAN = plan_of(
    [mapped(*one, one[0] + OFFSET) for one in FIVE],
    "x86-fixed-window",
    placement=Placement(
        (BELOW_4G._replace(low_name="lowest allowed", high_name="exclusive"),), "none"
    ),
)
TOPDOWN_PLAN = plan_of(
    [mapped(*one, virtual) for one, virtual in zip(FIVE, TOPDOWN, strict=True)][::-1],
    "x86-topdown",
    placement=Placement((BELOW_4G,), "down"),
)
STUB_PLAN = plan_of(
    [mapped(*one) for one in STUB],
    "arm64-stub-virtmap",
    placement=Placement((STUB_AREA,), "up", ("Each region takes the next slot.",)),
)


def drawn(plan: MappingPlan, memory_map: MemoryMap = EMPTY, **more) -> str:
    return mapping_svg(plan, memory_map, figure_id="mp", title="A mapping", **more)


def texts(svg: str) -> list[str]:
    return [box.text for box in text_boxes(svg)[0]]


def holes(cells) -> list[str]:
    return [size_text(cell.span.size) for cell in cells if cell.kind == "hole"]


def path_of(svg: str, family: str) -> list[str]:
    return re.findall(rf'd="(M\d+ [^"]*)" class="ep-{family} ep-rib"', svg)


def heights(cells) -> list[float]:
    return [round(cell.height, 1) for cell in cells]


def pictured(
    path: Path, strategy: str, registry: Registry, **options: str
) -> tuple[MappingPlan, MemoryMap]:
    read, _ = read_source(open_source(str(path)), registry, ReadingOptions())
    assert read is not None
    made = planned(read.platform, registry, PlanChoice(strategy=strategy, options=options))
    return made.plan, read.platform.memory_map


def test_the_drawing_of_october_2013_is_that_of_the_design():
    picture = describe_mapping(FIXED_PLAN, EMPTY)
    assert picture.direction == "none"
    assert picture.windows[0].virtual == AddressRange(TOP - 68 * GIB, TOP - 4 * GIB)
    assert [ribbon.label for ribbon in picture.ribbons] == [
        "Boot Data",
        "Boot Data",
        "Boot Code",
        "RT Code",
        "RT Data",
    ]
    assert heights(picture.physical.cells) == [30, 35.9, 24, 26.1, 27.9, 25.8, 28.4, 24]
    assert heights(picture.virtual.cells) == [40, 30, 35.9, 24, 26.1, 27.9, 25.8, 28.4, 24]
    shared = ["\N{ALMOST EQUAL TO}1.92 GiB", "\N{ALMOST EQUAL TO}28.2 MiB"]
    shared.append("\N{ALMOST EQUAL TO}25.1 MiB")
    assert holes(picture.physical.cells) == shared
    assert holes(picture.virtual.cells) == ["\N{ALMOST EQUAL TO}62 GiB", *shared]
    (frame,) = picture.virtual.frames
    assert (frame.y, round(frame.height, 1)) == (54, 268.1)
    said = texts(drawn(FIXED_PLAN))
    assert "every region: VA \N{MINUS SIGN} PA = 0xffff_fffe_8000_0000" in said
    assert "\N{MINUS SIGN}68 GiB, lowest allowed" in said
    assert "\N{MINUS SIGN}4 GiB, exclusive" in said
    assert [one for one in said if one.startswith("0xffff")] == [
        "0xffff_ffef_0000_0000",
        "0xffff_fffe_8080_0000",
        "0xffff_fffe_8100_0000",
        "0xffff_fffe_fc00_0000",
        "0xffff_fffe_fc02_0000",
        "0xffff_fffe_fdc5_b000",
        "0xffff_fffe_fe14_6000",
        "0xffff_fffe_ffa6_5000",
        "0xffff_fffe_fffe_0000",
        "0xffff_ffff_0000_0000",
    ]
    assert "1" not in said
    assert "allocation" not in said


def test_the_ribbons_of_october_2013_run_as_designed():
    (path,) = path_of(drawn(FIXED_PLAN), "rtd")
    there, back = path.split("V322.1")
    assert there == "M200 275.1H336C401 275.1 401 298.1 466 298.1H500"
    assert back == "H466C401 322.1 401 299.1 336 299.1H200Z"


def test_the_top_down_drawing_is_that_of_the_design():
    picture = describe_mapping(TOPDOWN_PLAN, EMPTY)
    assert picture.direction == "down"
    assert [ribbon.order for ribbon in picture.ribbons] == ["5", "4", "3", "2", "1"]
    assert [ribbon.regions[0].virtual_start for ribbon in picture.ribbons] == TOPDOWN
    assert holes(picture.virtual.cells) == [
        "\N{ALMOST EQUAL TO}64 GiB",
        "236 KiB",
        "\N{ALMOST EQUAL TO}1.12 MiB",
    ]
    (frame,) = picture.virtual.frames
    assert (round(frame.y, 1), round(frame.height, 1)) == (54.9, 220.3)
    said = texts(drawn(TOPDOWN_PLAN))
    assert "\N{MINUS SIGN}68 GiB, EFI_VA_END" in said
    assert "\N{MINUS SIGN}4 GiB, EFI_VA_START" in said
    assert "allocation" in said
    assert "20 MiB spanned, \N{ALMOST EQUAL TO}18.6 MiB mapped, of 64 GiB (0.031 %)" in said
    (path,) = path_of(drawn(TOPDOWN_PLAN), "rtd")
    there, back = path.split("V275.2")
    assert there == "M200 252.1H336C401 252.1 401 251.2 466 251.2H500"
    assert back == "H466C401 275.2 401 276.1 336 276.1H200Z"


def test_the_arm64_drawing_is_that_of_the_design():
    memory_map = map_of(*((one[2], one[0], 16, RUNTIME_WB) for one in STUB))
    plan = STUB_PLAN._replace(
        mappings=tuple(
            one._replace(descriptors=(index,)) for index, one in enumerate(STUB_PLAN.mappings)
        )
    )
    found = [finding(0, "RT-120")]
    picture = describe_mapping(plan, memory_map, findings=found)
    assert picture.direction == "up"
    assert [ribbon.order for ribbon in picture.ribbons] == list("123456")
    assert holes(picture.physical.cells) == [
        "\N{ALMOST EQUAL TO}16.9 GiB",
        "\N{ALMOST EQUAL TO}3.31 MiB",
        "\N{ALMOST EQUAL TO}2.06 MiB",
    ]
    assert holes(picture.virtual.cells) == ["768 KiB", "\N{ALMOST EQUAL TO}256 TiB"]
    (frame,) = picture.virtual.frames
    assert (round(frame.y, 1), round(frame.height, 1)) == (61.6, 213)
    svg = drawn(plan, memory_map, findings=found)
    said = texts(svg)
    assert {"0x0000_2000_0000", "EFI_RT_VIRTUAL_BASE", "0x1_0000_0000_0000"} <= set(said)
    assert {"VA limit, 48-bit", "RT-120", "0x0000_2061_0000"} <= set(said)
    assert any(one.endswith("(< 0.01 %)") for one in said)
    assert path_of(svg, "mmio") == [
        "M200 54H405C435.5 54 435.5 61.6 466 61.6H500V85.6H466C435.5 85.6 435.5 78 405 78H200Z"
    ]


REAL = [
    (OVMF5, "x86-topdown"),
    (OVMF5, "x86-fixed-window"),
    (OVMF5, "identity"),
    (PLATFORMS / "ovmf-x86_64.yaml", "x86-topdown"),
    (PLATFORMS / "ovmf-x86_64.yaml", "x86-mixed"),
    (PLATFORMS / "ovmf-x86_64.yaml", "windows-virtual"),
    (PLATFORMS / "broken-x86_64.yaml", "x86-topdown"),
    (PLATFORMS / "aavmf-arm64.yaml", "arm64-stub-virtmap"),
    (PLATFORMS / "hp-rx8620-ia64.yaml", "ia64-region67"),
    (PLATFORMS / "hp-rx8620-ia64.yaml", "ia64-physical"),
    (EXAMPLES / "small-i386.yaml", "i386-ioremap"),
    (EXAMPLES / "small-arm64.yaml", "arm64-ioremap-svam"),
    (CAPTURES / "01-hp-superdome2-linux-x86-v1.txt", "x86-topdown"),
    (CAPTURES / "03-huawei-d05-linux-arm64.txt", "arm64-stub-virtmap"),
    (CAPTURES / "31-ampere-emag-linux-arm64-tabs.txt", "arm64-separate-random"),
    (CAPTURES / "40-clevo-p65xsg-ami-linux-x86-raw.txt", "x86-topdown"),
]
of_each = pytest.mark.parametrize(
    ("path", "strategy"), REAL, ids=[f"{path.stem}-{name}" for path, name in REAL]
)


def checked(plan: MappingPlan, memory_map: MemoryMap, **more) -> MappingPicture:
    """The picture, after what holds of every one."""
    picture = describe_mapping(plan, memory_map, **more)
    ribboned = [region for ribbon in picture.ribbons for region in ribbon.regions]
    assert ribboned == list(picture.regions)
    assert {region.physical for region in ribboned} >= {one.physical for one in plan.mappings}
    bands = [cell.ribbon for cell in picture.physical.cells if cell.kind == "band"]
    assert bands == list(range(len(picture.ribbons)))
    there = sorted(cell.ribbon for cell in picture.virtual.cells if cell.ribbon is not None)
    placed = [at for at, ribbon in enumerate(picture.ribbons) if ribbon.virtual is not None]
    assert there == placed
    _, *rest = (str(picture) + "\n").splitlines(keepends=True) or [""]
    assert "nan" not in "".join(rest)
    for form in FORMS:
        svg = drawn(plan, memory_map, form=form, **more)
        ET.fromstring(svg)
        if form != "print":
            assert misplaced(svg) == []
        else:
            assert "var(" not in svg
    return picture


@of_each
def test_real_maps_have_every_region_once_and_no_text_on_another(
    path: Path, strategy: str, registry: Registry
):
    plan, memory_map = pictured(path, strategy, registry)
    picture = checked(plan, memory_map)
    descriptors = {index for region in picture.regions for index in region.descriptors}
    assert {one.index for one in memory_map.runtime} <= descriptors
    assert len(drawn(plan, memory_map).encode()) < 20_000


def test_the_same_plan_gives_the_same_bytes_whatever_the_hash_seed():
    code = (
        "from tests.drawing.test_mapping import *\nimport sys; sys.stdout.write(drawn(STUB_PLAN))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {drawn(STUB_PLAN).encode()}


def test_many_regions_of_a_type_share_ribbons_and_no_finding_does():
    mappings = [
        mapped(
            0x100_0000 * n, 0x100_0000 * (n + 1), 6, 0x2000_0000 + 0x100_0000 * n, descriptors=(n,)
        )
        for n in range(20)
    ]
    memory_map = map_of(*((6, one.physical.start, 0x1000, RUNTIME_WB) for one in mappings))
    assert len(describe_mapping(plan_of(mappings[:MOST_RIBBONS]), EMPTY).ribbons) == MOST_RIBBONS
    picture = checked(plan_of(mappings), memory_map, findings=[finding(7)])
    assert [ribbon.label for ribbon in picture.ribbons] == [
        "7 \N{MULTIPLICATION SIGN} RT Data",
        "RT Data",
        "12 \N{MULTIPLICATION SIGN} RT Data",
    ]
    assert picture.ribbons[1].findings == (finding(7),)


def test_regions_that_are_no_neighbours_in_both_columns_do_not_share_a_ribbon():
    mappings = [
        mapped(0x100_0000 * n, 0x100_0000 * (n + 1), 6, 0x1000_0000_0000 + 0x1_0000_0000 * place)
        for n, place in enumerate([0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15])
    ]
    assert len(checked(plan_of(mappings), EMPTY).ribbons) == 16


def test_a_fold_keeps_runtime_regions_apart_from_others(registry: Registry):
    read, _ = read_source(open_source(str(OVMF5)), registry, ReadingOptions())
    assert read is not None
    platform = replace(read.platform, memory_map=crowd(500))
    made = planned(platform, registry, PlanChoice(strategy="x86-topdown"))
    before = time.perf_counter()
    picture = describe_mapping(made.plan, platform.memory_map)
    svg = drawn(made.plan, platform.memory_map)
    assert time.perf_counter() - before < 2
    assert misplaced(svg) == []
    runtime = [ribbon for ribbon in picture.ribbons if any(r.runtime for r in ribbon.regions)]
    assert len(runtime) == 20
    assert all(len(ribbon.regions) == 1 for ribbon in runtime)
    assert sum(len(ribbon.regions) for ribbon in picture.ribbons) == len(made.plan.mappings)
    assert picture.physical.height < 2200
    assert len(svg.encode()) < 60_000


def test_a_hole_that_a_fold_leaves_out_is_a_broken_line():
    apart = [mapped(GIB * 9 * n, GIB * 9 * n + 0x1000, 6, GIB * 40 * n) for n in range(16)]
    picture = describe_mapping(plan_of(apart), EMPTY)
    assert len(picture.ribbons) == 1
    assert drawn(plan_of(apart)).count('class="ep-break"') == 2


def test_a_region_outside_the_window_is_below_the_frame_and_says_how_far():
    window = PlacementWindow(0x8000_0000, 0xC000_0000, "low", "high")
    mappings = [
        mapped(0, GIB // 2, 6, 0xA000_0000),
        mapped(GIB, 2 * GIB + GIB // 2, 5, 0x4000_0000),
    ]
    plan = plan_of(mappings, placement=Placement((window,), "down"))
    picture = checked(plan, EMPTY)
    (frame,) = picture.virtual.frames
    outside = next(cell for cell in picture.virtual.cells if cell.ribbon == 1)
    assert outside.y > frame.y + frame.height
    svg = drawn(plan)
    assert "outside the window by 1 GiB" in texts(svg)
    assert 'class="ep-error-l"' in svg
    assert use_text(picture.regions, window).startswith("512 MiB spanned, 512 MiB mapped")


def test_a_region_without_an_address_ends_in_a_cross_with_the_reason():
    problem = PlanProblem(
        "linux/runtime-window-overflow", "no room left for 1 MiB", AddressRange(0x1000, 0x10_1000)
    )
    plan = plan_of(
        [mapped(0x1000, 0x10_1000), mapped(GIB, 2 * GIB, 5, 0xFFFF_FFFE_0000_0000)],
        "x86-topdown",
        "impossible",
        problems=(problem,),
        placement=Placement((BELOW_4G,), "down"),
    )
    picture = checked(plan, EMPTY)
    assert picture.ribbons[0].missing == "not mapped: no room left for 1 MiB"
    said = texts(drawn(plan))
    assert any(one.startswith("not mapped: no room") for one in said)
    assert "RT Data at 0x1000, not mapped: no room left for 1 MiB" in said
    assert "The plan is impossible: the strategy cannot do this." in said


def test_an_address_that_no_input_tells_is_not_known_rather_than_missing(registry: Registry):
    plan, memory_map = pictured(EXAMPLES / "small-i386.yaml", "i386-ioremap", registry)
    said = texts(drawn(plan, memory_map))
    assert sum(one.startswith("address not known") for one in said) == 3
    assert not any(one.startswith("not mapped") for one in said)


def test_runtime_memory_that_a_plan_leaves_out_is_not_lost():
    memory_map = map_of(
        (6, 0x1000, 1, RUNTIME_WB), (6, 0x2000, 0, RUNTIME_WB), (5, TOP - 0x1000, 9, RUNTIME_WB)
    )
    picture = checked(plan_of([]), memory_map)
    assert [region.reason for region in picture.regions] == [
        "the strategy leaves it out",
        "it has no pages",
        "it ends beyond the 64-bit addresses",
    ]


def test_an_empty_plan_says_so():
    assert "The plan maps nothing." in texts(drawn(plan_of([])))
    assert misplaced(drawn(plan_of([]))) == []
    assert misplaced(drawn(plan_of([], placement=Placement((BELOW_4G,), "down")))) == []


def test_identity_says_so_and_both_columns_are_alike():
    plan = plan_of([mapped(one[0], one[1], one[2], one[0]) for one in FIVE], "identity")
    picture = checked(plan, EMPTY)
    assert picture.offset == 0
    assert picture.physical_groups == picture.virtual_groups == 2
    assert heights(picture.physical.cells) == heights(picture.virtual.cells)
    assert "every region: VA = PA" in texts(drawn(plan))


def test_an_offset_may_be_negative():
    assert offset_text(-0x1000) == "VA \N{MINUS SIGN} PA = \N{MINUS SIGN}0x0000_1000"
    plan = plan_of([mapped(GIB, 2 * GIB, 6, 0), mapped(3 * GIB, 4 * GIB, 5, 2 * GIB)])
    assert checked(plan, EMPTY).offset == -GIB


def test_the_second_mapping_of_a_region_is_told_not_drawn():
    again = tuple(
        one._replace(virtual_start=one.physical.start, why="1:1, for old firmware")
        for one in TOPDOWN_PLAN.mappings
    )
    plan = TOPDOWN_PLAN._replace(extra=again)
    assert describe_mapping(plan, EMPTY) == describe_mapping(TOPDOWN_PLAN, EMPTY)
    words = "Every region has a second mapping, which is not drawn: 1:1, for old firmware."
    assert words in texts(drawn(plan))
    twice = TOPDOWN_PLAN._replace(mappings=(*TOPDOWN_PLAN.mappings, again[0]))
    assert len(checked(twice, EMPTY).regions) == 5
    assert any(
        one.startswith("Ranges that the plan maps more than once: 1") for one in texts(drawn(twice))
    )


def test_itanium_has_a_frame_for_each_of_its_regions(registry: Registry):
    plan, memory_map = pictured(PLATFORMS / "hp-rx8620-ia64.yaml", "ia64-region67", registry)
    picture = describe_mapping(plan, memory_map)
    assert [frame.window.low_name for frame in picture.virtual.frames] == [
        "region 6, uncached",
        "region 7, cached",
    ]
    said = texts(drawn(plan, memory_map))
    assert said.count("0xe000_0000_0000_0000") == 1
    assert "2^64" in said
    assert not any(ribbon.outside for ribbon in picture.ribbons)


def test_addresses_of_57_bits_have_sixteen_digits():
    plan = plan_of(
        [
            mapped(0x1_2345_6789_A000, 0x1_2345_6799_A000, 5, 0xFF00_0000_0000_0000),
            mapped(0xF_FFFF_0000_0000, 0xF_FFFF_4000_0000, 6, 0xFF20_0000_0000_0000),
        ]
    )
    checked(plan, EMPTY)
    said = texts(drawn(plan))
    assert {"0x0001_2345_6789_a000", "0xff20_0000_0000_0000"} <= set(said)


def test_a_random_base_is_drawn_fixed_and_said(registry: Registry):
    def noted(**options: str) -> str:
        plan, memory_map = pictured(
            PLATFORMS / "aavmf-arm64.yaml", "arm64-stub-virtmap", registry, **options
        )
        return " ".join(texts(drawn(plan, memory_map)))

    assert "drawn without randomisation" in noted(kernel="5.10")
    assert "randomis" not in noted(kernel="6.12")
    assert "The base is random" in noted(kernel="5.10", random="77")


STRANGER = """
from efipolicy.plugin import (
    Mapping, MappingPlan, Placement, PlacementWindow, RuntimeCall, Strategy, hookimpl
)

EFIPOLICY_API = 1


def upwards(request):
    at, mappings = 1 << 40, []
    for one in request.platform.memory_map.runtime:
        mappings.append(Mapping(one.physical, at, one.type, "RWX", "WB", True, (one.index,)))
        at += one.physical.size
    window = PlacementWindow(1 << 40, 2 << 40, "ACME_LOW", "ACME_HIGH")
    return MappingPlan(
        "acme-upwards", {}, "ok", tuple(mappings), (), None, RuntimeCall("CR3", "nothing else"),
        placement=Placement((window,), "up", ("As Acme does it.",)),
    )


@hookimpl
def efipolicy_strategies():
    yield Strategy(name="acme-upwards", title="Acme: upwards", plan=upwards)
"""


def test_a_strangers_strategy_has_the_frame_of_the_window_it_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "acme_upwards.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(str(tmp_path))
    stranger = EntryPoint("acme", "acme_upwards", "efipolicy-acme", "1.0")
    registry = Registry([*entry_points(), stranger])
    plan, memory_map = pictured(PLATFORMS / "ovmf-x86_64.yaml", "acme-upwards", registry)
    picture = checked(plan, memory_map)
    (frame,) = picture.virtual.frames
    assert frame.window.virtual == AddressRange(1 << 40, 2 << 40)
    assert picture.direction == "up"
    assert not any(ribbon.outside for ribbon in picture.ribbons)
    svg = drawn(plan, memory_map)
    assert {"ACME_LOW", "ACME_HIGH", "As Acme does it.", "window use"} <= set(texts(svg))
    assert svg.count('class="ep-win"') == 1


def test_strategies_that_state_no_window_tell_their_direction_by_their_addresses():
    up = plan_of([mapped(GIB * n, GIB * n + 0x1000, 6, 0x1000 * n) for n in range(1, 4)])
    assert describe_mapping(up, EMPTY).direction == "up"
    down = plan_of(up.mappings[::-1])
    assert describe_mapping(down, EMPTY).direction == "down"
    mixed = plan_of([up.mappings[0], up.mappings[2], up.mappings[1]])
    assert describe_mapping(mixed, EMPTY).direction == "none"
    assert "addresses" in texts(drawn(up))
    assert "window use" not in texts(drawn(up))


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 9, "0 %"),
        (1, 1 << 40, "< 0.01 %"),
        (31, 100_000, "0.031 %"),
        (31, 1000, "3.1 %"),
        (64, 64, "100 %"),
        (999_999, 1_000_000, "99.9 %"),
    ],
)
def test_shares_have_two_digits_and_never_round_to_none_or_all(part: int, whole: int, text: str):
    assert percent(part, whole) == text


def test_a_finding_is_a_link_and_printed_pictures_have_none():
    memory_map = map_of(*((one[2], one[0], 16, RUNTIME_WB) for one in FIVE))
    plan = FIXED_PLAN._replace(
        mappings=tuple(
            one._replace(descriptors=(index,)) for index, one in enumerate(FIXED_PLAN.mappings)
        )
    )
    more = {"findings": [finding(0), finding(1), finding(1, "RT-009")], "table_id": "v"}
    svg = drawn(plan, memory_map, **more)
    assert 'href="rule.html"' in svg
    assert 'href="#v-4" tabindex="-1"' in svg.replace(' id="mp-4"', "")
    assert 'role="group"' in svg
    assert "<a " not in drawn(plan, memory_map, form="print", **more)
    assert 'role="img"' in drawn(plan, memory_map, form="print", **more)
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    titles = [one.text or "" for one in ET.fromstring(svg).iter(f"{SVG}title")]
    assert any("physical 0x0080_0000 to 0x0100_0000 (8 MiB) maps to" in one for one in titles)


_ADDRESSES = st.integers(0, (1 << 52) - 1).map(lambda page: page << 12)
_REGIONS = st.builds(
    lambda start, power, kind, virtual: mapped(start, start + (1 << power), kind, virtual),
    _ADDRESSES,
    st.integers(12, 52),
    st.sampled_from([0, 3, 4, 5, 6, 7, 10, 11, 13, 31, 0x7000_0001, 0x8000_0000]),
    st.none() | _ADDRESSES,
)


@given(
    mappings=st.lists(_REGIONS, max_size=24),
    windows=st.sampled_from([(), (BELOW_4G,), (STUB_AREA,), ITANIUM]),
)
def test_whatever_a_plan_says_it_is_drawn_whole_and_readable(
    mappings: list[Mapping], windows: tuple[PlacementWindow, ...]
):
    checked(plan_of(mappings, placement=Placement(windows)), EMPTY)


def test_plans_with_the_same_addresses_share_a_picture_that_tells_what_each_permits():
    regions = [mapped(0x100_0000, 0x110_0000, 5, 0x100_0000), mapped(GIB, GIB + 0x1000, 6, GIB)]
    first = plan_of(regions, "identity")
    rwx = plan_of([one._replace(access="RWX") for one in regions], "freebsd-1to1")
    second = plan_of([rwx.mappings[0], regions[1]], "openbsd-pmap")
    elsewhere = plan_of([regions[0], regions[1]._replace(virtual_start=2 * GIB)], "elsewhere")
    keys = [places_of(plan, EMPTY) for plan in (first, rwx, second, elsewhere)]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    svg = drawn(first, alike=[rwx, second])
    told = " ".join(title for title in re.findall(r"<title>([^<]*)", svg) if "maps to" in title)
    assert "RW WB by identity, RWX WB by freebsd-1to1 and openbsd-pmap" in told
    assert "RW WB by identity and openbsd-pmap, RWX WB by freebsd-1to1" in told
    assert "mapped by identity and freebsd-1to1 and openbsd-pmap" in svg
    assert drawn(first, alike=[]) == drawn(first)
    assert " by " not in re.sub("mapped by", "", " ".join(re.findall("<title>[^<]*", drawn(first))))


def test_notes_and_accesses_alone_do_not_part_plans():
    regions = [mapped(0x100_0000, 0x110_0000, 5, 0x100_0000)]
    noted = plan_of(regions, "noted", placement=Placement(notes=("It has a note.",)))
    assert places_of(noted, EMPTY) == places_of(plan_of(regions), EMPTY)
    incomplete = plan_of(regions, status="incomplete")
    assert places_of(incomplete, EMPTY) != places_of(plan_of(regions), EMPTY)
