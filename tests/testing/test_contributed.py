"""Whose contributions are tested, however they are named."""

from __future__ import annotations

import pytest

import efipolicy.testing
import efipolicy_identity
from efipolicy.errors import PluginError
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.registry import Registry
from efipolicy.testing import contributed, examples_of

IDENTITY = EntryPoint("identity", "efipolicy_identity", "efipolicy-of_Acme", "1.0")
BROKEN = EntryPoint("broken", "no_such_module_at_all", "efipolicy-broken", "1.0")


@pytest.mark.parametrize("name", ["identity", "efipolicy-of_Acme", "EFIPOLICY.of-acme"])
def test_a_plugin_is_found_by_its_name_and_by_its_distribution(name: str) -> None:
    (found,) = contributed(name, "strategies", Registry([IDENTITY]))
    assert found.name == "identity"


def test_a_module_needs_no_installation() -> None:
    (found,) = contributed(efipolicy_identity, "strategies")
    assert found.name == "identity"


def test_a_pack_names_the_rules_of_it() -> None:
    assert {case.rule.pack for case in examples_of("kexec")} == {"kexec"}


@pytest.mark.parametrize("source", ["identity", efipolicy_identity, ()])
def test_nothing_to_test_is_an_error(source: object) -> None:
    with pytest.raises(LookupError, match="contributes no rules"):
        contributed(source, "rules", Registry([IDENTITY]))  # type: ignore[arg-type]


def test_a_name_of_nobody_is_told_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no plugin `acme` is installed; installed: .*identity"):
        contributed("acme", "rules", Registry([IDENTITY]))


def test_a_plugin_that_cannot_be_loaded_is_told_why() -> None:
    with pytest.raises(PluginError, match="no_such_module_at_all"):
        contributed("broken", "rules", Registry([IDENTITY, BROKEN]))


def test_all_of_the_kit_is_there() -> None:
    for name in efipolicy.testing.__all__:
        assert getattr(efipolicy.testing, name)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = efipolicy.testing.Nothing  # type: ignore[attr-defined]
