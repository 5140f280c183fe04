"""``efipolicy new-plugin``: what it writes, and what it refuses. Nothing is built here."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from efipolicy import __version__
from efipolicy.cli.plugin_names import MOST_CHARACTERS, checked_name, refuse_taken
from efipolicy.cli.plugin_templates import KINDS, files_of
from efipolicy.errors import UsageError
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText
from tests.conftest import ROOT, Run

LONGEST = "-".join(["a2345678"] * 4) + "-abcd"
EVERYTHING = {
    ".github/workflows/test.yml",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "docs/conf.py",
    "docs/index.rst",
    "pyproject.toml",
    "src/efipolicy_acme_1/__init__.py",
    "src/efipolicy_acme_1/py.typed",
    "tests/test_plugin.py",
    "tox.ini",
}


def written(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


@pytest.mark.parametrize("kind", KINDS)
def test_a_distribution_is_whole(kind: str, folder: Path, run: Run) -> None:
    status, out, err = run("new-plugin", kind, "acme-1")
    files = written(folder / "efipolicy-acme-1")
    assert (status, err) == (0, "")
    assert out.startswith(f"efipolicy-acme-1: {len(files)} files in efipolicy-acme-1.")
    assert files.keys() > EVERYTHING
    assert f"src/efipolicy_acme_1/{KINDS[kind].start}" in files
    for path, text in files.items():
        assert "$name" not in text, path
        assert "${" not in text, path
        assert text == "" or text.endswith("\n"), path
        assert "\n\n\n\n" not in text, path


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_can_be_read_by_what_reads_them(kind: str) -> None:
    for path, text in files_of(kind, "acme-1"):
        if path.endswith(".py"):
            compile(text, path, "exec", ast.PyCF_ONLY_AST)
    files = dict(files_of(kind, "acme-1"))
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "efipolicy-acme-1"
    assert project["dependencies"] == [f"efipolicy>={__version__}"]
    assert project["entry-points"]["efipolicy"] == {"acme-1": "efipolicy_acme_1"}
    assert "EFIPOLICY_API = 1\n" in files["src/efipolicy_acme_1/__init__.py"]
    tox = ConfigParser()
    tox.read_string(files["tox.ini"])
    assert tox["testenv"]["commands"].strip() == "pytest {posargs}"


@pytest.mark.parametrize("kind", KINDS)
def test_it_imports_of_efipolicy_only_the_plugin_api(kind: str) -> None:
    for path, text in files_of(kind, "acme"):
        if not path.startswith("src/") or not path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "efipolicy":
                assert node.module in ("efipolicy.plugin", "efipolicy.plugin.paging"), path


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
@pytest.mark.parametrize("name", ["a", "acme", "0a", LONGEST])
def test_its_style_is_clean_whatever_the_length_of_the_name(
    name: str, folder: Path, run: Run
) -> None:
    assert len(LONGEST) == MOST_CHARACTERS
    for kind in KINDS:
        assert run("new-plugin", kind, name, "-q", "-o", kind)[0] == 0
    for command in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
        words = [sys.executable, "-m", "ruff", *command, "."]
        finished = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout


def test_a_log_is_not_called_so_twice() -> None:
    for name in ("acme", "acme-log"):
        files = dict(files_of("format", name))
        (reader,) = (text for path, text in files.items() if path.endswith("/log.py"))
        assert 'DIALECT: Final = "acme-log"' in reader


def test_equal_arguments_give_equal_files(folder: Path, run: Run) -> None:
    run("new-plugin", "strategy", "acme", "-o", "one")
    run("new-plugin", "strategy", "acme", "-o", "deep/er/two")
    assert written(folder / "one") == written(folder / "deep" / "er" / "two")


ASKED = """
from efipolicy.plugin.discovery import EntryPoint
from efipolicy.plugin.registry import Registry
from efipolicy.source import SourceText

