"""Which strategy a kernel takes that declares none."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from efipolicy.engine.planning import NoStrategyError, PlanChoice, planned
from efipolicy.model.declared import RuntimeCalls, RuntimeProperties
from efipolicy.model.efi import RUNTIME_SERVICES
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import ArchitectureReason, Firmware, MappingDeclaration, Platform
from efipolicy.plugin.registry import Registry

CODE = MemoryDescriptor(
    index=0, type=5, physical_start=0x7F000000, number_of_pages=16, attribute=1 << 63 | 8
)


def _platform(architecture: str, **more: object) -> Platform:
    return Platform(
        name="any",
        architecture=architecture,
        architecture_reason=ArchitectureReason("stated", "here"),
        memory_map=MemoryMap(descriptors=(CODE,), extent="whole"),
        **more,  # type: ignore[arg-type]
    )


def _linux(kernel: str | None = None, *words: str, **more: object) -> MappingDeclaration:
    declared = MappingDeclaration(os="linux", kernel=kernel, command_line=words, options={})
    return replace(declared, **more)


def _taken(registry: Registry, platform: Platform, declared: MappingDeclaration) -> tuple[str, str]:
    made = planned(replace(platform, mapping=(declared,)), registry, PlanChoice())
    assert made.choice
    return made.plan.strategy, made.plan.status


@pytest.mark.parametrize(
    ("declared", "strategy", "status"),
    [
        (_linux("6.12.117"), "x86-topdown", "ok"),
        (_linux("3.14"), "x86-topdown", "ok"),
        (_linux("6.12", "efi=old_map"), "x86-topdown", "ok"),
        (_linux(), "x86-topdown", "assumption"),
    ],
)
def test_a_kernel_on_x86_64_takes_the_window_since_3_14(
    registry: Registry, declared: MappingDeclaration, strategy: str, status: str
) -> None:
    assert _taken(registry, _platform("x86_64"), declared) == (strategy, status)


@pytest.mark.parametrize(
    ("declared", "strategy", "status"),
    [
        (_linux("6.12", "efi=debug,novamap"), "arm64-novamap", "ok"),
        (_linux("6.12", page_size=0x1000, virtual_address_bits=39), "arm64-stub-virtmap", "ok"),
        (_linux("6.12", page_size=0x4000, virtual_address_bits=47), "arm64-stub-virtmap", "ok"),
        (_linux("6.12", page_size=0x1000, virtual_address_bits=48), "arm64-novamap", "assumption"),
        (_linux("6.12", page_size=0x10000), "arm64-novamap", "assumption"),
        (_linux("6.12", page_size=0x4000), "arm64-stub-virtmap", "assumption"),
        (_linux("6.12"), "arm64-novamap", "assumption"),
        (_linux("5.15", "nokaslr"), "arm64-stub-virtmap", "ok"),
        (_linux("5.15"), "arm64-stub-virtmap", "assumption"),
        (_linux("4.9"), "arm64-stub-virtmap", "ok"),
    ],
)
def test_a_kernel_on_arm64_takes_what_its_release_and_its_width_say(
    registry: Registry, declared: MappingDeclaration, strategy: str, status: str
) -> None:
    assert _taken(registry, _platform("arm64"), declared) == (strategy, status)


def test_firmware_without_the_call_is_mapped_1_to_1(registry: Registry) -> None:
    supported = 0x3FFF & ~RUNTIME_SERVICES["SetVirtualAddressMap"]
    properties = RuntimeProperties(supported=supported, version=1, length=8)
    platform = _platform("arm64", runtime_properties=properties)
    declared = _linux("6.12", page_size=0x1000, virtual_address_bits=39)
    assert _taken(registry, platform, declared) == ("arm64-novamap", "ok")
    assert _taken(registry, platform, _linux("5.4", "nokaslr"))[0] == "arm64-stub-virtmap"


def test_the_log_says_what_stays_mapped(registry: Registry) -> None:
    for words, shown in [(("efi=debug",), True), ((), False)]:
        declared = _linux("6.12", *words)
        platform = replace(_platform("x86_64"), mapping=(declared,))
        made = planned(platform, registry, PlanChoice())
        assert made.plan.options["efi_debug"] is shown


@pytest.mark.parametrize(
    "declared",
    [
        MappingDeclaration(options={}),
        MappingDeclaration(os="acme", options={}),
        _linux("6.12", "efi=noruntime"),
        _linux("6.12", "noefi"),
        _linux("6.12", hypervisor="xen"),
        _linux("6.12", virtual_map=()),
        _linux("6.12", calls=RuntimeCalls(services=())),
    ],
)
def test_who_chooses_no_addresses_takes_no_strategy(
    registry: Registry, declared: MappingDeclaration
) -> None:
    with pytest.raises(NoStrategyError, match="--strategy"):
        _taken(registry, _platform("x86_64"), declared)


def test_a_kernel_started_by_kexec_takes_what_it_is_given(registry: Registry) -> None:
    platform = _platform("x86_64")
    handed_over = replace(platform, memory_map=replace(platform.memory_map, origin="kexec"))
    with pytest.raises(NoStrategyError):
        _taken(registry, handed_over, _linux("6.12"))


def test_32_bit_firmware_is_no_matter_of_the_window(registry: Registry) -> None:
    platform = _platform("x86_64", firmware=Firmware(bits=32))
    assert _taken(registry, platform, _linux("6.12"))[0] == "x86-mixed"


@pytest.mark.parametrize(
    ("architecture", "declared", "strategy"),
    [
        ("x86_64", _linux("3.13"), "x86-ioremap-svam"),
        ("x86_64", _linux("4.15", "efi=old_map"), "x86-ioremap-svam"),
        ("arm64", _linux("3.18"), "arm64-ioremap-svam"),
        ("i386", _linux("5.10"), "i386-ioremap"),
        ("ia64", _linux("6.6"), "ia64-region67"),
    ],
)
def test_older_kernels_and_other_architectures_have_theirs(
    registry: Registry, architecture: str, declared: MappingDeclaration, strategy: str
) -> None:
    assert _taken(registry, _platform(architecture), declared)[0] == strategy


def test_only_the_modules_on_the_way_to_a_strategy_are_loaded() -> None:
    code = (
        "import sys; from efipolicy.plugin.registry import Registry; "
        "assert Registry().strategy('x86-topdown'); "
        "print(sorted(n for n in sys.modules if n.startswith('efipolicy_linux.arm64_sep')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_strategy_that_nobody_has_is_not_found(registry: Registry) -> None:
    assert Registry().strategy("nope") is None
    assert {name for name in registry.strategies if Registry().strategy(name) is None} == set()


@pytest.mark.parametrize(
    ("architecture", "bits", "kernel"),
    [("x86_64", 32, "3.14"), ("i386", 64, "6.1"), ("x86_64", 64, "2.6.24"), ("arm64", 64, "3.15")],
)
def test_a_kernel_that_never_calls_such_firmware_takes_no_strategy(
    registry: Registry, architecture: str, bits: int, kernel: str
) -> None:
    platform = _platform(architecture, firmware=Firmware(bits=bits))
    with pytest.raises(NoStrategyError):
        _taken(registry, platform, _linux(kernel))


def test_mixed_mode_begins_with_3_15(registry: Registry) -> None:
    platform = _platform("x86_64", firmware=Firmware(bits=32))
    assert _taken(registry, platform, _linux("3.15")) == ("x86-mixed", "ok")


@pytest.mark.parametrize("more", [{"os": "Linux"}, {"os": "Debian Linux"}, {"hypervisor": "kvm"}])
def test_linux_is_linux_however_it_is_written_and_under_any_hypervisor_but_xen(
    registry: Registry, more: dict[str, str]
) -> None:
    assert _taken(registry, _platform("x86_64"), _linux("6.12", **more)) == ("x86-topdown", "ok")


def test_a_guest_of_xen_is_one_however_it_is_written(registry: Registry) -> None:
    with pytest.raises(NoStrategyError):
        _taken(registry, _platform("x86_64"), _linux("6.12", hypervisor="Xen 4.17"))


def test_the_command_line_says_whether_memory_is_left_to_its_driver(registry: Registry) -> None:
    for words, left in [(("efi=nosoftreserve",), False), ((), True)]:
        platform = replace(_platform("x86_64"), mapping=(_linux("6.12", *words),))
        made = planned(platform, registry, PlanChoice())
        assert made.plan.options["soft_reserve"] is left
