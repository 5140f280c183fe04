"""Discovery and the registry: failures isolated, duplicates refused, nothing silent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from efipolicy.errors import UsageError
from efipolicy.plugin.discovery import entry_points
from efipolicy.plugin.registry import Registry

HEAD = """
from efipolicy.plugin import *
from efipolicy.plugin import hookimpl
EFIPOLICY_API = 1
"""
RULE = """
def make(name):
    def check(memory_map):
        'A page.'
        return iter(())
    facts = dict(requirements=(), sources=(), help='', examples=())
    return rule(name, severity=Severity.INFO, **facts)(check)

@hookimpl
def efipolicy_rules():
    yield make({name!r})
"""
STRATEGY = """
@hookimpl
def efipolicy_strategies():
    yield Strategy(name={name!r}, title='', plan=lambda request: None)
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution with one plugin module of the same name."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_plugin(name: str, code: str) -> None:
        metadata = tmp_path / f"acme_{name}-3.0.dist-info"
        metadata.mkdir()
        module = f"acme_{name}_module"
        (metadata / "entry_points.txt").write_text(
            f"[console_scripts]\nx = y:z\n\n[efipolicy]\n{name} = {module}\n\n[other]\na = b\n"
        )
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install_plugin


def test_a_plugin_is_found_in_installed_metadata(install: Install) -> None:
    install("zebra", HEAD)
    point = next(point for point in entry_points() if point.name == "zebra")
    assert (point.module, point.distribution, point.version) == (
        "acme_zebra_module",
        "acme-zebra",
        "3.0",
    )


def test_the_scan_finds_what_importlib_finds() -> None:
    from importlib.metadata import entry_points as of_importlib

    expected = {(point.name, point.value) for point in of_importlib(group="efipolicy")}
    assert {(point.name, point.module) for point in entry_points()} == expected


def test_a_third_party_adds_rules_and_strategies(install: Install) -> None:
    install("zebra", HEAD + RULE.format(name="zebra/stripes") + STRATEGY.format(name="zigzag"))
    registry = Registry()
    assert registry.errors == []
    assert "zebra/stripes" in registry.rules
    assert "zigzag" in registry.strategies
    assert registry.owner("rules", "zebra/stripes").entry_point.distribution == "acme-zebra"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("import no_such_module", "it needs the module `no_such_module`, which is not installed"),
        ("def f(:", "SyntaxError"),
        ("", "it states no EFIPOLICY_API; this efipolicy offers 1"),
        ("EFIPOLICY_API = 99", "it states EFIPOLICY_API = 99; this efipolicy offers 1"),
        (
            HEAD + "@hookimpl\ndef efipolicy_rules(colour):\n    return []",
            "its hook efipolicy_rules takes `colour`; it may take no argument at all",
        ),
        (
            HEAD + "@hookimpl\ndef efipolicy_ruls():\n    return []",
            "unknown hook 'efipolicy_ruls'; did you mean `efipolicy_rules`?",
        ),
        (
            HEAD + "@hookimpl\ndef efipolicy_rules():\n    yield 7",
            "efipolicy_rules gave 7, not Rule",
        ),
        (HEAD + "@hookimpl\ndef efipolicy_rules():\n    1 / 0", "ZeroDivisionError"),
        (HEAD + RULE.format(name="stripes"), "rule `stripes` has no pack (pack/kebab-name)"),
        (HEAD + RULE.format(name="uefi/stripes"), "the pack `uefi` belongs to plugin `uefi`"),
        (
            HEAD + STRATEGY.format(name="identity"),
            "the strategy `identity` is already contributed by plugin `identity` (efipolicy ",
        ),
        (
            HEAD + RULE.format(name="zebra/x") + STRATEGY.format(name="identity"),
            "the strategy `identity` is already contributed",
        ),
    ],
)
def test_a_broken_plugin_is_told_and_takes_nobody_down(
    install: Install, code: str, reason: str
) -> None:
    install("zebra", code)
    registry = Registry()
    registry.load_all()
    assert [str(error) for error in registry.errors if reason in str(error)], registry.errors
    assert "plugin `zebra` (acme-zebra 3.0) failed" in str(registry.errors[0])
    assert "EFIPOLICY_PLUGINS=-zebra" in str(registry.errors[0])
    assert "uefi/overlapping-descriptors" in registry.rules
    assert registry.strategies["identity"].title.startswith("Physical")
    assert not any(id.startswith("zebra/") for id in registry.rules), "a failed plugin's rule"
    assert Registry(blocked=["zebra"]).errors == []


def test_two_distributions_cannot_share_a_plugins_name(install: Install) -> None:
    install("uefi", HEAD)
    errors = Registry().errors
    assert len(errors) == 1
    assert "plugin `uefi` (acme-uefi 3.0)" in str(errors[0])
    assert "taken by plugin `uefi` (efipolicy " in str(errors[0])


def test_a_blocked_plugin_contributes_nothing_and_says_so(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("zebra", "raise ValueError")
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-zebra, -ia64")
    registry = Registry()
    registry.load_all()
    assert registry.errors == []
    assert {p.name for p in registry.plugins if p.status == "blocked"} == {"zebra", "ia64"}
    assert "ia64" not in registry.architectures


def test_a_setting_that_blocks_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("ia64", "-", "-ia64,arm64"):
        monkeypatch.setenv("EFIPOLICY_PLUGINS", setting)
        with pytest.raises(UsageError, match="write -name to block a plugin"):
            Registry()


def test_a_setting_that_blocks_what_is_not_there_is_refused_with_a_guess(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-bsd,-windos")
    with pytest.raises(UsageError, match=r"blocks `windos`.*did you mean `windows`\?"):
        Registry()


def test_contributions_come_in_the_same_order_whatever_the_metadata(install: Install) -> None:
    first = list(Registry().rules)
    registry = Registry(reversed(entry_points()))
    assert list(registry.rules) == first


def test_no_entry_points_at_all_is_an_error_with_a_remedy() -> None:
    registry = Registry([])
    assert not registry.complete
    assert "pip install efipolicy" in str(registry.errors[0])


def test_every_built_in_plugin_loads() -> None:
    registry = Registry()
    registry.load_all()
    assert [(p.name, p.error) for p in registry.plugins if p.status != "ok"] == []
    assert {"x86_64", "arm64", "ia64"} <= set(registry.architectures)
