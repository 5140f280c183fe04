"""Nothing is imported from what is linted, and what is known of an architecture that is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from efipolicy.plugin.elsewhere import ELSEWHERE
from efipolicy.plugin.registry import Registry
from tests.conftest import MINIMAL, ROOT, Run

HOSTILE = "import pathlib\npathlib.Path({mark!r}).touch()\nraise SystemExit('owned')\n"
MODULES = (
    "efipolicy_x.py",
    "efipolicy_linux.py",
    "efipolicy.py",
    "yaml.py",
    "json.py",
    "ruamel.py",
    "pluggy.py",
    "argparse.py",
    "difflib.py",
    "sitecustomize.py",
    "conftest.py",
)
CAPTURES = ROOT / "tests" / "captures"
RISCV = (
    CAPTURES / "qemu-virt-1g-linux-riscv64.txt",
    CAPTURES / "page-tables" / "qemu-virt-1g-riscv64.txt",
)
NEEDS_RISCV = pytest.mark.skipif(
    "riscv64" in Registry().architectures, reason="a plugin for riscv64 is installed"
)


@pytest.fixture
def hostile(folder: Path) -> Path:
    """A working directory that would take over whoever imports from it."""
    mark = folder / "owned"
    for name in MODULES:
        if name != "efipolicy.py":
            (folder / name).write_text(HOSTILE.format(mark=os.fspath(mark)))
    (folder / "efipolicy_x86_64").mkdir()
    (folder / "efipolicy_x86_64" / "__init__.py").write_text(HOSTILE.format(mark=os.fspath(mark)))
    for info in ("efipolicy_x-9.9.dist-info", "efipolicy-9.9.dist-info", "x.egg-info"):
        (folder / info).mkdir()
        points = "[efipolicy]\nx = efipolicy_x\nuefi = efipolicy_x\n"
        (folder / info / "entry_points.txt").write_text(points)
        (folder / info / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 9.9\n")
    (folder / "platform.yaml").write_text(MINIMAL)
    return folder


def run_there(
    program: list[str], folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        program,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **environment},
    )


@pytest.mark.parametrize(
    "command",
    [
        ["lint", "."],
        ["lint", "platform.yaml", "--format", "json"],
        ["plugins", "--check"],
        ["explain", "uefi/zero-pages"],
        ["plan", "platform.yaml", "--strategy", "x86-topdown"],
    ],
)
def test_the_program_imports_nothing_from_the_linted_tree(
    command: list[str], hostile: Path
) -> None:
    script = Path(sys.executable).with_name("efipolicy")
    if not script.exists():
        pytest.skip("the console script is not beside the interpreter")
    done = run_there([os.fspath(script), *command], hostile)
    assert done.returncode == 0, done
    assert not (hostile / "owned").exists()
    assert "efipolicy_x" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["lint", "platform.yaml"], ["plugins", "--check"]])
def test_neither_does_python_with_the_module(command: list[str], folder: Path) -> None:
    """Python has its own first imports; those that are ours come after the path is repaired."""
    mark = folder / "owned"
    for name in ("efipolicy_x.py", "efipolicy_linux.py", "yaml.py", "pluggy.py", "ruamel.py"):
        (folder / name).write_text(HOSTILE.format(mark=os.fspath(mark)))
    info = folder / "efipolicy_x-9.9.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[efipolicy]\nx = efipolicy_x\n")
    (folder / "platform.yaml").write_text(MINIMAL)
    done = run_there([sys.executable, "-m", "efipolicy", *command], folder)
    assert done.returncode == 0, done
    assert not mark.exists()


LINT = ["lint", "platform.yaml"]


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        (":{away}", LINT),
        ("{away}:", LINT),
        ("{away}::{away}", LINT),
        ("::", LINT),
        ("::", ["plugins", "--check"]),  # imports the most
    ],
)
@pytest.mark.parametrize("start", ["the console script", "python -m"])
def test_neither_does_an_empty_part_of_pythonpath_lead_there(
    start: str,
    setting: str,
    command: list[str],
    hostile: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Python takes it for the working directory; what Python itself imports is beyond us."""
    for name in ("sitecustomize.py", "json.py", "argparse.py", "difflib.py"):
        (hostile / name).unlink()
    program = [sys.executable, "-m", "efipolicy"]
    if start == "the console script":
        program = [os.fspath(Path(sys.executable).with_name("efipolicy"))]
    away = setting.format(away=tmp_path_factory.mktemp("away"))
    done = run_there([*program, *command], hostile, PYTHONPATH=away)
    assert done.returncode == 0, done
    assert not (hostile / "owned").exists()
    assert "efipolicy_x" not in done.stdout + done.stderr


def test_a_part_that_names_the_working_directory_is_meant(folder: Path) -> None:
    (folder / "acme.py").write_text("EFIPOLICY_API = 1\n")
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[efipolicy]\nacme = acme\n")
    program = [sys.executable, "-m", "efipolicy", "plugins"]
    for setting in (".", ":.", f":{folder}", f"{folder}:"):
        done = run_there(program, folder, PYTHONPATH=setting)
        assert "acme (acme 1.0): ok" in done.stdout, setting
    for setting in ("", ":", ":/nonexistent"):
        done = run_there(program, folder, PYTHONPATH=setting)
        assert done.returncode == 0
        assert "acme" not in done.stdout, setting


def test_safe_path_leaves_the_path_alone(folder: Path) -> None:
    (folder / "platform.yaml").write_text(MINIMAL)
    done = run_there([sys.executable, "-P", "-m", "efipolicy", "lint", "platform.yaml"], folder)
    assert done.returncode == 0, done


@NEEDS_RISCV
@pytest.mark.parametrize("path", RISCV, ids=lambda path: path.stem)
def test_a_capture_of_an_architecture_without_a_plugin_names_the_plugin(
    path: Path, run: Run
) -> None:
    status, out, _ = run("lint", path, "--format", "json")
    report = json.loads(out)
    assert status == 4
    assert report["inputs"][0]["architecture"] == "riscv64"
    assert "`pip install efipolicy-riscv64`" in report["errors"][-1]["message"]
    for command in ("plan", "pagetable", "whatif"):
        status, _, err = run(command, path)
        assert status == 4, command
        assert "`pip install efipolicy-riscv64`" in err


@NEEDS_RISCV
def test_a_platform_file_of_it_does_too(folder: Path, run: Run) -> None:
    (folder / "riscv.yaml").write_text(MINIMAL.replace("x86_64", "riscv64"))
    status, out, _ = run("lint", "riscv.yaml")
    assert status == 4
    assert "install its plugin with `pip install efipolicy-riscv64`" in out
    assert "did you mean" not in out
    status, _, err = run("lint", "riscv.yaml", "--arch", "riscv64")
    assert status == 4
    assert "efipolicy-riscv64" in err


def test_an_architecture_of_nobody_s_is_not_said_to_be_anywhere(folder: Path, run: Run) -> None:
    (folder / "alien.yaml").write_text(MINIMAL.replace("x86_64", "pdp11"))
    status, out, _ = run("lint", "alien.yaml")
    assert status == 4
    assert "install a plugin that provides it" in out
    assert not any(distribution in out for distribution in ELSEWHERE.values())
