"""Choosing a hand-over, and what a lint makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from efipolicy.api import judge_handover
from efipolicy.engine.handing_over import handover_errors
from efipolicy.engine.linting import lint
from efipolicy.errors import PluginError, UsageError
from efipolicy.formats.platform import read_platform
from efipolicy.model.finding import InputReport
from efipolicy.model.platform import Platform
from efipolicy.plugin import HandoverVariant
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.source import InputError, SourceText
from efipolicy.testing import platform
from tests.conftest import MINIMAL, Run

ARM64 = MINIMAL.replace("x86_64", "arm64")
IMAGE = "image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}"


def read(text: str) -> Platform:
    found, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert found is not None
    return found


def declared(name: str, text: str = ARM64) -> Platform:
    return read(f"{text}handover: {{variant: {name}}}\n")


def test_the_declared_hand_over_is_judged(registry: Registry) -> None:
    assert judge_handover(declared("handover-staged"), registry).variant == "handover-staged"


def test_another_one_can_be_asked_for(registry: Registry) -> None:
    found = judge_handover(declared("handover-staged"), registry, "handover-mmu-off")
    assert found.variant == "handover-mmu-off"
    assert judge_handover(read(ARM64), registry, "handover-mmu-off").footprint is None


def test_without_any_the_choice_is_told(registry: Registry) -> None:
    with pytest.raises(UsageError, match="handover-efi-mmu-on, handover-mmu-off, handover-staged"):
        judge_handover(read(ARM64), registry)


def test_an_unknown_name_in_a_file_has_a_place_and_a_suggestion(registry: Registry) -> None:
    subject = declared("handover-mmu-of")
    with pytest.raises(InputError, match="the unknown hand-over `handover-mmu-of`") as problem:
        judge_handover(subject, registry)
    assert "did you mean `handover-mmu-off`?" in str(problem.value)
    assert str(problem.value).startswith("p.yaml:6:21")
    assert [str(each) for each in handover_errors(subject, registry)] == [str(problem.value)]


def test_an_unknown_name_asked_for_is_a_mistake_of_use(registry: Registry) -> None:
    with pytest.raises(UsageError, match="the unknown hand-over `x`"):
        judge_handover(declared("handover-staged"), registry, "x")


def test_a_hand_over_of_another_architecture_is_refused_but_no_error_of_the_file(
    registry: Registry,
) -> None:
    subject = declared("handover-staged", MINIMAL)
    with pytest.raises(InputError, match="which is for arm64, on x86_64"):
        judge_handover(subject, registry)
    assert handover_errors(subject, registry) == []


def test_an_architecture_nobody_installed_is_named(registry: Registry) -> None:
    with pytest.raises(PluginError, match="`mips64` is not installed"):
        judge_handover(declared("handover-staged", MINIMAL.replace("x86_64", "mips64")), registry)


def _explode(_request: object) -> Any:
    return 1 // 0


def _give_nothing(_request: object) -> Any:
    return None


class WithOdd(Registry):
    """A registry with hand-overs of a stranger's."""

    @property
    def handovers(self) -> dict[str, HandoverVariant]:
        """Ours, one that raises and one that gives nothing."""
        return {
            **super().handovers,
            "explodes": HandoverVariant(name="explodes", title="", judge=_explode),
            "empty": HandoverVariant(name="empty", title="", judge=_give_nothing),
        }


@pytest.mark.parametrize(
    ("name", "words"),
    [("explodes", "hand-over explodes failed: ZeroDivisionError"), ("empty", "gave NoneType")],
)
def test_a_failing_hand_over_is_its_plugins_fault(name: str, words: str) -> None:
    with pytest.raises(PluginError, match=words):
        judge_handover(read(ARM64), WithOdd(), name)


def test_a_lint_of_a_file_with_an_unknown_hand_over_ends_with_3(folder: Path, run: Run) -> None:
    (folder / "p.yaml").write_text(ARM64 + "handover: {variant: handover-mmu-of}\n")
    status, out, _ = run("lint", "p.yaml")
    assert status == 3
    assert "did you mean `handover-mmu-off`?" in out


