"""Rules on page tables: what the examples on their pages, bound to shipped strategies, miss."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import process_time
from typing import Any

import pytest

from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.engine.table_problems import tables_judged
from efipolicy.model.mapping import Mapping, MappingPlan, Protection, RuntimeCall
from efipolicy.model.platform import Platform
from efipolicy.plugin import AddressRange, Finding, Good
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection, load_policy
from efipolicy.testing.examples import example_platform

Findings = Callable[..., list[Finding]]

CODE = "EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB"
DATA = "EfiRuntimeServicesData 0x7f000000 16 RUNTIME WB"
TABLE = """
memory_attributes_table:
  entries: [{type: 5, physical_start: 0x7f000000, pages: 16, attribute: [RUNTIME, %s]}]
"""


def mapped(physical: int, size: int, virtual: int | None, **given: Any) -> Mapping:
    """A mapping of runtime data for the first descriptor."""
    values: dict[str, Any] = {"access": "RW", "cache": "WB", "descriptors": (0,)}
    extent = AddressRange(physical, physical + size)
    return Mapping(extent, virtual, 6, runtime=True, **{**values, **given})


def judged(
    registry: Registry,
    mappings: Iterable[Mapping],
    *lines: str,
    extra: Iterable[Mapping] = (),
    page_size: int = 0x1000,
    platform: Platform | None = None,
    **given: Any,
) -> dict[str, list[str]]:
    """The messages of every rule on page tables, about a plan of one's own."""
    platform = platform or example_platform(Good(*(lines or (DATA,)), architecture="x86_64"))
    architecture = registry.architectures[platform.architecture]
    plan = MappingPlan(
        strategy="made-up",
        options={},
        status="ok",
        mappings=tuple(mappings),
        extra=tuple(extra),
        svam=None,
        call=RuntimeCall(register="CR3", stays_mapped="nothing"),
        **given,
    )
    one = Planned(plan, architecture, architecture.geometries[page_size][0])
    result = tables_judged(one, platform, registry)
    assert not result.errors
    found: dict[str, list[str]] = {}
    for problem in result.problems:
        found.setdefault(problem.rule.removeprefix("plan/"), []).append(problem.message)
    return found


def test_a_leaf_whose_frame_has_reserved_bits_is_shown_as_the_processor_reads_it(
    registry: Registry,
) -> None:
    line = "EfiRuntimeServicesData 0x7dd66000 0x200 RUNTIME WB"
    place = mapped(0x7DD66000, 0x200000, 0xFFFFFFFEFFC00000)
    found = judged(registry, [place], line, leaf_policy="va-only")
    (message,) = found.pop("misaligned-frame-in-large-leaf")
    assert message.startswith(
        "EfiRuntimeServicesData 0x7dd66000-0x7df66000 is mapped with 1 leaf of 2 MiB from "
        "0xfffffffeffc00000 on, whose frame 0x7dd66000 is no multiple of 2 MiB: entry "
        "0x800000007dd66"
    )
    assert message.endswith(
        "has the reserved bits 0x166000 set; reading there is #PF, error code 0x9 (P, RSVD)"
    )
    assert found == {}


def test_bit_12_beside_reserved_bits_is_a_fault_and_nothing_else(registry: Registry) -> None:
    line = "EfiRuntimeServicesData 0x7faeb000 0x200 RUNTIME WB"
    place = mapped(0x7FAEB000, 0x200000, 0xFFFFFFFEFFC00000)
    found = judged(registry, [place], line, leaf_policy="va-only")
    (message,) = found.pop("misaligned-frame-in-large-leaf")
    assert "has the reserved bits 0xea000 set" in message
    assert found == {}


