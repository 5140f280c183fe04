"""Rules on what strategies do, and on chains of them: what the examples on their pages miss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from efipolicy.api import selection_of
from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.model.finding import InputReport
from efipolicy.model.mapping import Mapping, MappingPlan, RuntimeCall
from efipolicy.plugin import AddressRange, Finding, Good
from efipolicy.plugin.registry import Registry
from efipolicy.testing import ExampleError
from efipolicy.testing.examples import example_platform
from efipolicy_plan.identity import unmapped_at_physical

Findings = Callable[..., list[Finding]]

ACCESS = "plan/firmware-access-faults"
CONTRADICTION = "plan/declaration-contradicts-strategy"
IDENTITY = "plan/no-identity-mapping"
ODDS = "kexec/next-kernel-at-odds-with-firmware"
FAULT = "kexec/fault-in-service-after-kexec"
LOST = "kexec/runtime-services-lost-after-kexec"
MODE = "linux/call-mode-never-exercised"

CODE = "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB"
DATA = "EfiRuntimeServicesData  0x7e010000  16  RUNTIME WB"
RAM = "EfiConventionalMemory   0x7d000000  16  WB"


class Told(NamedTuple):
    """A finding of a whole lint, as far as these tests look."""

    rule: str
    severity: str
    message: str


def linted(
    registry: Registry, *lines: str, architecture: str, policy: str = "strict", sections: str
) -> InputReport:
    """A whole lint, so that what another rule says silences what it should."""
    platform = example_platform(Good(*lines, architecture=architecture, sections=sections))
    report, errors = lint(
        platform,
        registry.rules.values(),
        registry.architectures,
        selection_of(registry, policies=[policy]),
        path="example.yaml",
        today="2030-01-01",
        planner=planner_of(platform, registry, []),
    )
    assert errors == []
    return report


def told(report: InputReport, *packs: str) -> list[Told]:
    return [
        Told(item.rule, item.severity.value, item.finding.message)
        for item in report.findings
        if item.rule.startswith(packs)
    ]


def not_checked(report: InputReport, rule: str) -> str | None:
    return next((item.needs for item in report.checked.not_checked if item.rule == rule), None)


class TestAnAccessOfFirmware:
    def test_is_followed_through_every_declared_strategy(self, registry: Registry) -> None:
        report = linted(
            registry,
            DATA,
            architecture="x86_64",
            sections="""
firmware_accesses: [{physical: 0x7e010008, converted: false, note: a saved buffer}]
mapping: [{strategy: x86-topdown}, {strategy: x86-ioremap-svam}, {strategy: x86-phys-private}]
""",
        )
        assert told(report, ACCESS) == [
            Told(
                ACCESS,
                "error",
                "under x86-ioremap-svam, firmware touches 0x7e010008, a pointer it did not "
                "convert, and nothing maps it there (a saved buffer)",
            )
        ]

    def test_under_the_native_plan_of_a_bare_map_is_a_possible_fault_only(
        self, registry: Registry
    ) -> None:
        report = linted(
            registry,
            DATA,
            RAM,
            architecture="x86_64",
            policy="recommended",
            sections="firmware_accesses: [{physical: 0x7d000000, converted: false}]",
        )
        [finding] = [item for item in report.findings if item.rule == ACCESS]
        assert finding.severity.value == "warning"
        assert finding.confidence.value == "possible"
        assert finding.finding.message.startswith("under x86-topdown, firmware touches 0x7d000000")

    def test_of_which_nobody_says_whether_it_is_converted_is_not_checked_where_it_matters(
        self, findings: Findings
    ) -> None:
        sections = "firmware_accesses: [{{physical: 0x7e010000}}]\nmapping: [{{strategy: {}}}]"
        with pytest.raises(ExampleError, match=r"firmware_accesses\[\].converted"):
            findings(
                ACCESS,
                DATA,
                architecture="arm64",
                sections=sections.format("arm64-stub-virtmap"),
            )
        novamap = sections.format("arm64-novamap")
        assert findings(ACCESS, DATA, architecture="arm64", sections=novamap) == []

    def test_is_the_kernels_to_repair_where_firmware_did_all_it_should(
        self, findings: Findings
    ) -> None:
        [finding] = findings(
            ACCESS,
            "EfiRuntimeServicesData  0x100000      16  RUNTIME WB",
            "EfiMemoryMappedIO       0x4000000000  16  RUNTIME UC",
            architecture="x86_64",
            sections="""
