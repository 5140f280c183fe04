"""The rules of AArch64: exact limits, what a finding names, and what real maps give."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from efipolicy.plugin import (
    AddressRange,
    Bad,
    Finding,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
)
from efipolicy.testing import ExampleError, RuleCase, examples_of
from efipolicy.testing.shown import example_yaml
from efipolicy.testing.strategies import attributes, disjoint_memory_maps
from efipolicy_arm64.blocks import meeting_places
from tests.conftest import ROOT, Run

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

MIXED = "arm64/mixed-cacheability-in-64k-page"
DIFFERING = "arm64/differing-cacheability-in-64k-page"
LARGER = "arm64/larger-page-with-mixed-cacheability"
NOT_ALIGNED = "linux/runtime-region-not-64k-aligned"
CAPTURES = ROOT / "tests" / "captures"

UBOOT_1G = """\
EfiConventionalMemory   0x5400000   0x396bc  WB
EfiBootServicesData     0x3eabc000  5        WB
EfiRuntimeServicesData  0x3eac1000  1        RUNTIME WB
EfiBootServicesData     0x3eac2000  1        WB
EfiRuntimeServicesData  0x3eac3000  34       RUNTIME WB
EfiBootServicesData     0x3eae5000  9        WB
EfiBootServicesCode     0x3eaee000  0x109c   WB
EfiRuntimeServicesData  0x3fb8a000  1        RUNTIME WB
EfiBootServicesCode     0x3fb8b000  0x375    WB
EfiRuntimeServicesCode  0x3ff00000  16       RUNTIME WB
EfiBootServicesCode     0x3ff10000  0xf0     WB
""".splitlines()
"""The upper part of an arm64 board with 1 GiB and U-Boot (linux-efi, March 2025)."""


def arm64(mapping: str, **given: object) -> dict[str, object]:
    """What an example says of one operating system."""
    return {"architecture": "arm64", "sections": f"mapping: [{{os: a, {mapping}}}]", **given}


def located(findings: list[Finding]) -> list[int]:
    return [f.subject.physical_start for f in findings if isinstance(f.subject, MemoryDescriptor)]


# ARM64-001


def test_pages_that_offer_the_same_are_named_together(findings: Findings) -> None:
    (finding,) = findings(
        MIXED,
        "EfiBootServicesData     0x80000000  2  WB",
        "EfiRuntimeServicesData  0x80002000  1  RUNTIME WB",
        "EfiMemoryMappedIO       0x80003000  1  UC",
        "EfiConventionalMemory   0x80005000  4  WB",
        architecture="arm64",
    )
    assert finding.message == (
        "the 64 KiB page at 0x80000000 has no cache type in common among 4 descriptors: "
        "0x80000000-0x80003000 and 0x80005000-0x80009000 (7 pages of 4 KiB, "
        "EfiBootServicesData, EfiRuntimeServicesData, EfiConventionalMemory) offers WB; "
        "0x80003000-0x80004000 (1 page of 4 KiB, EfiMemoryMappedIO) offers UC"
    )
    assert [related.message for related in finding.related] == [
        "EfiBootServicesData, 0x80000000-0x80002000 (2 pages of 4 KiB) offers WB",
        "EfiMemoryMappedIO, 0x80003000-0x80004000 (1 page of 4 KiB) offers UC",
        "EfiConventionalMemory, 0x80005000-0x80009000 (4 pages of 4 KiB) offers WB",
    ]


def test_a_long_region_is_named_by_its_part_of_the_page(findings: Findings) -> None:
    (finding,) = findings(
        MIXED,
        "EfiConventionalMemory  0x0         0x8000f  WB",
        "EfiReservedMemoryType  0x8000f000  0x8000   UC",
        architecture="arm64",
    )
    assert "0x80000000-0x8000f000 (15 pages of 4 KiB, EfiConventionalMemory)" in finding.message
    assert "0x8000f000-0x80010000 (1 page of 4 KiB, EfiReservedMemoryType)" in finding.message
    assert finding.region == AddressRange(0x80000000, 0x80010000)


@pytest.mark.parametrize(
    ("kind", "counts"),
    [(kind, kind in (0, 5, 6, 10)) for kind in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 14)],
)
def test_only_four_types_bring_a_page_under_the_rule(
    found: Found, kind: int, *, counts: bool
) -> None:
    lines = [f"{kind} 0x80000000 8 WB", "EfiMemoryMappedIO 0x80008000 8 UC"]
    assert found(MIXED, *lines, architecture="arm64") == ((1,) if counts else ())


def test_neighbours_that_meet_between_two_pages_are_apart(found: Found) -> None:
    lines = ["EfiRuntimeServicesData 0x8000f000 1 WB", "EfiMemoryMappedIO 0x80010000 1 UC"]
    assert found(MIXED, *lines, architecture="arm64") == ()


def test_permissions_are_no_cacheability(found: Found) -> None:
    lines = ["EfiRuntimeServicesCode 0x80000000 8 WB RO", "EfiLoaderData 0x80008000 8 WB XP"]
    for rule in (MIXED, DIFFERING):
        assert found(rule, *lines, architecture="arm64") == ()


@given(disjoint_memory_maps(types=[0, 6, 7, 11], attribute=attributes(["UC", "WC", "WT", "WB"])))
def test_disjoint_descriptors_never_share_two_pages(memory_map: MemoryMap) -> None:
    """So no two findings are about the same descriptors, and there is nothing to fold."""
    for size in (0x4000, 0x10000):
        for block in meeting_places(memory_map, size):
            assert block.end - block.start == size


def test_descriptors_that_overlap_over_many_pages_are_one_finding(findings: Findings) -> None:
    (finding,) = findings(
        MIXED,
        "EfiReservedMemoryType  0x80000000  0x30  WB",
        "EfiMemoryMappedIO      0x80000000  0x30  UC",
        architecture="arm64",
    )
    assert finding.message.startswith("each of the 3 pages of 64 KiB from 0x80000000 on has no")
    assert finding.region == AddressRange(0x80000000, 0x80030000)


# ARM64-002

BORDER = (
    "EfiRuntimeServicesData  0x80000000  5  RUNTIME WB",
    "EfiMemoryMappedIO       0x80005000  3  RUNTIME UC",
)


@pytest.mark.parametrize(
    ("size", "page"),
    [("16K", AddressRange(0x80004000, 0x80008000)), ("64K", AddressRange(0x80000000, 0x80010000))],
)
def test_the_page_of_the_operating_system_is_named(
    findings: Findings, size: str, page: AddressRange
) -> None:
    (finding,) = findings(LARGER, *BORDER, **arm64(f"page_size: {size}"))
    assert finding.region == page
    assert f"the page of {size[:-1]} KiB at {page.start:#x}" in finding.message
    assert len(finding.related) == 2
    assert isinstance(finding.subject, MappingDeclaration)


def test_memory_that_no_runtime_region_shares_is_the_kernel_s_own_matter(found: Found) -> None:
    lines = ["EfiConventionalMemory 0x80000000 5 WB", "EfiMemoryMappedIO 0x80005000 3 UC"]
    assert found(LARGER, *lines, **arm64("page_size: 64K")) == ()


def test_without_a_plan_a_page_with_a_common_type_is_not_judged(found: Found) -> None:
    lines = ["EfiRuntimeServicesData 0x80000000 5 RUNTIME WB WC", "EfiLoaderData 0x80005000 3 WC"]
    with pytest.raises(ExampleError, match="strategy"):
        found(LARGER, *lines, **arm64("page_size: 64K"))


def test_a_plan_that_maps_the_page_as_its_neighbour_cannot_be_is_wrong(findings: Findings) -> None:
    lines = ["EfiRuntimeServicesData 0x80000000 5 RUNTIME WB WC", "EfiLoaderData 0x80005000 3 WC"]
    (finding,) = findings(LARGER, *lines, **arm64("strategy: identity, page_size: 64K"))
    assert "is mapped as normal, which part of it does not offer" in finding.message


def test_what_a_plan_does_not_map_it_does_not_mix(found: Found) -> None:
    lines = ["EfiReservedMemoryType 0x80000000 5 WB", "EfiMemoryMappedIO 0x80005000 3 UC"]
    assert found(LARGER, *lines, **arm64("strategy: identity, page_size: 64K")) == ()


def test_a_page_size_that_is_not_declared_is_not_judged(found: Found) -> None:
    with pytest.raises(ExampleError, match=r"mapping\[\]\.page_size"):
        found(LARGER, *BORDER, **arm64("strategy: identity"))


def test_a_width_that_4_kib_pages_do_not_have_leaves_nothing_to_fix(findings: Findings) -> None:
    for bits, fixable in ((48, True), (42, False)):
        mapping = f"page_size: 64K, virtual_address_bits: {bits}"
        (finding,) = findings(LARGER, *BORDER, **arm64(mapping))
        assert bool(finding.fix) == fixable


# ARM64-003


def test_u_boot_s_data_pages_are_told_apart_from_its_aligned_code(findings: Findings) -> None:
    found = findings(NOT_ALIGNED, *UBOOT_1G, architecture="arm64")
    assert located(found) == [0x3EAC1000, 0x3EAC3000, 0x3FB8A000]
    assert found[0].message.startswith(
        "EfiRuntimeServicesData 0x3eac1000-0x3eac2000 starts 0x1000 and ends 0x2000 beyond a "
        "multiple of 64 KiB; "
    )
    assert [finding.message.partition("; ")[2] for finding in found] == [
        "shares the 64 KiB page at 0x3eac0000 with other data",
        "shares the 64 KiB page at 0x3eac0000 with other data",
        "this data shares no 64 KiB page with other runtime memory",
    ]


def test_data_in_pages_of_a_freebsd_machine_are_found(findings: Findings) -> None:
    """SolidRun LX2160A with U-Boot, from a FreeBSD boot log."""
    found = findings(
        NOT_ALIGNED,
        "EfiMemoryMappedIO       0x1e88180     1   RUNTIME",
        "EfiRuntimeServicesData  0xf6b27000    1   RUNTIME WB",
        "EfiRuntimeServicesCode  0xfbd30000    16  RUNTIME WB",
        "EfiReservedMemoryType   0x2f7fff1000  8   WB",
        "EfiRuntimeServicesData  0x2f7fffb000  1   RUNTIME WB",
        "EfiReservedMemoryType   0x2f7fffc000  2   WB",
        "EfiRuntimeServicesData  0x2f7fffe000  1   RUNTIME WB",
        architecture="arm64",
    )
    assert located(found) == [0xF6B27000, 0x2F7FFFB000, 0x2F7FFFE000]


def test_code_that_shares_a_page_with_data_is_said_to(findings: Findings) -> None:
    code, data = findings(
        NOT_ALIGNED,
        "EfiRuntimeServicesCode  0xd5cee000  0x190  RUNTIME WB",
        "EfiRuntimeServicesData  0xd5e7e000  0xe10  RUNTIME WB",
        architecture="arm64",
    )
    for finding in (code, data):
        assert finding.message.endswith("code shares the 64 KiB page at 0xd5e70000 with data")
        assert len(finding.related) == 1


def test_an_aligned_size_does_not_excuse_a_start(findings: Findings) -> None:
    (start,) = findings(
        NOT_ALIGNED, "EfiRuntimeServicesData 0x7f001000 16 RUNTIME WB", architecture="arm64"
    )
    (size,) = findings(
        NOT_ALIGNED, "EfiRuntimeServicesData 0x7f000000 17 RUNTIME WB", architecture="arm64"
    )
    assert (start.field, size.field) == ("physical_start", "pages")


def test_on_other_architectures_nobody_asks_for_64_kib(found: Found) -> None:
    line = "EfiRuntimeServicesData 0x7f001000 15 RUNTIME WB"
    assert found(NOT_ALIGNED, line, architecture="x86_64") == ()


GOLDEN = {
    "18-qualcomm-x1e-linux-arm64-new": {
        NOT_ALIGNED: {0xA7F01000, 0xA7F05000, 0xD5CEE000, 0xD5E7E000},
        DIFFERING: {0x81F30000},
    },
    "20-uboot-qemu-linux-arm64-64k": {
        NOT_ALIGNED: {0xFFFFE000, 0x43DD60000, 0x43DDC1000, 0x43DDC3000, 0x43DDC6000},
    },
    "03-huawei-d05-linux-arm64": {},
    "08-raspberrypi4-edk2-efishell-v2": {},
    "31-ampere-emag-linux-arm64-tabs": {},
    "41-kvmtool-armvirt-cca-linux-arm64": {},
    "qemu-virt-1g-linux-arm64": {},
    "qemu-virt-2g-linux-arm64-nodebug": {},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_real_machine_gives_exactly_what_is_known_of_it(name: str, run: Run) -> None:
    select = ("--select", "arm64/*", "--select", "linux/*-64k-aligned", "--arch", "arm64")
    _, out, _ = run("lint", Path(CAPTURES / f"{name}.txt"), *select, "--format", "json")
    found: dict[str, set[int]] = {}
    for finding in json.loads(out)["findings"]:
        if finding["severity"] != "info":
            found.setdefault(finding["rule"], set()).add(int(finding["region"]["start"], 0))
    assert found == GOLDEN[name]


# ARM64-004 to ARM64-006


@pytest.mark.parametrize(
    ("name", "right"), [("UC", 0x00), ("WC", 0x44), ("WT", 0xBB), ("WB", 0xFF)]
)
def test_each_cache_type_has_one_byte(findings: Findings, name: str, right: int) -> None:
    rule = "arm64/wrong-memory-type-encoding"
    for byte in (0x00, 0x04, 0x44, 0xBB, 0xFF, 0xF0):
        found = findings(rule, **arm64(f"memory_types: {{encodings: {{{name}: {byte:#x}}}}}"))
        assert bool(found) == (byte != right)
        assert all(f"Table 2.5 wants {right:#04x}" in finding.message for finding in found)


def test_every_wrong_byte_is_told_by_its_name(findings: Findings) -> None:
    encodings = "{UC: 0x04, WB: 0x77}"
    device, memory = findings(
        "arm64/wrong-memory-type-encoding", **arm64(f"memory_types: {{encodings: {encodings}}}")
    )
    assert "UC is mapped with the MAIR byte 0x04 (Device-nGnRE)" in device.message
    assert "WB is mapped with the MAIR byte 0x77; " in memory.message


@pytest.mark.parametrize(
    ("revision", "judged"),
    [("2.4", False), ("2.9", False), ("2.10", True), ("2.11", True), (None, True)],
)
def test_shareability_is_demanded_since_2_10(
    findings: Findings, revision: str | None, *, judged: bool
) -> None:
    mapping = arm64("memory_types: {shareability: {WB: non}}", uefi=revision)
    found = findings("arm64/cacheable-memory-not-inner-shareable", **mapping)
    assert bool(found) == judged
    for finding in found:
        assumed = "taken to apply" in finding.message
        assert assumed == (revision != "2.11"), "2.10 does not tell its errata"


def test_what_is_not_cacheable_may_have_any_shareability(found: Found) -> None:
    mapping = arm64("memory_types: {shareability: {UC: non, WC: outer, WB: inner, WT: inner}}")
    assert found("arm64/cacheable-memory-not-inner-shareable", **mapping) == ()


def test_write_protection_in_the_map_is_no_policy(found: Found) -> None:
    with pytest.raises(ExampleError, match="protection_bits"):
        found(
            "arm64/protection-by-undefined-attribute",
            "EfiConventionalMemory 0x80000000 16 WB WT WC UC WP",
            **arm64("calls: {exception_level: EL2}"),
        )


# ARM64-007


@pytest.mark.parametrize(
    ("bits", "device"),
    [
        ("UC", True),
        ("UC UCE WP", True),
        ("UC WC", False),
        ("WT", False),
        ("", False),
        ("0xc0ff000000000001", False),
    ],
)
def test_code_needs_an_offer_of_normal_memory(found: Found, bits: str, *, device: bool) -> None:
    line = f"EfiRuntimeServicesCode 0x80000000 16 {bits}"
    rule = "arm64/runtime-code-as-device-memory"
    assert found(rule, line, architecture="arm64") == ((1,) if device else ())


# ARM64-008

ABOVE = "arm64/firmware-memory-above-48-bits"
FREE = "EfiConventionalMemory 0x80000000 16 WB"
HIGH = "EfiRuntimeServicesData 0x1000000000000 16 RUNTIME WB"


@pytest.mark.parametrize(("kind", "counts"), [(k, k in (0, 3, 4, 5, 6, 9, 10)) for k in range(12)])
def test_only_what_firmware_allocates_has_to_lie_below_48_bits(
    found: Found, kind: int, *, counts: bool
) -> None:
    lines = [FREE, f"{kind} 0x1000000000000 1 WB"]
    assert found(ABOVE, *lines, architecture="arm64") == ((2,) if counts else ())


def test_free_memory_that_is_too_small_counts_as_exhausted(found: Found) -> None:
    lines = ["EfiConventionalMemory 0x80000000 15 WB", "EfiConventionalMemory 0x90000000 15 WB"]
    assert found(ABOVE, *lines, HIGH, architecture="arm64") == ()
    assert found(ABOVE, FREE, HIGH, architecture="arm64") == (2,)


def test_free_memory_beyond_48_bits_helps_nobody(found: Found) -> None:
    """Its lower half does, when it is large enough."""
    crossing = "EfiConventionalMemory 0xfffffffff000 64 WB"
    assert found(ABOVE, crossing, HIGH, architecture="arm64") == ()


def test_a_part_of_a_map_shows_free_memory_but_not_that_there_is_none(found: Found) -> None:
    assert found(ABOVE, FREE, HIGH, architecture="arm64", extent="partial") == (2,)
    with pytest.raises(ExampleError, match="extent"):
        found(ABOVE, HIGH, architecture="arm64", extent="partial")


def test_the_message_names_what_lies_beyond_and_what_is_free(findings: Findings) -> None:
    lines = ["EfiConventionalMemory 0x80000000 0xa00000 WB", "4 0xfffffffff000 2 WB"]
    (finding,) = findings(ABOVE, *lines, architecture="arm64")
    assert finding.region == AddressRange(1 << 48, (1 << 48) + 0x1000)
    assert "40 GiB in one piece are free below" in finding.message
    assert "UEFI 2.11, taken to apply here," in finding.message


@pytest.mark.parametrize(
    ("features", "judged"),
    [("[LPA]", True), ("[LVA]", True), ("[LPA, LPA2]", False), ("[]", False)],
)
def test_nothing_excuses_a_processor_without_lpa2(
    found: Found, features: str, *, judged: bool
) -> None:
    sections = f"hardware: {{address_features: {features}}}"
    expected = (1,) if judged else ()
    assert found(ABOVE, HIGH, architecture="arm64", sections=sections) == expected


# ARM64-009

BOOT = "arm64/nonconforming-boot-environment"


def environment(words: str) -> dict[str, object]:
    sections = f"platform: {{firmware: {{environment: {{{words}}}}}}}"
    return {"architecture": "arm64", "sections": sections}


def test_each_wrong_part_of_the_environment_is_a_finding(findings: Findings) -> None:
    words = "granule: 16K, translation_tables: [], top_byte_ignored: true, sctlr: [M, A, C]"
    found = findings(BOOT, **environment(words))
    assert [finding.field for finding in found] == [
        "granule",
        "translation_tables",
        "top_byte_ignored",
        "sctlr",
    ]
    assert "SA clear, I clear, A set" in found[-1].message


def test_a_part_that_is_not_stated_is_not_judged(findings: Findings) -> None:
    with pytest.raises(ExampleError, match=r"environment\.translation_tables"):
        findings(BOOT, **environment("granule: 4K"))
    (finding,) = findings(BOOT, **environment("granule: 64K"))
    assert finding.field == "granule"


# ARM64-010 to ARM64-012


def test_alternatives_of_a_list_are_no_chain(found: Found) -> None:
    sections = "mapping: [{calls: {exception_level: EL2}}, {calls: {exception_level: EL1}}]"
    with pytest.raises(ExampleError, match="kexec"):
        found("arm64/exception-level-changed-by-kexec", architecture="arm64", sections=sections)


def test_a_level_is_compared_with_the_first_that_called(findings: Findings) -> None:
    sections = """