@pytest.mark.parametrize(
    ("cache", "ends"),
    [("WB", "the memory type stays WB"), ("UC-", "the memory type stays UC-")],
)
def test_bit_12_alone_makes_the_processor_use_the_page_below(
    registry: Registry, cache: str, ends: str
) -> None:
    line = "EfiRuntimeServicesData 0x80001000 0x400 RUNTIME WB"
    place = mapped(0x80001000, 0x400000, 0xFFFFFFFEFFC00000, cache=cache)
    found = judged(registry, [place], line, leaf_policy="va-only")
    (message,) = found.pop("misaligned-frame-in-large-leaf")
    assert "2 leaves of 2 MiB" in message
    assert "use the frame 0x80000000 and take the bits 0x1000 for something else" in message
    assert message.endswith(ends)
    assert found == {}


def test_bit_12_turns_write_combining_into_write_protected_memory(registry: Registry) -> None:
    line = "EfiRuntimeServicesData 0x80001000 0x200 RUNTIME WC"
    place = mapped(0x80001000, 0x200000, 0xFFFFFFFEFFC00000, cache="WC")
    found = judged(registry, [place], line, leaf_policy="va-only")
    (message,) = found["misaligned-frame-in-large-leaf"]
    assert message.endswith("the memory type turns from WC to WP")


def test_whoever_looks_at_the_frame_sets_no_reserved_bits(registry: Registry) -> None:
    line = "EfiRuntimeServicesData 0x7dd66000 0x200 RUNTIME WB"
    assert judged(registry, [mapped(0x7DD66000, 0x200000, 0xFFFFFFFEFFC00000)], line) == {}


def test_a_bit_that_marks_encrypted_memory_is_no_reserved_one(registry: Registry) -> None:
    line = "EfiRuntimeServicesData 0x7dd66000 0x200 RUNTIME WB"
    place = mapped(0x7DD66000, 0x200000, 0xFFFFFFFEFFC00000, encrypted=True)
    found = judged(registry, [place], line, leaf_policy="va-only", encryption_bit=47)
    (message,) = found["misaligned-frame-in-large-leaf"]
    assert "entry 0x800080007dd66" in message
    assert "has the reserved bits 0x166000 set" in message


def test_a_second_mapping_left_unprotected_is_told_apart_from_both_being_so(
    registry: Registry,
) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000, access="RWX")
    again = place._replace(virtual_start=0x7F000000)
    virtual_only = (Protection(AddressRange(0xFFFFFFFEFFE00000, 0xFFFFFFFEFFE10000), "RX"),)
    one_sided = judged(registry, [place], CODE, extra=[again], protections=virtual_only)
    (message,) = one_sided.pop("identity-mapping-writable-and-executable")
    assert message == (
        "EfiRuntimeServicesCode 0x7f000000-0x7f010000 has 64 KiB writable and executable at "
        "0x7f000000-0x7f010000, while its virtual mapping is protected"
    )
    assert one_sided == {}
    assert list(judged(registry, [place], CODE, extra=[again])) == ["writable-and-executable"]


def test_memory_nobody_asked_for_is_reported_where_it_can_be_written_and_executed(
    registry: Registry,
) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000)
    everything = mapped(0, 1 << 32, 0, access="RWX", descriptors=(), why="all memory")
    found = judged(registry, [place], extra=[everything])
    assert found["identity-mapping-writable-and-executable"] == [
        "all memory has 4 GiB writable and executable at 0x0-0x100000000"
    ]
    assert "page-zero-mapped" in found


def test_memory_mapped_in_pieces_for_one_reason_is_one_finding(registry: Registry) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000)
    pieces = [
        mapped(start, size, start, access="RWX", descriptors=(), why="all memory")
        for start, size in ((0x1000, 0x1FF000), (0x200000, 0x200000), (0x600000, 0x1000))
    ]
    found = judged(registry, [place], extra=pieces)
    assert found == {
        "identity-mapping-writable-and-executable": [
            "all memory has 4 MiB writable and executable at 0x1000-0x400000, 0x600000-0x601000"
        ]
    }