firmware_accesses: [{physical: 0x100000, converted: true}]
mapping: [{strategy: x86-fixed-window, virtual_map: [
  {type: 6, physical_start: 0x200000, virtual_start: 0xfffffffefe000000, pages: 16,
   attribute: [RUNTIME, WB]}]}]
""",
        )
        assert finding.responsible is not None
        assert finding.responsible.value == "kernel"

    def test_is_not_judged_where_the_declaration_contradicts_the_strategy(
        self, registry: Registry
    ) -> None:
        report = linted(
            registry,
            DATA,
            architecture="arm64",
            sections="""
firmware_accesses: [{physical: 0x7e010000, converted: false}]
mapping: [{strategy: arm64-stub-virtmap, set_virtual_address_map: {calls: never}}]
""",
        )
        assert not_checked(report, ACCESS)
        assert [one.rule for one in told(report, CONTRADICTION)] == [CONTRADICTION]

    @pytest.mark.parametrize(
        "more", ["calls: {services: []}", "set_virtual_address_map: {calls: once, result: failed}"]
    )
    def test_does_not_happen_where_no_service_is_called(
        self, findings: Findings, more: str
    ) -> None:
        sections = f"""
firmware_accesses: [{{physical: 0x7e010000, converted: false}}]
mapping: [{{strategy: arm64-stub-virtmap, {more}}}]
"""
        assert findings(ACCESS, DATA, architecture="arm64", sections=sections) == []

    def test_that_faults_under_the_first_kernel_is_not_told_again_of_the_next(
        self, registry: Registry
    ) -> None:
        report = linted(
            registry,
            DATA,
            RAM,
            architecture="arm64",
            sections="""
firmware_accesses: [{physical: 0x7d000000, converted: false}]
mapping: [{strategy: arm64-novamap, kexec: [{strategy: arm64-novamap}]}]
""",
        )
        assert FAULT in report.checked.failed
        assert [one.rule for one in told(report, ACCESS, FAULT)] == [ACCESS]


class TestADeclaration:
    @pytest.mark.parametrize(
        ("declared", "message"),
        [
            (
                "set_virtual_address_map: {calls: more}",
                "SetVirtualAddressMap is called more than once, and x86-topdown calls it once",
            ),
            (
                "set_virtual_address_map: {by: stub}",
                "SetVirtualAddressMap is called by the stub, and in x86-topdown by the kernel",
            ),
            (
                "set_virtual_address_map: {when: before-exit-boot-services}",
                (
                    "SetVirtualAddressMap is called before ExitBootServices, and in x86-topdown "
                    "after it"
                ),
            ),
            (
                "set_virtual_address_map: {entries: split}",
                (
                    "pieces of descriptors are given to SetVirtualAddressMap, and x86-topdown cuts "
                    "none"
                ),
            ),
            (
                "calls: {addresses: physical}",
                (
                    "services are called at physical addresses, and x86-topdown moves firmware: "
                    "0x7e010000-0x7e020000 is at 0xfffffffeffe10000"
                ),
            ),
            (
                "calls: {paging: off}",
                "services are called without paging, and x86-topdown calls them under page tables",
            ),
            (
                "calls: {identity_mapped: false}",
                "regions are not mapped 1:1, and x86-topdown maps all of them so",
            ),
        ],
    )
    def test_that_its_strategy_contradicts_is_told(
        self, findings: Findings, declared: str, message: str
    ) -> None:
        sections = f"mapping: [{{strategy: x86-topdown, {declared}}}]"
        found = findings(CONTRADICTION, CODE, DATA, architecture="x86_64", sections=sections)
        assert [finding.message for finding in found] == [message]

    def test_of_whole_entries_is_contradicted_by_a_strategy_that_joins_them(
        self, findings: Findings
    ) -> None:
        joined = DATA.replace("0x7e010000", "0x7e000000")
        sections = "mapping: [{strategy: x86-topdown, set_virtual_address_map: {entries: whole}}]"
        given = {"architecture": "x86_64", "sections": sections}
        [finding] = findings(CONTRADICTION, joined, DATA, **given)
        assert finding.message.endswith("the entry at 0x7e000000 has 32 pages")
        assert findings(CONTRADICTION, CODE, DATA, **given) == []

    def test_of_a_layout_is_compared_entry_by_entry_and_told_once(self, findings: Findings) -> None:
        sections = """
