"""A baseline knows findings by what they are, and what became of them."""

from __future__ import annotations

import json

import pytest

from efipolicy.engine.baseline import (
    Baseline,
    apply_baseline,
    baseline_of,
    baseline_text,
    read_baseline,
)
from efipolicy.engine.linting import lint
from efipolicy.model.finding import KnownFinding, Report
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection
from efipolicy.source import InputError, SourceText
from efipolicy.testing import factories

BARE = "EfiMemoryMappedIO 0xfed1c000 4 RUNTIME"
SOUND = "EfiMemoryMappedIO 0xfed10000 4 RUNTIME UC"
MOVED = "EfiMemoryMappedIO 0xfee1c000 4 RUNTIME"
GROWN = "EfiMemoryMappedIO 0xfed1c000 64 RUNTIME"
ACPI = "EfiACPIMemoryNVS 0x7e000000 16 WB RUNTIME"


def report_on(*lines: str, name: str = "p", pinned: str | None = None, select: str = "*") -> Report:
    registry = Registry()
    report, _ = lint(
        factories.platform(*lines, name=name, architecture="x86_64"),
        registry.rules.values(),
        registry.architectures,
        Selection([Policy(name="all", summary="", settings=())], select=[select]),
        path=f"{name}.yaml",
        today="2026-01-01",
    )
    findings = tuple(
        finding._replace(pinned=pinned)
        for finding in report.findings
        if finding.severity.value == "error"
    )
    return Report((report._replace(findings=findings),), (), "2026-01-01")


def known(*lines: str, name: str = "p") -> Baseline:
    text = baseline_text(baseline_of(report_on(*lines, name=name)))
    return read_baseline(SourceText("base.json", text))


def open_rules(report: Report) -> list[str]:
    return [finding.rule for finding in report.findings if finding.accepted is None]


def test_a_known_finding_is_accepted_and_a_new_one_is_not() -> None:
    report = apply_baseline(report_on(BARE, ACPI), known(BARE))
    assert open_rules(report) == ["uefi/runtime-bit-on-acpi-memory"]


def test_a_moved_region_meets_the_same_baseline_and_a_grown_one_does_not() -> None:
    assert open_rules(apply_baseline(report_on(MOVED), known(BARE))) == []
    assert open_rules(apply_baseline(report_on(GROWN), known(BARE))) != []


@pytest.mark.parametrize(
    "lines",
    [
        (SOUND, BARE),
        (SOUND, SOUND.replace("0xfed1", "0xfed2"), BARE, ACPI),
        (BARE, SOUND),
        (ACPI, BARE),
    ],
)
def test_an_equal_region_that_comes_or_goes_before_it_makes_no_finding_new(
    lines: tuple[str, ...],
) -> None:
    before = known(SOUND, BARE, ACPI)
    report = apply_baseline(report_on(*lines), before)
    assert open_rules(report) == []


def test_of_equal_findings_one_too_many_is_new() -> None:
    report = apply_baseline(report_on(BARE, MOVED), known(BARE))
    assert [item.accepted is None for item in report.findings] == [False, True]


def test_when_one_of_two_equal_findings_is_fixed_the_other_keeps_its_fingerprint() -> None:
    both = [item.fingerprint for item in report_on(BARE, MOVED).findings]
    assert [item.fingerprint for item in report_on(SOUND, MOVED).findings] == [both[1]]
    assert [item.fingerprint for item in report_on(BARE, SOUND).findings] == [both[0]]
    report = apply_baseline(report_on(SOUND, MOVED), known(BARE, MOVED))
    assert report.baseline is not None
    assert [entry.fingerprint for entry in report.baseline.fixed] == [both[0]]


def test_what_was_fixed_is_listed() -> None:
    report = apply_baseline(report_on(BARE), known(BARE, ACPI))
    assert report.baseline is not None
    assert [entry.rule for entry in report.baseline.fixed] == ["uefi/runtime-bit-on-acpi-memory"]


def test_what_was_not_linted_is_not_called_fixed() -> None:
    report = apply_baseline(report_on(BARE, name="other"), known(ACPI))
    assert report.baseline is not None
    assert report.baseline.fixed == ()


def test_writing_a_baseline_again_prunes_what_was_fixed_and_keeps_other_platforms() -> None:
    before = Baseline("b", (*known(BARE, ACPI).entries, *known(ACPI, name="other").entries))
    after = baseline_of(apply_baseline(report_on(BARE), before), before)
    assert [(entry.platform, entry.rule) for entry in after] == [
        ("other", "uefi/runtime-bit-on-acpi-memory"),
        ("p", "uefi/runtime-region-without-cacheability"),
    ]


def test_writing_a_baseline_keeps_what_was_not_judged_now() -> None:
    """Whoever looks at one rule alone knows nothing of the others."""
    before = known(BARE, ACPI)
    one_rule = report_on(BARE, ACPI, select="uefi/runtime-bit-on-acpi-memory")
    assert baseline_of(apply_baseline(one_rule, before), before) == before.entries
    fixed = report_on(BARE, select="uefi/runtime-bit-on-acpi-memory")
    after = baseline_of(apply_baseline(fixed, before), before)
    assert [entry.rule for entry in after] == ["uefi/runtime-region-without-cacheability"]


def test_a_rule_that_was_renamed_is_still_the_one_of_its_entries() -> None:
    entries = tuple(entry._replace(rule="uefi/first-name") for entry in known(ACPI).entries)
    names = {"uefi/first-name": "uefi/runtime-bit-on-acpi-memory"}
    before = Baseline("b", entries)
    report = apply_baseline(report_on(BARE), before, names)
    assert report.baseline is not None
    assert report.baseline.fixed == entries
    assert entries[0] not in baseline_of(report, before, names)
    assert baseline_of(report, before)[0] == entries[0], "a rule nobody knows was not judged"


def test_a_pinned_finding_is_in_no_baseline() -> None:
    assert baseline_of(report_on(BARE, pinned="ship")) == ()
    report = apply_baseline(report_on(BARE, pinned="ship"), known(BARE))
    assert open_rules(report) == ["uefi/runtime-region-without-cacheability"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty document"),
        ('{"version": 2, "findings": []}', "2"),
        ('{"version": 1, "findings": [{"fingerprint": "xyz"}]}', "xyz"),
        ('{"version": 1, "finding": []}', "the unknown key `finding`"),
    ],
)
def test_a_bad_baseline_is_told_with_its_place(text: str, found: str) -> None:
    with pytest.raises(InputError) as error:
        read_baseline(SourceText("base.json", text))
    assert found in error.value.found


def test_the_text_of_a_baseline_is_the_same_whatever_the_order_of_the_findings() -> None:
    text = baseline_text(baseline_of(report_on(BARE, ACPI)))
    assert text == baseline_text(baseline_of(report_on(ACPI, BARE)))
    assert json.loads(text)["version"] == 1


@pytest.mark.parametrize(
    "message", ["\U0001f600", "\u00e9 \u2028 \x85", "\x00\x7f\ufeff", '"\\ud83d"']
)
def test_what_is_written_can_be_read_whatever_a_message_quotes(message: str) -> None:
    entries = (KnownFinding("0" * 32, "a/b", "p", message),)
    text = baseline_text(entries)
    assert json.loads(text)["findings"][0]["message"] == message
    assert read_baseline(SourceText("base.json", text)).entries == entries


def test_a_byte_that_was_no_text_does_not_make_a_baseline_unreadable() -> None:
    text = baseline_text((KnownFinding("0" * 32, "a/b", "p", "\udcff"),))
    assert read_baseline(SourceText("base.json", text)).entries[0].message == "\ufffd"