def test_plugins_list_their_hand_overs(run: Run) -> None:
    _, out, _ = run("plugins")
    assert "  handovers: handover-mmu-off, handover-efi-mmu-on, handover-staged\n" in out


# What a lint reports


def linted(registry: Registry, *rows: str, **given: Any) -> InputReport:
    report, errors = lint(
        platform(*rows, architecture="arm64", **given),
        registry.rules.values(),
        registry.architectures,
        Selection([]),
        path="example.yaml",
        today="2030-01-01",
    )
    assert errors == []
    return report


def found(report: InputReport) -> list[str]:
    return [each.rule for each in report.findings if "capture/" not in each.rule]


def not_checked(report: InputReport) -> dict[str, str]:
    return {
        each.rule: each.needs
        for each in report.checked.not_checked
        if each.rule.startswith("linux/handover-")
    }


def test_a_platform_without_a_hand_over_is_told_what_to_declare(registry: Registry) -> None:
    needs = not_checked(linted(registry, "EfiConventionalMemory 0x40000000 0x10000 WB"))
    assert len(needs) == 8
    assert all("handover.variant" in each for each in needs.values())


def test_a_hand_over_that_is_none_of_linuxs_breaks_nothing(registry: Registry) -> None:
    report = linted(
        registry,
        "EfiConventionalMemory 0x40000000 0x10000 WB",
        sections=f"handover: {{variant: handover-acme, mmu: on, {IMAGE}}}",
    )
    assert found(report) == []


def test_what_the_file_leaves_open_is_not_checked(registry: Registry) -> None:
    report = linted(
        registry,
        "EfiConventionalMemory 0x40000000 0x10000 WB",
        sections=f"handover: {{variant: handover-efi-mmu-on, mmu: on, {IMAGE}}}",
    )
    assert found(report) == []
    assert not_checked(report) == {
        "linux/handover-memory-not-cacheable": "platform.firmware.environment.sctlr",
        "linux/handover-mmu-on-without-efi": "mapping[].exit_boot_services.by",
        "linux/handover-mmu-or-caches-off": "handover.cache, platform.firmware.environment.sctlr",
    }


def test_memory_that_cannot_be_cached_is_reported_once(registry: Registry) -> None:
    report = linted(
        registry,
        "EfiLoaderCode 0x40200000 0x2200 UC WC",
        sections=f"handover: {{variant: handover-efi-mmu-on, {IMAGE}}}",
    )
    assert found(report) == ["linux/ram-without-write-back"]


@pytest.mark.parametrize("sctlr", ["[M, SA, I]", "[M, C, SA, I, EE]"])
def test_a_nonconforming_environment_is_reported_once(registry: Registry, sctlr: str) -> None:
    environment = f"granule: 4K, translation_tables: [TTBR0], sctlr: {sctlr}"
    report = linted(
        registry,
        "EfiLoaderCode 0x40200000 0x2200 WB",
        sections=(
            f"handover: {{variant: handover-efi-mmu-on, mmu: on, cache: on, {IMAGE}}}\n"
            f"platform: {{firmware: {{environment: {{{environment}}}}}}}"
        ),
    )
    assert found(report) == ["arm64/nonconforming-boot-environment"]


def test_the_finding_on_bss_points_at_the_image_and_shows_who_has_the_rest(
    registry: Registry,
) -> None:
    report = linted(
        registry,
        "EfiLoaderCode 0x40200000 0x1f00 WB",
        "EfiConventionalMemory 0x42100000 0x300 WB",
        sections=f"handover: {{variant: handover-mmu-off, mmu: off, {IMAGE}}}",
    )
    assert found(report) == ["linux/handover-image-outside-one-region"]
    [finding] = [f for f in report.findings if f.rule.startswith("linux/")]
    assert finding.region == (0x42100000, 0x42400000)
    assert finding.responsible.value == "loader"
    assert len(finding.finding.related) == 2
