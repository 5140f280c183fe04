"""The rules of x86-64 and IA-32, and the page tables of the latter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from efipolicy.plugin import AddressRange, Finding, MappingDeclaration, RadixGeometry
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ExampleError
from tests.conftest import PLATFORMS, Run

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

IDENTITY = {
    "x86_64": "x86_64/call-without-identity-mapping",
    "i386": "i386/paged-call-without-identity-mapping",
}
STATE = {
    "x86_64": "x86_64/wrong-processor-state-in-call",
    "i386": "i386/wrong-processor-state-in-call",
}
GIB_4 = 1 << 32


def one(mapping: str, architecture: str = "x86_64", **given: object) -> dict[str, object]:
    """What an example says of one operating system."""
    return {"architecture": architecture, "sections": f"mapping: [{{os: a, {mapping}}}]", **given}


def virtual_map(*entries: tuple[int, int, int], head: str = "", bits: int = 0) -> dict[str, object]:
    """A declared layout of runtime data: physical start, pages, virtual start."""
    lines = [
        f"      - {{type: 6, physical_start: {physical:#x}, pages: {pages}, "
        f"attribute: [RUNTIME, WB], virtual_start: {virtual:#x}}}"
        for physical, pages, virtual in entries
    ]
    width = f"\n    virtual_address_bits: {bits}" if bits else ""
    sections = f"{head}\nmapping:\n  - os: linux{width}\n    virtual_map:\n" + "\n".join(lines)
    return {"architecture": "x86_64", "sections": sections}


# X64-001, IA32-001


@pytest.mark.parametrize("architecture", IDENTITY)
@pytest.mark.parametrize(
    ("svam", "calls", "finds"),
    [
        ("never", "paging: on, identity_mapped: false", True),
        ("never", "paging: on, addresses: virtual", True),
        ("never", "paging: on, addresses: virtual, identity_mapped: true", False),
        ("never", "paging: on, addresses: physical", False),
        ("never", "paging: on, addresses: identity", False),
        ("once", "paging: on, addresses: virtual, identity_mapped: false", False),
        ("once, result: failed", "paging: on, identity_mapped: false", True),
    ],
)
def test_identity_is_demanded_until_firmware_is_virtual(
    found: Found, architecture: str, svam: str, calls: str, *, finds: bool
) -> None:
    mapping = f"set_virtual_address_map: {{calls: {svam}}}, calls: {{{calls}}}"
    expected = (0,) if finds else ()
    assert found(IDENTITY[architecture], **one(mapping, architecture)) == expected


@pytest.mark.parametrize("architecture", IDENTITY)
@pytest.mark.parametrize(
    ("mapping", "needs"),
    [
        ("calls: {paging: on, identity_mapped: false}", r"set_virtual_address_map\.calls"),
        ("set_virtual_address_map: {calls: never}, calls: {paging: on}", "identity_mapped"),
    ],
)
def test_what_keeps_identity_from_being_judged_is_named(
    found: Found, architecture: str, mapping: str, needs: str
) -> None:
    with pytest.raises(ExampleError, match=needs):
        found(IDENTITY[architecture], **one(mapping, architecture))


def test_paging_is_on_in_long_mode_and_optional_in_protected_mode(found: Found) -> None:
    mapping = "set_virtual_address_map: {calls: never}, calls: {paging: off}"
    assert found(IDENTITY["x86_64"], **one(mapping)) == (0,)
    assert found(IDENTITY["i386"], **one(mapping, "i386")) == ()


@pytest.mark.parametrize("architecture", IDENTITY)
def test_a_kernel_started_by_kexec_inherits_what_the_first_did(
    found: Found, architecture: str
) -> None:
    for first, expected in (("once", ()), ("never", (0,))):
        sections = f"""
mapping:
  - set_virtual_address_map: {{calls: {first}}}
    calls: {{paging: on, identity_mapped: true}}
    kexec:
      - set_virtual_address_map: {{calls: never}}
        calls: {{paging: on, identity_mapped: false}}
