"""``.efipolicy.yaml``: where it is found, what it says, and what beats it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from efipolicy.api import configuration_of
from efipolicy.policy.search import find_configuration
from tests.conftest import MINIMAL, ROOT, Run

SETS = ROOT / "policies" / "efipolicy_policies" / "sets"
EMPTY_DESCRIPTOR = MINIMAL.replace("pages: 0x10", "pages: 0")


@pytest.fixture
def files(folder: Path) -> Path:
    """A repository with a sound and a faulty platform file."""
    (folder / ".git").mkdir()
    (folder / "good.yaml").write_text(MINIMAL)
    (folder / "bad.yaml").write_text(EMPTY_DESCRIPTOR)
    return folder


def configure(folder: Path, text: str, name: str = ".efipolicy.yaml") -> None:
    (folder / name).write_text(text)


class TestSearch:
    def test_without_a_configuration_there_is_none(self, files: Path) -> None:
        assert find_configuration() is None
        assert configuration_of() is None

    def test_it_is_searched_upward_to_the_repository(
        self, files: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(files, "fail_on: warning\n")
        (files / "deep" / "down").mkdir(parents=True)
        monkeypatch.chdir(files / "deep" / "down")
        found = configuration_of()
        assert found
        assert found.path == "../../.efipolicy.yaml"

    def test_the_nearest_counts(self, files: Path) -> None:
        configure(files, "")
        (files / "deep").mkdir()
        configure(files / "deep", "")
        assert find_configuration(str(files / "deep")) == str(files / "deep" / ".efipolicy.yaml")

    def test_the_repository_ends_the_search(self, folder: Path) -> None:
        configure(folder, "")
        (folder / "inner" / ".git").mkdir(parents=True)
        assert find_configuration(str(folder / "inner")) is None

    def test_outside_a_repository_only_the_folders_own_counts(self, folder: Path) -> None:
        configure(folder, "")
        (folder / "deep").mkdir()
        assert find_configuration(str(folder)) == str(folder / ".efipolicy.yaml")
        assert find_configuration(str(folder / "deep")) is None

    def test_config_names_another_and_isolated_none(self, files: Path, run: Run) -> None:
        configure(files, "ignore: [uefi/zero-pages]\n")
        configure(files, "ignore: [uefi/unsorted-mat]\n", "other.yaml")
        assert run("lint", "bad.yaml")[0] == 0
        assert run("lint", "bad.yaml", "--config", "other.yaml")[0] == 1
        assert run("lint", "bad.yaml", "--isolated")[0] == 1
        assert run("lint", "bad.yaml", "--isolated", "--config", "other.yaml")[0] == 2

    def test_a_configuration_that_is_not_there_is_told(self, files: Path, run: Run) -> None:
        status, _, err = run("lint", "good.yaml", "--config", "no.yaml")
        assert status == 2
        assert "no.yaml: found no such file or directory, expected a readable configuration" in err

    def test_a_link_that_leads_nowhere_is_told(self, files: Path, run: Run) -> None:
        (files / ".efipolicy.yaml").symlink_to("gone.yaml")
        status, _, err = run("lint", "good.yaml")
        assert status == 2
        assert ".efipolicy.yaml: found no such file or directory" in err
        assert run("lint", "good.yaml", "--isolated")[0] == 0

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    def test_it_may_be_written_on_windows(
        self, files: Path, run: Run, encoding: str, ending: str
    ) -> None:
        text = f"ignore:{ending}  - uefi/zero-pages{ending}"
        (files / ".efipolicy.yaml").write_bytes(text.encode(encoding))
        assert run("lint", "bad.yaml")[0] == 0

    def test_binary_data_is_none(self, files: Path, run: Run) -> None:
        (files / ".efipolicy.yaml").write_bytes(b"\x7fELF\0\0")
        status, _, err = run("lint", "good.yaml")
        assert status == 2
        assert "found binary data, expected a configuration, which is text" in err

    def test_an_empty_one_says_nothing(self, files: Path, run: Run) -> None:
        configure(files, "# nothing yet\n")
        assert run("lint", "good.yaml")[0] == 0

    def test_it_is_no_input_of_a_walk(self, files: Path, run: Run) -> None:
        configure(files, "ignore: [uefi/zero-pages]\n")
        status, out, _ = run("lint", "-v")
        assert status == 0
        assert ".efipolicy.yaml" not in out


class TestWhatItSays:
    def test_the_policy(self, files: Path, run: Run) -> None:
        configure(files, "policy: [uefi, ours.yaml]\n")
        text = "efipolicy-policy: 1\nsummary: Ours\nrules: {uefi/zero-pages: off}\n"
        (files / "ours.yaml").write_text(text)
        assert run("lint", "bad.yaml")[0] == 0

    def test_a_policy_of_it_lies_where_it_lies(
        self, files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(files, "policy: policies/ours.yaml\n")
        (files / "policies").mkdir()
        text = "efipolicy-policy: 1\nsummary: Ours\nrules: {uefi/zero-pages: off}\n"
        (files / "policies" / "ours.yaml").write_text(text)
        (files / "deep").mkdir()
        monkeypatch.chdir(files / "deep")
        assert run("lint", "../bad.yaml")[0] == 0

    @pytest.mark.parametrize("path", ["../ours.yaml", "/etc/ours.yaml", "a/../../ours.yaml"])
    @pytest.mark.parametrize("key", ["policy", "baseline"])
    def test_a_path_of_it_stays_in_its_folder(
        self, files: Path, run: Run, path: str, key: str
    ) -> None:
        configure(files, f"{key}: {path}\n")
        status, _, err = run("lint", "good.yaml")
        assert status == 2
        assert f".efipolicy.yaml:1:{len(key) + 3}: found `{path}`, which leaves the folder" in err

    def test_a_link_out_of_its_folder_leaves_it(
        self, files: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        outside = tmp_path_factory.mktemp("outside") / "ours.yaml"
        outside.write_text("efipolicy-policy: 1\nsummary: Ours\nrules: {}\n")
        (files / "ours.yaml").symlink_to(outside)
        configure(files, "policy: ours.yaml\n")
        assert "leaves the folder" in run("lint", "good.yaml")[2]

    def test_what_is_selected_and_ignored(self, files: Path, run: Run) -> None:
        configure(files, "select: uefi/*\nignore: [uefi/zero-pages]\n")
        assert run("lint", "bad.yaml")[0] == 0
        configure(files, "select: [linux/*]\n")
        assert run("lint", "bad.yaml")[0] == 0

    def test_what_a_run_fails_on(self, files: Path, run: Run) -> None:
        configure(files, "fail_on: info\nrules: {uefi/zero-pages: info}\n")
        assert run("lint", "bad.yaml")[0] == 1
        assert run("lint", "bad.yaml", "--fail-on", "error")[0] == 0

    def test_severities_and_options_of_rules(self, files: Path, run: Run) -> None:
        configure(files, "rules:\n  uefi/too-many-descriptors: {severity: error, limit: 0}\n")
        text = MINIMAL.replace("memory_map:\n", "memory_map:\n  extent: whole\n")
        (files / "good.yaml").write_text(text)
        status, out, _ = run("lint", "good.yaml")
        assert status == 1
        assert "error[uefi/too-many-descriptors]" in out

    def test_accepted_findings(self, files: Path, run: Run) -> None:
        configure(files, "accept:\n  - {rule: uefi/zero-pages, reason: known}\n")
        status, out, _ = run("lint", "bad.yaml")
        assert status == 0
        assert "1 accepted" in out

    def test_a_baseline(self, files: Path, run: Run) -> None:
        assert run("lint", "bad.yaml", "--write-baseline", "known.json")[0] == 0
        configure(files, "baseline: known.json\n")
        assert run("lint", "bad.yaml")[0] == 0
        assert run("lint", "bad.yaml", "--isolated")[0] == 1
        assert run("lint", "bad.yaml", "--write-baseline", "known.json")[0] == 0

    def test_what_walks_leave_out(self, files: Path, run: Run) -> None:
        (files / "vendor" / "old").mkdir(parents=True)
        (files / "vendor" / "old" / "worse.yaml").write_text(EMPTY_DESCRIPTOR)
        configure(files, "exclude: [bad.yaml, vendor/old]\n")
        status, out, _ = run("lint")
        assert status == 0
        assert "linted good.yaml" in out
        assert "worse.yaml" not in out
        assert run("lint", "bad.yaml")[0] == 1, "a named file is linted all the same"

    @pytest.mark.parametrize(
        "glob", ["vendor/", "./vendor", "**/vendor", "vendor/**", "**/worse.yaml", "./vendor/*"]
    )
    def test_globs_may_be_written_as_for_other_tools(
        self, files: Path, run: Run, glob: str
    ) -> None:
        (files / "bad.yaml").unlink()
        (files / "vendor").mkdir()
        (files / "vendor" / "worse.yaml").write_text(EMPTY_DESCRIPTOR)
        assert run("lint")[0] == 1
        configure(files, f'exclude: ["{glob}"]\n')
        assert run("lint")[0] == 0

    def test_a_folder_of_nothing_but_excluded_files_is_no_result(
        self, files: Path, run: Run
    ) -> None:
        configure(files, "exclude: ['*.yaml']\n")
        status, out, err = run("lint")
        assert status == 3
        assert "that the configuration does not exclude" in out + err

    def test_excluded_paths_are_those_from_its_folder(
        self, files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (files / "vendor").mkdir()
        (files / "vendor" / "worse.yaml").write_text(EMPTY_DESCRIPTOR)
        (files / "vendor" / "good.yaml").write_text(MINIMAL)
        configure(files, "exclude: vendor/worse.yaml\n")
        monkeypatch.chdir(files / "vendor")
        assert run("lint", ".")[0] == 0


class TestPrecedence:
    def test_policies_of_the_command_line_replace_its_policies(self, files: Path, run: Run) -> None:
        configure(files, "policy: linux\n")
        (files / "none.yaml").write_text(
            'efipolicy-policy: 1\nsummary: x\nrules: {"*": info, uefi/zero-pages: info}\n'
        )
        assert run("lint", "bad.yaml", "--policy", "none.yaml")[0] == 0

    def test_its_rules_are_the_last_word(self, files: Path, run: Run) -> None:
        configure(files, "rules: {uefi/zero-pages: off}\n")
        assert run("lint", "bad.yaml", "--policy", "strict")[0] == 0

    def test_what_the_command_line_selects_beats_what_it_ignores(
        self, files: Path, run: Run
    ) -> None:
        configure(files, "ignore: [uefi/zero-pages]\n")
        assert run("lint", "bad.yaml", "--select", "uefi/zero-pages")[0] == 1

    def test_what_the_command_line_ignores_is_added(self, files: Path, run: Run) -> None:
        configure(files, "ignore: [uefi/unsorted-mat]\n")
        assert run("lint", "bad.yaml", "--ignore", "uefi/zero-pages")[0] == 0


class TestPins:
    @pytest.mark.parametrize(
        ("more", "told"),
        [
            ("ignore: [uefi/zero-pages]\n", ".efipolicy.yaml:2:10: ignoring `uefi/zero-pages`"),
            ("ignore: ['uefi/zero*']\n", "would silence uefi/zero-pages, pinned by policy ship"),
            ("select: [linux/*]\n", ".efipolicy.yaml:2:10: what is selected leaves out"),
            ("rules: {uefi/zero-pages: off}\n", ".efipolicy.yaml:2:9: found a setting that would"),
            ("rules: {'uefi/z*': warning}\n", "silence or lower uefi/zero-pages"),
            ("rules: {uefi/zero-pages: {pinned: false}}\n", "it as policy ship pins it"),
        ],
    )
    def test_the_configuration_cannot_undo_one(
        self, files: Path, run: Run, more: str, told: str
    ) -> None:
        configure(files, "policy: ship\n" + more)
        status, _, err = run("lint", "bad.yaml")
        assert status == 2
        assert told in err

    @pytest.mark.parametrize("option", ["--ignore=uefi/zero-pages", "--select=linux/*"])
    def test_the_command_line_cannot_undo_one(self, files: Path, run: Run, option: str) -> None:
        status, _, err = run("lint", "bad.yaml", "--policy", "ship", option)
        assert status == 2
        assert "pinned by policy ship" in err

    def test_what_is_not_pinned_can_be_ignored(self, files: Path, run: Run) -> None:
        assert run("lint", "good.yaml", "--policy", "ship", "--ignore", "linux/*")[0] == 0

    def test_an_acceptance_leaves_the_finding(self, files: Path, run: Run) -> None:
        accept = "accept:\n  - {rule: uefi/zero-pages, reason: we are special}\n"
        (files / "bad.yaml").write_text(EMPTY_DESCRIPTOR + accept)
        status, out, _ = run("lint", "bad.yaml", "--policy", "ship")
        assert status == 1
        assert "pinned by policy ship" in out
        assert "accept/unmatched" not in out
        configure(files, accept)
        (files / "bad.yaml").write_text(EMPTY_DESCRIPTOR)
        assert run("lint", "bad.yaml", "--policy", "ship")[0] == 1

    def test_a_baseline_leaves_the_finding(self, files: Path, run: Run) -> None:
        run("lint", "bad.yaml", "--write-baseline", "known.json")
        assert run("lint", "bad.yaml", "--baseline", "known.json")[0] == 0
        assert run("lint", "bad.yaml", "--baseline", "known.json", "--policy", "ship")[0] == 1


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("ignor: []\n", "1:1: found the unknown key `ignor`"),
            ("ignor: []\n", "did you mean `ignore`?"),
            ("fail_on: eror\n", "1:10: found `eror`"),
            ("policy: recomended\n", ".efipolicy.yaml:1:9: found the unknown policy `recomended`"),
            ("policy: [uefi, recomended]\n", "1:16: found the unknown policy `recomended`"),
            ("policy: recomended\n", "did you mean `recommended`?"),
            ("policy: gone.yaml\n", "gone.yaml: found no such file or directory"),
            ("ignore: [uefi/zero-page]\n", "1:10: found `uefi/zero-page`, which names no rule"),
            ("ignore: [uefi/zero-page]\n", "did you mean `uefi/zero-pages`?"),
            ("rules: {uefi/zero-page: off}\n", "1:9: found `uefi/zero-page`"),
            ("rules: {uefi/too-many-descriptors: {limi: 3}}\n", "did you mean `limit`?"),
            ("accept:\n  - {rul: x}\n", "2:6: found the unknown key `rul`"),
            ("preview: maybe\n", "1:10: found `maybe`"),
            ("- a list\n", "1:1: found a list, expected a mapping (the configuration)"),
            ("required_version: soon\n", "not a comparison of versions: `soon`"),
            ("fail_on: [\n", "YAML syntax error"),
        ],
    )
    def test_a_mistake_is_told_with_its_place(
        self, files: Path, run: Run, text: str, told: str
    ) -> None:
        configure(files, text)
        status, _, err = run("lint", "good.yaml")
        assert status == 2
        assert told in err

    def test_all_of_them_are_told_in_one_run(self, files: Path, run: Run) -> None:
        configure(files, "fail_on: eror\nignor: []\nrules: {a/b: never}\n")
        status, out, _ = run("lint", "good.yaml", "--format", "json")
        errors = json.loads(out)["errors"]
        assert status == 2
        assert [(e["status"], e["path"], e["line"]) for e in errors] == [
            (2, ".efipolicy.yaml", 1),
            (2, ".efipolicy.yaml", 2),
            (2, ".efipolicy.yaml", 3),
        ]

    def test_another_version_is_told_before_anything_else(self, files: Path, run: Run) -> None:
        configure(files, "required_version: '>=99'\nkey_of_the_future: 1\n")
        status, _, err = run("lint", "good.yaml")
        assert status == 2
        assert "`required_version: >=99`" in err
        assert "key_of_the_future" not in err

    def test_a_version_that_fits_is_no_news(self, files: Path, run: Run) -> None:
        configure(files, "required_version: '>=0.1, <99'\n")
        assert run("lint", "good.yaml")[0] == 0

    def test_a_rule_of_a_blocked_plugin_is_no_mistake(
        self, files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        configure(files, "rules: {linux/*: off}\n")
        monkeypatch.setenv("EFIPOLICY_PLUGINS", "-linux")
        assert run("lint", "good.yaml")[0] == 0
        configure(files, "ignore: [linux/*, linux/big-mmio-window]\nselect: ['*']\n")
        assert run("lint", "good.yaml")[0] == 0
        assert run("lint", "good.yaml", "--ignore", "linux/*")[0] == 0
        assert run("lint", "good.yaml", "--ignore", "uefi/zero-page")[0] == 2
        assert run("lint", "good.yaml", "--select", "linux/*")[0] == 2, "nothing would be judged"

    def test_a_plugin_that_failed_is_told_and_not_its_rules_in_the_configuration(
        self, files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (files / "site" / "torn-1.0.dist-info").mkdir(parents=True)
        points = files / "site" / "torn-1.0.dist-info" / "entry_points.txt"
        points.write_text("[efipolicy]\ntorn = torn_plugin\n")
        (files / "site" / "torn_plugin.py").write_text("1 / 0\n")
        monkeypatch.syspath_prepend(files / "site")
        configure(files, "ignore: [torn/*]\n")
        status, out, err = run("lint", "good.yaml")
        assert status == 4
        assert "plugin `torn` (torn 1.0) failed" in out + err


def test_looking_for_a_configuration_reads_no_module(files: Path) -> None:
    """A run without a configuration pays for a few looks at the disk."""
    import subprocess
    import sys

    program = (
        "import sys; from efipolicy.cli import main; main(['lint', '-q', 'good.yaml']); "
        "print([name for name in sys.modules if name in "
        "('efipolicy.policy.configuration', 'efipolicy.policy.versions', "
        "'efipolicy.policy.checking')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=files,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "[]"


class TestSchemas:
    @pytest.mark.parametrize("kind", ["platform", "policy", "configuration"])
    def test_each_kind_of_file_has_one(self, folder: Path, run: Run, kind: str) -> None:
        status, out, _ = run("schema", kind)
        assert status == 0
        Draft202012Validator.check_schema(json.loads(out))

    @pytest.mark.parametrize("path", sorted(SETS.glob("*.yaml")), ids=lambda path: path.stem)
    def test_the_shipped_policies_are_valid(self, path: Path, run: Run) -> None:
        validator = Draft202012Validator(json.loads(run("schema", "policy")[1]))
        assert [error.message for error in validator.iter_errors(as_editors_read(path))] == []

    @pytest.mark.parametrize(
        ("rules", "valid"),
        [
            ("{uefi/too-many-descriptors: {limit: 3, severity: info}}", True),
            ("{uefi/too-many-descriptors: off}", True),
            ("{'uefi/*': {limit: 3}}", True),
            ("{uefi/too-many-descriptors: {limit: many}}", False),
            ("{uefi/too-many-descriptors: {limi: 3}}", False),
            ("{uefi/zero-pages: eror}", False),
            ("{uefi/zero-pages: {}}", False),
            ("{uefi/zero-pages: {pinned: perhaps}}", False),
        ],
    )
    def test_schema_and_reader_agree(self, files: Path, run: Run, rules: str, valid: bool) -> None:
        configure(files, f"rules: {rules}\n")
        validator = Draft202012Validator(json.loads(run("schema", "configuration")[1]))
        assert validator.is_valid(as_editors_read(files / ".efipolicy.yaml")) == valid
        assert (run("lint", "good.yaml")[0] == 0) == valid

    def test_the_configuration_of_the_guide_is_valid(self, files: Path, run: Run) -> None:
        guide = ROOT / "docs" / "howto" / "team-configuration.yaml"
        validator = Draft202012Validator(json.loads(run("schema", "configuration")[1]))
        assert validator.is_valid(as_editors_read(guide))
        configure(files, guide.read_text())
        assert run("lint", "good.yaml")[0] < 2


def as_editors_read(path: Path) -> object:
    """A file as a YAML 1.2 reader that knows nothing of ours has it: a date is text."""
    read = YAML(typ="safe", pure=True).load(path.read_text())
    return json.loads(json.dumps(read, default=str))
