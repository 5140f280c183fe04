"""What the examples on the pages of linux, plan and capture rules cannot show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import read_platform
from efipolicy.plugin import Finding
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import SourceText
from efipolicy.testing import ExampleError, factories

Findings = Callable[..., list[Finding]]

FREED = "linux/boot-services-freed-before-set-virtual-address-map"
IDENTITY = "linux/no-identity-mapping-beside-virtual"
AMPERE = "linux/no-set-virtual-address-map-on-ampere"
XEN = "linux/configuration-table-recycled-by-xen"
WINDOWS_OF_MMIO = "linux/big-mmio-window"
MOVED = "capture/runtime-regions-move-between-boots"
NEVER = "{os: linux, set_virtual_address_map: {calls: never}}"
LIMITS = {
    "plan/too-much-runtime-memory": "most_bytes",
    "plan/too-many-runtime-descriptors": "most",
    "plan/runtime-memory-too-high": "below",
}
RUNTIME = "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB"


class TestQuirksOfLinux:
    @pytest.mark.parametrize(
        ("rule", "stated"),
        [
            (FREED, "set_virtual_address_map: {boot_services_memory: freed-before}"),
            (IDENTITY, "calls: {identity_mapped: false}"),
        ],
    )
    def test_are_not_checked_for_a_kernel_without_a_name(
        self, findings: Findings, rule: str, stated: str
    ) -> None:
        with pytest.raises(ExampleError, match=r"mapping\[\]\.os"):
            findings(rule, architecture="x86_64", sections=f"mapping: [{{{stated}}}]")
        [finding] = findings(
            rule, architecture="x86_64", sections=f"mapping: [{{os: Linux, {stated}}}]"
        )
        assert finding.fix is not None
        assert finding.fix.safety == "unsafe"


class TestAmpere:
    @pytest.mark.parametrize(
        "named",
        [
            'hardware: {processor: "Ampere(R) Altra(R) Max Processor"}',
            "hardware: {processor: eMAG}",
            "platform: {firmware: {vendor: Ampere Altra}}",
            'platform: {title: "Ampere® Altra™ Mt. Jade"}',
        ],
    )
    def test_is_recognised_by_any_of_its_names(self, findings: Findings, named: str) -> None:
        [finding] = findings(
            AMPERE, architecture="arm64", sections=f"{named}\nmapping: [{NEVER}]\n"
        )
        assert "SetTime crashes" in finding.message

    def test_max_is_told_from_the_other(self, findings: Findings) -> None:
        sections = f"hardware: {{processor: Altra(R) Max M128}}\nmapping: [{NEVER}]"
        [finding] = findings(AMPERE, architecture="arm64", sections=sections)
        assert "Ampere Altra Max," in finding.message

    def test_a_machine_without_a_processor_is_not_judged(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match=r"hardware\.processor"):
            findings(AMPERE, architecture="arm64", sections=f"mapping: [{NEVER}]")

    def test_setting_no_time_needs_no_call(self, findings: Findings) -> None:
        mapping = (
            "mapping: [{set_virtual_address_map: {calls: never}, calls: {services: [GetTime]}}]"
        )
        sections = f"hardware: {{processor: eMAG}}\n{mapping}"
        assert not findings(AMPERE, architecture="arm64", sections=sections)


class TestXen:
    def test_is_asked_once_however_many_kernels_run_on_it(self, findings: Findings) -> None:
        found = findings(
            XEN,
            "EfiBootServicesData  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("ESRT 0x7d978018",),
            sections="mapping: [{hypervisor: xen}, {hypervisor: Xen, kexec: [{hypervisor: xen}]}]",
        )
        assert len(found) == 1

    @pytest.mark.parametrize("type", range(16))
    def test_keeps_what_is_firmwares(self, findings: Findings, type: int) -> None:
        found = findings(
            XEN,
            f"{type}  0x7d978000  1  WB",
            architecture="x86_64",
            configuration_tables=("ESRT 0x7d978018",),
            sections="mapping: [{hypervisor: xen}]",
        )
        assert bool(found) is (type not in (0, 5, 6, 9, 10))


class TestLimits:
    @pytest.mark.parametrize("rule", LIMITS)
    def test_nobody_set_are_not_checked(self, findings: Findings, rule: str) -> None:
        with pytest.raises(ExampleError, match=f"the rule's option `{LIMITS[rule]}`"):
            findings(rule, RUNTIME)

    @pytest.mark.parametrize("rule", LIMITS)
    def test_that_hold_for_part_of_a_map_are_not_checked(
        self, findings: Findings, rule: str
    ) -> None:
        generous, strict = {LIMITS[rule]: 2**63}, {LIMITS[rule]: 0}
        assert not findings(rule, RUNTIME, options=generous)
        with pytest.raises(ExampleError, match="whole"):
            findings(rule, RUNTIME, extent="partial", options=generous)
        assert findings(rule, RUNTIME, extent="partial", options=strict)

    def test_an_excess_is_told_in_bytes(self, findings: Findings) -> None:
        [finding] = findings(
            "plan/too-much-runtime-memory", RUNTIME, options={"most_bytes": 0xF000}
        )
        assert finding.message == (
            "0x10000 bytes (64 KiB) have EFI_MEMORY_RUNTIME, 4 KiB more than the limit of 0xf000"
        )


class TestSeveralBoots:
    def message(self, findings: Findings, here: str, there: str) -> str:
        [finding] = findings(MOVED, here, other_boots=((there,),))
        return finding.message

    @pytest.mark.parametrize(
        ("there", "words"),
        [
            (
                "EfiRuntimeServicesData 0x7f002000 16 RUNTIME WB",
                "is at 0x7f002000 (0x2000 bytes higher) in boot 2",
            ),
            ("EfiRuntimeServicesData 0x7f000000 18 RUNTIME WB", "has 0x12 pages (+2) in boot 2"),
            ("EfiRuntimeServicesCode 0x7f000000 16 RUNTIME WB", "is EfiRuntimeServicesCode"),
            ("EfiConventionalMemory  0x7f000000 16 WB", "is not there in boot 2"),
        ],
    )
    def test_tell_what_became_of_a_region(self, findings: Findings, there: str, words: str) -> None:
        assert words in self.message(findings, RUNTIME, there)

    def test_are_one_finding_a_region(self, findings: Findings) -> None:
        others = tuple((f"EfiRuntimeServicesData {at:#x} 16 RUNTIME WB",) for at in (1 << 30, 0))
        [finding] = findings(MOVED, RUNTIME, other_boots=others)
        assert "in boot 2, is at 0x0" in finding.message
        assert len(finding.related) == 2

    def test_equal_regions_are_paired_in_the_order_of_their_addresses(
        self, findings: Findings
    ) -> None:
        here = [f"EfiACPIMemoryNVS {start:#x} 1 WB" for start in (0x5000, 0x1000, 0x3000)]
        there = tuple(f"EfiACPIMemoryNVS {start:#x} 1 WB" for start in (0x3000, 0x8000, 0x6000))
        found = findings(MOVED, *here, other_boots=(there,))
        assert {f.message.split()[1]: f.message.split(" is at ")[1].split()[0] for f in found} == {
            "0x1000-0x2000": "0x6000",
            "0x5000-0x6000": "0x8000",
        }

    def test_of_which_one_is_a_part_tell_less(self, findings: Findings) -> None:
        with pytest.raises(ExampleError, match="whole"):
            findings(MOVED, RUNTIME, extent="partial", other_boots=((),))

    def test_read_by_different_hands_are_not_compared(self) -> None:
        registry = Registry()
        report, errors = lint(
            factories.platform(RUNTIME),
            [registry.rules[MOVED]],
            registry.architectures,
            Selection(()),
            path="a.txt",
            today="2027-01-01",
            other_boots=(factories.platform(origin="kernel-edited"),),
        )
        assert not errors
        assert [item.needs for item in report.checked.not_checked] == [
            "memory_map.origin: the same in every boot"
        ]

    def test_do_not_matter_to_a_single_one(self) -> None:
        registry = Registry()
        report, _ = lint(
            factories.platform(RUNTIME),
            [registry.rules[MOVED]],
            registry.architectures,
            Selection(()),
            path="a.txt",
            today="2027-01-01",
        )
        assert report.checked.not_applicable == (MOVED,)


def test_the_windows_of_a_map_are_listed_in_one_finding(findings: Findings) -> None:
    lines = [f"EfiMemoryMappedIO {at:#x} 0x10000 RUNTIME UC" for at in (1 << 32, 1 << 33)]
    [finding] = findings(WINDOWS_OF_MMIO, *lines)
    assert "0x100000000-0x110000000 (256 MiB), 0x200000000-0x210000000" in finding.message
    assert not findings(WINDOWS_OF_MMIO, *lines, options={"least_bytes": 0x10000001})


PLATFORMS = Path(__file__).parents[2] / "policies/efipolicy_policies/platforms"


@pytest.mark.parametrize("name", ["ovmf-x86_64", "aavmf-arm64"])
def test_healthy_firmware_meets_neither_quirks_nor_surprises(registry: Registry, name: str) -> None:
    path = PLATFORMS / f"{name}.yaml"
    platform, errors = read_platform(SourceText(path.name, path.read_text()))
    assert platform is not None
    assert not errors
    packs = ("kexec", "windows", "capture", "linux")
    report, problems = lint(
        platform,
        [rule for rule in registry.rules.values() if rule.pack in packs],
        registry.architectures,
        Selection(()),
        path=path.name,
        today="2027-01-01",
        planner=planner_of(platform, registry, []),
    )
    assert not problems
    assert [finding.finding.message for finding in report.findings] == []