mapping:
  - calls: {services: []}
    kexec: [{calls: {exception_level: EL1}}, {calls: {exception_level: EL2}}]
"""
    rule = "arm64/exception-level-changed-by-kexec"
    (finding,) = findings(rule, architecture="arm64", sections=sections)
    assert finding.message.startswith("runtime services are called at EL2")


EL1 = "arm64/calls-at-el1-without-mappings"


@pytest.mark.parametrize(
    ("calls", "needs"),
    [
        ("exception_level: EL1, identity_mapped: false", "boot_exception_level"),
        ("exception_level: EL1, boot_exception_level: EL2", "identity_mapped"),
    ],
)
def test_what_keeps_calls_at_el1_from_being_judged_is_named(
    found: Found, calls: str, needs: str
) -> None:
    mapping = f"set_virtual_address_map: {{calls: never}}, calls: {{{calls}}}"
    with pytest.raises(ExampleError, match=needs):
        found(EL1, **arm64(mapping))


def test_a_failed_call_supplies_no_mappings(found: Found) -> None:
    levels = "exception_level: EL1, boot_exception_level: EL2, identity_mapped: false"
    for result, expected in (("failed", (0,)), ("success", ())):
        svam = f"set_virtual_address_map: {{calls: once, result: {result}}}"
        assert found(EL1, **arm64(f"{svam}, calls: {{{levels}}}")) == expected


@pytest.mark.parametrize(
    ("revision", "judged"), [("2.9", False), ("2.10", True), ("2.11", True), (None, True)]
)
def test_streaming_mode_is_ruled_out_since_2_10(
    found: Found, revision: str | None, *, judged: bool
) -> None:
    mapping = arm64("calls: {streaming_mode: true}", uefi=revision)
    assert found("arm64/call-in-streaming-mode", **mapping) == ((0,) if judged else ())


# ARM64-013

REACH = "linux/identity-mapping-out-of-reach"


@pytest.mark.parametrize("bits", [36, 39, 42, 47, 48, 52])
def test_the_last_byte_below_the_width_is_in_reach(found: Found, bits: int) -> None:
    mapping = arm64(f"virtual_address_bits: {bits}, set_virtual_address_map: {{calls: never}}")
    last = (1 << bits) - 0x1000
    assert found(REACH, f"EfiMemoryMappedIO {last:#x} 1 RUNTIME UC", **mapping) == ()
    assert found(REACH, f"EfiMemoryMappedIO {last:#x} 2 RUNTIME UC", **mapping) == (0,)


def test_all_regions_out_of_reach_are_one_finding(findings: Findings) -> None:
    mapping = arm64("virtual_address_bits: 39, set_virtual_address_map: {calls: never}")
    (finding,) = findings(
        REACH,
        "EfiRuntimeServicesData  0x80000000    16  RUNTIME WB",
        "EfiRuntimeServicesData  0x9ff5bc0000  16  RUNTIME WB",
        "EfiMemoryMappedIO       0x7fff000000  0x1001  RUNTIME UC",
        **mapping,
    )
    assert finding.message.startswith("2 runtime regions end beyond 2^39 (0x8000000000)")
    assert len(finding.related) == 2


def test_whether_the_call_is_made_has_to_be_known(found: Found) -> None:
    line = "EfiMemoryMappedIO 0x8000000000 1 RUNTIME UC"
    with pytest.raises(ExampleError, match=r"set_virtual_address_map\.calls"):
        found(REACH, line, **arm64("virtual_address_bits: 39"))
    with pytest.raises(ExampleError, match="virtual_address_bits"):
        found(REACH, line, **arm64("set_virtual_address_map: {calls: never}"))


# Fixes, of all architectures

ARCHITECTURES = ("arm64", "x86_64", "i386", "ia64")


def fixable() -> list[RuleCase]:
    cases = [case for pack in (*ARCHITECTURES, "linux") for case in examples_of(pack)]
    return [
        case
        for case in cases
        if case.rule.fix != "none"
        and isinstance(case.example, Bad)
        and case.rule.requirements[0].startswith(("ARM64-", "X64-", "IA32-", "IA64-"))
    ]


@pytest.mark.parametrize("case", fixable(), ids=str)
def test_a_declaration_that_follows_the_advice_is_right(
    case: RuleCase, folder: Path, run: Run
) -> None:
    path = folder / "p.yaml"
    path.write_text(example_yaml(case.platform, case.example))
    options = ("p.yaml", "--policy", "strict", "--select", case.rule.id, "--fail-on", "info")
    assert run("lint", *options)[0] == 1
    assert run("lint", *options, "--fix", "--unsafe")[0] == 0
