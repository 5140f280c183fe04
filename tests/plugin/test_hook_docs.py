"""The page of the hooks: complete, exact, and each example a plugin that works."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from efipolicy.api import judge_handover
from efipolicy.cli.plugin_templates import KINDS
from efipolicy.engine.planning import PlanChoice, plan, planned
from efipolicy.plugin import API_LEVEL, EFI_MEMORY_WB, MappingDeclaration, SourceText, hookspecs
from efipolicy.plugin.registry import _KINDS, Registry
from efipolicy.plugin.rules import CONDITIONS, FACTS
from efipolicy.testing import (
    ArchitectureConformance,
    FormatConformance,
    RuleConformance,
    StrategyConformance,
)
from efipolicy.testing.examples import examples_of
from tests.conftest import PLATFORMS, ROOT, Run

PAGE = (ROOT / "docs" / "reference" / "hooks.rst").read_text(encoding="utf-8")
FACTS_PAGE = (ROOT / "docs" / "reference" / "facts.rst").read_text(encoding="utf-8")
EXAMPLES = ROOT / "docs" / "reference" / "hooks"
HOOKS = {
    name: value
    for name, value in vars(hookspecs).items()
    if name.startswith("efipolicy_") and inspect.isfunction(value)
}
DOCUMENTED = dict(re.findall(r"^\.\. py:function:: (\w+)(.*)$", PAGE, re.MULTILINE))
BROKEN = "broken-x86_64.yaml"

Installed = Callable[[str], Registry]


def example(name: str) -> ModuleType:
    """An example as a module, for the suites of the kit."""
    spec = spec_from_file_location(f"hook_example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signature(hook: Callable[..., object]) -> str:
    """A hook's parameters and answer as a reader writes them."""
    stated = inspect.signature(hook)
    parameters = ", ".join(f"{p.name}: {p.annotation}" for p in stated.parameters.values())
    return f"({parameters}) -> {stated.return_annotation}"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Install an example as a distribution of a stranger's, and what the registry makes of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str) -> Registry:
        module = f"acme_{name}_example"
        metadata = tmp_path / f"acme_{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "entry_points.txt").write_text(f"[efipolicy]\nacme-{name} = {module}\n")
        (tmp_path / f"{module}.py").write_bytes((EXAMPLES / f"{name}.py").read_bytes())
        shutil.copytree(EXAMPLES / "sets", tmp_path / "sets")
        monkeypatch.delitem(sys.modules, module, raising=False)
        registry = Registry()
        registry.load_all()
        assert registry.errors == []
        return registry

    return install


def added(registry: Registry, name: str) -> dict[str, list[str]]:
    """What the example adds, by kind."""
    return next(p for p in registry.plugins if p.name == f"acme-{name}").provides


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_on_the_page_as_it_is_declared(name: str) -> None:
    assert DOCUMENTED.get(name, "nowhere") == signature(HOOKS[name])


def test_the_page_describes_no_hook_that_nobody_asks() -> None:
    assert set(DOCUMENTED) == set(HOOKS)
    assert len(re.findall(r"^\.\. py:function::", PAGE, re.MULTILINE)) == len(HOOKS)
    named = set(re.findall(r"\befipolicy_[a-z_]+\b", PAGE))
    assert named == set(HOOKS)


def test_each_hook_has_one_example_and_each_example_one_hook() -> None:
    shown = re.findall(r"literalinclude:: hooks/(\w+)\.py", PAGE)
    assert sorted(f"efipolicy_{name}" for name in shown) == sorted(HOOKS)
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(shown)
    for name in shown:
        text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        assert re.findall(r"^@hookimpl\ndef (\w+)\(", text, re.MULTILINE) == [f"efipolicy_{name}"]


def section(name: str) -> str:
    """What the page says of a hook, in one line."""
    _, _, below = PAGE.partition(f".. py:function:: {name}(")
    return " ".join(below.partition("\n\n")[2].partition("\n\n")[0].split())


@pytest.mark.parametrize("name", HOOKS)
def test_the_page_asks_what_the_table_of_hooks_prints(name: str) -> None:
    from efipolicy.sphinxext.reference_pages import _question

    assert section(name).startswith(f"{_question(HOOKS[name])} ")


def test_the_guide_lists_the_hooks_in_the_order_of_the_table() -> None:
    guide = (ROOT / "docs" / "howto" / "write-a-plugin.rst").read_text(encoding="utf-8")
    assert re.findall(r"- :func:`(\w+)`", guide) == list(HOOKS)
    assert list(DOCUMENTED) == list(HOOKS)
    kinds = re.findall(r"``efipolicy new-plugin (\w+)``", guide)
    assert kinds == list(KINDS)


def rows(title: str) -> list[tuple[str, ...]]:
    """The rows of the table of a section of the page of facts."""
    _, _, below = FACTS_PAGE.partition(f"\n{title}\n---")
    table = below.partition("list-table::")[2].partition("\n\n")[2].partition("\n\n")[0]
    _, _, *stated = table.split("   * - ")
    cells = [row.replace("``", "").split("\n     - ") for row in stated]
    return [tuple(cell.strip() for cell in row) for row in cells]


