"""Metadata and plugins too odd for a folder of fixtures, and odd ones that harm nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from efipolicy.plugin.discovery import EntryPoint, Plugin, entry_points
from efipolicy.plugin.registry import Registry
from tests.conftest import Run
from tests.plugin.broken_plugins import LINT
from tests.plugin.conftest import Process, Ran

NOT_PLAIN = "its name in entry_points.txt is not made of ASCII letters, digits, `-`, `_` and `.`"


def installed(folder: Path, info: str, points: str | None, **modules: str) -> None:
    """Put a distribution into a folder, as ``pip`` would."""
    (folder / info).mkdir(parents=True)
    if points is not None:
        text = f"[efipolicy]\n{points}\n"
        (folder / info / "entry_points.txt").write_text(text, encoding="utf-8", newline="")
    for name, code in modules.items():
        (folder / f"{name}.py").write_text(code)


def found_in(folder: Path) -> list[EntryPoint]:
    return entry_points([os.fspath(folder)])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "?[31mred?[0m"),
        ("my plugin", "my plugin"),
        ("one,two", "one,two"),
        ("-minus", "-minus"),
        ("line\x85end", "line?end"),
        ("form\x0cfeed", "form?feed"),
        ("line\u2028separator", "line?separator"),
        ("right\u202eleft", "right?left"),
        ("größe", "größe"),
        ("`tick`", "`tick`"),
        ("$(reboot)", "$(reboot)"),
    ],
)
def test_a_name_that_cannot_be_blocked_or_would_be_obeyed_is_refused(
    name: str, shown: str, tmp_path: Path
) -> None:
    installed(tmp_path, "odd-1.0.dist-info", f"{name} = odd", odd="raise OSError('imported')\n")
    (point,) = found_in(tmp_path)
    assert (point.name, point.problem) == (shown, NOT_PLAIN)
    (error,) = Registry([point, *entry_points()], blocked=()).errors
    assert str(error).isprintable()
    assert str(error).endswith("repair or remove it: pip uninstall odd")


def test_a_name_of_letters_digits_and_marks_is_taken(tmp_path: Path) -> None:
    for number, name in enumerate(("a", "A1", "x_y", "x.y", "x-y", "_x", "9")):
        installed(tmp_path, f"d{number}-1.dist-info", f"{name} = odd")
    assert all(point.problem is None for point in found_in(tmp_path))


def test_what_a_terminal_would_obey_is_taken_out_of_names_and_versions(tmp_path: Path) -> None:
    installed(tmp_path, "odd\x1b[2J-1\n0\x07.dist-info", "odd = odd\x1b")
    (point,) = found_in(tmp_path)
    assert (point.distribution, point.version) == ("odd?[2j", "1?0?")
    plugin = Plugin(point)
    assert f"{plugin.owner} {plugin.remedy} {point.problem}".isprintable()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_lines_of_a_file_do(ending: str, tmp_path: Path) -> None:
    installed(tmp_path, "d-1.dist-info", f"a = m{ending}{ending}; no{ending}b = n{ending}[x]")
    assert [(point.name, point.module) for point in found_in(tmp_path)] == [("a", "m"), ("b", "n")]


def test_a_distribution_that_a_folder_has_twice_is_told(tmp_path: Path) -> None:
    installed(tmp_path, "odd-1.0.dist-info", "odd = odd")
    installed(tmp_path, "odd-2.0.dist-info", "odd = odd\nmore = odd.more")
    points = found_in(tmp_path)
    assert [point.name for point in points] == ["more", "odd"]
    said = f"its distribution is installed twice in {tmp_path}"
    assert {point.problem for point in points} == {said}


def test_so_is_one_whose_older_self_was_no_plugin(tmp_path: Path) -> None:
    installed(tmp_path, "odd-1.0.dist-info", None)
    installed(tmp_path, "odd-2.0.dist-info", "odd = odd")
    assert [point.problem is None for point in found_in(tmp_path)] == [False]
    installed(tmp_path, "other-1.0.dist-info", None)
    installed(tmp_path, "other-2.0.dist-info", None)
    assert len(found_in(tmp_path)) == 1


def test_in_two_folders_the_first_counts(tmp_path: Path) -> None:
    for number in "12":
        installed(tmp_path / number, f"odd-{number}.dist-info", "odd = odd")
    points = entry_points([os.fspath(tmp_path / number) for number in "21"])
    assert [(point.version, point.problem) for point in points] == [("2", None)]


def test_of_our_own_the_first_counts_even_in_one_folder(tmp_path: Path) -> None:
    installed(tmp_path, "efipolicy-0.1.dist-info", "uefi = efipolicy_uefi")
    installed(tmp_path, "efipolicy-0.2.dist-info", "uefi = efipolicy_uefi")
    assert [(one.version, one.problem) for one in found_in(tmp_path)] == [("0.1", None)]


def test_a_plugin_s_metadata_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for name in ("efipolicy_acme", "requests"):
        installed(tmp_path, f"{name}-1.0.dist-info", None)
        (tmp_path / f"{name}-1.0.dist-info" / "entry_points.txt").mkdir()
    (point,) = found_in(tmp_path)
    assert (point.name, point.distribution) == ("acme", "efipolicy-acme")
    assert point.problem == "its entry_points.txt cannot be read: is a directory"


def run_with(code: str, folder: Path, process: Process, line: str = LINT) -> Ran:
    site = folder / "site"
    installed(site, "acme-1.0.dist-info", "acme = acme", acme=code)
    return process(line, site)


def test_a_module_that_is_no_python_is_told_in_a_line(folder: Path, process: Process) -> None:
    ran = run_with("int main(void) { return 0; }\n", folder, process)
    assert ran.status == 4
    assert "Traceback" not in ran.err
    (told,) = ran.told
    assert "plugin `acme` (acme 1.0) failed: SyntaxError: invalid syntax (acme.py, line 1)" in told


WHOLE = {
    "a hook that is a generator": (
        "from efipolicy.plugin import hookimpl\n"
        "@hookimpl\n"
        "def efipolicy_rules():\n"
        "    yield from ()\n"
    ),
    "a warning": "import warnings\nwarnings.warn('old')\nwarnings.warn('x', DeprecationWarning)\n",
    "standard error": "import sys\nsys.stderr.write('Traceback? no\\n')\n",
    "a program that prints": "import subprocess\nsubprocess.run(['echo', 'from a program'])\n",
    "a descriptor": "import os\nos.write(1, b'from C\\n')\n",
    "another standard output": "import io, sys\nsys.stdout = io.StringIO()\n",
    "a closed standard output": "import sys\nsys.stdout.close()\n",
    "room for calls": "import sys\nsys.setrecursionlimit(20_000)\n",
    "a log": "import logging\nlogging.warning('hm')\n",
}


@pytest.mark.parametrize("case", WHOLE)
def test_what_harms_nobody_is_whole_and_the_report_is_clean(
    case: str, folder: Path, process: Process
) -> None:
    ran = run_with(f"{WHOLE[case]}EFIPOLICY_API = 1\n", folder, process)
    assert ran.status == 0, ran
    assert json.loads(ran.out)["inputs"][0]["status"] == "linted"
    if "print" in case:
        assert "from a program" in ran.err


def test_without_a_standard_error_the_report_is_clean_too(folder: Path) -> None:
    site = folder / "site"
    code = "import os\nos.write(1, b'from C')\nEFIPOLICY_API = 1\n"
    installed(site, "acme-1.0.dist-info", "acme = acme", acme=code)
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m efipolicy plugins --format json 2>&-"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.fspath(site)},
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["version"] == 1


def test_a_slow_plugin_is_seen_to_be_slow(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import time\ntime.sleep(0.25)\nEFIPOLICY_API = 1\n"
    installed(folder / "site", "acme-1.0.dist-info", "slow = acme_slow", acme_slow=code)
    monkeypatch.syspath_prepend(folder / "site")
    clock = [0.0]
    monkeypatch.setattr("time.sleep", lambda seconds: clock.append(clock[-1] + seconds))
    monkeypatch.setattr("efipolicy.plugin.registry.perf_counter", lambda: clock[-1])
    status, out, _ = run("plugins", "--format", "json")
    took = {one["name"]: one["load_ms"] for one in json.loads(out)["plugins"]}
    assert status == 0
    assert took.pop("slow") == 250
    assert {*took.values()} == {0}


RULE = """
import os, subprocess
from efipolicy.plugin import Severity, hookimpl, rule
EFIPOLICY_API = 1

