"""The pages of strategies: what plugins say, and what is computed."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from efipolicy.plugin import KexecRole, Strategy
from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext import strategy_pages
from efipolicy.sphinxext.installed import registry as installed
from efipolicy.sphinxext.strategy_examples import example_of, example_platforms, platform_at
from efipolicy.sphinxext.strategy_kexec import role_sentences
from tests.conftest import ROOT

SECTIONS = ["Origin", "Algorithm", "Limits", "Failures", "Kexec", "History"]
GENERATED = ["How firmware is called", "Options", "Worked example", "Kernels before and after"]
PACKAGES = {path.name for path in (ROOT / "plugins").iterdir()}
BUILT_IN = {
    strategy.name: strategy
    for strategy in installed().strategies.values()
    if strategy.plan.__module__.partition(".")[0] in PACKAGES
}

of_each = pytest.mark.parametrize("strategy", BUILT_IN.values(), ids=BUILT_IN)


def text_of(strategy: Strategy) -> str:
    assert strategy.page is not None
    with open(strategy.page, encoding="utf-8") as source:
        return source.read()


@of_each
def test_a_built_in_strategy_tells_origin_steps_limits_failures_kexec_and_history(
    strategy: Strategy,
) -> None:
    text = text_of(strategy)
    assert re.findall(r"^(\S.*)\n-+$", text, re.MULTILINE) == SECTIONS
    steps = text.partition("Algorithm\n")[2].partition("\nLimits\n")[0]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", steps, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 4


@of_each
def test_what_a_text_names_exists(strategy: Strategy, registry: Registry) -> None:
    text = text_of(strategy)
    named = set(re.findall(r"``([a-z0-9_]+/[a-z0-9-]+)``", text))
    assert named <= set(registry.rules)
    own = {option.name for option in strategy.options}
    arguments = {"efi", "page_offset"}
    options = set(re.findall(r"``([a-z0-9]+_[a-z0-9_]+)``", text))
    assert options <= own | arguments | {"efi_va", "efi_info", "setup_data"}


@of_each
def test_a_text_is_where_its_strategy_is(strategy: Strategy) -> None:
    assert (strategy.page or "").endswith(f"/pages/{strategy.name}.rst")


@of_each
def test_an_example_fits_each_strategy(strategy: Strategy) -> None:
    example = example_of(strategy)
    assert example is not None
    assert example.path in example_platforms().values()
    assert example.made.plan.mappings
    assert example.made.plan.status != "impossible"


def test_there_is_a_small_platform_for_each_architecture(registry: Registry) -> None:
    platforms = {name: platform_at(path) for name, path in example_platforms().items()}
    assert {each.architecture for each in platforms.values()} == set(registry.architectures)
    assert all(name == f"small-{each.architecture}" for name, each in platforms.items())


def test_the_examples_are_those_that_were_published() -> None:
    starts = {
        name: [mapping.virtual_start for mapping in example.made.plan.mappings]
        for name in ("x86-fixed-window", "x86-topdown", "arm64-stub-virtmap")
        if (example := example_of(BUILT_IN[name]))
    }
    assert starts["x86-fixed-window"][0] == 0xFFFFFFFE80800000
    assert starts["x86-topdown"][0] == 0xFFFFFFFEFFFE0000
    assert starts["arm64-stub-virtmap"][3] == 0x20200000


def test_names_of_rules_and_of_other_strategies_become_links() -> None:
    identity = BUILT_IN["identity"]
    text = "``uefi/zero-pages`` ``uefi/no-such`` ``x86-topdown`` ``identity`` ``kernel``"
    assert strategy_pages.linked(text, identity) == (
        ":efi:rule:`uefi/zero-pages` ``uefi/no-such`` :efi:strategy:`x86-topdown` "
        "``identity`` ``kernel``"
    )


def headings(text: str) -> list[str]:
    return re.findall(r"<h2>([^<]+)<", text)


def test_a_page_has_facts_picture_options_text_example_and_matrix_in_that_order(pages) -> None:
    text = (pages.out / "strategies" / "x86-topdown.html").read_text(encoding="utf-8")
    assert headings(text) == [*GENERATED[:2], *SECTIONS, *GENERATED[2:]]
    assert text.count(' id="mp-small-x86-64-x86-topdown"') == 1
    assert text.index(' id="mp-small-x86-64-x86-topdown"') < text.index("<h2>")
    for option in BUILT_IN["x86-topdown"].options:
        assert f">{option.name}</code>" in text
    assert "efipolicy plan small-x86_64.yaml --strategy x86-topdown" in text
    assert "0xffff_fffe_fffe_0000" in text
    assert 'id="pt-x86-topdown' in text
    assert 'href="../rules/linux/runtime-window-overflow.html"' in text
    assert 'href="x86-mixed.html"' in text
    assert (pages.out / "_images" / "pt-x86-topdown.svg").exists()


def test_every_strategy_has_a_page_and_the_list_leads_to_it(pages, registry: Registry) -> None:
    index = (pages.out / "index.html").read_text(encoding="utf-8")
    for name in registry.strategies:
        assert (pages.out / "strategies" / f"{name}.html").exists()
        assert f'href="strategies/{name}.html"' in index


def test_regions_are_drawn_where_there_are_no_tables(pages) -> None:
    text = (pages.out / "strategies" / "ia64-region67.html").read_text(encoding="utf-8")
    assert 'id="pt-ia64-region67-region-7"' in text


def test_a_strategy_without_a_text_has_the_computed_parts(build, monkeypatch) -> None:
    bare = replace(BUILT_IN["identity"], page=None)
    known = SimpleNamespace(strategies={"identity": bare}, rules={})
    monkeypatch.setattr(strategy_pages, "registry", lambda: known)
    built = build(".. efi:strategy:: identity")
    text = (built.out / "index.html").read_text(encoding="utf-8")
    assert built.warnings == ""
    assert headings(text) == GENERATED


def test_an_unknown_strategy_is_an_error(build) -> None:
    assert (
        "no installed strategy is called `nonesuch`" in build(".. efi:strategy:: nonesuch").warnings
    )


def test_the_role_after_a_kexec_is_told_in_sentences() -> None:
    role = KexecRole("own", reads=("purgatory",), reproducible=False, varies_with="the seed")
    assert role_sentences(role) == [
        "It computes a layout of its own and gives it to SetVirtualAddressMap.",
        "It learns what firmware uses from purgatory's dummy SetVirtualAddressMap.",
        "It leaves the next kernel no word about firmware.",
        "Its addresses depend on: the seed.",
        "They differ from boot to boot.",
    ]