def test_the_facts_of_the_page_are_those_a_rule_may_ask_for() -> None:
    listed = [(name, told) for name, _, told in rows("Facts")]
    assert listed == list(FACTS.items())
    needed = [(name, told) for name, told in rows("What it needs besides")]
    assert needed == list(CONDITIONS.items())


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_of_the_type_that_the_page_says(fact: str) -> None:
    (said,) = (value for name, value, _ in rows("Facts") if name == fact)
    annotated = {
        (hint.__name__ if isinstance(hint, type) else str(hint)).replace(" | None", "")
        for rule in Registry().rules.values()
        for name, hint in inspect.get_annotations(rule.check).items()
        if name == fact
    }
    named = re.findall(r"`~(efipolicy[\w.]+)\.(\w+)`", said)
    for module, name in named:
        assert hasattr(import_module(module), name)
        for hint in annotated:
            assert re.search(rf"\b{name}\b", hint), hint
            assert said.startswith("tuple of ") is hint.startswith("tuple["), hint


@pytest.mark.parametrize("name", [hook.removeprefix("efipolicy_") for hook in HOOKS])
def test_an_example_loads_as_a_plugin_and_adds_what_its_hook_is_about(
    installed: Installed, name: str
) -> None:
    registry = installed(name)
    expected = {name} if name in _KINDS else set()
    assert {kind for kind, names in added(registry, name).items() if names} == expected
    plugin = next(p for p in registry.plugins if p.name == f"acme-{name}")
    assert set(plugin.hooks) == {name}
    assert plugin.warnings == []


def test_the_architecture_plans_a_platform_of_its_own(
    installed: Installed, tmp_path: Path, run: Run
) -> None:
    registry = installed("architectures")
    assert registry.architectures["acme32"].cacheability[EFI_MEMORY_WB] == "cached"
    file = tmp_path / "board.yaml"
    file.write_text(
        "efipolicy: 1\nplatform: {name: board, architecture: acme32}\nmemory_map:\n"
        "  descriptors:\n    - {type: EfiRuntimeServicesData, physical_start: 0x4000, pages: 4,"
        " attribute: [RUNTIME, WB]}\n"
    )
    status, out, err = run("pagetable", file, "--strategy", "identity")
    assert (status, err) == (0, "")
    assert "acme32" in out


def test_the_strategy_plans_the_offset_it_says(installed: Installed) -> None:
    from efipolicy.sphinxext.strategy_examples import platform_at

    registry = installed("strategies")
    platform = platform_at(str(PLATFORMS / "ovmf-x86_64.yaml"))
    made = plan(platform, registry, PlanChoice(strategy="acme-offset"))
    moved = {m.virtual_start - m.physical.start for m in made.mappings if m.virtual_start}
    assert moved == {0xFFFF_F000_0000_0000}
    other = plan(
        platform, registry, PlanChoice(strategy="acme-offset", options={"distance": "0x1000"})
    )
    assert other.mappings[0].virtual_start == other.mappings[0].physical.start + 0x1000


def test_the_strategy_keeps_what_every_strategy_promises(
    installed: Installed, tmp_path: Path, run: Run
) -> None:
    installed("strategies")
    shutil.copyfile(PLATFORMS / "ovmf-x86_64.yaml", tmp_path / "ovmf.yaml")
    status, _, err = run("kexec", tmp_path / "ovmf.yaml", "--chain", "acme-offset,x86-topdown")
    assert err == ""
    assert status in (0, 1)
    status, out, _ = run("plugins", "--check")
    assert (status, "found by the check" in out) == (0, True), out