"""
        given = {"architecture": architecture, "sections": sections}
        assert found(IDENTITY[architecture], **given) == expected


# X64-002, IA32-002


@pytest.mark.parametrize(
    ("revision", "right"),
    [
        ("2.0", {0x27F}),
        ("2.3", {0x27F}),
        ("2.3.1", {0x27F, 0x37F}),
        ("2.4", {0x37F}),
        ("2.10", {0x37F}),
        (None, {0x37F}),
    ],
)
def test_the_control_word_follows_the_declared_revision(
    findings: Findings, revision: str | None, right: set[int]
) -> None:
    for word in (0x27F, 0x37F, 0x40):
        state = f"fp_control: {word:#x}, mxcsr: 0x1f80, cr0: [], direction_flag: false"
        given = one(f"calls: {{{state}}}", uefi=revision)
        found = findings(STATE["x86_64"], **given)
        assert [f.field for f in found] == ([] if word in right else ["fp_control"])
        assert all(("taken to apply" in f.message) == (revision is None) for f in found)


@pytest.mark.parametrize(("architecture", "word"), [("x86_64", 0x37F), ("i386", 0x27F)])
def test_every_wrong_part_of_the_state_is_a_finding_with_its_fix(
    findings: Findings, architecture: str, word: int
) -> None:
    state = "fp_control: 0x1, mxcsr: 0x1f81, cr0: [EM, TS], direction_flag: true"
    found = findings(STATE[architecture], **one(f"calls: {{{state}}}", architecture))
    assert [finding.field for finding in found] == ["fp_control", "mxcsr", "cr0", "direction_flag"]
    assert f"wants {word:#06x}" in found[0].message
    assert "CR0.EM and CR0.TS are set" in found[2].message
    assert all(finding.fix for finding in found)


@pytest.mark.parametrize("architecture", STATE)
@pytest.mark.parametrize("part", ["fp_control", "mxcsr", "cr0", "direction_flag"])
def test_a_part_of_the_state_that_is_not_stated_is_not_judged(
    found: Found, architecture: str, part: str
) -> None:
    word = {"x86_64": "0x37f", "i386": "0x27f"}[architecture]
    state = {"fp_control": word, "mxcsr": "0x1f80", "cr0": "[]", "direction_flag": "false"}
    del state[part]
    calls = ", ".join(f"{key}: {value}" for key, value in state.items())
    with pytest.raises(ExampleError, match=part):
        found(STATE[architecture], **one(f"calls: {{{calls}}}", architecture))


# X64-003

CANONICAL = "x86_64/virtual-address-not-canonical"


@pytest.mark.parametrize(
    ("bits", "virtual", "pages", "finds"),
    [
        (0, 0x7FFF_FFFF_F000, 1, False),
        (0, 0x7FFF_FFFF_F000, 2, True),
        (0, 0x8000_0000_0000, 1, True),
        (0, 0xFFFF_7FFF_FFFF_F000, 1, True),
        (0, 0xFFFF_8000_0000_0000, 1, False),
        (0, 0xFFFF_FFFF_FFFF_F000, 1, False),
        (0, 0xFFFF_FFFF_FFFF_F000, 2, True),
        (57, 0x00FF_FFFF_FFFF_F000, 1, False),
        (57, 0x00FF_FFFF_FFFF_F000, 2, True),
        (57, 0xFF00_0000_0000_0000, 1, False),
        (57, 0xFEFF_FFFF_FFFF_F000, 1, True),
        (0, 0xFFFF_FFFF_FFFF_FFFF, 1, False),
    ],
)
def test_the_hole_of_the_address_space_has_exact_edges(
    findings: Findings, bits: int, virtual: int, pages: int, *, finds: bool
) -> None:
    found = findings(CANONICAL, **virtual_map((0x7F00_0000, pages, virtual), bits=bits))
    assert bool(found) == finds
    for finding in found:
        past = "reaches beyond 2^64" in finding.message
        assert past or (f"{bits or 48}-bit" in finding.message)
        assert past or ("none is declared" in finding.message) == (not bits)


def test_a_planned_layout_is_judged_like_a_declared_one(found: Found) -> None:
    line = "EfiRuntimeServicesData 0x7f000000 16 RUNTIME WB"
    given = {"architecture": "x86_64", "sections": "mapping: [{strategy: x86-topdown}]"}
    assert found(CANONICAL, line, **given) == ()


# X64-004

SMI = "x86_64/high-virtual-map-with-32-bit-smi-handler"
HANDLER_32 = "platform: {firmware: {smi_handler: 32}}"


def test_regions_above_4_gib_are_one_finding(findings: Findings) -> None:
    (finding,) = findings(
        SMI,
        **virtual_map(
            (0x7F00_0000, 16, 0xFFFF_FFFE_8000_0000),
            (0x7E00_0000, 16, 0xFFFF_FFFE_7000_0000),
            (0x7D00_0000, 16, 0x7D00_0000),
            head=HANDLER_32,
        ),
    )
    assert "2 runtime regions get virtual addresses above 4 GiB" in finding.message
    assert "from 0xfffffffe70000000 on" in finding.message
    assert isinstance(finding.subject, MappingDeclaration)
    assert len(finding.related) == 2


def test_a_strategy_that_moves_firmware_high_is_found_too(findings: Findings) -> None:
    sections = f"{HANDLER_32}\nmapping: [{{strategy: x86-topdown}}]"
    line = "EfiRuntimeServicesData 0x7f000000 16 RUNTIME WB"
    (finding,) = findings(SMI, line, architecture="x86_64", sections=sections)
    assert finding.field == "strategy"


def test_a_kernel_that_does_not_move_firmware_is_not_asked(found: Found) -> None:
    sections = f"{HANDLER_32}\nmapping: [{{strategy: identity}}]"
    with pytest.raises(ExampleError, match="mapping"):
        found(SMI, architecture="x86_64", sections=sections)


def test_the_width_of_the_smi_handler_has_to_be_known(found: Found) -> None:
    with pytest.raises(ExampleError, match=r"firmware\.smi_handler|platform\.firmware"):
        found(SMI, **virtual_map((0x7F00_0000, 16, 0xFFFF_FFFE_8000_0000)))


# X64-006

MIXED = "platform: {firmware: {bits: 32}}"


def test_only_the_part_above_4_gib_is_out_of_reach(findings: Findings) -> None:
    (finding,) = findings(
        "linux/mixed-mode-region-above-4g",
        "EfiRuntimeServicesData 0xfffff000 3 RUNTIME WB",
        "EfiRuntimeServicesData 0xffffe000 1 RUNTIME WB",
        "EfiConventionalMemory 0x100002000 16 WB",
        architecture="x86_64",
        sections=MIXED,
    )
    assert finding.region == AddressRange(GIB_4, GIB_4 + 0x2000)


def test_an_argument_is_pointed_at_by_itself(findings: Findings) -> None:
    places = "[{start: 0x7f000000, size: 16}, {start: 0xfffffff8, size: 16, what: a name}]"
    sections = f"{MIXED}\nmapping: [{{os: linux, calls: {{arguments: {places}}}}}]"
    (finding,) = findings(
        "linux/mixed-mode-argument-above-4g", architecture="x86_64", sections=sections
    )
    assert finding.region == AddressRange(GIB_4, GIB_4 + 8)
    assert "(a name)" in finding.message


def test_a_moved_region_of_32_bit_firmware_is_found_at_any_address(findings: Findings) -> None:
    layout = virtual_map(
        (0x7E00_0000, 16, 0x7E00_0000),
        (0x7F00_0000, 16, 0x2000_0000),
        (0x7D00_0000, 16, 0xFFFF_FFFF_FFFF_FFFF),
        head=MIXED,
    )
    (finding,) = findings("linux/mixed-mode-region-moved", **layout)
    assert "0x20000000" in finding.message


def test_what_a_kernel_calls_after_kexec_has_to_be_known(found: Found) -> None:
    sections = f"{MIXED}\nmapping: [{{os: linux, kexec: [{{kind: kexec}}]}}]"
    with pytest.raises(ExampleError, match=r"kexec\[\]\.calls\.services"):
        found("linux/mixed-mode-services-after-kexec", architecture="x86_64", sections=sections)


# IA32-003


@pytest.mark.parametrize("field", ["address", "runtime_services", "configuration_table"])
def test_each_pointer_of_the_system_table_has_to_fit_32_bits(
    findings: Findings, field: str
) -> None:
    rule = "linux/system-table-above-4g"
    for address, finds in ((GIB_4 - 1, False), (GIB_4, True)):
        sections = f"system_table: {{{field}: {address:#x}}}"
        found = findings(rule, architecture="i386", sections=sections)
        assert [finding.field for finding in found] == ([field] if finds else [])


def test_a_table_may_end_where_4_gib_do(found: Found) -> None:
    tables = ("SMBIOS3 0xffffffe8 24", "ACPI_20 0xffffffe8 25", "SMBIOS 0xffffffff")
    rule = "linux/configuration-table-above-4g"
    assert found(rule, architecture="i386", configuration_tables=tables) == (2,)
    with pytest.raises(ExampleError, match="configuration_tables"):
        found(rule, architecture="i386")


# The page tables of IA-32

I386 = Registry().architectures["i386"]


@pytest.mark.parametrize(
    ("name", "levels", "leaves", "entry_bytes"),
    [
        ("i386-classic", [("PGD", 22, 10), ("PTE", 12, 10)], (4 << 20, 4 << 10), 4),
        (
            "i386-pae",
            [("PGD", 30, 2), ("PMD", 21, 9), ("PTE", 12, 9)],
            (2 << 20, 4 << 10),
            8,
        ),
    ],
)
def test_ia_32_has_two_kinds_of_page_tables(
    name: str, levels: list[tuple[str, int, int]], leaves: tuple[int, ...], entry_bytes: int
) -> None:
    (geometry,) = (item for item in I386.geometries[0x1000] if item.name == name)
    assert isinstance(geometry, RadixGeometry)
    assert [(level.name, level.shift, level.bits) for level in geometry.levels] == levels
    assert geometry.leaf_sizes == leaves
    assert geometry.entry_bytes == entry_bytes
    assert geometry.virtual_address_bits == 32


def test_ia_32_takes_runtime_regions_of_one_page(found: Found) -> None:
    line = "EfiRuntimeServicesData 0x7f001000 1 RUNTIME WB"
    assert found("uefi/runtime-region-breaks-granularity", line, architecture="i386") == ()


def test_a_healthy_platform_hears_nothing_of_x86_rules(run: Run) -> None:
    select = ("--select", "x86_64/*", "--select", "linux/mixed-*", "--policy", "strict")
    path = PLATFORMS / "ovmf-x86_64.yaml"
    assert run("lint", path, *select, "--fail-on", "info")[0] == 0
