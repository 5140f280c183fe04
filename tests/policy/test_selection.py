"""Severities, options and pins: what settings come to for a rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from efipolicy.errors import UsageError
from efipolicy.model.finding import Finding, Severity
from efipolicy.model.memory_map import MemoryMap
from efipolicy.plugin import Option, Rule, rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Policy, Selection, Setting, load_policy
from efipolicy.policy.checking import mistakes_in
from efipolicy.policy.selection import rules_by_name
from efipolicy.source import InputError


def made(id: str, severity: Severity = Severity.ERROR, **more: object) -> Rule:
    def check(memory_map: MemoryMap) -> Iterator[Finding]:
        """A rule."""
        yield from ()

    return rule(id, severity=severity, requirements=(), sources=(), help="", examples=(), **more)(
        check
    )


LIMIT = Option(name="most", kind="integer", default=500, doc="the most there may be")
SHARE = Option(name="share", kind="choice", default="half", doc="", choices=("half", "all"))

PLAIN = made("a/plain")
LIMITED = made("a/limited", Severity.WARNING, options=(LIMIT, SHARE))
RENAMED = made("a/renamed", aliases=("a/first-name", "a/second-name"))
NEW = made("a/new", preview=True)
OTHER = made("b/other", Severity.INFO)
RULES = (PLAIN, LIMITED, RENAMED, NEW, OTHER)


def policy(tmp_path: Path, rules: str, *, name: str = "ours", more: str = "") -> Policy:
    path = tmp_path / f"{name}.yaml"
    path.write_text(f"efipolicy-policy: 1\nsummary: x\n{more}rules: {rules}\n")
    return load_policy(name, {name: str(path)})


def mistakes(selection: Selection, **named: str) -> list[str]:
    return [problem.message for problem in mistakes_in(selection, RULES, **named)]


class TestOptions:
    def test_a_rule_has_its_defaults(self) -> None:
        assert Selection([]).options(LIMITED) == {"most": 500, "share": "half"}

    def test_a_policy_sets_them_and_leaves_the_severity(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, "{a/limited: {most: 0x10}}")])
        assert chosen.options(LIMITED) == {"most": 16, "share": "half"}
        assert chosen.severity(LIMITED) is Severity.WARNING
        assert mistakes(chosen) == []

    def test_a_glob_sets_them_where_they_exist(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, '{"a/*": {severity: info, share: all}}')])
        assert chosen.options(LIMITED)["share"] == "all"
        assert chosen.options(PLAIN) == {}
        assert mistakes(chosen) == []

    def test_the_last_value_counts_option_by_option(self, tmp_path: Path) -> None:
        first = policy(tmp_path, "{a/limited: {most: 1, share: all}}", name="first")
        last = policy(tmp_path, "{a/limited: {most: 2}}", name="last")
        assert Selection([first, last]).options(LIMITED) == {"most": 2, "share": "all"}

    @pytest.mark.parametrize(
        ("rules", "at", "told"),
        [
            ("{a/limited: {mosst: 3}}", "mosst", "unknown option `mosst` of a/limited"),
            ("{a/limited: {mosst: 3}}", "mosst", "did you mean `most`?"),
            ("{a/limited: {most: many}}", "many", "found `many`, expected an unsigned 64-bit"),
            (
                "{a/limited: {most: 0x1_0000_0000_0000_0000}}",
                "0x1_0000_0000_0000_0000",
                "does not fit 64 bits",
            ),
            ("{a/limited: {share: al}}", "al", "did you mean `all`?"),
            ('{"a/*": {most: all}}', "all", "found `all`"),
            ("{a/plain: {most: 3}}", "most", "expected one of severity, pinned"),
            ("{a/plane: off}", "a/plane", "did you mean `a/plain`?"),
            ('{"c/*": off}', '"c/*"', "`c/*`, which names no rule"),
            ("{a: off}", "a", "did you mean `a/*`?"),
        ],
    )
    def test_a_mistake_is_told_with_its_place(
        self, tmp_path: Path, rules: str, at: str, told: str
    ) -> None:
        (problem,) = mistakes_in(Selection([policy(tmp_path, rules)]), RULES)
        assert told in problem.message
        assert problem.span
        assert problem.span.text == at

    def test_a_value_that_nobody_checked_is_refused_when_it_is_used(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, "{a/limited: {most: many}}")])
        with pytest.raises(InputError):
            chosen.options(LIMITED)


class TestPins:
    def test_a_pin_holds_what_is_on_and_names_the_policy(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, '{b/other: off, "*": {pinned: true}}', name="gate")])
        assert chosen.pinned(PLAIN) == "gate"
        assert chosen.pinned(OTHER) is None

    @pytest.mark.parametrize("word", ["off", "info", "{severity: warning}", "{pinned: false}"])
    def test_a_later_policy_that_names_the_rule_is_refused(self, tmp_path: Path, word: str) -> None:
        gate = policy(tmp_path, "{a/plain: {pinned: true}}", name="gate")
        chosen = Selection([gate, policy(tmp_path, f"{{a/plain: {word}}}")])
        assert chosen.severity(PLAIN) is Severity.ERROR
        assert chosen.pinned(PLAIN) == "gate"
        (told,) = mistakes(chosen)
        assert told.startswith("found a setting that would silence or lower a/plain")
        assert told.endswith("expected it as policy gate pins it")

    def test_a_later_policys_glob_passes_it_by(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, "{a/plain: {pinned: true}}", name="gate")
        chosen = Selection([gate, policy(tmp_path, '{"*": off, "a/*": info}')])
        assert chosen.severity(PLAIN) is Severity.ERROR
        assert chosen.severity(LIMITED) is Severity.INFO
        assert mistakes(chosen) == []

    def test_the_configurations_glob_is_refused(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, "{a/plain: {pinned: true}}", name="gate")
        chosen = Selection([gate, policy(tmp_path, '{"*": off}', name="config")])
        assert "would silence or lower a/plain" in mistakes(chosen, configuration="config")[0]

    def test_a_later_policy_may_raise_it(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, "{b/other: {pinned: true}}", name="gate")
        chosen = Selection([gate, policy(tmp_path, "{b/other: error}")])
        assert chosen.severity(OTHER) is Severity.ERROR
        assert chosen.pinned(OTHER) == "gate"
        assert mistakes(chosen) == []

    def test_the_policy_itself_may_take_a_pin_back(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, '{"a/*": {pinned: true}, a/plain: {pinned: false}}')])
        assert chosen.pinned(PLAIN) is None
        assert chosen.pinned(LIMITED) == "ours"

    def test_a_limit_of_a_pinned_rule_stays(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, "{a/limited: {pinned: true, most: 5}}", name="gate")
        same = policy(tmp_path, "{a/limited: {most: 5}}", name="same")
        chosen = Selection([gate, policy(tmp_path, "{a/limited: {most: 99}}")])
        assert chosen.options(LIMITED)["most"] == 5
        assert mistakes(chosen)
        assert mistakes(Selection([gate, same])) == []

    def test_what_turns_a_rule_on_later_is_nobodys_pin(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, '{b/other: off, "*": {pinned: true}}', name="gate")
        on = policy(tmp_path, "{b/other: warning}", name="on")
        off = policy(tmp_path, "{b/other: off}", name="off")
        chosen = Selection([gate, on, off])
        assert chosen.severity(OTHER) is None
        assert mistakes(chosen) == []

    def test_neither_select_nor_ignore_silences_it(self, tmp_path: Path) -> None:
        gate = policy(tmp_path, "{a/plain: {pinned: true}}")
        chosen = Selection([gate], select=["b/*"], ignore=["a/*"])
        assert chosen.severity(PLAIN) is Severity.ERROR
        assert chosen.severity(LIMITED) is None


class TestAliases:
    @pytest.mark.parametrize("name", ["a/renamed", "a/first-name", "a/second-name", "a/first*"])
    def test_an_old_id_goes_on_in_policies_and_on_the_command_line(
        self, tmp_path: Path, name: str
    ) -> None:
        assert Selection([policy(tmp_path, f'{{"{name}": info}}')]).severity(RENAMED) == (
            Severity.INFO
        )
        assert Selection([], ignore=[name]).severity(RENAMED) is None
        assert Selection([], select=[name]).severity(RENAMED) is Severity.ERROR
        assert Selection([], select=[name]).severity(PLAIN) is None
        assert Selection([], select=[name]).unmatched(RULES) == []

    def test_settings_by_old_and_new_id_apply_in_their_order(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, "{a/renamed: info, a/first-name: warning}")])
        assert chosen.severity(RENAMED) is Severity.WARNING

    def test_a_rule_is_found_by_every_name_it_had(self) -> None:
        named = rules_by_name(RULES)
        assert named["a/first-name"] is RENAMED
        assert named["a/renamed"] is RENAMED

    def test_a_present_id_wins_over_an_old_one(self) -> None:
        heir = made("a/heir", aliases=("a/plain",))
        assert rules_by_name([PLAIN, heir])["a/plain"] is PLAIN


class TestPreview:
    def test_a_preview_rule_is_off_whatever_is_said_of_it(self, tmp_path: Path) -> None:
        chosen = Selection([policy(tmp_path, "{a/new: {severity: error, pinned: true}}")])
        assert chosen.severity(NEW) is None
        assert chosen.pinned(NEW) is None
        assert Selection([], select=["a/new"]).severity(NEW) is None

    def test_it_is_on_with_preview(self, tmp_path: Path) -> None:
        assert Selection([], preview=True).severity(NEW) is Severity.ERROR
        trying = policy(tmp_path, "{a/new: info}", more="preview: true\n")
        assert Selection([trying]).severity(NEW) is Severity.INFO
        assert Selection([trying], ignore=["a/new"]).severity(NEW) is None

    def test_who_extends_a_preview_policy_has_preview(self, tmp_path: Path) -> None:
        base = tmp_path / "base.yaml"
        base.write_text("efipolicy-policy: 1\nsummary: x\npreview: true\nrules: {}\n")
        ours = tmp_path / "ours.yaml"
        ours.write_text("efipolicy-policy: 1\nsummary: x\nextends: base\nrules: {}\n")
        loaded = load_policy("ours", {"base": str(base), "ours": str(ours)})
        assert loaded.preview


def test_a_policy_that_several_extend_does_not_undo_what_came_between(tmp_path: Path) -> None:
    base = policy(tmp_path, '{"*": declared}', name="base")
    first = Policy("first", "", (*base.settings, Setting("a/plain", "info", by="first")))
    second = Policy("second", "", (*base.settings, Setting("b/other", "error", by="second")))
    chosen = Selection([first, second])
    assert chosen.severity(PLAIN) is Severity.INFO
    assert chosen.severity(OTHER) is Severity.ERROR


def test_a_policy_in_code_needs_no_places() -> None:
    chosen = Selection([Policy("x", "", (Setting("a/*", "off"), Setting("nobody/x", "off")))])
    assert chosen.severity(PLAIN) is None
    assert mistakes_in(chosen, RULES) == []


def test_usage_errors_of_settings_are_status_2(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        policy(tmp_path, "[]")


def test_no_old_id_of_an_installed_rule_is_another_ones(registry: Registry) -> None:
    named = [name for one in registry.rules.values() for name in (one.id, *one.aliases)]
    assert len(named) == len(set(named))