def test_an_address_that_64_bits_do_not_hold_is_told_and_breaks_no_plugin(
    installed: Installed, tmp_path: Path, run: Run
) -> None:
    installed("strategies")
    file = tmp_path / "high.yaml"
    file.write_text(
        "efipolicy: 1\nplatform: {name: high, architecture: x86_64}\nmemory_map:\n"
        "  descriptors:\n    - {type: EfiRuntimeServicesData, physical_start: 0xfffffffffffff000,"
        " pages: 1, attribute: [RUNTIME, WB]}\n"
    )
    status, out, err = run("plan", file, "--strategy", "acme-offset", "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)["status"] == "impossible"
    (problem,) = json.loads(out)["problems"]
    assert problem["rule"] == "plan/mapping-out-of-reach"


def test_the_choice_names_a_strategy_that_exists(installed: Installed) -> None:
    from dataclasses import replace

    from efipolicy.sphinxext.strategy_examples import platform_at

    registry = installed("strategy_choices")
    platform = platform_at(str(PLATFORMS / "ovmf-x86_64.yaml"))
    acme = MappingDeclaration(os="acme", options={})
    made = planned(replace(platform, mapping=(acme,)), registry, PlanChoice())
    assert made.plan.strategy == "identity"
    assert made.plan.options["gbpages"] is False
    linux = MappingDeclaration(os="linux", options={})
    reasons = [each.reason for each in registry.strategy_choices(platform, linux)]
    assert "the only way Acme has" not in reasons


@pytest.mark.parametrize(
    ("stated", "state"),
    [("mmu: on", "broken"), ("mmu: off", "met"), ("cache: on", "unknown")],
)
def test_the_handover_says_what_holds_and_what_nobody_declared(
    installed: Installed, tmp_path: Path, stated: str, state: str
) -> None:
    from efipolicy.sphinxext.strategy_examples import platform_at

    registry = installed("handovers")
    text = (PLATFORMS / "ovmf-x86_64.yaml").read_text(encoding="utf-8")
    file = tmp_path / "handed.yaml"
    file.write_text(f"{text}\nhandover: {{{stated}}}\n", encoding="utf-8")
    judged = judge_handover(platform_at(str(file)), registry, "handover-acme")
    assert [each.state for each in judged.preconditions] == [state]


def test_the_examples_of_the_rule_are_true(installed: Installed) -> None:
    rules = [r for r in installed("rules").rules.values() if r.pack == "acme"]
    cases = list(examples_of(rules))
    assert [case.found() == case.expected for case in cases] == [True, True]


def test_the_format_reads_its_lines_and_no_text_of_others(
    installed: Installed, tmp_path: Path, run: Run
) -> None:
    form = installed("formats").formats["acme-log"]
    reading = form.read(SourceText("a.log", "boot\nacme-map 0x1000 0x9f WB\nacme-map 0x2\n"))
    assert reading is not None
    (descriptor,) = reading.platform.memory_map.descriptors
    assert (descriptor.physical_start, descriptor.number_of_pages) == (0x1000, 0x9F)
    assert descriptor.located is not None
    assert descriptor.located.span.line == 2
    for path in sorted((ROOT / "docs" / "captures").glob("*.txt")):
        assert form.read(SourceText(path.name, path.read_text(encoding="utf-8"))) is None
    (tmp_path / "a.log").write_text("acme-map 0x1000 0x0 WB\n")
    status, out, _ = run("lint", tmp_path / "a.log", "--select", "uefi/zero-pages")
    assert status == 1
    assert "a.log:1" in out


def test_the_reporter_prints_what_the_command_line_asks(installed: Installed, run: Run) -> None:
    installed("reporters")
    select = ("--select", "uefi/zero-pages")
    status, out, _ = run("lint", PLATFORMS / BROKEN, *select, "--format", "acme")
    assert (status, out) == (1, "error uefi/zero-pages\n")


def test_the_policy_is_one_that_a_command_line_can_name(installed: Installed, run: Run) -> None:
    installed("policies")
    status, out, _ = run("lint", PLATFORMS / BROKEN, "--policy", "acme-release", "--format", "json")
    found = json.loads(out)
    severities = {
        each["severity"] for each in found["findings"] if each["rule"] == "uefi/zero-pages"
    }
    assert (status, severities) == (1, {"warning"})


def test_no_example_imports_anything_but_the_plugin_api() -> None:
    for path in EXAMPLES.glob("*.py"):
        for module in re.findall(r"^from (efipolicy[\w.]*)", path.read_text(), re.MULTILINE):
            assert module == "efipolicy.plugin" or module.startswith("efipolicy.plugin.")


def test_the_page_states_the_level_that_this_version_has() -> None:
    assert f"``EFIPOLICY_API = {API_LEVEL}``" in PAGE
    for path in EXAMPLES.glob("*.py"):
        assert f"\nEFIPOLICY_API = {API_LEVEL}\n" in path.read_text(encoding="utf-8")


def test_a_parameter_that_is_not_needed_may_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    text = (EXAMPLES / "strategy_choices.py").read_text(encoding="utf-8")
    text = text.replace("platform: Platform, declared", "declared")
    text = text.replace(' and platform.architecture == "x86_64"', "")
    (tmp_path / "acme_left_out.py").write_text(text)
    metadata = tmp_path / "acme_left_out-1.0.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("[efipolicy]\nleft-out = acme_left_out\n")
    registry = Registry()
    assert registry.errors == []
    from efipolicy.sphinxext.strategy_examples import platform_at

    platform = platform_at(str(PLATFORMS / "ovmf-x86_64.yaml"))
    acme = MappingDeclaration(os="acme", options={})
    assert "identity" in [each.strategy for each in registry.strategy_choices(platform, acme)]


TestArchitectures = ArchitectureConformance.of(example("architectures"))
TestStrategies = StrategyConformance.of(example("strategies"), random_maps=3)
TestRules = RuleConformance.of(example("rules"))
TestFormats = FormatConformance.of(
    example("formats"), samples=("boot\nacme-map 0x1000 0x9f WB\nacme-map 0xa0000 0x1 WB\n",)
)