def test_page_0_alone_is_not_reported_twice(registry: Registry) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000)
    page_0 = mapped(0, 0x1000, 0, access="RWX", descriptors=(), why="page 0")
    message = (
        "virtual page 0 is mapped to 0x0 with access RWX while firmware runs: page 0 (0x0-0x1000)"
    )
    assert judged(registry, [place], extra=[page_0]) == {"page-zero-mapped": [message]}


@pytest.mark.parametrize(
    ("attribute", "responsible", "why"),
    [
        ("WB", "firmware", "the Memory Attributes Table leaves it writable and executable"),
        ("RO", "kernel", "the Memory Attributes Table that protects it is not applied"),
    ],
)
def test_who_is_to_protect_code_depends_on_what_the_table_says(
    findings: Findings, attribute: str, responsible: str, why: str
) -> None:
    (finding,) = findings(
        "plan/writable-and-executable",
        CODE,
        architecture="x86_64",
        sections="mapping: [{strategy: identity}]" + TABLE % attribute,
    )
    assert finding.responsible is not None
    assert finding.responsible.value == responsible
    assert finding.message.endswith(why)


def test_a_region_is_reported_for_the_part_that_is_writable_and_executable(
    findings: Findings,
) -> None:
    (finding,) = findings(
        "plan/writable-and-executable",
        CODE,
        architecture="x86_64",
        sections="mapping: [{strategy: x86-topdown}]"
        + (TABLE % "RO").replace("pages: 16", "pages: 4"),
    )
    assert "has 96 KiB mapped writable and executable" in finding.message
    assert "0x7f004000-0x7f010000" in finding.message


def test_a_frame_the_kernel_maps_as_memory_is_not_to_be_mapped_uncached(
    registry: Registry,
) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000, cache="UC-")
    direct = (AddressRange(0x7F008000, 0x80000000),)
    (message,) = judged(registry, [place], direct_map=direct)["same-frame-with-two-cache-types"]
    assert message == (
        "32 KiB from 0x7f008000 on, mapped for EfiRuntimeServicesData 0x7f000000-0x7f010000, "
        "are UC- at 0xfffffffeffe08000 and WB by the kernel itself"
    )
    assert judged(registry, [place._replace(cache="WB")], direct_map=direct) == {}


def test_mappings_that_begin_at_one_frame_are_compared_like_others(registry: Registry) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000, cache="UC-")
    again = place._replace(virtual_start=0x7F000000, cache="WB")
    direct = (AddressRange(0x7F000000, 0x80000000),)
    found = judged(registry, [place], extra=[again], direct_map=direct)
    assert len(found["same-frame-with-two-cache-types"]) == 2


def test_uncached_with_and_without_a_say_for_mtrrs_is_no_conflict(registry: Registry) -> None:
    place = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000, cache="UC-")
    again = place._replace(virtual_start=0x7F000000, cache="UC")
    assert judged(registry, [place], extra=[again]) == {}


def test_a_far_reaching_alias_meets_every_later_one(registry: Registry) -> None:
    """One that ends early comes between, and must not hide it."""
    wide = mapped(0x7F000000, 0x10000, 0xFFFFFFFEFFE00000)
    short = mapped(0x7F001000, 0x1000, 0xFFFFFFFEFF601000)
    late = mapped(0x7F008000, 0x1000, 0xFFFFFFFEFF408000, cache="UC-")
    found = judged(registry, [wide, short, late])
    (message,) = found["same-frame-with-two-cache-types"]
    assert "4 KiB from 0x7f008000 on" in message