mapping:
  - strategy: arm64-stub-virtmap
    virtual_map:
      - {type: 5, physical_start: 0x7e000000, virtual_start: 0x30000000, pages: 16}
      - {type: 6, physical_start: 0x7e010000, virtual_start: 0x30010000, pages: 16}
"""
        [finding] = findings(CONTRADICTION, CODE, DATA, architecture="arm64", sections=sections)
        assert finding.message.endswith("arm64-stub-virtmap puts it at 0x20000000; 1 more like it")
        assert [each.message for each in finding.related[1:]] == ["expected 0x20010000"]

    def test_of_a_layout_with_a_random_base_is_not_compared(self, findings: Findings) -> None:
        sections = """
mapping:
  - strategy: arm64-stub-virtmap
    options: {kernel: "5.10"}
    virtual_map:
      - {type: 6, physical_start: 0x7e010000, virtual_start: 0x30010000, pages: 16}
"""
        with pytest.raises(ExampleError, match="what the strategy's addresses depend on"):
            findings(CONTRADICTION, DATA, architecture="arm64", sections=sections)

    def test_of_a_kernel_started_by_kexec_is_not_held_against_a_first_boot(
        self, findings: Findings
    ) -> None:
        hop = "{strategy: x86-topdown, set_virtual_address_map: {calls: never}}"
        sections = f"mapping: [{{strategy: x86-topdown, kexec: [{hop}]}}]"
        assert findings(CONTRADICTION, DATA, architecture="x86_64", sections=sections) == []

    def test_without_a_strategy_contradicts_nothing(self, findings: Findings) -> None:
        sections = "mapping: [{os: linux, calls: {identity_mapped: false}}]"
        assert findings(CONTRADICTION, DATA, architecture="x86_64", sections=sections) == []


class TestAChain:
    def test_is_told_with_its_counter_example_and_what_was_taken_for_granted(
        self, findings: Findings
    ) -> None:
        sections = "mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-fixed-window}]}]"
        [finding] = findings(ODDS, DATA, architecture="x86_64", sections=sections)
        assert finding.region == AddressRange(0x7E010000, 0x7E020000)
        assert finding.requirements == ("KEXEC-002",)
        assert "firmware uses 0xfffffffeffe10000 for 0x7e010000-0x7e020000" in finding.message
        assert "Taken for granted: channel none" in finding.message
        assert "hop 1" not in finding.message

    def test_has_a_finding_for_each_hop_that_fails(self, findings: Findings) -> None:
        sections = """
mapping:
  - {strategy: x86-topdown, kexec: [{strategy: x86-phys-private}, {strategy: x86-fixed-window}]}
"""
        found = findings(ODDS, DATA, architecture="x86_64", sections=sections)
        assert [finding.message.partition(" after ")[0] for finding in found] == [
            "x86-phys-private",
            "x86-fixed-window",
        ]

    def test_without_a_strategy_for_each_kernel_is_not_checked(self, registry: Registry) -> None:
        sections = "mapping: [{strategy: x86-topdown, kexec: [{kind: kexec}]}]"
        report = linted(registry, DATA, architecture="x86_64", sections=sections)
        for rule in (ODDS, FAULT, LOST):
            needs = not_checked(report, rule)
            assert needs == "mapping[].strategy and mapping[].kexec[].strategy"

    def test_with_an_assumed_plan_is_no_error(self, registry: Registry) -> None:
        sections = """
mapping:
  - {strategy: x86-topdown, options: {encryption: tdx}, kexec: [{strategy: x86-phys-private}]}
"""
        registers = "EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME UC"
        report = linted(registry, DATA, registers, architecture="x86_64", sections=sections)
        assert [one.severity for one in told(report, ODDS)] == ["warning"]

    def test_whose_declared_call_is_one_too_many_is_told_by_the_rule_about_calls(
        self, registry: Registry
    ) -> None:
        sections = """
mapping:
  - strategy: x86-fixed-window
    kexec:
      - {strategy: x86-fixed-window, skip_svam: false, set_virtual_address_map: {calls: once}}
"""
        report = linted(registry, DATA, architecture="x86_64", sections=sections)
        assert ODDS in report.checked.failed
        assert [one.rule for one in told(report, ODDS, "kexec/second")] == [
            "kexec/second-set-virtual-address-map"
        ]

    def test_whose_declared_layout_differs_is_told_by_the_rule_about_layouts(
        self, registry: Registry
    ) -> None:
        entry = "{type: 6, physical_start: 0x7e010000, virtual_start: %s, pages: 16, %s}"
        known = "attribute: [RUNTIME, WB]"
        sections = f"""
