"""Boot hand-over: the page counts of real kernels, every precondition, and what it all costs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.model.platform import Platform
from efipolicy.plugin import HandoverVariant, RadixGeometry
from efipolicy.plugin.handovers import (
    HandoverJudgement,
    Precondition,
    ZeroedTables,
    handover_request,
)
from efipolicy.plugin.registry import Registry
from efipolicy.testing import platform
from tests.conftest import ROOT

MIB = 1 << 20
OFF, ON, STAGED = "handover-mmu-off", "handover-efi-mmu-on", "handover-staged"
IMAGE = "image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}"
IN_LOADER_CODE = "EfiLoaderCode 0x40200000 0x2200 WB"
CACHES_ON = "platform: {firmware: {environment: {sctlr: [M, C, SA, I]}}}"


@cache
def registry() -> Registry:
    return Registry()


def variant(name: str) -> HandoverVariant:
    return registry().handovers[name]


def handed(handover: str, *rows: str, more: str = "", **given: Any) -> Platform:
    return platform(
        *rows, architecture="arm64", sections=f"handover: {{{handover}}}\n{more}", **given
    )


def judged(name: str, handover: str, *rows: str, more: str = "", **given: Any) -> HandoverJudgement:
    subject = handed(handover, *rows, more=more, **given)
    architecture = registry().architectures["arm64"]
    return variant(name).judge(handover_request(subject, architecture))


def of(judgement: HandoverJudgement, name: str) -> Precondition:
    [found] = [each for each in judgement.preconditions if each.name == name]
    return found


def states(judgement: HandoverJudgement) -> dict[str, str]:
    return {each.name: each.state for each in judgement.preconditions}


# The tables


ROWS = [
    # page size, width: single page, its bytes; whole image of 32 MiB, extra pages, all bytes
    ("4K", 48, 4, 16, 5, 0, 20),
    ("4K", 39, 3, 12, 3, 2, 20),
    ("16K", 47, 3, 48, 6, 2, 128),
    ("16K", 48, 4, 64, 8, 0, 128),
    ("64K", 42, 2, 128, 3, 2, 320),
    ("64K", 48, 3, 192, 5, 0, 320),
]
ROW_IDS = [f"{row[0]}-{row[1]}" for row in ROWS]


def tables_of(name: str, page: str, bits: int, memory_size: int = 32 * MIB) -> list[ZeroedTables]:
    image = f"image: {{base: 0x40200000, size: 0x1000, memory_size: {memory_size:#x}}}"
    mapping = f"mapping: [{{os: linux, page_size: {page}, virtual_address_bits: {bits}}}]"
    return list(judged(name, image, more=mapping).tables)


@pytest.mark.parametrize(("page", "bits", "pages", "kib", "_w", "_e", "_b"), ROWS, ids=ROW_IDS)
def test_a_map_of_one_page_needs_one_table_a_level(page, bits, pages, kib, _w, _e, _b) -> None:
    identity, stub = tables_of(STAGED, page, bits)
    assert (identity.pages, identity.size, identity.at_most) == (pages, kib << 10, False)
    assert (stub.pages, stub.size, stub.at_most) == (pages, kib << 10, True)


@pytest.mark.parametrize(("page", "bits", "_p", "_k", "pages", "extra", "kib"), ROWS, ids=ROW_IDS)
@pytest.mark.parametrize("name", [OFF, ON])
def test_a_map_of_the_whole_image_is_as_large_as_in_6_6(
    name, page, bits, _p, _k, pages, extra, kib
) -> None:
    [whole] = tables_of(name, page, bits)
    assert (whole.pages, whole.size) == (pages + extra, kib << 10)


def test_the_reference_page_has_the_same_numbers() -> None:
    text = (ROOT / "docs" / "reference" / "handovers.rst").read_text()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for page, bits, pages, kib, whole, extra, all_kib in ROWS:
        more = f"{whole} + {extra}" if extra else f"{whole}"
        assert f"{page}/{bits} {pages} {kib} KiB {more} {all_kib} KiB" in lines


def geometries() -> list[RadixGeometry]:
    offered = registry().architectures["arm64"].geometries.values()
    return [g for group in offered for g in group if isinstance(g, RadixGeometry)]


@pytest.mark.parametrize("geometry", geometries(), ids=lambda g: g.name)
def test_levels_are_what_the_width_above_the_page_needs(geometry: RadixGeometry) -> None:
    shift = geometry.page_size.bit_length() - 1
    levels = -(-(geometry.virtual_address_bits - shift) // (shift - 3))
    found = tables_of(STAGED, f"{geometry.page_size >> 10}K", geometry.virtual_address_bits)
    assert found[0].pages == levels


@pytest.mark.parametrize(("page", "bits"), [("4K", 52), ("16K", 52)])
def test_widths_that_6_6_does_not_have_get_no_number(page: str, bits: int) -> None:
    [whole] = tables_of(ON, page, bits)
    assert whole.pages is whole.size is None
    assert "6.6" in (whole.needs or "")


def test_without_a_declared_kernel_each_geometry_has_its_row() -> None:
    found = judged(STAGED, IMAGE).tables
    assert [t.geometry for t in found[::2]] == [g.name for g in geometries()]
    narrow = judged(STAGED, IMAGE, more="mapping: [{virtual_address_bits: 48}]").tables
    assert [t.geometry for t in narrow[::2]] == ["arm64-4k-48", "arm64-16k-48", "arm64-64k-48"]


def test_the_kernel_is_the_first_that_is_linux() -> None:
    more = "mapping: [{os: windows, page_size: 4K}, {os: linux, page_size: 64K}]"
    assert {t.page_size for t in judged(STAGED, IMAGE, more=more).tables} == {0x10000}


def test_without_the_size_in_memory_there_is_no_count() -> None:
    [whole] = judged(
        ON,
        "image: {base: 0x40200000, size: 0x1f00000}",
        more="mapping: [{page_size: 4K, virtual_address_bits: 48}]",
    ).tables
    assert (whole.pages, whole.needs) == (None, "handover.image.memory_size")


@given(size=st.integers(1, 1 << 36), more=st.integers(0, 1 << 30))
@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_a_larger_image_never_needs_fewer_tables(row, size: int, more: int) -> None:
    [smaller] = tables_of(ON, row[0], row[1], size)
    [larger] = tables_of(ON, row[0], row[1], size + more)
    assert smaller.pages is not None
    assert larger.pages is not None
    assert smaller.pages <= larger.pages


@given(size=st.integers(1, 1 << 32), place=st.integers(0, 1 << 12))
@pytest.mark.parametrize("row", ROWS, ids=ROW_IDS)
def test_the_tables_of_the_whole_image_suffice_wherever_it_starts(row, size, place) -> None:
    """The count is made when the kernel is built, and the image may start on any 64 KiB."""
    [whole] = tables_of(ON, row[0], row[1], size)
    [geometry] = [g for g in geometries() if g.name == f"arm64-{row[0].lower()}-{row[1]}"]
    start = place << 16
    levels = geometry.levels[:-1] if geometry.page_size == 0x1000 else geometry.levels
    tables = 1 + sum(
        (start + size - 1 >> level.shift) - (start >> level.shift) + 1 for level in levels[:-1]
    )
    assert whole.pages is not None
    assert tables <= whole.pages


# The image's memory


def in_region(handover: str, *rows: str, **given: Any) -> Precondition:
    return of(judged(ON, handover, *rows, **given), "image-in-one-region")


@pytest.mark.parametrize("name", [OFF, ON, STAGED])
def test_an_image_in_one_entry_is_all_right_for_every_hand_over(name: str) -> None:
    found = of(judged(name, IMAGE, IN_LOADER_CODE), "image-in-one-region")
    assert found.state == "met"
    assert found.why == "EfiLoaderCode 0x40200000-0x42400000 holds 0x40200000-0x42400000"


def test_a_loader_that_leaves_out_bss_is_caught() -> None:
    found = in_region(
        IMAGE,
        "EfiLoaderCode 0x40200000 0x1f00 WB",
        "EfiConventionalMemory 0x42100000 0x300 WB",
    )
    assert found.state == "broken"
    assert (found.region, found.field) == ((0x42100000, 0x42400000), "memory_size")
    assert found.why == (
        "3 MiB of the part that is zeroed lies in EfiConventionalMemory 0x42100000-0x42400000, "
        "and the image starts in EfiLoaderCode 0x40200000-0x42100000"
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["EfiLoaderCode 0x40200000 0x21ff WB"], "which the memory map does not describe"),
        ([], "which the memory map does not describe"),
        (["EfiConventionalMemory 0x40201000 0x2200 WB"], "0x40200000-0x40201000, which"),
        (["EfiReservedMemoryType 0x40000000 0x8000 WB"], "which is not the image's to use"),
        (["EfiRuntimeServicesData 0x40000000 0x8000 RUNTIME WB"], "not the image's to use"),
        (["EfiACPIReclaimMemory 0x40000000 0x8000 WB"], "not the image's to use"),
        (
            ["EfiLoaderCode 0x40200000 0x2100 WB", "EfiLoaderCode 0x42300000 0x100 WB WT"],
            "and the image starts in",
        ),
    ],
)
def test_an_image_on_memory_of_others_is_broken(rows: list[str], words: str) -> None:
    elsewhere = "EfiConventionalMemory 0x80000000 0x1000 WB"
    found = in_region(IMAGE, elsewhere, *rows)
    assert (found.state, found.field) in (("broken", "base"), ("broken", "memory_size"))
    assert words in found.why


def test_free_memory_may_hold_an_image() -> None:
    assert in_region(IMAGE, "EfiConventionalMemory 0x40000000 0x10000 WB").state == "met"


@pytest.mark.parametrize("extent", ["partial", "unknown"])
def test_a_gap_in_a_map_that_is_not_whole_says_nothing(extent: str) -> None:
    found = in_region(IMAGE, "EfiLoaderCode 0x40200000 0x1f00 WB", extent=extent)
    assert (found.state, found.needs) == ("unknown", ("memory_map.extent: whole",))


def test_without_its_size_in_memory_an_image_is_judged_as_far_as_its_file_goes() -> None:
    file_only = "image: {base: 0x40200000, size: 0x1f00000}"
    found = in_region(file_only, IN_LOADER_CODE)
    assert (found.state, found.needs) == ("unknown", ("handover.image.memory_size",))
    assert in_region(file_only, "EfiLoaderCode 0x40200000 0x100 WB").state == "broken"


@pytest.mark.parametrize(
    ("image", "field"),
    [
        ("{base: 0x40200000, size: 0x1f00000, memory_size: 0x1f0000}", "memory_size"),
        ("{base: 0x40200000, size: 0}", "size"),
    ],
)
def test_sizes_that_cannot_be_are_broken(image: str, field: str) -> None:
    found = in_region(f"image: {image}", IN_LOADER_CODE)
    assert (found.state, found.field) == ("broken", field)


def test_the_footprint_tells_what_lies_under_each_part() -> None:
    found = judged(
        ON,
        IMAGE,
        "EfiLoaderCode 0x40200000 0x1f00 WB",
        "EfiBootServicesData 0x42180000 0x1000 WB",
    ).footprint
    assert found is not None
    assert found.file == (0x40200000, 0x42100000)
    assert found.physical == (0x40200000, 0x42400000)
    assert [
        (*part.physical, part.descriptor and part.descriptor.index) for part in found.parts
    ] == [
        (0x40200000, 0x42100000, 0),
        (0x42100000, 0x42180000, None),
        (0x42180000, 0x42400000, 1),
    ]


@given(
    rows=st.lists(st.tuples(st.integers(0, 64), st.integers(1, 32)), max_size=6),
    start=st.integers(0, 64),
    pages=st.integers(1, 64),
)
def test_the_parts_of_a_footprint_cover_it_without_overlap(
    rows: Iterable[tuple[int, int]], start: int, pages: int
) -> None:
    lines = [f"EfiLoaderData {at << 12:#x} {count} WB" for at, count in rows]
    size = pages << 12
    image = f"image: {{base: {start << 12:#x}, size: {size:#x}, memory_size: {size:#x}}}"
    found = judged(ON, image, *lines).footprint
    assert found is not None
    reached = start << 12
    for part in found.parts:
        assert part.physical.start == reached
        assert part.physical.size > 0
        if part.descriptor:
            assert part.descriptor.physical.covers(part.physical)
        reached = part.physical.end
    assert reached == (start << 12) + size


# Alignment


def aligned(name: str, base: int, mapping: str = "{os: linux}") -> Precondition:
    image = f"image: {{base: {base:#x}, size: 0x1000}}"
    return of(judged(name, image, more=f"mapping: [{mapping}]"), "image-alignment")


@pytest.mark.parametrize(
    ("base", "mapping", "state"),
    [
        (0x40200000, "{os: linux}", "met"),
        (0x40200000, "{command_line: [nokaslr]}", "met"),
        (0x40210000, "{command_line: [quiet]}", "met"),
        (0x40210000, "{command_line: [nokaslr]}", "broken"),
        (0x40210000, "{os: linux}", "unknown"),
        (0x40208000, "{os: linux}", "broken"),
        (0x40208000, "{command_line: [quiet]}", "broken"),
    ],
)
def test_with_caches_on_64_kib_are_enough_unless_kaslr_is_off(
    base: int, mapping: str, state: str
) -> None:
    assert aligned(ON, base, mapping).state == state


@pytest.mark.parametrize(
    ("base", "mapping", "state"),
    [
        (0x40200000, "{os: linux}", "met"),
        (0x40280000, "{os: linux}", "met"),
        (0x40200000, '{kernel: "6.1.123"}', "met"),
        (0x40280000, '{kernel: "5.4.0"}', "met"),
        (0x40280000, '{kernel: "6.1"}', "unknown"),
        (0x40200000, '{kernel: "5.4"}', "unknown"),
        (0x40210000, "{os: linux}", "unknown"),
        (0x40208000, "{os: linux}", "unknown"),
        (0x40208000, '{kernel: "5.8"}', "broken"),
        (0x40208000, '{kernel: "5.7"}', "unknown"),
        (0x40200800, "{os: linux}", "broken"),
    ],
)
def test_the_boot_protocol_wants_2_mib_and_the_offset_of_the_header(
    base: int, mapping: str, state: str
) -> None:
    assert aligned(OFF, base, mapping).state == state


# The state at entry


@pytest.mark.parametrize("name", [OFF, STAGED])
@pytest.mark.parametrize(
    ("words", "state"), [("mmu: off", "met"), ("mmu: on", "broken"), ("cache: off", "unknown")]
)
def test_the_boot_protocol_wants_translation_off(name: str, words: str, state: str) -> None:
    assert of(judged(name, words), "mmu-off").state == state


@pytest.mark.parametrize(
    ("words", "sctlr", "state", "needs"),
    [
        ("mmu: on, cache: on", "[M, C]", "met", ()),
        ("mmu: on, cache: on", None, "unknown", ("platform.firmware.environment.sctlr",)),
        ("mmu: on", "[M, C]", "unknown", ("handover.cache",)),
        ("cache: on", "[M, C]", "unknown", ("handover.mmu",)),
        ("mmu: off, cache: on", None, "broken", ()),
        ("mmu: on, cache: off", None, "broken", ()),
        ("mmu: on, cache: on", "[M, C, EE]", "broken", ()),
    ],
)
def test_translation_caches_and_byte_order_count_together(
    words: str, sctlr: str | None, state: str, needs: tuple[str, ...]
) -> None:
    more = f"platform: {{firmware: {{environment: {{sctlr: {sctlr}}}}}}}" if sctlr else ""
    found = of(judged(ON, words, more=more), "mmu-and-caches-on")
    assert (found.state, found.needs) == (state, needs)


@pytest.mark.parametrize(
    ("by", "origin", "state"),
    [
        ("stub", "firmware", "met"),
        ("kernel", "firmware", "met"),
        ("loader", "firmware", "broken"),
        ("hypervisor", "firmware", "broken"),
        (None, "firmware", "unknown"),
        (None, "kexec", "broken"),
        ("stub", "kexec", "met"),
    ],
)
def test_only_the_stub_may_leave_translation_on(by: str | None, origin: str, state: str) -> None:
    ended = f"mapping: [{{os: linux, exit_boot_services: {{by: {by}}}}}]" if by else ""
    assert of(judged(ON, "mmu: on", more=ended, origin=origin), "efi-boot").state == state


@pytest.mark.parametrize(
    ("row", "sctlr", "state"),
    [
        (IN_LOADER_CODE, "[M, C]", "met"),
        (IN_LOADER_CODE, None, "unknown"),
        (IN_LOADER_CODE, "[M]", "broken"),
        (IN_LOADER_CODE.replace("WB", "WC WT"), "[M, C]", "broken"),
        (IN_LOADER_CODE.replace("WB", "?"), "[M, C]", "unknown"),
        ("EfiLoaderCode 0x40200000 0x2100 WB", "[M, C]", "unknown"),
    ],
)
def test_memory_is_cacheable_where_it_can_be_and_firmware_runs_with_caches_on(
    row: str, sctlr: str | None, state: str
) -> None:
    more = f"platform: {{firmware: {{environment: {{sctlr: {sctlr}}}}}}}" if sctlr else ""
    assert of(judged(ON, IMAGE, row, more=more), "cacheable-memory").state == state


def test_all_five_preconditions_of_an_entry_with_caches_on_can_be_met() -> None:
    found = judged(
        ON,
        f"{IMAGE}, mmu: on, cache: on",
        IN_LOADER_CODE,
        more=f"{CACHES_ON}\nmapping: [{{os: linux, exit_boot_services: {{by: stub}}}}]",
    )
    assert states(found) == {
        "cacheable-memory": "met",
        "image-in-one-region": "met",
        "mmu-and-caches-on": "met",
        "efi-boot": "met",
        "image-alignment": "met",
    }
    assert found.broken == ()


def test_where_nothing_is_declared_nothing_is_met_or_broken() -> None:
    for name in (OFF, ON, STAGED):
        assert set(states(judged(name, "")).values()) == {"unknown"}
        assert all(each.needs for each in judged(name, "").preconditions)


@pytest.mark.parametrize(
    ("tables", "state"),
    [
        (("DTB 0x48000000 0x200000",), "met"),
        (("DTB 0x48000000 0x200001",), "broken"),
        (("DTB 0x48000000",), "unknown"),
        (("ACPI_20 0x48000000 36",), "unknown"),
        (None, "unknown"),
    ],
)
def test_a_device_tree_has_2_mib_of_room(tables: tuple[str, ...] | None, state: str) -> None:
    assert of(judged(OFF, "", configuration_tables=tables), "device-tree").state == state


@pytest.mark.parametrize(
    ("size", "page", "state"),
    [
        (0x1000, None, "met"),
        (0x1001, None, "unknown"),
        (0x10001, None, "broken"),
        (0x1001, "4K", "broken"),
        (0x4000, "16K", "met"),
    ],
)
def test_staged_entry_has_one_page_for_its_text(size: int, page: str | None, state: str) -> None:
    more = f"mapping: [{{page_size: {page}}}]" if page else ""
    found = of(judged(STAGED, f"idmap_text: {size}", more=more), "idmap-text-in-one-page")
    assert found.state == state


# The cost


TEXTS = "idmap_text: 0x1000, hyp_text: 0x8000"


def cleaned(name: str, words: str) -> list[int | None]:
    return [each.size for each in judged(name, f"{IMAGE}, {words}").cleaned]


def test_with_caches_on_no_more_than_two_texts_are_cleaned() -> None:
    assert cleaned(ON, f"{TEXTS}, exception_level: EL2") == [0x1000, 0x8000]
    assert cleaned(ON, f"{TEXTS}, exception_level: EL1") == [0x1000]
    assert cleaned(ON, TEXTS) == [0x1000, None]
    assert cleaned(ON, "exception_level: EL2") == [None, None]
    all_of_it = judged(ON, f"{IMAGE}, {TEXTS}, exception_level: EL2")
    assert all_of_it.cleaned_bytes == 0x9000


def test_with_translation_off_the_image_is_cleaned_without_bss() -> None:
    found = judged(OFF, IMAGE)
    assert [each.size for each in found.cleaned] == [0x1F00000, None]
    assert found.cleaned_bytes is None
    assert cleaned(STAGED, TEXTS) == [0x1F00000]


@pytest.mark.parametrize("name", [OFF, ON, STAGED])
def test_what_is_not_known_of_the_cost_is_named(name: str) -> None:
    found = judged(name, "")
    assert all(each.size is not None or each.needs for each in found.cleaned)
    assert all(each.pages is not None or each.needs for each in found.tables)


@pytest.mark.parametrize("words", ["mmu: off", "mmu: on, cache: off"])
def test_with_caches_off_it_does_and_costs_what_the_boot_protocol_does(words: str) -> None:
    loader = "mapping: [{os: linux, exit_boot_services: {by: loader}}]"
    uncached = IN_LOADER_CODE.replace("WB", "WC")
    on = judged(ON, f"{IMAGE}, {TEXTS}, {words}", uncached, more=loader)
    off = judged(OFF, f"{IMAGE}, {TEXTS}, {words}", uncached, more=loader)
    assert on.behaves_as == off.behaves_as == OFF
    assert (on.cleaned, on.tables, on.steps) == (off.cleaned, off.tables, off.steps)
    assert [each.name for each in on.broken] == ["mmu-and-caches-on"]


@pytest.mark.parametrize("name", [OFF, ON, STAGED])
def test_judging_is_a_pure_function(name: str) -> None:
    words = f"{IMAGE}, {TEXTS}, mmu: on"
    assert judged(name, words, IN_LOADER_CODE) == judged(name, words, IN_LOADER_CODE)


# The hook


def test_every_precondition_names_an_installed_rule_or_none() -> None:
    named = {
        each.rule
        for name in (OFF, ON, STAGED)
        for each in judged(name, "").preconditions
        if each.rule
    }
    rules = {rule for rule in registry().rules if rule.startswith("linux/handover-")}
    assert named == rules


def test_a_rule_blames_whom_its_precondition_blames() -> None:
    for name in (OFF, ON, STAGED):
        for each in judged(name, "").preconditions:
            if each.rule:
                assert registry().rules[each.rule].responsible is each.responsible


def test_hand_overs_come_with_the_plugin_of_linux() -> None:
    assert set(registry().handovers) == {OFF, ON, STAGED}
    assert {registry().owner("handovers", name).name for name in (OFF, ON, STAGED)} == {"linux"}
    assert all(each.architectures == {"arm64"} for each in registry().handovers.values())
