"""What the fix of each rule makes of a platform file."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.engine.fixing import fix
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import Fix, InputReport
from efipolicy.model.platform import Platform
from efipolicy.plugin.registry import Registry
from efipolicy.plugin.rules import Rule
from efipolicy.plugin.types import Bad
from efipolicy.policy import Selection
from efipolicy.source import SourceText
from efipolicy.testing.examples import EXAMPLE_DAY, RuleCase, examples_of
from efipolicy.testing.shown import example_yaml
from tests.conftest import Run

HEAD = 'efipolicy: 1\nplatform: {name: m, architecture: x86_64, uefi: "2.10"}\n'
MAP = HEAD + "memory_map:\n  extent: whole\n  origin: firmware\n  descriptors:\n"
TABLE = HEAD + "memory_map: {descriptors: []}\nmemory_attributes_table:\n  version: 2\n  entries:\n"
TABLES = HEAD + "memory_map: {descriptors: []}\nconfiguration_tables:\n"
TABLE_ENTRIES = """\
- {table: SMBIOS3, address: 0x1000}
- {table: ACPI, address: 0x2000}
- {table: SMBIOS3, address: 0x3000}
- {table: SMBIOS3, address: 0x4000}
"""
ONE = "    - {{type: {}, physical_start: 0x1000, pages: 1, {}}}\n"

FIXES: list[tuple[str, str, str, str]] = [
    (
        "uefi/runtime-bit-on-acpi-memory",
        MAP,
        ONE.format("EfiACPIMemoryNVS", "attribute: [RUNTIME, WB]"),
        ONE.format("EfiACPIMemoryNVS", "attribute: [WB]"),
    ),
    (
        "uefi/zero-pages",
        MAP + "    # none\n",
        ONE.format("7", "note: a").replace("pages: 1", "pages: 0") + ONE.format("7", "note: b"),
        ONE.format("7", "note: b"),
    ),
    (
        "uefi/isa-mask-without-isa-valid",
        MAP,
        ONE.format("7", "attribute: 0x0100_0000_0000_0008")
        + ONE.format("7", "attribute: [ISA_VALID, WB]"),
        ONE.format("7", "attribute: 0x0000_0000_0000_0008") + ONE.format("7", "attribute: [WB]"),
    ),
    (
        "uefi/invalid-virtual-start",
        MAP,
        ONE.format("6", "attribute: [RUNTIME, WB], virtual_start: 0x2000_0800"),
        ONE.format("6", "attribute: [RUNTIME, WB], virtual_start: 0x2000_0000"),
    ),
    (
        "uefi/mat-entry-with-other-attributes",
        TABLE,
        ONE.format("6", "attribute: [RUNTIME, XP, WB]"),
        ONE.format("6", "attribute: [RUNTIME, XP]"),
    ),
    (
        "uefi/mat-entry-of-other-type",
        TABLE,
        ONE.format("11", "attribute: [RUNTIME, XP]") + ONE.format("6", "attribute: [RUNTIME, XP]"),
        ONE.format("6", "attribute: [RUNTIME, XP]"),
    ),
    (
        "uefi/duplicate-configuration-table",
        TABLES,
        TABLE_ENTRIES,
        "- {table: ACPI, address: 0x2000}\n- {table: SMBIOS3, address: 0x4000}\n",
    ),
    (
        "linux/runtime-code-without-runtime-bit",
        MAP,
        ONE.format("EfiRuntimeServicesCode", "attribute: [WB]"),
        ONE.format("EfiRuntimeServicesCode", "attribute: [RUNTIME, WB]"),
    ),
]


@pytest.mark.parametrize(
    ("name", "head", "wrong", "right"), FIXES, ids=[name for name, *_ in FIXES]
)
def test_a_fix_makes_its_finding_go_away(
    folder: Path, run: Run, registry: Registry, name: str, head: str, wrong: str, right: str
) -> None:
    path = folder / "p.yaml"
    path.write_text(head + wrong)
    options = ("p.yaml", "--policy", "strict", "--select", name)
    assert run("lint", *options, "--fail-on", "info")[0] == 1
    run("lint", "--fix", *options)
    safe = registry.rules[name].fix == "safe"
    assert path.read_text() == head + (right if safe else wrong)
    run("lint", "--fix", "--unsafe", *options)
    assert path.read_text() == head + right
    assert run("lint", *options, "--fail-on", "info")[0] == 0


@pytest.mark.parametrize(
    "virtual_start",
    ["0x800", "0xffff_ffff_ffff_f800, pages: 2"],
    ids=["rounded to 0 it would mean none", "rounded it would still wrap"],
)
def test_a_virtual_start_without_a_page_to_round_to_is_left(
    folder: Path, run: Run, virtual_start: str
) -> None:
    text = MAP + ONE.format("6", f"virtual_start: {virtual_start}").replace("pages: 1, ", "")
    text = text if "pages" in text else text.replace("}\n", ", pages: 1}\n")
    text = text.replace('uefi: "2.10", pages: 1}', 'uefi: "2.10"}')
    (folder / "p.yaml").write_text(text)
    status, out, _ = run("lint", "--fix", "--unsafe", "p.yaml", "--select", "uefi/invalid-virtual*")
    assert (status, (folder / "p.yaml").read_text()) == (1, text)
    assert out.splitlines()[-1] == "nothing was fixed"


def bad_examples() -> list[RuleCase]:
    return [case for case in examples_of() if isinstance(case.example, Bad)]


@pytest.mark.parametrize(
    "case",
    [case for case in bad_examples() if case.rule.fix != "none"],
    ids=str,
)
def test_the_fix_that_an_example_shows_can_be_made_and_mends_it(
    case: RuleCase, registry: Registry
) -> None:
    text = example_yaml(case.platform, case.example)
    platform, errors = read_platform(SourceText("p.yaml", text))
    if platform is None:
        pytest.skip(f"the example is no platform file: {errors[0]}")

    def judge(platform: Platform) -> InputReport:
        report, errors = lint(
            platform,
            [case.rule],
            registry.architectures,
            Selection(()),
            path="p.yaml",
            today=EXAMPLE_DAY,
            planner=planner_of(platform, registry, []),
        )
        assert errors == []
        return report

    report = judge(platform)
    meant = [item for item in report.findings if item.finding.fix]
    outcome = fix(report, judge, unsafe=True)
    assert outcome.refusals == ()
    assert len(outcome.report.findings) == len(report.findings) - len(meant)
    assert (outcome.text != text) == bool(meant)


def test_a_rule_says_of_its_fixes_what_its_findings_say() -> None:
    shown: dict[str, set[str]] = {}
    rules: dict[str, Rule] = {}
    for case in bad_examples():
        rules[case.rule.id] = case.rule
        fixes = [finding.fix for finding in case.findings() if isinstance(finding.fix, Fix)]
        shown.setdefault(case.rule.id, set()).update(fix.safety for fix in fixes)
    for name, safeties in shown.items():
        assert safeties <= {rules[name].fix}, name
    covered = {name for name, *_ in FIXES}
    assert {name for name, safeties in shown.items() if safeties} >= covered
