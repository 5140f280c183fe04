"""Every exit status of every command, each provoked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from efipolicy.cli import COMMANDS
from tests.cli.sites import leave_out
from tests.conftest import MINIMAL, ROOT, Run

BOOT = ROOT / "tests" / "recorded" / "x64-q35-2g-rig-ptdump"

CAPTURE = (
    "efi: mem00: [Conventional|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0-0xfff] (0MB)\n"
)


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "good.yaml").write_text(MINIMAL)
    (folder / "bad.yaml").write_text(MINIMAL.replace("pages: 0x10", "pages: 0"))
    (folder / "wrong.yaml").write_text(MINIMAL.replace("pages", "pagess"))
    (folder / "dmesg.txt").write_text(CAPTURE)
    (folder / "nothing.txt").write_text("no map here\n")
    (folder / "mapped.yaml").write_text(MINIMAL + "mapping:\n  - {strategy: x86-topdwn}\n")
    (folder / "alien.yaml").write_text(MINIMAL.replace("x86_64", "riscv128"))
    return folder


CASES: list[tuple[int, str]] = [
    (0, "lint good.yaml"),
    (0, "lint dmesg.txt"),
    (1, "lint bad.yaml"),
    (0, "lint bad.yaml --ignore uefi/*"),
    (2, "lint good.yaml --policy recomended"),
    (2, "lint good.yaml --select uefi/zero-page"),
    (2, "lint good.yaml --formt json"),
    (2, "lint good.yaml --format yaml"),
    (2, "lint good.yaml --format text --format json"),
    (2, "lint good.yaml --fail-on fatal"),
    (2, "lint good.yaml --today tomorrow"),
    (2, "lint good.yaml -o missing/out.txt"),
    (2, "lint good.yaml --from nonsense"),
    (3, "lint missing.yaml"),
    (3, "lint wrong.yaml"),
    (3, "lint nothing.txt"),
    (3, "lint bad.yaml wrong.yaml"),
    (4, "lint alien.yaml"),
    (4, "lint dmesg.txt --arch riscv128"),
    (0, "import dmesg.txt"),
    (2, "import"),
    (2, "import dmesg.txt --bogus"),
    (3, "import nothing.txt"),
    (3, "import wrong.yaml"),
    (4, "import dmesg.txt --arch riscv128"),
    (0, "plan good.yaml --strategy identity"),
    (2, "plan good.yaml"),
    (2, "plan good.yaml --strategy x86-topdwn"),
    (2, "plan good.yaml --strategy x86-topdown --option odrer=forward"),
    (2, "plan good.yaml --strategy x86-topdown --option order=upwards"),
    (2, "plan good.yaml --strategy x86-topdown --option order"),
    (2, "plan good.yaml --strategy identity --page-size 5K"),
    (2, "plan good.yaml --strategy identity --page-size 64K"),
    (2, "plan good.yaml --strategy identity --va-bits 39"),
    (3, "plan mapped.yaml"),
    (3, "plan missing.yaml --strategy identity"),
    (4, "plan alien.yaml --strategy identity"),
    (0, "explain uefi/zero-pages"),
    (2, "explain uefi/zero-page"),
    (0, "plugins"),
    (2, "plugins --bogus"),
    (0, "rules"),
    (0, "rules UEFI-RT-*"),
    (2, "rules uefi/zero-page"),
    (0, "where good.yaml 0x1000"),
    (0, "where good.yaml 0x1000 --strategy identity --format json"),
    (0, "where dmesg.txt 7ec00000h"),
    (2, "where good.yaml"),
    (2, "where good.yaml zero"),
    (3, "where missing.yaml 0x1000"),
    (0, "new-plugin rules acme"),
    (2, "new-plugin rule acme"),
    (2, "new-plugin rules linux"),
    (2, "new-plugin rules"),
    (0, "schema"),
    (2, "schema --bogus"),
    (0, "--version"),
    (0, "--version --verbose"),
    (0, "--help"),
    (2, "lnt"),
    (2, "--bogus"),
    (2, ""),
]


@pytest.mark.parametrize(("status", "line"), CASES, ids=[line for _, line in CASES])
def test_a_command_ends_with_the_status_of_the_contract(
    files: Path, run: Run, status: int, line: str
) -> None:
    seen, out, err = run(*line.split())
    assert seen == status, (out, err)
    if status in (2, 3, 4):
        assert (out + err).strip(), "no word on what is wrong"
    assert "Traceback" not in out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_plugin_is_told_and_ends_with_4(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (files / "site" / "broken-1.0.dist-info").mkdir(parents=True)
    points = files / "site" / "broken-1.0.dist-info" / "entry_points.txt"
    points.write_text("[efipolicy]\nbroken = broken_plugin\n")
    (files / "site" / "broken_plugin.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(files / "site")
    leave_out(monkeypatch, "strategies/", "architectures/")
    arguments = {
        "lint": ["lint", "good.yaml"],
        "import": ["import", "dmesg.txt"],
        "plan": ["plan", "good.yaml", "--strategy", "identity"],
        "pagetable": ["pagetable", "good.yaml", "--strategy", "identity"],
        "whatif": ["whatif", "good.yaml"],
        "kexec": ["kexec", "good.yaml"],
        "verify": [
            "verify",
            BOOT / "log.txt",
            BOOT / "runtime-map.txt",
            "--strategy",
            "x86-topdown",
        ],
        "docs": ["docs", "good.yaml", "-o", "pages", "--jobs", "1"],
        "diff": ["diff", "good.yaml", "good.yaml"],
        "where": ["where", "good.yaml", "0x1000"],
        "explain": ["explain", "uefi/zero-pages"],
        "plugins": ["plugins"],
        "new-plugin": ["new-plugin", "rules", "acme"],
        "rules": ["rules"],
        "schema": ["schema"],
    }[command]
    status, out, err = run(*arguments)
    if command == "schema":  # asks no plugin anything
        assert status == 0
        return
    assert status == 4
    assert "plugin `broken` (broken 1.0) failed: ZeroDivisionError: division by zero" in out + err
    done = {
        "lint": "linted good.yaml",
        "import": "efipolicy: 1",
        "plan": "SetVirtualAddressMap is not called",
        "pagetable": "tables  1 (PGD 1",
        "whatif": "kexec: what becomes of firmware",
        "kexec": "after freebsd-1to1",
        "explain": "uefi/zero-pages",
        "plugins": "rules: ",
        "new-plugin": "files in efipolicy-acme",
        "rules": "uefi/zero-pages",
        "where": "0x1000, physical",
        "diff": "",
        "docs": "",  # a site tells of all plugins, so none is made while one is missing
        "verify": "x86-topdown: match",
    }
    assert done[command] in out, "the work itself was not done"
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-broken")
    if command == "new-plugin":  # which overwrites nothing
        arguments.append("--output=again")
    assert run(*arguments)[0] == 0


def test_a_bug_of_ours_ends_with_5_and_one_line(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("efipolicy.cli.schema_.platform_schema", lambda: 1 / 0)
    status, out, err = run("schema")
    assert (status, out) == (5, "")
    assert err.startswith("efipolicy: error: internal error: ZeroDivisionError")
    report = next(tmp_path.glob("efipolicy-*.txt")).read_text()
    assert "Traceback" in report


def test_a_bug_met_on_one_input_leaves_the_others_linted(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from efipolicy.engine import linting

    original: Callable[..., object] = linting.lint

    def lint(platform: object, *arguments: object, **named: object) -> object:
        if named["path"] == "good.yaml":
            raise KeyError("oops")
        return original(platform, *arguments, **named)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(linting, "lint", lint)
    status, out, _ = run("lint", "good.yaml", "bad.yaml")
    assert status == 5
    assert "uefi/zero-pages" in out
    assert "good.yaml: internal error: KeyError: 'oops'" in out


def test_debug_is_the_way_to_see_a_traceback(files: Path, run: Run) -> None:
    from efipolicy.source import InputError

    with pytest.raises(InputError):
        run("plan", "missing.yaml", "--debug")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["lint", "good.yaml"], 0),
        (["lint", "bad.yaml"], 1),
        (["lint", "good.yaml", "--policy", "nonsense"], 2),
        (["lint", "good.yaml", "--bogus"], 2),
        (["lint", "wrong.yaml"], 3),
        (["lint", "alien.yaml"], 4),
        (["lint", "good.yaml", "--today", "tomorrow"], 2),
        (["lint", "good.yaml", "--fail-on", "fatal"], 2),
        (["lint", "mapped.yaml"], 3),
        (["plan", "good.yaml", "--strategy", "nonsense"], 2),
        (["plan", "good.yaml", "--va-bits", "many"], 2),
        (["plan"], 2),
        (["plugins", "--bogus"], 2),
        (["plan", "wrong.yaml", "--strategy", "identity"], 3),
        (["plan", "alien.yaml", "--strategy", "identity"], 4),
        (["pagetable", "good.yaml"], 2),
        (["pagetable", "wrong.yaml", "--strategy", "identity"], 3),
        (["pagetable", "alien.yaml", "--strategy", "identity"], 4),
        (["whatif", "good.yaml", "--va-bits", "1"], 2),
        (["whatif", "mapped.yaml"], 3),
        (["whatif", "alien.yaml"], 4),
        (["kexec", "good.yaml", "--chain", "identity"], 2),
        (["kexec", "mapped.yaml"], 3),
        (["kexec", "alien.yaml"], 4),
    ],
    ids=str,
)
def test_json_is_written_at_every_status(
    files: Path, run: Run, arguments: list[str], status: int
) -> None:
    seen, out, _ = run(*arguments, "--format", "json")
    assert seen == status
    value = json.loads(out)
    assert value["version"] == 1
    if status >= 2:
        assert value["errors"][0]["status"] == status
        assert value["errors"][0]["message"]


PLUGIN = """
from efipolicy.plugin import *
from efipolicy.plugin import hookimpl
EFIPOLICY_API = 1

