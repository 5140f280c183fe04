"""Registers of requirements: how they are read, and how rules and registers are joined."""

from __future__ import annotations

from pathlib import Path

import pytest

from efipolicy.model.finding import Severity
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.registry import Plugin, Registry
from efipolicy.policy.coverage import Citation, citations_of, coverage
from efipolicy.policy.requirements import (
    Modelled,
    Requirement,
    load_requirements,
    read_register,
)
from efipolicy.source import SourceText

HEAD = "efipolicy-requirements: 1\nrequirements:\n"
FIRST = """\
  - code: ACME-001
    name: doors-are-closed
    statement: >-
      Every door is closed. A door
      that is missing counts as open.
    level: must
    severity: error
    source: [Acme 1.0 §2]
    verified: yes
"""
SECOND = FIRST.replace("001", "002").replace("doors", "windows")


def read(text: str) -> tuple[Requirement, ...]:
    requirements, errors = read_register(SourceText("acme.yaml", text))
    assert errors == []
    return requirements


def mistakes(text: str) -> list[str]:
    requirements, errors = read_register(SourceText("acme.yaml", text))
    assert requirements == ()
    return [str(error) for error in errors]


class TestReading:
    def test_a_requirement_is_read_as_written(self) -> None:
        (requirement,) = read(HEAD + FIRST)
        assert requirement == Requirement(
            code="ACME-001",
            name="doors-are-closed",
            statement="Every door is closed. A door that is missing counts as open.",
            level="must",
            severity=Severity.ERROR,
            source=("Acme 1.0 §2",),
            verified="yes",
        )

    def test_what_carries_it_and_why_it_cannot_be_checked_are_read(self) -> None:
        modelled = "    modelled: {by: [identity], reason: it maps nothing}\n"
        hidden = "    not_checkable: nobody looks\n    since: UEFI 2.5\n    architectures: [ia64]\n"
        first, second = read(HEAD + FIRST + modelled + SECOND + hidden)
        assert first.modelled == Modelled(("identity",), "it maps nothing")
        assert (second.not_checkable, second.since) == ("nobody looks", "UEFI 2.5")
        assert second.architectures == ("ia64",)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", ["acme.yaml: found an empty document"]),
            ("a: 1", ["1:1", "`efipolicy-requirements`", "`requirements`"]),
            (HEAD.replace("1", "2") + FIRST, ["1:25: found `2`"]),
            (HEAD + FIRST.replace("level", "levle"), ["8:5", "did you mean `level`?", "`level`"]),
            (HEAD + FIRST.replace("must", "shall"), ["8:12: found `shall`"]),
            (HEAD + FIRST.replace("-001", ""), ["3:11: found `ACME`"]),
            (HEAD + FIRST.replace("doors", "Doors"), ["4:11: found `Doors-are-closed`"]),
            (HEAD + FIRST.replace("[Acme 1.0 §2]", "Acme"), ["10:13: found `Acme`"]),
            (HEAD + FIRST + FIRST, ["12:11: found the code ACME-001 a second time", "on line 3"]),
            (
                HEAD + FIRST + "    modelled: {by: [x], reason: y}\n    not_checkable: z\n",
                ["13:5: found `modelled` and `not_checkable` both"],
            ),
            (HEAD + FIRST + "    modelled: {by: [x]}\n", ["12:15", "without `reason`"]),
        ],
    )
    def test_a_mistake_is_told_with_its_place(self, text: str, expected: list[str]) -> None:
        told = "\n".join(mistakes(text))
        for part in expected:
            assert part in told

    def test_all_mistakes_are_told_in_one_run(self) -> None:
        text = HEAD + FIRST.replace("must", "shall") + FIRST.replace("error", "fatal")
        assert len(mistakes(text)) == 3  # the level, the severity, the code a second time


def plugin(name: str) -> Plugin:
    point = EntryPoint(name=name, module=name, distribution=f"{name}-dist", version="1.0")
    return Plugin(point)


