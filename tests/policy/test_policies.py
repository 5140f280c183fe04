"""Policies: which rules count and how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.errors import UsageError
from efipolicy.model.finding import Severity
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection, Setting, load_policy
from efipolicy.policy.choosing import selection_of
from efipolicy.policy.requirements import load_requirements
from tests.conftest import ROOT


@pytest.fixture
def installed(registry: Registry) -> dict[str, str]:
    return registry.policies


def selection(registry: Registry, *names: str, **named: list[str]) -> Selection:
    return Selection([load_policy(name, registry.policies) for name in names], **named)


def severities(registry: Registry, chosen: Selection) -> dict[str, str]:
    found = {rule.id: chosen.severity(rule) for rule in registry.rules.values()}
    return {id: severity.value for id, severity in found.items() if severity}


def test_strict_is_every_rule_at_the_severity_it_declares_or_above(registry: Registry) -> None:
    chosen = selection(registry, "strict")
    for rule in registry.rules.values():
        severity = chosen.severity(rule)
        assert severity, rule.id
        assert severity.rank <= rule.severity.rank, rule.id


def test_recommended_leaves_out_what_healthy_machines_do(registry: Registry) -> None:
    on = severities(registry, selection(registry, "recommended"))
    assert not {"uefi/several-runtime-code-descriptors", "uefi/unsorted-memory-map"} & set(on)


def test_the_uefi_policy_holds_no_implementations_rule(registry: Registry) -> None:
    on = severities(registry, selection(registry, "uefi"))
    of_implementations = [id for id in on if id.startswith(("linux/", "windows/"))]
    assert of_implementations == ["linux/kernel-kept-boot-services"]  # UEFI-RT-004, the OS's fault
    assert "uefi/several-runtime-code-descriptors" in on
    assert "uefi/undefined-attribute-bits" not in on


def test_every_name_in_a_shipped_policy_is_a_rule(registry: Registry) -> None:
    """A policy that names a rule nobody has would be a promise nobody keeps."""
    for name in registry.policies:
        for setting in load_policy(name, registry.policies).settings:
            if "*" not in setting.glob:
                assert setting.glob in registry.rules, f"{name}.yaml: {setting.glob}"


@pytest.mark.parametrize("name", sorted(Registry().policies))
def test_a_shipped_policy_can_be_used_and_added_to_the_last_gate(
    registry: Registry, name: str
) -> None:
    assert selection_of(registry, policies=[name])
    pins = pinned(registry, selection_of(registry, policies=["ship"]))
    assert pinned(registry, selection_of(registry, policies=["ship", name])) >= pins


def pinned(registry: Registry, chosen: Selection) -> set[str]:
    return {rule.id for rule in registry.rules.values() if chosen.pinned(rule)}


def test_ship_pins_what_the_specification_says_must_be(registry: Registry) -> None:
    requirements, _ = load_requirements(registry.requirements)
    must = {entry.code for entry in requirements if entry.level == "must"}
    recommended = severities(registry, selection(registry, "recommended"))
    expected = {
        rule.id
        for rule in registry.rules.values()
        if must & set(rule.requirements) and recommended.get(rule.id) in ("error", "warning")
    }
    assert pinned(registry, selection(registry, "ship")) == expected


def test_ship_is_nowhere_milder_than_recommended(registry: Registry) -> None:
    recommended, ship = selection(registry, "recommended"), selection(registry, "ship")
    for rule in registry.rules.values():
        before, after = recommended.severity(rule), ship.severity(rule)
        assert before is None or (after is not None and after.rank <= before.rank), rule.id


def test_bringup_sets_limits(registry: Registry) -> None:
    chosen = selection(registry, "bringup")
    rule = registry.rules["plan/too-much-runtime-memory"]
    assert rule.options[0].default is None
    assert chosen.options(rule) == {"most_bytes": 0x1000_0000}


@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("linux", "linux/no-identity-mapping-beside-virtual", "windows/no-memory-attributes-table"),
        ("windows", "windows/no-memory-attributes-table", "linux/mat-descriptor-size-differs"),
        ("arm-ebbr", "uefi/runtime-device-of-operating-system", "uefi/unsorted-memory-map"),
        ("riscv-brs", "uefi/smbios-outside-runtime-services-data", "uefi/unsorted-memory-map"),
        ("bringup", "uefi/unsorted-memory-map", "uefi/set-virtual-address-map-never-called"),
    ],
)
def test_a_policy_for_somebody_has_their_rules_on(
    registry: Registry, name: str, on: str, off: str
) -> None:
    found = severities(registry, selection(registry, name))
    assert on in found
    assert off not in found


def test_the_last_glob_that_matches_counts(registry: Registry) -> None:
    policy = Policy(
        name="x",
        summary="",
        settings=(
            Setting("*", "off"),
            Setting("uefi/*", "info"),
            Setting("uefi/zero-pages", "declared"),
        ),
    )
    chosen = Selection([policy])
    rules = registry.rules
    assert chosen.severity(rules["linux/runtime-window-overflow"]) is None
    assert chosen.severity(rules["uefi/overlapping-descriptors"]) is Severity.INFO
    assert chosen.severity(rules["uefi/zero-pages"]) is Severity.ERROR


def test_select_turns_on_what_a_policy_has_off_and_ignore_wins(registry: Registry) -> None:
    chosen = selection(
        registry, "recommended", select=["uefi/unsorted-m*"], ignore=["uefi/unsorted-mat"]
    )
    assert set(severities(registry, chosen)) == {"uefi/unsorted-memory-map"}


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
        (
            "efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: {severity: eror, pinned: yes}}\n",
            ":3:28: found `eror`",
        ),
        ("efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: {pinned: yes}}\n", ":3:26: found `yes`"),
        ("efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: {}}\n", "found an empty mapping"),
        ("efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: [error]}\n", ":3:17: found a list"),
        (
            "efipolicy-policy: 1\nsummary: x\nrules: {uefi/x: {severity: off, pinned: true}}\n",
            "found a pin on what is off",
        ),
        ("efipolicy-policy: 1\nsummary: x\npreview: maybe\nrules: {}\n", ":3:10: found `maybe`"),
        (
            "efipolicy-policy: 1\nsummary: x\nextends: [nobody]\nrules: {}\n",
            ":3:11: found `extends: nobody`",
        ),
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


def test_every_mistake_of_a_policy_is_told_at_once(
    installed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("efipolicy-policy: 1\nsumary: x\nrules: {a/b: eror, a/c: {pinned: 1}}\n")
    with pytest.raises(UsageError) as caught:
        load_policy(str(path), installed)
    assert [problem.status for problem in caught.value.problems] == [2] * 4
    assert str(caught.value).count("bad.yaml:") == 4


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
