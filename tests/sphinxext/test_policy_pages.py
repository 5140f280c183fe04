"""The page of the policies, from what is installed."""

from __future__ import annotations

from docutils import nodes

from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection, load_policy
from efipolicy.sphinxext import policy_pages


def sections() -> dict[str, str]:
    return {
        policy.name: policy_pages._section(policy).astext()
        for policy in policy_pages.installed_policies()
    }


def test_every_installed_policy_has_a_section_the_default_one_first(registry: Registry) -> None:
    names = list(sections())
    assert names[0] == "recommended"
    assert set(names) == set(registry.policies)


def test_a_section_tells_what_a_policy_changes() -> None:
    told = sections()
    assert "Turns off: " in told["recommended"]
    assert "It adds to recommended" in told["bringup"]
    assert "plan/too-much-runtime-memory most_bytes: 0x1000_0000" in told["bringup"]
    pins = told["ship"].partition("Pins: ")[2]
    assert "uefi/zero-pages" in pins
    assert "uefi/zero-pages" not in told["linux"]


def test_the_table_counts_what_a_selection_says(registry: Registry) -> None:
    policy = load_policy("ship", registry.policies)
    selection = Selection([policy])
    on = [rule for rule in registry.rules.values() if selection.severity(rule)]
    *_, error, warning, info, off, pinned = policy_pages._counts(policy)
    assert int(str(error)) + int(str(warning)) + int(str(info)) == len(on)
    assert int(str(off)) == len(registry.rules) - len(on)
    assert int(str(pinned)) == len([rule for rule in on if selection.pinned(rule)])


def test_the_keys_of_policy_and_configuration_are_listed() -> None:
    for record, keys in (
        (policy_pages.policy_file(), ["efipolicy-policy (required)", "extends", "preview"]),
        (policy_pages.configuration_file(policy_pages.ACCEPTANCE), ["required_version", "accept"]),
    ):
        listed = [text(row[0]) for row in policy_pages._keys(record)]
        assert set(keys) <= set(listed)


def text(cell: policy_pages.Cell) -> str:
    parts = [cell] if isinstance(cell, str | nodes.Node) else cell
    return "".join(part if isinstance(part, str) else part.astext() for part in parts)