class Frail:
    def __del__(self):
        raise OSError("lost")

@rule("acme/rule", severity=Severity.WARNING, requirements=("ACME-1",), sources=("acme",),
      help="none", examples=())
def check(memory_map):
    \"\"\"A rule.\"\"\"
    {body}
    return ()

@hookimpl
def efipolicy_rules():
    return [check]
"""


def test_a_rule_that_starts_programs_leaves_the_report_alone(
    folder: Path, process: Process
) -> None:
    ran = run_with(RULE.format(body="subprocess.run(['echo', 'hm'])"), folder, process)
    assert (ran.status, ran.told) == (0, [])
    assert "hm" in ran.err


def test_a_rule_that_leaves_ruins_is_told_in_a_line(folder: Path, process: Process) -> None:
    ran = run_with(RULE.format(body="Frail()"), folder, process)
    assert ran.status == 4
    assert ran.err == ""
    (told,) = ran.told
    assert "rule acme/rule of plugin `acme` (acme 1.0) failed: what it left behind raised" in told


def test_the_working_directory_may_be_gone(folder: Path, process: Process) -> None:
    site = folder / "site"
    installed(site, "acme-1.0.dist-info", "acme = acme", acme="EFIPOLICY_API = 1\n")
    gone = folder / "gone"
    gone.mkdir()
    program = (
        "import os, sys; os.rmdir(os.getcwd()); from efipolicy.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "plugins", "--format", "json"],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f":{site}"},
    )
    plugins: list[dict[str, Any]] = json.loads(done.stdout)["plugins"]
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["status"] for one in plugins if one["name"] == "acme"] == ["ok"]


WITH_EXAMPLES = """
from efipolicy.plugin import Bad, Finding, Good, Severity, hookimpl, rule
EFIPOLICY_API = 1

@rule("acme/rule", severity=Severity.WARNING, requirements=("ACME-1",), sources=("acme",),
      help="none", examples=(
          Bad("EfiConventionalMemory  0x0  1  WB", sections='''{sections}'''), Good()))
def check(memory_map):
    \"\"\"A rule.\"\"\"
    return ()

@hookimpl
def efipolicy_rules():
    return [check]
"""


@pytest.mark.parametrize(
    ("sections", "status"),
    [
        ("", 4),
        ("mapping: [{os: acme}]", 4),
        ("mapping: [{strategy: identity}]", 4),
        ("mapping: [{strategy: riscv-stub}]", 0),
        ("accept: [{rule: riscv64/rule, reason: known}]", 0),
    ],
)
def test_an_example_that_is_not_true_is_a_stranger_s_own_fault_unless_something_is_missing(
    sections: str, status: int, folder: Path, process: Process
) -> None:
    code = WITH_EXAMPLES.format(sections=sections)
    ran = run_with(code, folder, process, "plugins --check --format json")
    assert ran.status == status, ran
    (plugin,) = (one for one in json.loads(ran.out)["plugins"] if one["name"] == "acme")
    assert len(plugin["problems" if status else "warnings"]) == 1
