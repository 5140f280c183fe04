"""The Memory Attributes Table: what the examples of its rules cannot show."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from efipolicy.plugin import AddressRange, Finding, Responsible
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ExampleError
from efipolicy_uefi.attributes_table import Coverage
from tests.conftest import ROOT, Run
from tests.rules.test_one_cause_one_finding import rules_reported

Found = Callable[..., tuple[int, ...]]
Findings = Callable[..., list[Finding]]

CODE = "EfiRuntimeServicesCode 0x7f000000 32 RUNTIME WB"
DATA = "EfiRuntimeServicesData 0x7f020000 16 RUNTIME WB"
PARTLY = "uefi/descriptor-partly-covered-by-mat"
OF_A_WHOLE_TABLE = (
    "uefi/unsorted-mat",
    "uefi/overlapping-mat-entries",
    "uefi/mat-entry-outside-descriptor",
    "uefi/mat-entry-type-differs",
    PARTLY,
    "windows/runtime-memory-left-out-of-mat",
)


def table(**fields: object) -> str:
    keys = ", ".join(f"{key}: {value}" for key, value in {"entries": "[]", **fields}.items())
    return f"memory_attributes_table: {{{keys}}}"


@pytest.mark.parametrize("rule", OF_A_WHOLE_TABLE)
def test_entries_of_a_table_that_was_partly_read_are_no_table(rule: str, found: Found) -> None:
    entries = """[
    {type: 6, physical_start: 0x7f010000, pages: 64, attribute: [RUNTIME, XP]},
    {type: 6, physical_start: 0x7f000000, pages: 32, attribute: [RUNTIME, XP]},
  ]"""
    with pytest.raises(ExampleError, match="the whole memory_attributes_table"):
        found(rule, CODE, DATA, sections=table(extent="partial", entries=entries))


@pytest.mark.parametrize("rule", OF_A_WHOLE_TABLE[2:])
def test_a_part_of_a_map_proves_nothing_against_a_table(rule: str, found: Found) -> None:
    entries = ("EfiRuntimeServicesData 0x7f030000 64 RUNTIME XP",)
    with pytest.raises(ExampleError, match="extent: whole"):
        found(rule, CODE, extent="partial", memory_attributes_table=entries)


@pytest.mark.parametrize(
    ("line", "entry", "rule"),
    [
        # One requirement is about the entry alone, the other about it and the map.
        ("11 0xffc00000 16 RUNTIME UC", "11 0xffc00000 16 RUNTIME XP", "mat-entry-of-other-type"),
        ("6 0xffc00000 16 RUNTIME WB", "11 0xffc00000 16 RUNTIME XP", "mat-entry-of-other-type"),
        ("5 0xffc00000 16 RUNTIME WB", "6 0xffc00000 16 RUNTIME XP", "mat-entry-type-differs"),
        ("6 0xffc00000 16 RUNTIME WB", "5 0xffc00000 16 RUNTIME RO", "mat-entry-type-differs"),
    ],
)
def test_a_type_no_entry_may_have_and_a_type_of_other_memory_are_two_faults(
    registry: Registry, line: str, entry: str, rule: str
) -> None:
    found = rules_reported(registry, line, memory_attributes_table=(entry,), architecture="x86_64")
    assert [name for name in found if not name.startswith("windows/")] == [f"uefi/{rule}"]


@pytest.mark.parametrize("bits", ["", "XP WB", "RUNTIME", "XP"])
def test_an_entry_of_another_type_is_not_judged_any_further(registry: Registry, bits: str) -> None:
    found = rules_reported(
        registry,
        "EfiMemoryMappedIO 0xffc00000 16 RUNTIME UC",
        architecture="ia64",
        memory_attributes_table=(f"EfiMemoryMappedIO 0xffc01000 2 {bits}",),
    )
    ours = [rule for rule in found if "mat-" in rule or rule.endswith("-mat")]
    assert ours == ["uefi/mat-entry-of-other-type"]


def test_the_ranges_that_entries_leave_out_are_named_to_the_page(findings: Findings) -> None:
    (finding,) = findings(
        PARTLY,
        CODE,
        memory_attributes_table=(
            "EfiRuntimeServicesCode 0x7f001000 15 RUNTIME RO",
            "EfiRuntimeServicesCode 0x7f012000 13 RUNTIME XP",
        ),
    )
    assert finding.message == (
        "the Memory Attributes Table leaves 0x7f000000-0x7f001000, 0x7f010000-0x7f012000, "
        "0x7f01f000-0x7f020000 of EfiRuntimeServicesCode 0x7f000000-0x7f020000 uncovered, "
        "0x4 of 0x20 pages"
    )
    assert finding.region == AddressRange(0x7F000000, 0x7F001000)
    assert [related.message for related in finding.related] == [
        "RUNTIME|RO for 0x7f001000-0x7f010000",
        "RUNTIME|XP for 0x7f012000-0x7f01f000",
    ]


def test_a_single_gap_is_the_region_of_its_finding(findings: Findings) -> None:
    entries = ("EfiRuntimeServicesCode 0x7f000000 16 RUNTIME RO",)
    (finding,) = findings(PARTLY, CODE, memory_attributes_table=entries)
    assert finding.region == AddressRange(0x7F010000, 0x7F020000)


def test_many_gaps_are_counted_and_the_first_ones_listed(findings: Findings) -> None:
    entries = [f"EfiRuntimeServicesCode {0x7F000000 + n * 0x2000:#x} 1 RO" for n in range(16)]
    (finding,) = findings(PARTLY, CODE, memory_attributes_table=entries)
    assert "0x7f00f000-0x7f010000 and 8 more ranges of" in finding.message
    assert finding.message.endswith("0x10 of 0x20 pages")


@pytest.mark.parametrize(
    ("entries", "places"),
    [
        ((), ()),
        (("EfiRuntimeServicesCode 0x7f000000 48 RUNTIME RO",), ()),
        (("EfiMemoryMappedIO 0x7f000000 1 RUNTIME XP",), ()),
        (("EfiRuntimeServicesCode 0x7f000000 0 RUNTIME RO",), ()),
        (("EfiRuntimeServicesCode 0x7f01f000 2 RUNTIME RO",), (1,)),
        (("EfiRuntimeServicesCode 0x7f000000 31 RUNTIME RO",), (1,)),
        (
            (
                "EfiRuntimeServicesCode 0x7f000000 20 RUNTIME RO",
                "EfiRuntimeServicesCode 0x7f008000 24 RUNTIME XP",
            ),
            (),
        ),
    ],
)
def test_a_descriptor_is_covered_wholly_or_not_listed(
    found: Found, entries: tuple[str, ...], places: tuple[int, ...]
) -> None:
    assert found(PARTLY, CODE, DATA, memory_attributes_table=entries) == places


def test_gaps_are_found_before_between_and_after_what_is_described() -> None:
    assert list(Coverage(()).gaps(AddressRange(0, 4))) == [AddressRange(0, 4)]
    assert list(Coverage(()).gaps(AddressRange(4, 4))) == []


def test_an_entry_over_several_descriptors_names_all_it_reaches_into(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/mat-entry-outside-descriptor",
        CODE,
        DATA,
        "EfiConventionalMemory 0x7f030000 16 WB",
        memory_attributes_table=("EfiRuntimeServicesCode 0x7f01e000 20 RUNTIME RO",),
    )
    assert finding.region == AddressRange(0x7F020000, 0x7F032000)
    assert "runs 0x12000 bytes over the end of EfiRuntimeServicesCode" in finding.message
    assert [related.message for related in finding.related] == [
        "EfiRuntimeServicesCode holds its start",
        "EfiRuntimeServicesData is reached into",
        "EfiConventionalMemory is reached into",
    ]


def test_an_entry_that_starts_in_a_hole_reports_the_part_in_it(findings: Findings) -> None:
    (finding,) = findings(
        "uefi/mat-entry-outside-descriptor",
        CODE,
        memory_attributes_table=("EfiRuntimeServicesCode 0x7efff000 3 RUNTIME RO",),
    )
    assert finding.region == AddressRange(0x7EFFF000, 0x7F000000)
    assert finding.message.startswith("no descriptor holds the first 0x1000 bytes of the entry")


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (0, "has version 0; versions"),
        (3, "has version 3; versions"),
        (0xAFAFAFAF, "the fill pattern 0xaf"),
        (0x5A5A5A5A, "the fill pattern 0x5a"),
        (0x665F5F00, "something else lies where the table should be"),
    ],
)
def test_a_version_that_is_no_number_is_told_for_what_it_is(
    findings: Findings, version: int, words: str
) -> None:
    (finding,) = findings("uefi/unknown-mat-version", sections=table(version=version))
    assert words in finding.message
    assert finding.field == "version"


@pytest.mark.parametrize(
    ("origin", "responsible"), [("firmware", None), ("kexec", Responsible.KERNEL)]
)
def test_a_table_that_kexec_lost_is_the_fault_of_the_kernel_before(
    findings: Findings, origin: str, responsible: Responsible | None
) -> None:
    sections = table(version=0x665F5F00)
    (finding,) = findings("uefi/unknown-mat-version", CODE, origin=origin, sections=sections)
    assert finding.responsible is responsible


def test_the_table_a_kernel_found_overwritten_after_kexec_is_reported(
    folder: Path, run: Run
) -> None:
    both = (ROOT / "tests" / "captures" / "qemu-q35-1g-linux-x86-kexec.txt").read_text()
    second = both[both.rindex("Linux version") :]
    (folder / "second.txt").write_text(second)
    rule = "uefi/unknown-mat-version"
    options = ("--policy", "strict", "--select", rule, "--format", "json")
    _, out, _ = run("lint", "second.txt", *options)
    (finding,) = json.loads(out)["findings"]
    assert "version 0x665f5f00: something else lies where" in finding["message"]
    assert finding["responsible"] == "kernel"


@pytest.mark.parametrize(
    ("version", "flags", "places"),
    [
        (1, 0, ()),
        (1, 1, (0,)),
        (2, 0, ()),
        (2, 1, ()),
        (2, 2, (0,)),
        (2, 0x80000001, (0,)),
    ],
)
def test_bit_0_alone_has_a_meaning_and_only_since_version_2(
    found: Found, version: int, flags: int, places: tuple[int, ...]
) -> None:
    sections = table(version=version, flags=flags)
    assert found("uefi/undefined-mat-flags", sections=sections) == places


def test_flags_of_an_unknown_version_are_judged_where_no_version_has_them(found: Found) -> None:
    rule = "uefi/undefined-mat-flags"
    assert found(rule, sections=table(flags=0)) == ()
    assert found(rule, sections=table(flags=2)) == (0,)
    with pytest.raises(ExampleError, match="version"):
        found(rule, sections=table(flags=1))


def test_a_table_of_unknown_version_is_one_fault(registry: Registry) -> None:
    sections = table(version=0xAFAFAFAF, flags=0xAFAFAFAF, number_of_entries=0xAFAFAFAF)
    found = rules_reported(registry, CODE, DATA, sections=sections)
    assert [rule for rule in found if not rule.startswith("windows/")] == [
        "uefi/unknown-mat-version"
    ]


@pytest.mark.parametrize(
    ("architecture", "start", "places"),
    [
        ("ia64", 0x3F001000, (1,)),
        ("ia64", 0x3F002000, ()),
        ("arm64", 0x3F001000, ()),
        ("i386", 0x3F000800, (1,)),
        ("unknown", 0x3F000800, (1,)),
    ],
)
def test_an_entry_starts_at_the_unit_of_its_architecture(
    found: Found, architecture: str, start: int, places: tuple[int, ...]
) -> None:
    entries = (f"EfiRuntimeServicesCode {start:#x} 2 RUNTIME RO",)
    rule = "uefi/misaligned-mat-entry"
    assert found(rule, architecture=architecture, memory_attributes_table=entries) == places


def test_an_aligned_entry_of_an_unknown_architecture_has_not_passed(found: Found) -> None:
    entries = ("EfiRuntimeServicesCode 0x3f001000 2 RUNTIME RO",)
    with pytest.raises(ExampleError, match=r"platform\.architecture"):
        found("uefi/misaligned-mat-entry", memory_attributes_table=entries)


def test_a_virtual_start_nobody_printed_is_not_zero(found: Found) -> None:
    entries = ("EfiRuntimeServicesCode 0x3f001000 2 RUNTIME RO",)
    with pytest.raises(ExampleError, match="virtual_start"):
        found("uefi/mat-entry-with-virtual-start", memory_attributes_table=entries)


@pytest.mark.parametrize(
    ("rule", "entry", "field", "value"),
    [
        ("mat-entry-without-runtime-bit", "6 0x7f020000 1 XP", "attribute", 0x8000000000004000),
        ("mat-entry-with-virtual-start", "6 0x7f020000 1 XP @0x1000", "virtual_start", 0),
        ("mat-entry-type-differs", "5 0x7f020000 1 RUNTIME RO", "type", 6),
    ],
)
def test_a_fix_changes_the_wrong_field_and_nothing_else(
    findings: Findings, rule: str, entry: str, field: str, value: int
) -> None:
    (finding,) = findings(f"uefi/{rule}", CODE, DATA, memory_attributes_table=(entry,))
    assert finding.fix is not None
    (edit,) = finding.fix.edits
    assert (edit.field, edit.value) == (field, value)


@pytest.mark.parametrize(
    ("size", "rules"),
    [
        (48, []),
        (40, ["linux/mat-descriptor-size-differs"]),
        (56, ["linux/mat-descriptor-size-differs"]),
        (39, ["linux/mat-descriptor-too-small"]),
        (0, ["linux/mat-descriptor-too-small"]),
    ],
)
def test_a_stride_is_too_small_or_another_than_the_map_s(
    registry: Registry, size: int, rules: list[str]
) -> None:
    sections = table(descriptor_size=size)
    found = rules_reported(registry, CODE, descriptor_size=48, sections=sections)
    assert [rule for rule in found if rule.startswith("linux/mat-")] == rules


def test_a_map_that_kexec_rebuilt_is_no_fault_of_the_firmware(findings: Findings) -> None:
    (finding,) = findings(
        "linux/mat-descriptor-size-differs",
        CODE,
        origin="kexec",
        descriptor_size=40,
        sections=table(descriptor_size=48),
    )
    assert finding.responsible is Responsible.LOADER
    assert finding.message == (
        "the Memory Attributes Table has entries of 48 bytes, the memory map that came through "
        "kexec of 40; newer Linux ignores the table"
    )


@pytest.mark.parametrize(("count", "places"), [(65536, ()), (65537, (0,))])
def test_65536_entries_are_the_most_that_are_believed(
    found: Found, count: int, places: tuple[int, ...]
) -> None:
    sections = table(number_of_entries=count, address=0x7E000000, descriptor_size=48)
    line = "EfiBootServicesData 0x7e000000 0x10000 WB"
    assert found("linux/mat-with-too-many-entries", line, sections=sections) == places


def test_a_table_that_announces_more_than_its_memory_holds_names_the_excess(
    findings: Findings,
) -> None:
    sections = table(number_of_entries=86, address=0x7E000000, descriptor_size=48)
    line = "EfiBootServicesData 0x7e000000 1 WB"
    (finding,) = findings("linux/mat-with-too-many-entries", line, sections=sections)
    assert finding.region == AddressRange(0x7E001000, 0x7E001030)


@pytest.mark.parametrize("lacking", ["number_of_entries", "address", "descriptor_size"])
def test_a_size_that_nobody_can_work_out_is_not_sane(found: Found, lacking: str) -> None:
    known = {"number_of_entries": 48, "address": 0x7E000000, "descriptor_size": 48}
    known.pop(lacking)
    line = "EfiBootServicesData 0x7e000000 1 WB"
    sections = table(extent="partial", **known)
    with pytest.raises(ExampleError, match=lacking):
        found("linux/mat-with-too-many-entries", line, sections=sections)


def test_an_entry_both_writable_and_executable_is_legal_to_the_specification(
    registry: Registry,
) -> None:
    entries = ("EfiRuntimeServicesCode 0x7f000000 32 RUNTIME",)
    found = rules_reported(registry, CODE, memory_attributes_table=entries, architecture="x86_64")
    ours = [rule for rule in found if "mat-" in rule]
    assert ours == ["windows/mat-entry-writable-and-executable"]


def test_the_two_machines_whose_entries_linux_rejected_are_reported(run: Run) -> None:
    path: Path = ROOT / "tests" / "captures" / "49-memattr-rwx-warnings.txt"
    rule = "windows/mat-entry-writable-and-executable"
    _, out, _ = run("lint", path, "--policy", "strict", "--select", rule)
    assert "0xa057a000-0xa05b5000 has neither RO nor XP" in out
    assert "0x90000-0x91000 has neither RO nor XP" in out


def test_a_region_is_left_out_where_no_byte_of_it_is_listed(found: Found) -> None:
    rule = "windows/runtime-memory-left-out-of-mat"
    other = ("EfiRuntimeServicesCode 0x7f000000 32 RUNTIME RO",)
    touching = ("EfiRuntimeServicesCode 0x7f000000 33 RUNTIME RO",)
    ignored = ("EfiMemoryMappedIO 0x7f020000 16 RUNTIME XP",)
    assert found(rule, CODE, DATA, memory_attributes_table=other) == (2,)
    assert found(rule, CODE, DATA, memory_attributes_table=touching) == ()
    assert found(rule, CODE, DATA, memory_attributes_table=ignored) == (1, 2)


def test_memory_that_is_not_mapped_at_run_time_needs_no_entry(found: Found) -> None:
    line = "EfiRuntimeServicesData 0x7f020000 16 WB"
    rule = "windows/runtime-memory-left-out-of-mat"
    assert found(rule, line, memory_attributes_table=()) == ()


def test_that_a_table_is_absent_needs_a_list_it_is_absent_from(found: Found) -> None:
    rule = "windows/no-memory-attributes-table"
    with pytest.raises(ExampleError, match="configuration_tables"):
        found(rule, CODE, architecture="x86_64")
    assert found(rule, CODE, architecture="x86_64", configuration_tables=()) == (0,)


def test_a_healthy_table_breaks_no_rule(run: Run, registry: Registry) -> None:
    healthy = ROOT / "tests" / "captures" / "02-qemu-ovmf-i440fx-linux-x86-v3.txt"
    rules = [rule for rule in registry.rules if "mat-" in rule or rule.endswith("-mat")]
    selected = [word for rule in rules for word in ("--select", rule)]
    status, out, _ = run("lint", healthy, "--policy", "strict", *selected)
    assert status == 0
    assert "no findings" in out


def test_a_large_table_is_judged_in_one_sweep(found: Found) -> None:
    lines = [f"5 {0x100000000 + n * 0x4000:#x} 2 RUNTIME WB" for n in range(5000)]
    entries = [f"5 {0x100000000 + n * 0x4000:#x} 1 RUNTIME RO" for n in range(5000)]
    assert len(found(PARTLY, *lines, memory_attributes_table=entries)) == 5000
    rule = "windows/runtime-memory-left-out-of-mat"
    assert found(rule, *lines, memory_attributes_table=entries) == ()
