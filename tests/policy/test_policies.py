"""Policies: which rules count and how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.errors import UsageError
from efipolicy.model.finding import Severity
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection, load_policy
from tests.conftest import ROOT


@pytest.fixture
def installed(registry: Registry) -> dict[str, str]:
    return registry.policies


def selection(registry: Registry, *names: str, **named: list[str]) -> Selection:
    return Selection([load_policy(name, registry.policies) for name in names], **named)


def severities(registry: Registry, chosen: Selection) -> dict[str, str]:
    found = {rule.id: chosen.severity(rule) for rule in registry.rules.values()}
    return {id: severity.value for id, severity in found.items() if severity}


def test_strict_is_every_rule_at_the_severity_it_declares(registry: Registry) -> None:
    declared = {rule.id: rule.severity.value for rule in registry.rules.values()}
    assert severities(registry, selection(registry, "strict")) == declared


def test_recommended_leaves_out_what_healthy_machines_do(registry: Registry) -> None:
    missing = set(registry.rules) - set(severities(registry, selection(registry, "recommended")))
    assert missing == {"uefi/several-runtime-code-descriptors", "uefi/unsorted-memory-map"}


def test_the_uefi_policy_holds_no_implementations_rule(registry: Registry) -> None:
    on = severities(registry, selection(registry, "uefi"))
    of_implementations = [id for id in on if id.startswith(("linux/", "windows/"))]
    assert of_implementations == ["linux/kernel-kept-boot-services"]  # UEFI-RT-004, the OS's fault
    assert "uefi/several-runtime-code-descriptors" in on
    assert "uefi/undefined-attribute-bits" not in on


def test_every_name_in_a_shipped_policy_is_a_rule(registry: Registry) -> None:
    """A policy that names a rule nobody has would be a promise nobody keeps."""
    for name in registry.policies:
        for glob, _ in load_policy(name, registry.policies).settings:
            if "*" not in glob:
                assert glob in registry.rules, f"{name}.yaml: {glob}"


def test_the_last_glob_that_matches_counts(registry: Registry) -> None:
    policy = Policy(
        name="x",
        summary="",
        settings=(("*", "off"), ("uefi/*", "info"), ("uefi/zero-pages", "declared")),
    )
    chosen = Selection([policy])
    rules = registry.rules
    assert chosen.severity(rules["linux/runtime-window-overflow"]) is None
    assert chosen.severity(rules["uefi/overlapping-descriptors"]) is Severity.INFO
    assert chosen.severity(rules["uefi/zero-pages"]) is Severity.ERROR


def test_select_turns_on_what_a_policy_has_off_and_ignore_wins(registry: Registry) -> None:
    chosen = selection(
        registry, "recommended", select=["uefi/un*"], ignore=["uefi/undefined-attribute-bits"]
    )
    assert set(severities(registry, chosen)) == {
        "uefi/unassigned-memory-type",
        "uefi/unknown-descriptor-version",
        "uefi/unsorted-mat",
        "uefi/unsorted-memory-map",
    }


def test_a_policy_file_extends_another(registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(
        "efipolicy-policy: 1\nsummary: Ours\nextends: [recommended]\n"
        "rules: {uefi/unsorted-memory-map: error}\n"
    )
    on = severities(registry, selection(registry, str(path)))
    assert on["uefi/unsorted-memory-map"] == "error"
    assert "uefi/several-runtime-code-descriptors" not in on


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "found an empty document, expected a policy file"),
        ("efipolicy-policy: 2\nsummary: x\nrules: {}\n", ":1:19: found `2`, expected one of `1`"),
        ("efipolicy-policy: 1\nrules: {}\n", "found the policy file without `summary`"),
        (
            "efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: eror}\n",
            ":3:17: found `eror`, expected one of `error`, `warning`, `info`, `off`, `declared`",
        ),
        ("efipolicy-policy: 1\nsummary: x\nextends: [nobody]\nrules: {}\n", "extends: nobody"),
        ("efipolicy-policy: 1\nsummary: x\nrule: {}\n", "did you mean `rules`?"),
    ],
)
def test_a_bad_policy_is_refused_with_its_place(
    installed: dict[str, str], tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_policy(str(path), installed)
    assert problem in str(caught.value)
    assert "bad.yaml" in str(caught.value)


def test_a_policy_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring.yaml"
    path.write_text("efipolicy-policy: 1\nsummary: x\nextends: [ring]\nrules: {}\n")
    with pytest.raises(UsageError, match="in a circle"):
        load_policy("ring", {"ring": str(path)})


def test_every_shipped_policy_says_what_it_is_for(installed: dict[str, str]) -> None:
    assert {"recommended", "uefi", "strict"} <= set(installed)
    for name in installed:
        assert load_policy(name, installed).summary


def test_policies_are_data_and_not_code() -> None:
    folder = ROOT / "policies" / "efipolicy_policies"
    assert [path.name for path in folder.rglob("*.py")] == ["__init__.py"]
