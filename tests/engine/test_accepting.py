"""Which findings an acceptance covers, and what is said of acceptances themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from efipolicy.engine.configured import at_home
from efipolicy.engine.linting import judge_configuration, lint
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import InputReport
from efipolicy.model.platform import Acceptance, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection
from efipolicy.source import SourceText

TODAY = "2026-06-30"
RULE = "uefi/runtime-region-without-cacheability"
EVERY_RULE = Selection([Policy(name="all", summary="", settings=())])


def platform_of(*starts: int, accept: str = "", pages: int = 4) -> Platform:
    """A platform with a bare RUNTIME window at each of these addresses."""
    rows = "\n".join(
        f"    - {{type: EfiMemoryMappedIO, physical_start: {start:#x}, pages: {pages}, "
        "attribute: [RUNTIME]}"
        for start in starts
    )
    text = (
        "efipolicy: 1\nplatform: {name: p, architecture: x86_64}\n"
        f"memory_map:\n  extent: whole\n  origin: firmware\n  descriptors:\n{rows}\n"
        + (f"accept:\n  - {{{accept}}}\n" if accept else "")
    )
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform is not None
    return platform


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


def judged(platform: Platform, registry: Registry, *acceptances: Acceptance) -> InputReport:
    report, errors = lint(
        platform,
        registry.rules.values(),
        registry.architectures,
        EVERY_RULE,
        path="p.yaml",
        today=TODAY,
        acceptances=acceptances,
    )
    assert errors == []
    return report


def accepted_starts(report: InputReport) -> list[int]:
    return [
        finding.region.start
        for finding in report.findings
        if finding.rule == RULE and finding.accepted and finding.region
    ]


def about_acceptances(report: InputReport) -> list[str]:
    return [finding.rule for finding in report.findings if finding.rule.startswith("accept/")]


def test_an_address_accepts_the_finding_at_it_and_no_other(registry: Registry) -> None:
    accept = f"rule: {RULE}, at: 0xfed1d000, reason: known"
    report = judged(platform_of(0xFED1C000, 0xFED30000, accept=accept), registry)
    assert accepted_starts(report) == [0xFED1C000]
    assert about_acceptances(report) == []


def test_without_an_address_every_finding_of_the_rule_is_accepted(registry: Registry) -> None:
    report = judged(
        platform_of(0xFED1C000, 0xFED30000, accept=f"rule: {RULE}, reason: known"), registry
    )
    assert accepted_starts(report) == [0xFED1C000, 0xFED30000]


def test_a_moved_base_does_not_lapse_an_acceptance(registry: Registry) -> None:
    accept = f"rule: {RULE}, at: 0xfec00000, reason: known"
    report = judged(platform_of(0xFED1C000, accept=accept), registry)
    assert accepted_starts(report) == [0xFED1C000]
    assert about_acceptances(report) == ["accept/moved-region"]


def test_of_several_regions_an_address_that_fits_none_accepts_none(registry: Registry) -> None:
    accept = f"rule: {RULE}, at: 0xfec00000, reason: known"
    report = judged(platform_of(0xFED1C000, 0xFED30000, accept=accept), registry)
    assert accepted_starts(report) == []
    assert about_acceptances(report) == ["accept/unmatched"]


def test_regions_that_moved_together_keep_their_acceptances(registry: Registry) -> None:
    accept = (
        f"rule: {RULE}, at: 0xfec00000, reason: known}}\n"
        f"  - {{rule: {RULE}, at: 0xfec10000, reason: known"
    )
    report = judged(platform_of(0xFED1C000, 0xFED30000, accept=accept), registry)
    assert accepted_starts(report) == [0xFED1C000, 0xFED30000]
    assert about_acceptances(report) == ["accept/moved-region"] * 2


def test_a_region_that_was_fixed_has_not_moved_to_the_next_fault(registry: Registry) -> None:
    platform = platform_of(
        0xFED30000, 0xFED1C000, accept=f"rule: {RULE}, at: 0xfed1c000, reason: x"
    )
    (fault, fixed), (kept,) = platform.memory_map.descriptors, platform.accept
    mended = replace(fixed, attribute=fixed.attribute | 1)
    platform = replace(
        platform,
        memory_map=replace(platform.memory_map, descriptors=(fault, mended)),
        accept=(kept,),
    )
    report = judged(platform, registry)
    assert accepted_starts(report) == []
    assert about_acceptances(report) == ["accept/unmatched"]


def test_what_one_acceptance_names_another_has_not_moved_to(registry: Registry) -> None:
    accept = (
        f"rule: {RULE}, at: 0xfed1c000, reason: known}}\n"
        f"  - {{rule: {RULE}, at: 0x1000, reason: known"
    )
    report = judged(platform_of(0xFED1C000, accept=accept), registry)
    assert accepted_starts(report) == [0xFED1C000]
    assert about_acceptances(report) == ["accept/unmatched"]


def test_an_address_accepts_no_finding_that_has_none(registry: Registry) -> None:
    rule = "uefi/unknown-descriptor-version"
    platform = platform_of(0xFED1C000, accept=f"rule: {rule}, at: 0xfed1c000, reason: known")
    platform = replace(platform, memory_map=replace(platform.memory_map, descriptor_version=2))
    report = judged(platform, registry)
    assert [item.accepted for item in report.findings if item.rule == rule] == [None]
    assert about_acceptances(report) == ["accept/unmatched"]


@pytest.mark.parametrize(
    ("wanted", "starts"),
    [
        ("type: EfiMemoryMappedIO", [0xFED1C000]),
        ("type: EfiMemoryMappedIO, pages: 7", [0xFED1C000]),
        ("type: EfiMemoryMappedIO, pages: 8", []),
        ("type: EfiRuntimeServicesData", []),
        ("type: EfiMemoryMappedIO, at: 0xfec00000", [0xFED1C000]),
    ],
)
def test_a_region_is_accepted_by_what_it_is(
    registry: Registry, wanted: str, starts: list[int]
) -> None:
    report = judged(
        platform_of(0xFED1C000, accept=f"rule: {RULE}, reason: known, {wanted}"), registry
    )
    assert accepted_starts(report) == starts


def test_a_fingerprint_accepts_its_finding_wherever_it_lies(registry: Registry) -> None:
    (finding,) = [f for f in judged(platform_of(0xFED1C000), registry).findings if f.rule == RULE]
    accept = f"rule: {RULE}, reason: known, fingerprint: {finding.fingerprint}"
    assert accepted_starts(judged(platform_of(0xFEE00000, accept=accept), registry)) == [0xFEE00000]
    assert accepted_starts(judged(platform_of(0xFEE00000, pages=64, accept=accept), registry)) == []


def test_a_fingerprint_goes_on_when_an_equal_region_before_it_is_gone(registry: Registry) -> None:
    both = judged(platform_of(0x1000, 0x9000), registry).findings
    second = [item for item in both if item.rule == RULE][1].fingerprint
    accept = f"rule: {RULE}, reason: known, fingerprint: {second}"
    assert accepted_starts(judged(platform_of(0x1000, 0x9000, accept=accept), registry)) == [0x9000]
    assert accepted_starts(judged(platform_of(0x9000, accept=accept), registry)) == [0x9000]


@pytest.mark.parametrize(
    ("accept", "rule", "accepted"),
    [
        (f"rule: {RULE}", "accept/without-reason", False),
        (f"rule: {RULE}, reason: ' '", "accept/without-reason", False),
        (f"rule: {RULE}, reason: known, until: 2026-06-29", "accept/expired", False),
        (f"rule: {RULE}, reason: known, until: 2026-06-30", None, True),
        ("rule: uefi/zero-pages, reason: known", "accept/unmatched", False),
        ("rule: uefi/zero-page, reason: known", "accept/unknown-rule", False),
    ],
)
def test_an_acceptance_that_accepts_nothing_is_a_finding(
    registry: Registry, accept: str, rule: str | None, accepted: bool
) -> None:
    report = judged(platform_of(0xFED1C000, accept=accept), registry)
    assert about_acceptances(report) == ([rule] if rule else [])
    assert bool(accepted_starts(report)) is accepted


def test_an_acceptance_of_what_was_not_judged_is_not_called_unmatched(registry: Registry) -> None:
    """Nobody knows whether it would match."""
    accept = "rule: uefi/set-virtual-address-map-before-exit-boot-services, reason: known"
    assert about_acceptances(judged(platform_of(0xFED1C000, accept=accept), registry)) == []


def test_findings_about_acceptances_are_nobody_s_to_accept(registry: Registry) -> None:
    accept = "rule: accept/unmatched, reason: they annoy"
    report = judged(platform_of(0xFED1C000, accept=accept), registry)
    assert not any(finding.accepted for finding in report.findings)
    assert about_acceptances(report) == ["accept/unmatched"]


def test_the_configuration_accepts_in_every_input_and_is_judged_over_all(
    registry: Registry,
) -> None:
    used = Acceptance(rule=RULE, reason="known", at=0xFED1C000)
    idle = Acceptance(rule="uefi/zero-pages", reason="known")
    reports = [
        judged(platform_of(0xFED1C000), registry, used, idle),
        judged(platform_of(0x1000, 0x9000), registry, used, idle),
    ]
    assert [accepted_starts(report) for report in reports] == [[0xFED1C000], []]
    assert [about_acceptances(report) for report in reports] == [[], []]
    found = judge_configuration(
        reports, registry.rules.values(), EVERY_RULE, path="c.yaml", today=TODAY
    )
    assert [(item.rule, item.path, item.finding.subject) for item in found] == [
        ("accept/unmatched", "c.yaml", idle)
    ]


def test_an_address_of_the_configuration_means_one_platform(registry: Registry) -> None:
    """What is accepted for one machine is not what another happens to have at another place."""
    one, other = platform_of(0xFED1C000), replace(platform_of(0x9000), name="other")
    later = platform_of(0xFEE00000)
    given = Acceptance(rule=RULE, reason="known", at=0xFED1C000)
    alone = [judged(other, registry, given)]
    assert accepted_starts(at_home(alone)[0]) == [0x9000]
    reports = at_home([judged(platform, registry, given) for platform in (one, other, later)])
    assert [accepted_starts(report) for report in reports] == [[0xFED1C000], [], [0xFEE00000]]
    states = [use.state for report in reports for use in report.configured]
    assert states == ["used", "idle", "moved"]