def fail(*arguments):
    raise ValueError("not today")

@hookimpl
def efipolicy_strategies():
    yield Strategy(name="late", title="", plan=fail)

@hookimpl
def efipolicy_reporters():
    yield Reporter(name="late", title="", render=fail)

@hookimpl
def efipolicy_formats():
    yield CaptureFormat(name="late", title="", dialects=("late",), read=fail)
"""


@pytest.mark.parametrize(
    ("line", "still"),
    [
        ("plan good.yaml --strategy late", ""),
        ("lint good.yaml --format late", ""),
        ("lint dmesg.txt", "linted dmesg.txt"),
        ("import dmesg.txt", ""),
    ],
)
def test_a_plugin_that_fails_while_running_ends_with_4(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch, line: str, still: str
) -> None:
    (files / "site" / "late-1.0.dist-info").mkdir(parents=True)
    points = files / "site" / "late-1.0.dist-info" / "entry_points.txt"
    points.write_text("[efipolicy]\nlate = late_plugin\n")
    (files / "site" / "late_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(files / "site")
    monkeypatch.delitem(sys.modules, "late_plugin", raising=False)
    status, out, err = run(*line.split())
    assert status == 4
    assert "failed: ValueError: not today" in out + err
    assert still in out


def test_an_output_that_takes_nothing_is_no_bug_of_ours(files: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here; Linux has it")
    full = shell(files, "schema >/dev/full")
    assert (full.returncode, "cannot write the output" in full.stderr) == (2, True)
    assert shell(files, "nosuch 2>/dev/full").returncode == 2


def test_what_is_told_never_ends_up_in_the_output(files: Path) -> None:
    (files / "evidence.txt").write_text(
        "efi: memattr: ! 0x000000090000-0x000000090fff [Runtime Code|RUN|  |  ]\n"
    )
    told = shell(files, "import evidence.txt")
    assert "efipolicy: note" in told.stderr
    assert shell(files, "import evidence.txt 2>&-").stdout == told.stdout


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m efipolicy {line}"
    return subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False
    )


def python(folder: Path, *arguments: str, **named: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "efipolicy", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **named)


def test_an_installation_without_entry_points_is_told_and_never_clean(files: Path) -> None:
    """Only the packages are on the path: an empty linter would call everything clean."""
    from importlib.metadata import distribution

    import pluggy
    import ruamel.yaml

    import efipolicy

    path = [Path(module.__path__[0]) for module in (efipolicy, pluggy)]
    bare = files / "bare"
    bare.mkdir()
    for package in path:
        (bare / package.name).symlink_to(package)
    (bare / "ruamel").symlink_to(Path(ruamel.yaml.__path__[0]).parent)
    assert distribution("efipolicy")
    for command in (["lint", "good.yaml"], ["plugins"], ["explain", "uefi/zero-pages"]):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", BARE, str(bare), *command],
            cwd=files,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 4, done
        assert "pip install efipolicy" in done.stdout + done.stderr


BARE = """
import sys
sys.path.append(sys.argv[1])
from efipolicy.cli import main
sys.exit(main(sys.argv[2:]))
"""


def test_a_closed_standard_input_is_an_unreadable_input(files: Path) -> None:
    done = shell(files, "lint - <&-")
    assert done.returncode == 3
    assert "closed standard input" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_closed_pipe_ends_quietly(files: Path) -> None:
    done = shell(files, "schema | head -c 1")
    assert (done.stdout, done.stderr) == ("{", "")


def test_standard_input_is_linted(files: Path) -> None:
    done = python(files, "lint", "-", "--stdin-filename", "pasted.txt", input=CAPTURE)
    assert done.returncode == 0
    assert "linted pasted.txt: linux-x86-cells-closed" in done.stdout


def test_a_file_without_permission_is_an_unreadable_input(
    files: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permission is refused by hand: nothing is forbidden to root, whom tests may run as."""
    original = open

    def guarded(file: object, *arguments: object, **named: object) -> object:
        if file == "good.yaml":
            raise PermissionError(13, "Permission denied", "good.yaml")
        return original(file, *arguments, **named)

    monkeypatch.setattr("builtins.open", guarded)
    status, out, _ = run("lint", "good.yaml", "bad.yaml")
    assert status == 3
    assert "found permission denied, expected a readable file" in out
    assert "uefi/zero-pages" in out
