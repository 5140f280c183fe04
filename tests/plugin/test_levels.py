"""Levels of the plugin API: what is understood, and what warns before it goes."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from efipolicy.plugin import API_LEVEL, levels
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.levels import Deprecation, LevelError, checked_level, warnings_of
from efipolicy.plugin.registry import Registry
from efipolicy.reporters.plugins import plugins_text


@pytest.mark.parametrize("stated", [True, 1.0, "1", [1], None])
def test_a_level_is_a_number(stated: object) -> None:
    with pytest.raises(LevelError, match=f"this efipolicy offers {API_LEVEL}"):
        checked_level(stated, "acme")


def test_every_level_between_the_oldest_and_ours_is_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(levels, "API_LEVEL", 4)
    monkeypatch.setattr(levels, "OLDEST_API_LEVEL", 2)
    assert [checked_level(level, "acme") for level in (2, 3, 4)] == [2, 3, 4]
    with pytest.raises(LevelError, match="offers 2 to 4") as too_old:
        checked_level(1, "acme")
    assert too_old.value.remedy == "upgrade acme"
    with pytest.raises(LevelError) as too_new:
        checked_level(5, "acme")
    assert too_new.value.remedy == "upgrade efipolicy"


def test_what_goes_away_is_told_with_the_date_and_what_to_do() -> None:
    old = {1: Deprecation("2028-01-31", "state EFIPOLICY_API = 2")}
    hooks = {"efipolicy_rules": Deprecation("2028-02-29", "answer efipolicy_checks")}
    assert warnings_of(1, ["efipolicy_rules", "efipolicy_formats"], levels=old, of_hooks=hooks) == [
        "level 1 of the plugin API goes away on 2028-01-31: state EFIPOLICY_API = 2",
        "the hook efipolicy_rules goes away on 2028-02-29: answer efipolicy_checks",
    ]
    assert warnings_of(2, ["efipolicy_formats"], levels=old, of_hooks=hooks) == []


def test_a_deprecated_hook_warns_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from efipolicy.plugin import hookimpl\nEFIPOLICY_API = 1\n"
    code += "@hookimpl\ndef efipolicy_formats():\n    return []\n"
    (tmp_path / "acme_formats.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "acme_formats", raising=False)
    gone = Deprecation("2028-02-29", "answer efipolicy_readers")
    monkeypatch.setitem(levels.DEPRECATED_HOOKS, "efipolicy_formats", gone)
    point = EntryPoint("acme", "acme_formats", "acme", "1.0")
    with pytest.warns(DeprecationWarning, match=r"plugin `acme` \(acme 1.0\): the hook .*2028-02"):
        registry = Registry([point], blocked=())
    assert registry.plugins[0].status == "ok"
    assert "  warning: the hook efipolicy_formats goes away on 2028-02-29" in plugins_text(registry)


def test_nothing_of_ours_uses_what_goes_away() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        registry = Registry(blocked=())
        registry.load_all()
    assert not any(plugin.warnings for plugin in registry.plugins if plugin.built_in)