mapping:
  - strategy: x86-fixed-window
    virtual_map: [{entry % ("0xfffffffefe010000", known)}]
    kexec:
      - strategy: x86-fixed-window
        virtual_map: [{entry % ("0xfffffffefd010000", known)}]
"""
        report = linted(registry, DATA, architecture="x86_64", sections=sections)
        assert ODDS in report.checked.failed
        assert [one.rule for one in told(report, ODDS, "kexec/inherited")] == [
            "kexec/inherited-layout-changed"
        ]

    def test_of_mixed_mode_is_told_once(self, registry: Registry) -> None:
        sections = """
platform: {firmware: {bits: 32}}
mapping:
  - os: linux
    strategy: x86-mixed
    kexec: [{strategy: x86-mixed, calls: {services: [GetVariable]}}]
"""
        report = linted(registry, DATA, architecture="x86_64", sections=sections)
        assert LOST in report.checked.failed
        assert [one.rule for one in told(report, LOST, "linux/mixed-mode-services")] == [
            "linux/mixed-mode-services-after-kexec"
        ]


class TestAModeThatWasNeverExercised:
    def test_is_the_virtual_one_for_a_kernel_after_one_that_called(
        self, findings: Findings
    ) -> None:
        sections = """
platform: {firmware: {exercised: [physical]}}
mapping:
  - set_virtual_address_map: {calls: once}
    kexec: [{set_virtual_address_map: {calls: never}}]
"""
        found = findings(MODE, sections=sections)
        assert [finding.message.partition(",")[0] for finding in found] == [
            "this kernel calls firmware in virtual mode"
        ] * 2

    def test_is_the_virtual_one_even_at_physical_addresses(self, findings: Findings) -> None:
        sections = """
platform: {firmware: {bits: 32, exercised: [physical]}}
mapping: [{strategy: x86-mixed}]
"""
        [finding] = findings(MODE, DATA, architecture="x86_64", sections=sections)
        assert "x86-mixed calls firmware in virtual mode" in finding.message

    def test_is_not_checked_where_nobody_says_what_was_run(self, findings: Findings) -> None:
        sections = "platform: {firmware: {vendor: a}}\nmapping: [{strategy: identity}]"
        with pytest.raises(ExampleError, match=r"platform\.firmware\.exercised"):
            findings(MODE, DATA, architecture="x86_64", sections=sections)


class TestAnIdentityMapping:
    def plan(self, *mappings: Mapping, extra: tuple[Mapping, ...] = ()) -> MappingPlan:
        return MappingPlan(
            strategy="made-up",
            options={},
            status="ok",
            mappings=mappings,
            extra=extra,
            svam=(),
            call=RuntimeCall(register="CR3", stays_mapped="nothing"),
        )

    def mapping(self, start: int, end: int, virtual: int, *, temporary: bool = False) -> Mapping:
        extent = AddressRange(start, end)
        return Mapping(extent, virtual, 6, "RW", "WB", runtime=True, temporary=temporary)

    def test_may_be_put_together_of_several(self) -> None:
        region = self.mapping(0x1000, 0x4000, 0x80001000)
        halves = (self.mapping(0, 0x2000, 0), self.mapping(0x2000, 0x5000, 0x2000))
        assert unmapped_at_physical(self.plan(region, extra=halves)) == []

    def test_with_a_gap_does_not_cover_a_region(self) -> None:
        region = self.mapping(0x1000, 0x4000, 0x80001000)
        halves = (self.mapping(0, 0x2000, 0), self.mapping(0x3000, 0x5000, 0x3000))
        found = unmapped_at_physical(self.plan(region, extra=halves))
        assert found == [AddressRange(0x1000, 0x4000)]

    def test_that_is_taken_out_after_the_boot_does_not_count(self) -> None:
        region = self.mapping(0x1000, 0x4000, 0x80001000)
        once = self.mapping(0x1000, 0x4000, 0x1000, temporary=True)
        assert unmapped_at_physical(self.plan(region, extra=(once,))) == [region.physical]

    def test_is_told_of_once_where_the_declaration_says_the_same(self, registry: Registry) -> None:
        sections = """
mapping: [{os: linux, strategy: x86-ioremap-svam, calls: {identity_mapped: false}}]
"""
        report = linted(registry, DATA, architecture="x86_64", sections=sections)
        assert [one.rule for one in told(report, IDENTITY, "linux/no-identity")] == [
            "linux/no-identity-mapping-beside-virtual"
        ]
