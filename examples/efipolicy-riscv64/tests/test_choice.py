"""What a declaration tells of the strategy."""

from typing import Any

import pytest
from efipolicy.plugin import StrategyChoice
from efipolicy.testing import platform

from efipolicy_riscv64 import efipolicy_strategy_choices


def chosen(said: str, architecture: str = "riscv64", **fields: Any) -> tuple[StrategyChoice, ...]:
    there = platform(architecture=architecture, sections=f"mapping: [{said}]", **fields)
    assert there.mapping
    return tuple(efipolicy_strategy_choices(there, there.mapping[0]))


def test_a_kernel_of_today_is_certain() -> None:
    (choice,) = chosen('{os: linux, kernel: "6.12.117", command_line: [efi=debug]}')
    assert (choice.strategy, choice.certain) == ("riscv-stub", True)
    assert choice.options == {"kernel": (6, 12, 117)}
    assert choice.reason == "Linux 6.12.117: its stub places the regions"


def test_who_says_nothing_is_taken_for_a_current_kernel() -> None:
    (choice,) = chosen("{page_size: 4K}")
    assert (choice.certain, choice.options) == (False, {"kernel": (6, 12)})


@pytest.mark.parametrize(
    "said",
    [
        '{os: linux, kernel: "6.12", command_line: [efi=novamap]}',
        '{os: linux, kernel: "6.12", command_line: ["efi=debug,novamap"]}',
        '{os: linux, kernel: "6.12", set_virtual_address_map: {calls: never}}',
    ],
)
def test_a_kernel_told_not_to_call_does_not(said: str) -> None:
    (choice,) = chosen(said)
    assert choice.options["novamap"] is True
    assert choice.certain


@pytest.mark.parametrize(("words", "certain"), [("[]", False), ("[nokaslr]", True)])
def test_a_base_that_may_be_random_is_an_assumption(words: str, certain: bool) -> None:
    (choice,) = chosen(f'{{os: linux, kernel: "5.15", command_line: {words}}}')
    assert choice.certain is certain


@pytest.mark.parametrize(
    "said",
    [
        '{os: linux, kernel: "5.9"}',
        "{os: freebsd}",
        '{os: linux, kernel: "6.12", command_line: [efi=noruntime]}',
        '{os: linux, kernel: "6.12", command_line: [noefi]}',
        "{os: linux, hypervisor: xen}",
        "{os: linux, calls: {services: []}}",
        "{os: linux, virtual_map: []}",
    ],
)
def test_who_maps_nothing_takes_no_strategy(said: str) -> None:
    assert chosen(said) == ()


def test_other_architectures_and_kernels_after_kexec_are_left_alone() -> None:
    said = '{os: linux, kernel: "6.12"}'
    assert chosen(said, architecture="arm64") == ()
    assert chosen(said, origin="kexec") == ()