class TestSeveralRegisters:
    def test_each_plugin_adds_its_own(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text(HEAD + FIRST, encoding="utf-8")
        (tmp_path / "b.yaml").write_text(HEAD + SECOND, encoding="utf-8")
        registers = {f"{tmp_path}/{name}.yaml": plugin(name) for name in "ab"}
        requirements, errors = load_requirements(registers)
        assert errors == []
        assert [(r.code, r.distribution) for r in requirements] == [
            ("ACME-001", "a-dist"),
            ("ACME-002", "b-dist"),
        ]

    def test_a_code_stated_twice_is_an_error_that_names_both(self, tmp_path: Path) -> None:
        for name in "ab":
            (tmp_path / f"{name}.yaml").write_text(HEAD + FIRST, encoding="utf-8")
        registers = {f"{tmp_path}/{name}.yaml": plugin(name) for name in "ab"}
        requirements, errors = load_requirements(registers)
        assert [r.distribution for r in requirements] == ["a-dist"]
        (error,) = errors
        assert str(error) == (
            "plugin `b` (b-dist 1.0) states the requirement ACME-001, "
            "which plugin `a` (a-dist 1.0) has stated already"
        )

    def test_a_broken_or_missing_register_takes_no_other_down(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text(HEAD + FIRST.replace("must", "shall"), encoding="utf-8")
        (tmp_path / "b.yaml").write_text(HEAD + SECOND, encoding="utf-8")
        registers = {f"{tmp_path}/{name}.yaml": plugin(name) for name in "abc"}
        requirements, errors = load_requirements(registers)
        assert [r.code for r in requirements] == ["ACME-002"]
        broken, missing = map(str, errors)
        assert f"plugin `a` (a-dist 1.0), its register {tmp_path}/a.yaml:8:12: found" in broken
        assert f"plugin `c` (c-dist 1.0), its register {tmp_path}/c.yaml: found no such" in missing


def stated(code: str = "ACME-001", **more: object) -> Requirement:
    (requirement,) = read(HEAD + FIRST)
    return requirement._replace(code=code, distribution="acme", **more)


class TestCoverage:
    def test_a_cited_requirement_is_checked_by_every_rule_that_cites_it(self) -> None:
        cited = [Citation("ACME-001", f"acme/{name}", "acme") for name in ("a", "b", "a")]
        joined = coverage([stated()], cited)
        assert joined.covered[0][1:] == ("checked", ("acme/a", "acme/b"), None)
        assert joined.problems == ()

    def test_what_no_rule_cites_is_what_the_register_says(self) -> None:
        modelled = stated(modelled=Modelled(("identity",), "it maps nothing"))
        hidden = stated("ACME-002", not_checkable="nobody looks")
        joined = coverage([modelled, hidden], [])
        assert [item[1:] for item in joined.covered] == [
            ("modelled", ("identity",), "it maps nothing"),
            ("not-checkable", (), "nobody looks"),
        ]
        assert joined.problems == ()

    def test_a_requirement_without_a_state_is_a_problem(self) -> None:
        joined = coverage([stated(), stated("ACME-002")], [])
        assert [item.state for item in joined.covered] == [None, None]
        assert joined.problems == ("no rule checks ACME-001, ACME-002, and no register says why",)

    def test_a_code_that_no_register_states_is_a_problem(self) -> None:
        joined = coverage([], [Citation("ACME-009", "acme/a", "acme")])
        assert joined.problems == ("acme/a cites ACME-009, which no register states",)

    @pytest.mark.parametrize(
        ("more", "word"),
        [
            ({"not_checkable": "nobody looks"}, "not checkable"),
            ({"modelled": Modelled(("identity",), "it maps nothing")}, "modelled"),
        ],
    )
    def test_a_rule_that_checks_what_its_own_register_excuses_is_a_problem(
        self, more: dict[str, object], word: str
    ) -> None:
        joined = coverage([stated(**more)], [Citation("ACME-001", "acme/a", "acme")])
        assert joined.covered[0].state == "checked"
        assert joined.problems == (f"acme/a checks ACME-001, which is declared {word}",)

    def test_a_strangers_rule_may_close_a_gap(self) -> None:
        gap = stated(not_checkable="nobody looks")
        joined = coverage([gap], [Citation("ACME-001", "other/a", "other")])
        assert joined.covered[0].state == "checked"
        assert joined.problems == ()

    def test_the_rules_of_units_check_the_codes_of_architectures(self, registry: Registry) -> None:
        found = {(c.code, c.rule) for c in citations_of(registry)}
        assert ("IA64-001", "uefi/runtime-region-breaks-granularity") in found
        assert ("IA64-002", "uefi/acpi-memory-breaks-granularity") in found
        assert ("IA64-001", "uefi/acpi-memory-breaks-granularity") not in found


def test_the_register_is_not_read_for_linting(
    monkeypatch: pytest.MonkeyPatch, registry: Registry
) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from efipolicy.cli import main; status = main(['lint', sys.argv[1]]);"
        "print(status, 'efipolicy.policy.requirements' in sys.modules)"
    )
    path = next(iter(registry.requirements))
    platform = Path(path).parent / "platforms" / "ovmf-x86_64.yaml"
    result = subprocess.run(
        [sys.executable, "-c", code, platform], capture_output=True, text=True, check=False
    )
    assert result.stdout.splitlines()[-1] == "0 False"