registry = Registry([EntryPoint("acme64", "efipolicy_acme64", "efipolicy-acme64", "1")])
registry.load_all()
(ours,) = registry.plugins
assert ours.error is None, ours.error
print(sorted(kind for kind, names in ours.provides.items() if names))
"""
"""What a process does that has the plugin on its path: it loads everything of it."""

EXAMPLE = ROOT / "examples" / "efipolicy-acme64"
NEEDED = re.compile(r"efipolicy>=([\d.]+)")


def needed_by_the_example() -> str:
    """The release that the example of the tutorial asks for: the one it was written under."""
    (release,) = NEEDED.findall((EXAMPLE / "pyproject.toml").read_text())
    return release


@pytest.mark.parametrize(("path", "text"), [*files_of("architecture", "acme64")])
def test_the_example_of_the_tutorial_is_what_is_written(path: str, text: str) -> None:
    """A new release leaves the example as it is: the number is that of the release it needs."""
    told = f"{EXAMPLE / path}: write it anew, `efipolicy new-plugin architecture acme64`"
    text = text.replace(f"efipolicy>={__version__}", f"efipolicy>={needed_by_the_example()}")
    assert (EXAMPLE / path).read_text() == text, told


def test_the_example_of_the_tutorial_asks_for_no_release_to_come() -> None:
    def parts(version: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", version)[:3]]

    assert parts(needed_by_the_example()) <= parts(__version__)


def new(folder: Path, run: Run, kind: str = "architecture", name: str = "acme64") -> Path:
    assert run("new-plugin", kind, name, "-q", "-o", "home")[0] == 0
    return folder / "home"


def test_further_kinds_are_added_to_a_plugin(folder: Path, run: Run) -> None:
    home = new(folder, run)
    before = written(home)
    names = {kind: f"acme-{kind}" for kind in KINDS if kind != "architecture"}
    for kind, name in names.items():
        status, out, err = run("new-plugin", kind, name, "--into", "home")
        assert (status, err) == (0, "")
        assert "src/efipolicy_acme64/__init__.py" in out
    after = written(home)
    hooks = after.pop("src/efipolicy_acme64/__init__.py")
    del before["src/efipolicy_acme64/__init__.py"]
    assert before.items() <= after.items()
    for kind in names:
        assert f"src/efipolicy_acme64/{KINDS[kind].start}" in after
        assert any(path.startswith("tests/test_") for path in after.keys() - before.keys())
    answered = [node.name for node in ast.parse(hooks).body if isinstance(node, ast.FunctionDef)]
    assert len(answered) == len({*answered}) == len(KINDS)
    for path, text in after.items():
        assert "efipolicy_acme_" not in text, path
        assert "efipolicy-acme-" not in text, path


def test_what_was_added_is_loaded_as_one_plugin(folder: Path, run: Run) -> None:
    home = new(folder, run)
    for kind in ("strategy", "rules", "format", "reporter"):
        run("new-plugin", kind, f"acme-{kind}", "-q", "--into", "home")
    environment = {**os.environ, "PYTHONPATH": str(home / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASKED], env=environment, capture_output=True, text=True, check=False
    )
    kinds = ["architectures", "formats", "reporters", "rules", "strategies"]
    assert done.stdout == f"{kinds}\n", done.stderr


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
def test_the_style_of_what_was_added_is_clean(folder: Path, run: Run) -> None:
    new(folder, run, "reporter", "0a")
    for kind in ("rules", "strategy", "architecture", "format"):
        assert run("new-plugin", kind, f"b-{kind}", "-q", "--into", "home")[0] == 0
    for command in (("check", "--no-cache"), ("format", "--no-cache", "--check")):
        words = [sys.executable, "-m", "ruff", *command, "."]
        finished = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout


def test_an_import_under_another_name_stays_as_it_is(folder: Path, run: Run) -> None:
    hooks = new(folder, run) / "src" / "efipolicy_acme64" / "__init__.py"
    text = hooks.read_text().replace("@hookimpl", "@answers")
    hooks.write_text(text.replace(", hookimpl", ", hookimpl as answers"))
    assert run("new-plugin", "strategy", "acme-flat", "-q", "--into", "home")[0] == 0
    lines = hooks.read_text().splitlines()
    assert "from efipolicy.plugin import Architecture, hookimpl as answers" in lines
    assert "from efipolicy.plugin import Strategy, hookimpl" in lines


@pytest.mark.parametrize(
    "imports",
    [
        "from efipolicy.plugin import Architecture, hookimpl; ACME = 1",
        "from efipolicy.plugin import (\n    Architecture,\n    hookimpl,  # noqa: ICN001\n)",
        "from efipolicy.plugin import *\nfrom efipolicy.plugin import Architecture, hookimpl  # us",
        "FORM = 'a\\\n\x0cb'\nfrom efipolicy.plugin import Architecture, hookimpl  # of acme",
    ],
)
def test_nothing_that_stands_beside_an_import_is_lost(imports: str, folder: Path, run: Run) -> None:
    hooks = new(folder, run) / "src" / "efipolicy_acme64" / "__init__.py"
    there = hooks.read_text().replace(
        "from efipolicy.plugin import Architecture, hookimpl", imports
    )
    assert imports in there
    hooks.write_text(there)
    assert run("new-plugin", "strategy", "acme-flat", "-q", "--into", "home")[0] == 0
    after = hooks.read_text()
    assert imports in after
    assert "from efipolicy.plugin import Strategy\n" in after
    ast.parse(after)


def test_what_a_file_begins_with_stays_its_beginning(folder: Path, run: Run) -> None:
    hooks = new(folder, run) / "src" / "efipolicy_acme64" / "__init__.py"
    hooks.write_text("#!/usr/bin/env python3\n# Licence: ours\nEFIPOLICY_API = 1\n")
    assert run("new-plugin", "strategy", "acme-flat", "-q", "--into", "home")[0] == 0
    assert hooks.read_text().startswith("#!/usr/bin/env python3\n# Licence: ours\n\nfrom ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"pyproject.toml": None}, "cannot read home/pyproject.toml: no such file"),
        ({"pyproject.toml": "[project"}, "home/pyproject.toml cannot be read: "),
        ({"pyproject.toml": "[project]\n"}, "has 0 entry points of group `efipolicy`, not one"),
        (
            {"pyproject.toml": "[project.entry-points.efipolicy]\na = 'elsewhere'\n"},
            "home has no package `elsewhere`, which home/pyproject.toml names",
        ),
        ({"pyproject.toml": "project = 3\n"}, "has 0 entry points of group `efipolicy`, not one"),
        (
            {"pyproject.toml": "[project]\nentry-points = ['efipolicy']\n"},
            "has 0 entry points of group `efipolicy`, not one",
        ),
        (
            {"pyproject.toml": "[project.entry-points.efipolicy]\na = ['x']\n"},
            "home has no package `['x']`",
        ),
        ({"src/efipolicy_acme64/strategy.py": "mine"}, "strategy.py is there, and nothing"),
        ({"src/efipolicy_acme64/__init__.py": "def ("}, "__init__.py cannot be read: "),
        (
            {"src/efipolicy_acme64/__init__.py": "def efipolicy_strategies(): ...\n"},
            "`efipolicy_strategies` has an answer in home/src/efipolicy_acme64/__init__.py",
        ),
        (
            {"src/efipolicy_acme64/__init__.py": "from acme64 import efipolicy_strategies\n"},
            "`efipolicy_strategies` has an answer in home/src/efipolicy_acme64/__init__.py",
        ),
    ],
)
def test_where_nothing_can_be_added_nothing_is_written(
    change: dict[str, str | None], told: str, folder: Path, run: Run
) -> None:
    home = new(folder, run)
    for path, text in change.items():
        if text is None:
            (home / path).unlink()
        else:
            (home / path).write_text(text)
    before = written(home)
    status, out, err = run("new-plugin", "strategy", "acme-flat", "--into", "home")
    assert (status, out) == (2, "")
    assert told in err
    assert written(home) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_one_of_a_kind_is_told_to_be_that(kind: str, folder: Path, run: Run) -> None:
    assert run("new-plugin", kind, "acme", "-q", "-o", "home")[0] == 0
    before = written(folder / "home")
    status, out, err = run("new-plugin", kind, "acme-other", "--into", "home")
    assert (status, out) == (2, "")
    assert "has an answer in home/src/efipolicy_acme/__init__.py: one function gives all" in err
    assert "--into adds the first; write the second beside it, and give both there\n" in err
    assert written(folder / "home") == before


def test_ends_of_lines_stay_as_they_are(folder: Path, run: Run) -> None:
    hooks = new(folder, run) / "src" / "efipolicy_acme64" / "__init__.py"
    hooks.write_bytes(hooks.read_bytes().replace(b"\n", b"\r\n"))
    assert run("new-plugin", "strategy", "acme-flat", "-q", "--into", "home")[0] == 0
    text = hooks.read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n")
    compile(text, str(hooks), "exec", ast.PyCF_ONLY_AST)


def test_a_module_that_is_no_text_is_told(folder: Path, run: Run) -> None:
    hooks = new(folder, run) / "src" / "efipolicy_acme64" / "__init__.py"
    hooks.write_bytes(b"# \xff\n")
    status, _, err = run("new-plugin", "strategy", "acme-flat", "--into", "home")
    assert (status, "is no UTF-8: invalid start byte at byte 2" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("strategy", "x86-topdown"), "has a strategy `x86-topdown`; choose another one\n"),
        (("strategy", "acme", "-o", "x"), "--into adds to a folder that is there, and -o names"),
    ],
)
def test_what_cannot_be_added_is_refused(
    words: tuple[str, ...], told: str, folder: Path, run: Run
) -> None:
    home = new(folder, run)
    before = written(home)
    status, out, err = run("new-plugin", *words, "--into", "home")
    assert (status, out) == (2, "")
    assert told in err
    assert written(home) == before


def test_quietly_nothing_is_told_and_verbosely_every_file(folder: Path, run: Run) -> None:
    assert run("new-plugin", "rules", "one", "--quiet")[1] == ""
    _, out, _ = run("new-plugin", "rules", "two", "--verbose")
    files = written(folder / "efipolicy-two")
    assert out.splitlines()[: len(files)] == [f"efipolicy-two/{path}" for path in files]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Acme", "expected lower case, with single `-` between words; did you mean `acme`?"),
        ("acme_board", "; did you mean `acme-board`?"),
        ("acme.board", "; did you mean `acme-board`?"),
        ("acme--board", "; did you mean `acme-board`?"),
        ("-acme", "are required: NAME"),
        ("acme-", "; did you mean `acme`?"),
        ("efipolicy-acme", "`efipolicy-` is put before it anyway; did you mean `acme`?"),
        ("", "cannot be the name of a plugin"),
        ("Ärger", "expected ASCII letters and digits"),
        ("acme board", "expected ASCII letters and digits"),
        ("../acme", "expected ASCII letters and digits"),
        ("acme\n", "expected ASCII letters and digits"),
        ("a" * 41, "it has 41 characters, the most are 40"),
    ],
)
def test_what_is_no_name_is_refused(name: str, told: str, folder: Path, run: Run) -> None:
    status, out, err = run("new-plugin", "rules", name)
    assert (status, out) == (2, "")
    assert told in err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "9", "acme64", "a-b-c", "x86-like"])
def test_what_is_a_name_is_taken(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("rule", "; did you mean `rules`?"),
        ("Strategy", "; did you mean `strategy`?"),
        ("architectures", "; did you mean `architecture`?"),
        ("formatter", "; did you mean `format`?"),
        ("everything", "known: architecture, strategy, rules, format, reporter\n"),
        ("", "unknown kind of plugin ``"),
    ],
)
def test_an_unknown_kind_is_told_with_the_one_that_was_meant(
    kind: str, told: str, folder: Path, run: Run
) -> None:
    status, _, err = run("new-plugin", kind, "acme")
    assert status == 2
    assert told in err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("rules", "linux", "plugin `linux` (efipolicy "),
        ("reporter", "windows", "plugin `windows` (efipolicy "),
        ("rules", "plan", "plugin `plan` (efipolicy "),
        ("architecture", "arm64", "plugin `arm64` (efipolicy "),
        ("strategy", "arm64-stub-virtmap", "has a strategy `arm64-stub-virtmap`"),
        ("reporter", "json", "has a report format `json`"),
        ("format", "u-boot-efidebug", "has a dialect `u-boot-efidebug`"),
        ("architecture", "riscv64", "efipolicy-riscv64"),
    ],
)
def test_a_name_that_is_taken_is_told_with_its_owner(
    kind: str, name: str, told: str, folder: Path, run: Run
) -> None:
    status, _, err = run("new-plugin", kind, name)
    assert status == 2
    assert f"the name `{name}` is taken: " in err
    assert told in err
    assert list(folder.iterdir()) == []


def test_the_name_of_another_kind_is_free(folder: Path, run: Run) -> None:
    assert run("new-plugin", "rules", "json")[0] == 0


def test_an_installed_module_of_the_name_is_told_even_when_it_is_blocked() -> None:
    point = EntryPoint("other", "efipolicy_acme_1", "strange", "1.0")
    registry = Registry([point], blocked=["other"])
    with pytest.raises(UsageError, match="has the module `efipolicy_acme_1`"):
        refuse_taken("rules", "acme-1", registry)


def test_nothing_is_overwritten(folder: Path, run: Run) -> None:
    there = folder / "efipolicy-acme" / "notes.txt"
    there.parent.mkdir()
    there.write_text("mine")
    status, _, err = run("new-plugin", "rules", "acme")
    assert status == 2
    assert "efipolicy-acme is there and is not empty, and nothing is overwritten" in err
    assert written(folder) == {"efipolicy-acme/notes.txt": "mine"}


def test_an_empty_folder_is_filled(folder: Path, run: Run) -> None:
    (folder / "here").mkdir()
    assert run("new-plugin", "rules", "acme", "-o", "here")[0] == 0
    assert (folder / "here" / "pyproject.toml").is_file()


def test_what_is_no_folder_stays_what_it_is(folder: Path, run: Run) -> None:
    (folder / "file").write_text("mine")
    (folder / "dangling").symlink_to("nowhere")
    for name in ("file", "dangling"):
        status, _, err = run("new-plugin", "rules", "acme", "-o", name)
        assert (status, "is there and is no folder" in err) == (2, True)
    status, _, err = run("new-plugin", "rules", "acme", "-o", "file/inside")
    assert (status, "cannot write " in err) == (2, True)
    assert (folder / "file").read_text() == "mine"


@pytest.mark.parametrize("output", ["", "-"])
def test_standard_output_takes_no_distribution(output: str, folder: Path, run: Run) -> None:
    status, out, err = run("new-plugin", "rules", "acme", "-o", output)
    assert (status, out) == (2, "")
    assert "is no folder" in err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("rules",), ("rules", "acme", "more")])
def test_a_kind_and_a_name_are_asked_for(words: tuple[str, ...], folder: Path, run: Run) -> None:
    status, _, err = run("new-plugin", *words)
    assert status == 2
    assert "new-plugin --help" in err
    assert list(folder.iterdir()) == []


def test_every_file_of_the_package_is_a_template_with_a_suffix() -> None:
    """A tool that looks for Python finds none there, and a wheel holds the files as they are."""
    folder = ROOT / "efipolicy" / "cli" / "templates"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert {path.suffix for path in files} == {".template"}


def test_new_formats_leave_each_others_logs_alone() -> None:
    logs = {}
    readers = {}
    for name in ("acme", "my-acme", "64bit"):
        files = dict(files_of("format", name))
        logs[name] = files["tests/captures/board.txt"]
        (path,) = (path for path in files if path.endswith("/log.py"))
        made = ModuleType(path)
        exec(compile(files[path], path, "exec"), vars(made))
        readers[name] = made.read
    for name, read in readers.items():
        for other, text in logs.items():
            assert (read(SourceText("board.txt", text)) is not None) == (name == other)


def test_no_architecture_is_called_unknown(run: Run, folder: Path) -> None:
    status, _, err = run("new-plugin", "architecture", "unknown")
    assert status == 2
    assert "the name `unknown` is taken: it means that nobody knows which architecture" in err
    assert not [*folder.iterdir()]