def test_a_width_that_nobody_declared_is_said_to_be_assumed(findings: Findings) -> None:
    line = "EfiMemoryMappedIO 0x1000000000000 16 RUNTIME UC"
    rule, sections = "plan/frame-beyond-physical-width", "mapping: [{strategy: arm64-stub-virtmap}]"
    (finding,) = findings(rule, line, architecture="arm64", sections=sections)
    assert finding.message.endswith("beyond 48 bits of physical address, which are assumed")
    declared = f"hardware: {{physical_address_bits: 40}}\n{sections}"
    (finding,) = findings(rule, line, architecture="arm64", sections=declared)
    assert finding.message.endswith("beyond 40 bits of physical address")


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        ("virtual_address_bits: 48", ["the 48 bits of physical address that its page-table"]),
        ("virtual_address_bits: 48, page_size: 64K", []),
        ("virtual_address_bits: 52", []),
    ],
)
def test_entries_can_hold_less_of_an_address_than_the_processor_has(
    findings: Findings, kernel: str, words: list[str]
) -> None:
    sections = f"""
hardware: {{physical_address_bits: 52}}
mapping: [{{strategy: arm64-stub-virtmap, {kernel}}}]
"""
    line = "EfiMemoryMappedIO 0x1000000000000 16 RUNTIME UC"
    found = findings(
        "plan/frame-beyond-physical-width", line, architecture="arm64", sections=sections
    )
    assert len(found) == len(words)
    assert all(word in one.message for word, one in zip(words, found, strict=True))


def test_an_encryption_bit_narrows_the_addresses(registry: Registry) -> None:
    line = "EfiRuntimeServicesData 0x800000000000 16 RUNTIME WB"
    place = mapped(0x800000000000, 0x10000, 0xFFFFFFFEFFE00000)
    assert judged(registry, [place], line) == {}
    found = judged(registry, [place], line, encryption_bit=47)
    assert list(found) == ["frame-beyond-physical-width"]
    (message,) = found["frame-beyond-physical-width"]
    assert message.endswith(
        "beyond the 47 bits of physical address below the one that marks encrypted memory"
    )


def test_a_region_that_fits_no_page_is_out_of_reach(registry: Registry) -> None:
    platform = example_platform(Good(DATA, architecture="arm64"))
    place = mapped(0x7F001000, 0x1000, 0x20000000, cache="normal")
    found = judged(registry, [place], platform=platform, page_size=0x10000)
    (message,) = found["mapping-out-of-reach"]
    assert message.endswith("virtual and physical address differ within a page of 0x10000 bytes")


def test_whether_a_region_is_in_reach_is_open_while_the_kernel_may_have_more_bits(
    registry: Registry,
) -> None:
    platform = example_platform(
        Good(
            "EfiMemoryMappedIO 0x800000000000 16 RUNTIME UC",
            architecture="x86_64",
            sections="mapping: [{strategy: identity}]",
        )
    )
    result = tables_judged(planned(platform, registry, PlanChoice()), platform, registry)
    unjudged = {one.rule: one.needs for one in result.not_checked}
    assert unjudged["plan/mapping-out-of-reach"] == "mapping[].virtual_address_bits"


def test_recommended_leaves_out_what_nearly_every_platform_has(registry: Registry) -> None:
    recommended = Selection([load_policy("recommended", registry.policies)])
    for name in ("page-zero-mapped", "writable-and-executable"):
        assert recommended.severity(registry.rules[f"plan/{name}"]) is None
    assert recommended.severity(registry.rules["plan/misaligned-frame-in-large-leaf"]) is not None


def test_thousands_of_descriptors_are_judged_in_a_moment(registry: Registry) -> None:
    kinds = ("EfiRuntimeServicesCode", "EfiRuntimeServicesData")
    lines = [f"{kinds[i % 2]} {0x100000000 + (i << 16):#x} 15 RUNTIME WB" for i in range(5000)]
    given = Good(*lines, architecture="x86_64", sections="mapping: [{strategy: x86-topdown}]")
    platform = example_platform(given)
    one = planned(platform, registry, PlanChoice())
    began = process_time()
    result = tables_judged(one, platform, registry)
    assert process_time() - began < 3
    assert not result.errors
