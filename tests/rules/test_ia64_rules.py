"""The rules of Itanium: exact limits, and what a finding names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from efipolicy.plugin import Finding, MemoryDescriptor, MemoryMap, UsableMemory
from efipolicy.testing import ExampleError
from tests.conftest import PLATFORMS, Run

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]


def ia64(mapping: str, **given: object) -> dict[str, object]:
    """What an example says of one operating system."""
    return {"architecture": "ia64", "sections": f"mapping: [{{os: a, {mapping}}}]", **given}


# IA64-001, IA64-002


@pytest.mark.parametrize(
    ("rule", "line", "code"),
    [
        ("runtime-region", "EfiRuntimeServicesData 0x3f001000 2 RUNTIME WB", "IA64-001"),
        ("runtime-region", "EfiRuntimeServicesData 0x3f002000 3 RUNTIME WB", "IA64-001"),
        ("acpi-memory", "EfiACPIReclaimMemory 0x3e000000 1 WB", "IA64-002"),
        ("acpi-memory", "EfiACPIMemoryNVS 0x3e001000 2 WB", "IA64-002"),
    ],
)
def test_memory_of_firmware_comes_in_units_of_8_kib(
    findings: Findings, rule: str, line: str, code: str
) -> None:
    (finding,) = findings(f"uefi/{rule}-breaks-granularity", line, architecture="ia64")
    assert code in finding.requirements
    assert "8 KiB" in finding.message


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("runtime-region", "EfiRuntimeServicesData 0x3f002000 2 RUNTIME WB"),
        ("acpi-memory", "EfiACPIReclaimMemory 0x3e000000 2 WB"),
    ],
)
def test_8_kib_are_enough(found: Found, rule: str, line: str) -> None:
    assert found(f"uefi/{rule}-breaks-granularity", line, architecture="ia64") == ()


# IA64-003, IA64-004

PORTS = "EfiMemoryMappedIOPortSpace 0xffffc000000 0x4000 RUNTIME UC"


def test_port_spaces_are_counted_in_one_finding(findings: Findings) -> None:
    second, third = PORTS.replace("0xffff", "0x1ffff"), PORTS.replace("0xffff", "0x2ffff")
    (finding,) = findings(
        "ia64/several-io-port-spaces", PORTS, second, third, architecture="ia64", extent="partial"
    )
    assert finding.message.startswith("3 descriptors of EfiMemoryMappedIOPortSpace")
    assert len(finding.related) == 2


@pytest.mark.parametrize("extent", ["partial", "unknown"])
def test_only_a_whole_map_can_lack_a_port_space(found: Found, extent: str) -> None:
    line = "EfiConventionalMemory 0x100000 256 WB"
    with pytest.raises(ExampleError, match="whole"):
        found("ia64/no-io-port-space", line, architecture="ia64", extent=extent)


def test_that_there_is_no_port_space_is_said_of_the_map(findings: Findings) -> None:
    line = "EfiConventionalMemory 0x100000 256 WB"
    (finding,) = findings("ia64/no-io-port-space", line, architecture="ia64")
    assert isinstance(finding.subject, MemoryMap)


@pytest.mark.parametrize("bits", ["RUNTIME", "RUNTIME UCE", "RUNTIME WC", ""])
def test_a_port_space_without_uc_gets_it_added(findings: Findings, bits: str) -> None:
    line = f"EfiMemoryMappedIOPortSpace 0xffffc000000 0x4000 {bits}"
    (finding,) = findings("linux/io-port-space-not-uncached", line, architecture="ia64")
    assert finding.fix
    (edit,) = finding.fix.edits
    assert isinstance(finding.subject, MemoryDescriptor)
    assert edit.value == (finding.subject.attribute or 0) | 1


# IA64-005


@pytest.mark.parametrize(
    ("start", "pages", "words"),
    [
        (0x3FFC0000, 64, None),
        (0x3FFC1000, 1, None),
        (0x3FFC0000, 65, "260 KiB, no power of two"),
        (0x3FFC0000, 48, "192 KiB, no power of two"),
        (0x40000000, 128, "512 KiB, no power of two from 4 KiB to 256 KiB"),
        (0x3FFC1000, 64, "starts 0x1000 beyond a multiple of its size, 256 KiB"),
        (0x40000000, 0x1001, "panics with a granule of 16 MiB"),
        (0x40000000, 0x4001, "panics with any granule"),
    ],
)
def test_pal_code_fits_one_translation(
    findings: Findings, start: int, pages: int, words: str | None
) -> None:
    line = f"EfiPalCode {start:#x} {pages} RUNTIME WB"
    found = findings("linux/unmappable-pal-code-region", line, architecture="ia64")
    assert bool(found) == bool(words)
    assert all(words and words in finding.message for finding in found)


def test_every_pal_region_but_the_first_is_related(findings: Findings) -> None:
    lines = [f"EfiPalCode {start:#x} 64 RUNTIME WB" for start in (0x3FFC0000, 0x0, 0x40000)]
    (finding,) = findings("linux/several-pal-code-regions", *lines, architecture="ia64")
    assert isinstance(finding.subject, MemoryDescriptor)
    assert finding.subject.physical_start == 0x3FFC0000, "the first of the map, as Linux does"
    assert len(finding.related) == 2


# IA64-006


def test_pal_code_that_is_taken_early_is_taken(findings: Findings) -> None:
    usable = "usable_memory: {types: [7], before_acpi: [7, 13]}"
    (finding,) = findings("ia64/pal-code-reused", **ia64(usable))
    assert finding.field == "before_acpi"
    assert isinstance(finding.subject, UsableMemory)


def test_on_other_architectures_type_13_is_nobody_s_pal_code(found: Found) -> None:
    given = {**ia64("usable_memory: {types: [13]}"), "architecture": "x86_64"}
    assert found("ia64/pal-code-reused", **given) == ()


# IA64-007

MODES = "ia64/physical-and-virtual-calls-mixed"


@pytest.mark.parametrize(
    ("svam", "addresses", "finds"),
    [
        ("never", "physical", False),
        ("never", "identity", False),
        ("never", "virtual", True),
        ("once", "physical", True),
        ("once", "virtual", False),
        ("once, result: failed", "physical", False),
        ("once, result: failed", "virtual", True),
    ],
)
def test_calls_go_where_firmware_is(
    found: Found, svam: str, addresses: str, *, finds: bool
) -> None:
    mapping = f"set_virtual_address_map: {{calls: {svam}}}, calls: {{addresses: {addresses}}}"
    assert found(MODES, **ia64(mapping)) == ((0,) if finds else ())


@pytest.mark.parametrize(("virtual", "finds"), [(0x7F000000, False), (0xE00000007F000000, True)])
def test_identity_calls_need_a_layout_that_moves_nothing(
    found: Found, virtual: int, *, finds: bool
) -> None:
    entry = f"{{type: 6, physical_start: 0x7f000000, pages: 2, virtual_start: {virtual:#x}}}"
    calls = "set_virtual_address_map: {calls: once}, calls: {addresses: identity}"
    expected = (0,) if finds else ()
    assert found(MODES, **ia64(f"{calls}, virtual_map: [{entry}]")) == expected
    with pytest.raises(ExampleError, match="virtual_map"):
        found(MODES, **ia64(calls))


def test_an_unknown_first_kernel_leaves_the_second_unjudged(found: Found) -> None:
    sections = """
