"""A fault that breaks several rules is reported by one of them."""

import pytest

from efipolicy.engine.linting import lint
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.testing import platform

INFORMATION = {
    "uefi/unsorted-memory-map",
    "uefi/several-runtime-code-descriptors",
    "ia64/no-io-port-space",
}


def rules_reported(registry: Registry, *lines: str, **given: object) -> list[str]:
    """The ids of all rules that report something, in the order of the findings."""
    report, errors = lint(
        platform(*lines, **given),
        registry.rules.values(),
        registry.architectures,
        Selection([]),
        path="example.yaml",
        today="2030-01-01",
    )
    assert errors == []
    found = [finding.rule for finding in report.findings]
    return [rule for rule in found if rule not in INFORMATION and "capture/" not in rule]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        # Misaligned, unassigned, undefined bits, and beyond every limit.
        ("0x20 0x8ffff4438 0xffff443400003348 0x20", "uefi/range-wraps-address-space"),
        ("0x20 0xfffffffffffff800 0 RUNTIME", "uefi/zero-pages"),
        ("0x20 0xfff0000000000800 1 0x20", "uefi/address-beyond-physical-limit"),
        ("0x20 0x800 1 RUNTIME", "uefi/unassigned-memory-type"),
        ("EfiConventionalMemory 0x100800 4 WB", "uefi/misaligned-physical-start"),
        ("EfiMemoryMappedIO 0x1e88180 1 RUNTIME UC @0x1e88180", "uefi/misaligned-physical-start"),
        (
            "EfiRuntimeServicesData 0x7f000000 16 RUNTIME",
            "uefi/runtime-region-without-cacheability",
        ),
        ("EfiReservedMemoryType 0x7f000000 16 RUNTIME", "uefi/runtime-region-without-cacheability"),
        ("EfiLoaderData 0x7f000000 16 0x0100000000000008", "uefi/isa-mask-without-isa-valid"),
    ],
)
@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_a_faulty_entry_is_reported_once(
    registry: Registry, architecture: str, line: str, rule: str
) -> None:
    assert rules_reported(registry, line, architecture=architecture) == [rule]


@pytest.mark.parametrize(
    ("architecture", "rule"),
    [
        ("arm64", "arm64/isa-mask-without-isa-valid-at-runtime"),
        ("x86_64", "uefi/isa-mask-without-isa-valid"),
        ("unknown", "uefi/isa-mask-without-isa-valid"),
    ],
)
def test_a_stray_isa_mask_at_runtime_is_graver_on_arm64(
    registry: Registry, architecture: str, rule: str
) -> None:
    line = "EfiRuntimeServicesData 0x7f000000 16 0x80ff000000000008"
    assert rules_reported(registry, line, architecture=architecture) == [rule]


def test_a_start_inside_a_page_breaks_granularity_only_where_that_is_more_than_a_page(
    registry: Registry,
) -> None:
    line = "EfiRuntimeServicesData 0x3f001800 2 RUNTIME WB"
    ports = "EfiMemoryMappedIOPortSpace 0xffffc000000 0x4000 UC"
    assert rules_reported(registry, line, architecture="x86_64") == [
        "uefi/misaligned-physical-start"
    ]
    assert sorted(rules_reported(registry, line, ports, architecture="ia64")) == [
        "uefi/misaligned-physical-start",
        "uefi/runtime-region-breaks-granularity",
    ]


def test_an_entry_of_another_type_is_not_judged_by_its_attributes(registry: Registry) -> None:
    found = rules_reported(
        registry,
        "EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME UC",
        memory_attributes_table=("EfiMemoryMappedIO 0xffc00000 0x400 RUNTIME XP UC",),
    )
    assert found == ["uefi/mat-entry-of-other-type"]


@pytest.mark.parametrize(
    ("origin", "rule"),
    [
        ("firmware", ["uefi/runtime-bit-on-boot-services-memory"]),
        ("kernel-edited", ["linux/kernel-kept-boot-services"]),
        ("kexec", ["linux/kernel-kept-boot-services"]),
        ("unknown", []),
    ],
)
def test_kept_boot_services_are_blamed_on_whoever_made_the_map(
    registry: Registry, origin: str, rule: list[str]
) -> None:
    line = "EfiBootServicesData 0x7d978000 1 RUNTIME WB"
    assert rules_reported(registry, line, architecture="x86_64", origin=origin) == rule


def test_garbage_beside_good_entries_costs_the_good_ones_nothing(registry: Registry) -> None:
    found = rules_reported(
        registry,
        "EfiConventionalMemory 0x100000 16 WB",
        "EfiReservedMemoryType 0x0 0x10000000000001 WB",
        "EfiRuntimeServicesData 0x10f000 4 RUNTIME WB",
        architecture="x86_64",
    )
    assert sorted(found) == ["uefi/overlapping-descriptors", "uefi/range-wraps-address-space"]
