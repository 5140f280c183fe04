"""Verdicts on chains of kernels, and the whole matrix, cell by cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from efipolicy.engine.kexec import simulate, verdict_to_itself
from efipolicy.engine.kexec_chains import declared_chain, role_of
from efipolicy.engine.kexec_matrix import matrix
from efipolicy.engine.kexec_spelled import spelled_chain
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.kexec_words import who
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import UsageError
from efipolicy.formats.platform import read_platform
from efipolicy.model.chain import ChainReport
from efipolicy.model.platform import Platform
from efipolicy.plugin import Strategy
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from efipolicy.testing import factories
from tests.engine.chain_strategies import arm64, ia64, x86

OVMF5 = (
    "EfiRuntimeServicesCode 0x00800000 0x800 RUNTIME WB",
    "EfiRuntimeServicesData 0x7c000000 0x20 RUNTIME WB",
    "EfiRuntimeServicesCode 0x7dc5b000 0x4eb RUNTIME WB",
    "EfiRuntimeServicesData 0x7fa65000 0x57b RUNTIME WB",
    "EfiRuntimeServicesCode 0x7ffe0000 0x20 RUNTIME WB",
)
ARM = (
    "EfiRuntimeServicesCode 0xbbe30000 0xc0 RUNTIME WB @0x0",
    "EfiRuntimeServicesData 0xbbef0000 0x110 RUNTIME WB @0x0",
)
HIGH = ("EfiRuntimeServicesCode 0x8000000000 0x10 RUNTIME WB @0x0",)


class OnlyStrategies(Registry):
    """The installed plugins with other strategies."""

    def __init__(self, strategies: dict[str, Strategy]) -> None:
        super().__init__()
        self._strategies = strategies

    @property
    def strategies(self) -> dict[str, Strategy]:
        return self._strategies


@pytest.fixture(scope="module")
def on_x86() -> Registry:
    return OnlyStrategies(x86())


@pytest.fixture(scope="module")
def on_arm64() -> Registry:
    return OnlyStrategies(arm64())


@pytest.fixture(scope="module")
def on_ia64() -> Registry:
    return OnlyStrategies(ia64())


def ovmf(**fields: Any) -> Platform:
    return factories.platform(*OVMF5, architecture="x86_64", **fields)


def arm(*lines: str, **fields: Any) -> Platform:
    return factories.platform(*(lines or ARM), architecture="arm64", **fields)


def itanium() -> Platform:
    return factories.platform(
        "EfiRuntimeServicesCode 0x3f000000 0x1000 RUNTIME WB", architecture="ia64"
    )


def chain(text: str, platform: Platform, registry: Registry) -> ChainReport:
    return simulate(platform, spelled_chain(text, platform, registry, PlanChoice()))


def cells(platform: Platform, registry: Registry) -> dict[tuple[str, str], list[str]]:
    made = matrix(platform, registry, PlanChoice())
    assert made.errors == ()
    return {(cell.first, cell.second): [c.verdict for c in cell.cases] for cell in made.cells}


X86_TABLE = {
    ("legacy", "legacy"): ["pointer-misread"],
    ("legacy", "physical"): ["pointer-misread"],
    ("legacy", "window"): ["pointer-misread"],
    ("legacy", "topdown"): ["runtime-disabled", "pointer-misread"],
    ("physical", "legacy"): ["ok"],
    ("physical", "physical"): ["ok"],
    ("physical", "window"): ["ok"],
    ("physical", "topdown"): ["ok", "page-fault", "runtime-disabled"],
    ("window", "legacy"): ["va-mismatch"],
    ("window", "physical"): ["pointer-misread", "page-fault"],
    ("window", "window"): ["ok", "svam-twice", "va-mismatch"],
    ("window", "topdown"): ["ok", "runtime-disabled"],
    ("topdown", "legacy"): ["va-mismatch", "runtime-disabled", "pointer-misread"],
    ("topdown", "physical"): ["pointer-misread"],
    ("topdown", "window"): ["va-mismatch"],
    ("topdown", "topdown"): ["ok", "runtime-disabled"],
    ("mixed", "mixed"): ["runtime-disabled"],
    ("bsd", "bsd"): ["ok"],
    ("physical", "bsd"): ["ok"],
    ("topdown", "bsd"): ["runtime-disabled"],
    ("mixed", "bsd"): ["ok"],
    ("mixed", "physical"): ["ok"],
}


@pytest.mark.parametrize(("first", "second"), X86_TABLE)
def test_each_cell_of_the_x86_table_comes_out(first: str, second: str, on_x86: Registry) -> None:
    assert cells(ovmf(), on_x86)[first, second] == X86_TABLE[first, second]


ARM64_TABLE = {
    ("idmap", "idmap"): ["ok"],
    ("random", "random"): ["ok", "svam-twice", "va-mismatch"],
    ("slice", "slice"): ["ok", "svam-twice", "va-mismatch"],
    ("ioremap", "ioremap"): ["va-mismatch"],
    ("slice", "idmap"): ["pointer-misread"],
}


@pytest.mark.parametrize(("first", "second"), ARM64_TABLE)
def test_each_cell_of_the_arm64_table_comes_out(
    first: str, second: str, on_arm64: Registry
) -> None:
    assert cells(arm(), on_arm64)[first, second] == ARM64_TABLE[first, second]


@pytest.mark.parametrize("first", ["stub", "novamap"])
@pytest.mark.parametrize("second", ["stub", "novamap"])
def test_stubs_follow_each_other_with_the_device_tree(
    first: str, second: str, on_arm64: Registry
) -> None:
    assert chain(f"{first},{second}", arm(), on_arm64).verdict == "ok"
    without = chain(f"{first},{second}:channel=none", arm(), on_arm64)
    assert without.verdict == "runtime-disabled"


IA64_TABLE = {
    ("region67", "region67"): ["ok", "svam-twice"],
    ("physical", "physical"): ["ok"],
    ("region67", "xen"): ["ok", "svam-twice", "va-mismatch"],
    ("xen", "region67"): ["ok", "svam-twice", "va-mismatch"],
    ("old-xen", "region67"): ["va-mismatch"],
    ("region67", "old-xen"): ["va-mismatch"],
    ("region67", "physical"): ["pointer-misread"],
}


@pytest.mark.parametrize(("first", "second"), IA64_TABLE)
def test_each_cell_of_the_ia64_table_comes_out(first: str, second: str, on_ia64: Registry) -> None:
    assert cells(itanium(), on_ia64)[first, second] == IA64_TABLE[first, second]


def test_a_strategy_that_says_nothing_of_kexec_is_named_and_left_out(on_x86: Registry) -> None:
    assert matrix(ovmf(), on_x86, PlanChoice()).left_out == ("nobody-knows",)
    with pytest.raises(UsageError, match="nothing is known of kexec with nobody-knows"):
        chain("topdown,nobody-knows", ovmf(), on_x86)


@pytest.mark.parametrize(
    ("loader", "verdict"),
    [
        ("unspecified", "va-mismatch"),
        ("kexec-tools", "runtime-disabled"),
        ("kexec-file", "pointer-misread"),
    ],
)
def test_the_loader_settles_what_a_legacy_kernel_gets(
    loader: str, verdict: str, on_x86: Registry
) -> None:
    report = chain(f"topdown,legacy:loader={loader}", ovmf(), on_x86)
    assert report.verdict == verdict
    assert any(f"loader {loader}" in text for text in report.assumptions)


def test_kexec_tools_finds_no_map_to_pass_on_after_a_physical_kernel(on_x86: Registry) -> None:
    report = chain("physical,topdown:loader=kexec-tools", ovmf(), on_x86)
    assert report.verdict == "runtime-disabled"


def test_a_hop_says_what_was_carried(on_x86: Registry) -> None:
    (hop,) = chain("topdown,topdown:loader=kexec-tools", ovmf(), on_x86).hops
    assert hop.carried == ("setup_data", None, 5, 40)
    (hop,) = chain("legacy,topdown", ovmf(), on_x86).hops
    assert hop.carried == ("none", None, 0, None)


def test_what_is_declared_to_be_carried_is_told(on_x86: Registry) -> None:
    platform = ovmf(
        sections="mapping: [{strategy: topdown, kexec: [{strategy: topdown, carried: "
        "{system_table: 0x7fa66000, entry_size: 56}}]}]"
    )
    kernels = declared_chain(platform, on_x86, PlanChoice())
    assert kernels
    (hop,) = simulate(platform, kernels).hops
    assert hop.carried == ("setup_data", 0x7FA66000, 5, 56)


def test_a_region_that_lies_elsewhere_is_named(on_x86: Registry) -> None:
    (hop,) = chain("topdown,window", ovmf(), on_x86).hops
    example = hop.counter_example
    assert example
    assert example.region == (0x800000, 0x1000000)
    assert (example.expected, example.found) == (0xFFFFFFFE70800000, 0xFFFFFFFE80800000)


def test_a_kernel_is_called_by_its_place_in_the_chain(on_x86: Registry) -> None:
    hops = chain("topdown,topdown,topdown,window", ovmf(), on_x86).hops
    assert hops[2].counter_example
    assert "; the fourth kernel has it at 0x" in hops[2].counter_example.sentence
    assert [who(number) for number in (2, 3, 6, 7)] == [
        "the second kernel",
        "the third kernel",
        "the sixth kernel",
        "kernel 7",
    ]


def test_a_misread_pointer_is_named(on_x86: Registry) -> None:
    section = "system_table: {address: 0x7fa66000, runtime_services: 0x7fa67000}"
    (hop,) = chain("topdown,physical", ovmf(sections=section), on_x86).hops
    example = hop.counter_example
    assert example
    assert example.pointer == "EFI_SYSTEM_TABLE.RuntimeServices"
    assert (example.expected, example.found) == (0x7FA67000, 0xFFFFFFFEEFA67000)


def test_chains_go_on_with_what_the_first_kernel_made_of_firmware(on_x86: Registry) -> None:
    report = chain("physical,topdown,topdown,topdown", ovmf(), on_x86)
    assert [hop.verdict for hop in report.hops] == ["ok", "ok", "ok"]
    report = chain("topdown,topdown:channel=none,topdown", ovmf(), on_x86)
    assert [hop.verdict for hop in report.hops] == ["runtime-disabled", "runtime-disabled"]
    assert any("came up without runtime services" in text for text in report.assumptions)


@pytest.mark.parametrize("length", [2, 3, 7])
def test_a_chain_of_physical_kernels_is_always_ok(length: int, on_x86: Registry) -> None:
    names = (["physical", "bsd", "xen"] * 3)[:length]
    assert chain(",".join(names), ovmf(), on_x86).verdict == "ok"


def test_a_second_call_is_never_ok(on_x86: Registry) -> None:
    report = chain("window,window:skip_svam=false", ovmf(), on_x86)
    assert report.verdict == "svam-twice"
    assert "EFI_UNSUPPORTED" in str(report.hops[0].counter_example)


def test_an_address_nobody_converted_needs_its_physical_place(on_x86: Registry) -> None:
    section = "firmware_accesses: [{physical: 0x7c000010, converted: false}]"
    platform = ovmf(sections=section)
    assert chain("topdown,topdown", platform, on_x86).verdict == "ok"
    report = chain("window,window", platform, on_x86)
    assert report.verdict == "page-fault"
    assert "did not convert" in str(report.hops[0].counter_example)


def test_a_crash_kernel_has_no_memory_but_its_own(on_x86: Registry) -> None:
    section = "firmware_accesses: [{physical: 0x100000, converted: false}]"
    platform = ovmf(sections=section)
    kernel = spelled_chain("physical,physical", platform, on_x86, PlanChoice())[0]
    plan = kernel.planned.plan
    ram = plan.mappings[0]._replace(
        physical=plan.mappings[0].physical._replace(start=0, end=0x200000),
        virtual_start=0,
        runtime=False,
    )
    everything = kernel._replace(planned=kernel.planned._replace(plan=plan._replace(extra=(ram,))))
    assert simulate(platform, [everything, everything]).verdict == "ok"
    crash = everything._replace(kind="crash")
    report = simulate(platform, [everything, crash])
    assert report.verdict == "page-fault"
    assert any("crash kernel uses no memory" in text for text in report.assumptions)


def test_a_large_leaf_with_a_crooked_frame_faults(on_x86: Registry) -> None:
    report = chain("topdown:shift=0x1f000,topdown", ovmf(), on_x86)
    assert report.verdict == "rsvd-fault"
    assert "no multiple of its size" in str(report.hops[0].counter_example)


def test_a_marker_is_known_to_its_own_era_only(on_arm64: Registry) -> None:
    text = (
        "efipolicy: 1\nplatform: {name: a, architecture: arm64}\nmemory_map:\n  descriptors:\n"
        "    - {type: 5, physical_start: 0xbbe30000, pages: 16, attribute: [RUNTIME, WB]}\n"
        'mapping:\n  - strategy: stub\n    options: {kernel: "FIRST"}\n'
        "    set_virtual_address_map: {calls: once, result: failed}\n"
        '    kexec: [{strategy: stub, options: {kernel: "SECOND"}}]\n'
    )

    def verdict(first: str, second: str) -> str:
        source = text.replace("FIRST", first).replace("SECOND", second)
        platform, errors = read_platform(SourceText("a.yaml", source))
        assert platform
        assert errors == []
        kernels = declared_chain(platform, on_arm64, PlanChoice())
        assert kernels
        return simulate(platform, kernels).verdict

    assert verdict("5.15", "5.15") == "runtime-disabled"
    assert verdict("6.1", "6.12") == "runtime-disabled"
    assert verdict("5.15", "6.1") == "va-mismatch"
    assert verdict("6.1", "5.15") == "va-mismatch"


def test_kernels_of_other_page_sizes_take_a_64k_layout_over(on_arm64: Registry) -> None:
    wide = "stub,stub:page_size=64K,virtual_address_bits=48,stub:page_size=4K"
    assert chain(wide, arm(), on_arm64).verdict == "ok"
    crooked = "stub:shift=0x1000,stub:page_size=64K"
    assert chain(crooked, arm(), on_arm64).verdict == "va-unreachable"


def test_a_narrow_kernel_cannot_map_what_a_wide_one_left_high(on_arm64: Registry) -> None:
    wide = "virtual_address_bits=48"
    report = chain(f"novamap:{wide},stub:virtual_address_bits=39", arm(*HIGH), on_arm64)
    assert report.verdict == "va-unreachable"
    assert "39 bits" in str(report.hops[0].counter_example)
    made = matrix(arm(*HIGH), on_arm64, PlanChoice(virtual_address_bits=48))
    cell = next(c for c in made.cells if (c.first, c.second) == ("novamap", "stub"))
    assert any(c.verdict == "va-unreachable" and "39 bits" in c.when for c in cell.cases)


def test_virtual_starts_that_firmware_left_are_what_a_stub_kernel_maps(
    on_arm64: Registry,
) -> None:
    """Zeros after edk2, physical addresses after U-Boot: nobody but the stub assigns others."""
    assert chain("idmap,stub", arm(), on_arm64).verdict == "page-fault"
    assert chain("idmap,stub:kernel=5.15", arm(), on_arm64).verdict == "runtime-disabled"
    u_boot = arm("EfiRuntimeServicesCode 0xbbe30000 0xc0 RUNTIME WB @0xbbe30000")
    assert chain("idmap,stub", u_boot, on_arm64).verdict == "ok"


def test_u_boot_refuses_a_list_with_two_code_regions(on_x86: Registry) -> None:
    """The first kernel goes without; firmware stays physical for the second one."""
    platform = ovmf(sections="platform: {firmware: {vendor: Das U-Boot}}")
    assert chain("topdown,physical", platform, on_x86).verdict == "ok"


def test_keys_of_a_hop_may_stand_among_its_options(on_x86: Registry) -> None:
    head = "mapping:\n  - strategy: window\n    kexec: "
    for hop in (
        "[{strategy: window, skip_svam: false}]",
        "[{strategy: window, options: {skip_svam: false}}]",
    ):
        platform = ovmf(sections=head + hop)
        kernels = declared_chain(platform, on_x86, PlanChoice())
        assert kernels
        assert simulate(platform, kernels).verdict == "svam-twice"


def test_a_declared_layout_counts_for_what_the_strategy_would_choose(on_x86: Registry) -> None:
    platform = ovmf(
        sections="mapping:\n  - strategy: window\n    virtual_map:\n      - {type: 5, "
        "physical_start: 0x800000, virtual_start: 0xfffffffeff800000, pages: 0x800, "
        "attribute: [RUNTIME]}\n    kexec: [{strategy: window}]"
    )
    kernels = declared_chain(platform, on_x86, PlanChoice())
    assert kernels
    (hop,) = simulate(platform, kernels).hops
    assert hop.verdict == "va-mismatch"
    assert hop.counter_example
    assert hop.counter_example.expected == 0xFFFFFFFEFF800000


def test_a_region_that_nobody_could_place_is_out_of_reach(on_x86: Registry) -> None:
    platform = ovmf()
    kernel = spelled_chain("window,window", platform, on_x86, PlanChoice())[0]
    plan = kernel.planned.plan
    nowhere = tuple(one._replace(virtual_start=None) for one in plan.mappings)
    full = kernel._replace(
        planned=kernel.planned._replace(plan=plan._replace(mappings=nowhere, status="impossible"))
    )
    report = simulate(platform, [full, full])
    assert report.verdict == "va-unreachable"
    assert "window: the status of its plan is `impossible`" in report.assumptions
    taker = spelled_chain("topdown,topdown", platform, on_x86, PlanChoice())[1]
    assert simulate(platform, [full, taker]).verdict == "va-unreachable"


def test_a_map_of_a_second_kernel_is_taken_for_the_firmwares(on_x86: Registry) -> None:
    report = chain("topdown,topdown", ovmf(origin="kexec"), on_x86)
    assert any("taken for firmware's own" in text for text in report.assumptions)


def test_a_chain_is_spelled_with_options(on_x86: Registry) -> None:
    platform = ovmf()
    first, second = spelled_chain(
        "topdown:kernel=6.1,shift=0x1000,topdown:channel=none", platform, on_x86, PlanChoice()
    )
    assert first.planned.plan.options == {"kernel": (6, 1), "shift": 0x1000}
    assert second.channel == "none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("topdown", "two strategies or more"),
        ("topdown,", "two strategies or more"),
        ("topdown:x,topdown", "expected S or S:NAME=VALUE"),
        ("topdown,window:chanel=none", "did you mean `channel`"),
        ("topdown,window:channel=nothing", "one of `auto`"),
        ("topdown,sideways", "unknown strategy `sideways`"),
    ],
)
def test_a_chain_that_cannot_be_meant_is_refused(text: str, message: str, on_x86: Registry) -> None:
    with pytest.raises(UsageError, match=message):
        chain(text, ovmf(), on_x86)


def test_a_strategy_is_judged_against_itself(on_x86: Registry) -> None:
    platform = ovmf()
    for name, verdict in {"physical": "ok", "topdown": "ok", "legacy": "pointer-misread"}.items():
        made = planned(platform, on_x86, PlanChoice(strategy=name))
        assert verdict_to_itself(platform, made, role_of(name, on_x86)) == verdict
    assert verdict_to_itself(platform, made, None) is None


def test_names_do_not_matter_only_roles_do(on_x86: Registry) -> None:
    renamed = {f"x-{name}": replace(one, name=f"x-{name}") for name, one in x86().items()}
    ours = cells(ovmf(), on_x86)
    theirs = cells(ovmf(), OnlyStrategies(renamed))
    assert {(f"x-{a}", f"x-{b}"): cases for (a, b), cases in ours.items()} == theirs


def test_a_kernel_knows_its_name(on_x86: Registry) -> None:
    kernels: list[ChainKernel] = spelled_chain("window,window", ovmf(), on_x86, PlanChoice())
    assert [kernel.name for kernel in kernels] == ["window", "window"]