mapping:
  - calls: {addresses: virtual}
    kexec: [{set_virtual_address_map: {calls: never}, calls: {addresses: virtual}}]
"""
    with pytest.raises(ExampleError, match=r"set_virtual_address_map\.calls"):
        found(MODES, architecture="ia64", sections=sections)


# IA64-008


@pytest.mark.parametrize(
    ("stack", "store", "fields"),
    [
        (0x20000, 0x4000, []),
        (0x1FFFF, 0x4000, ["stack_bytes"]),
        (0x20000, 0x3FFF, ["backing_store_bytes"]),
        (0, 0, ["stack_bytes", "backing_store_bytes"]),
    ],
)
def test_both_stacks_have_a_least_size(
    findings: Findings, stack: int, store: int, fields: list[str]
) -> None:
    stated = f"{{stack_bytes: {stack}, backing_store_bytes: {store}}}"
    sections = f"platform: {{firmware: {{environment: {stated}}}}}"
    found = findings("ia64/insufficient-boot-stack", architecture="ia64", sections=sections)
    assert [finding.field for finding in found] == fields


# IA64-010

REGION = "linux/virtual-address-in-other-region"


def layout(bits: str, virtual: int, os: str = "linux") -> dict[str, object]:
    attribute = f"attribute: [{bits}], " if bits != "?" else ""
    entry = (
        f"{{type: 6, physical_start: 0x7f000000, pages: 2, {attribute}virtual_start: {virtual:#x}}}"
    )
    return {"architecture": "ia64", "sections": f"mapping: [{{os: {os}, virtual_map: [{entry}]}}]"}


@pytest.mark.parametrize(
    ("bits", "right"),
    [
        ("RUNTIME, WB", 0xE000_0000_7F00_0000),
        ("RUNTIME, WB, UC", 0xE000_0000_7F00_0000),
        ("RUNTIME, UC", 0xC000_0000_7F00_0000),
        ("RUNTIME, WC", 0xC000_0000_7F00_0000),
        ("RUNTIME, WT", 0xC000_0000_7F00_0000),
        ("RUNTIME", None),
        ("RUNTIME, UCE", None),
        ("WB", None),
    ],
)
def test_the_address_follows_from_the_attribute(
    findings: Findings, bits: str, right: int | None
) -> None:
    for virtual in (0xE000_0000_7F00_0000, 0xC000_0000_7F00_0000, 0x7F00_0000):
        found = findings(REGION, **layout(bits, virtual))
        assert bool(found) == (right is not None and virtual != right)
        assert all(f"Linux gives it {right:#x}" in finding.message for finding in found)


def test_an_entry_without_attribute_has_that_of_the_map(found: Found) -> None:
    line = "EfiRuntimeServicesData 0x7f000000 2 RUNTIME UC"
    assert found(REGION, line, **layout("?", 0xE000_0000_7F00_0000)) == (0,)
    assert found(REGION, line, **layout("?", 0xC000_0000_7F00_0000)) == ()


def test_another_operating_system_may_choose_other_addresses(found: Found) -> None:
    assert found(REGION, **layout("RUNTIME, WB", 0x7F00_0000, os="hp-ux")) == ()


def test_the_real_machine_hears_of_no_error_or_warning_from_ia64_rules(run: Run) -> None:
    select = ("--select", "ia64/*", "--select", "linux/*pal-code*", "--select", "linux/io-port*")
    path = PLATFORMS / "hp-rx8620-ia64.yaml"
    assert run("lint", path, *select, "--policy", "strict", "--fail-on", "info")[0] == 0
