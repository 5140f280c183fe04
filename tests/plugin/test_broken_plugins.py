"""Broken distributions: one clear line each, status 4, the rest goes on, and no traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.plugin.broken_plugins import BROKEN, CASES, LINT, PLATFORM, Broken
from tests.plugin.conftest import Process, Ran

LOADING = [case for case in CASES if CASES[case].command.startswith("plugins")]
"""What fails before any command begins to work. The list of plugins tells of all of them below."""

LINTING = [case for case in CASES if CASES[case].command == LINT]
"""What fails when it judges."""


def name_of(case: str, broken: Broken) -> str:
    distribution = f"broken-{case}"
    return broken.name or f"plugin `{case}` ({distribution} 1.0)"


def test_every_broken_distribution_is_in_the_table() -> None:
    assert {path.name for path in BROKEN.iterdir() if path.is_dir()} == set(CASES)


def assert_it_has_one_clear_line(case: str, ran: Ran) -> None:
    broken = CASES[case]
    assert ran.status == 4, ran
    assert "Traceback" not in ran.out + ran.err
    lines = [line for line in ran.told if name_of(case, broken) in line]
    assert len(lines) == 1, ran
    assert broken.told in lines[0]
    assert broken.remedy in lines[0]
    if broken.name is None:
        assert lines[0].endswith(f"or block it with EFIPOLICY_PLUGINS=-{case}")


def assert_the_rest_went_on(ran: Ran) -> None:
    report = json.loads(ran.out)
    assert report["inputs"][0]["status"] == "linted"
    assert report["inputs"][0]["checked"]["passed"] > 20


@pytest.mark.parametrize("case", [*LOADING, *LINTING])
def test_a_broken_distribution_gives_one_clear_line_and_status_4_and_the_rest_goes_on(
    case: str, process: Process
) -> None:
    ran = process(LINT, BROKEN / case)
    assert_it_has_one_clear_line(case, ran)
    assert_the_rest_went_on(ran)


@pytest.mark.parametrize("case", [case for case in CASES if case not in {*LOADING, *LINTING}])
def test_so_does_one_that_breaks_at_another_work(case: str, process: Process) -> None:
    assert_it_has_one_clear_line(case, process(CASES[case].command, BROKEN / case))
    assert_the_rest_went_on(process(LINT, BROKEN / case))


def test_blocking_all_of_them_makes_it_whole(process: Process) -> None:
    names = ["shared" if case == "same-name" else case for case in CASES]
    blocked = ",".join(f"-{name}" for name in names)
    ran = process(LINT, *(BROKEN / case for case in CASES), blocked=blocked)
    assert (ran.status, ran.err, ran.told) == (0, "", [])


def test_a_plugin_that_fails_only_now_and_then_is_whole_where_it_does_not(
    process: Process, folder: Path
) -> None:
    other = PLATFORM.replace("EfiPersistentMemory", "EfiLoaderCode")
    (folder / "other.yaml").write_text(other.replace("name: broken", "name: other"))
    case = BROKEN / "raises-on-one-platform"
    assert process("lint other.yaml", case).status == 0
    ran = process("lint other.yaml broken.yaml --format json", case)
    assert ran.status == 4
    assert [line.partition(":")[0] for line in ran.told] == ["broken.yaml"]
    one, two = json.loads(ran.out)["inputs"]
    unchecked = {item["rule"]: item["needs"] for item in two["checked"]["not_checked"]}
    assert unchecked["sometimes/raises"] == "a rule that works"
    assert "sometimes/raises" not in {item["rule"] for item in one["checked"]["not_checked"]}


def test_many_broken_distributions_each_have_their_line(process: Process) -> None:
    ran = process("plugins --format json", *(BROKEN / case for case in LOADING))
    assert len(ran.told) == len(LOADING) >= 10
    for case in LOADING:
        assert_it_has_one_clear_line(case, ran)
    of_text = process("plugins", *(BROKEN / case for case in LOADING))
    assert len(of_text.err.splitlines()) == len(LOADING)
    blocked = ",".join(f"-{case}" for case in LOADING if case != "same-name")
    ran = process("plugins", *(BROKEN / case for case in LOADING), blocked=f"{blocked},-shared")
    assert (ran.status, ran.err) == (0, "")


def test_the_list_has_the_same_words_in_text_and_json(process: Process) -> None:
    ran = process("plugins --format json", BROKEN / "missing-dependency")
    plugins = {plugin["name"]: plugin for plugin in json.loads(ran.out)["plugins"]}
    plugin = plugins["missing-dependency"]
    assert (plugin["status"], plugin["version"]) == ("failed", "1.0")
    assert plugin["error"].startswith("it needs the module `frobnicate`")
    text = process("plugins", BROKEN / "missing-dependency").out
    assert f"  {plugin['error']}\n  remedy: {plugin['remedy']}\n" in text
    assert "18 plugins: 17 ok, 1 failed; loaded in" in text


@pytest.mark.parametrize("case", ["raises-at-import", "raises-on-one-platform", "choice-raises"])
def test_only_debug_shows_a_traceback(case: str, process: Process) -> None:
    for option in ("", "-v"):
        assert "Traceback" not in process(f"lint broken.yaml {option}", BROKEN / case).err
    ran = process("lint broken.yaml --debug", BROKEN / case)
    assert ran.status == 4
    assert ran.err.count("Traceback") == 1
    assert f"broken_{case.replace('-', '_')}.py" in ran.err


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("strategy-raises", "it cannot plan a small map of arm64: ZeroDivisionError: no room"),
        ("strategy-plans-nonsense", "an item of mappings is 7, not Mapping"),
        ("format-raises", "capture format `raising-log`: IndexError: noise"),
        ("format-reads-nonsense", "it gave an object of builtins.tuple"),
        ("reporter-raises", "reporter `teletype`: ValueError: no paper"),
        ("reporter-gives-bytes", "it gave an object of builtins.bytes, not str"),
        ("finds-nonsense", "rule `nonsense/finding`: it has no bad example"),
        ("choice-raises", "hook efipolicy_strategy_choices of plugin `choice-raises`"),
        ("same-name", "it answers no hook, so it does nothing"),
    ],
)
def test_the_check_finds_what_only_a_run_would_show(case: str, told: str, process: Process) -> None:
    ran = process("plugins --check --format json", BROKEN / case)
    assert ran.status == 4
    assert any(told in line for line in ran.told), ran.told
    assert "Traceback" not in ran.err
    if case != "choice-raises":
        named = "shared" if case == "same-name" else case
        found = [p["problems"] for p in json.loads(ran.out)["plugins"] if p["name"] == named]
        assert any(told in problem for problem in found[0])


def test_the_check_finds_nothing_wrong_with_what_comes_with_efipolicy(process: Process) -> None:
    ran = process("plugins --check --format json")
    assert (ran.status, ran.err) == (0, "")
    listed = json.loads(ran.out)
    assert "errors" not in listed
    assert all(plugin["problems"] == [] for plugin in listed["plugins"])
    assert all(plugin["api_level"] == 1 for plugin in listed["plugins"])


def test_the_json_follows_its_schema(process: Process) -> None:
    import jsonschema

    schema = json.loads((ROOT / "tests" / "fixtures" / "schemas" / "plugins.json").read_text())
    for line in ("plugins", "plugins --check"):
        for case in ("raises-at-import", "finds-nonsense"):
            listed: Any = json.loads(process(f"{line} --format json", BROKEN / case).out)
            jsonschema.validate(listed, schema)
