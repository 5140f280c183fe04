"""What is known to be of an architecture without a plugin: every command, every kind of input.

All of them end with 4 and name the plugin to install, whatever else is wrong or right.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from efipolicy.api import load_registry
from efipolicy.cli.import_ import run as import_
from efipolicy.plugin.registry import Registry
from tests.conftest import MINIMAL, ROOT, Run

pytestmark = pytest.mark.skipif(
    "riscv64" in Registry().architectures, reason="a plugin for riscv64 is installed"
)

CAPTURES = ROOT / "tests" / "captures"
BOARD = MINIMAL.replace("x86_64", "riscv64").replace("minimal", "board")
INSTALL = "`pip install efipolicy-riscv64`"

INPUTS = {
    "a platform file": "board.yaml",
    "one in JSON": "board.json",
    "one with a strategy of its own": "stub.yaml",
    "one with a strategy of ours": "identity.yaml",
    "one with an unknown hand-over": "handover.yaml",
    "a log": "dmesg.log",
    "a dump of page tables": "tables.log",
    "a folder of sysfs": "sysfs --arch riscv64",
    "an archive of it": "sysfs.tar --arch riscv64",
    "the standard input": "-",
}
ONE_INPUT = (
    "import @",
    "plan @",
    "plan @ --strategy riscv-stub",
    "plan @ --strategy identity",
    "plan @ --strategy identity --seeds 4",
    "plan @ --format json",
    "plan @ --format svg",
    "pagetable @",
    "pagetable @ --strategy identity",
    "pagetable @ --format json",
    "whatif @",
    "whatif @ --format json",
    "kexec @",
    "kexec @ --matrix",
    "kexec @ --chain identity,identity",
    "kexec @ --chain riscv-stub,identity --format json",
    "where @ 0x80000000",
    "where @ 0x80000000 --strategy identity",
    "where @ 0x80000000 --format json",
    "lint @",
    "lint @ --format json",
    "lint @ --fix",
    "lint @ --diff",
    "lint @ --write-baseline known",
    "docs @ --into project",
)
SEVERAL_INPUTS = (
    "lint good.yaml @",
    "lint @ missing.yaml",
    "lint @ good.yaml --format json",
    "diff good.yaml @",
    "diff @ good.yaml",
    "diff @ missing.yaml",
    "diff @ good.yaml --format json",
    "diff --boots good.yaml @",
    "diff --boots @ good.yaml --format json",
    "verify good.yaml @",
    "verify @ good.yaml",
    "verify missing.yaml @",
    "verify @ missing.yaml",
    "verify good.yaml @ --strategy x86-topdown --format json",
    "docs good.yaml @ --into project",
)
TWICE = ("diff @ @", "diff --boots @ @", "verify @ @", "lint @ @", "docs @ @ --into project")


@pytest.fixture
def board(folder: Path) -> Path:
    """A folder with inputs of every kind, of a board of riscv64, and one good platform."""
    (folder / "good.yaml").write_text(MINIMAL)
    (folder / "board.yaml").write_text(BOARD)
    descriptor = {"type": 7, "physical_start": 0, "pages": 16, "attribute": 8}
    platform = {"name": "board", "architecture": "riscv64"}
    value = {"efipolicy": 1, "platform": platform, "memory_map": {"descriptors": [descriptor]}}
    (folder / "board.json").write_text(json.dumps(value))
    for name in ("stub", "identity"):
        strategy = {"stub": "riscv-stub"}.get(name, name)
        (folder / f"{name}.yaml").write_text(f"{BOARD}mapping:\n  - {{strategy: {strategy}}}\n")
    (folder / "handover.yaml").write_text(f"{BOARD}handover: {{variant: riscv-unheard-of}}\n")
    shutil.copy(CAPTURES / "qemu-virt-1g-linux-riscv64.txt", folder / "dmesg.log")
    shutil.copy(CAPTURES / "page-tables" / "qemu-virt-1g-riscv64.txt", folder / "tables.log")
    (folder / "logs").mkdir()
    shutil.copy(folder / "dmesg.log", folder / "logs" / "riscv64.log")
    shutil.copy(folder / "good.yaml", folder / "logs" / "good.yaml")
    region = folder / "sysfs" / "firmware" / "efi" / "runtime-map" / "0"
    region.mkdir(parents=True)
    cells = {"type": "0x5", "phys_addr": "0x80000000", "virt_addr": "0x80000000"}
    cells |= {"num_pages": "0x10", "attribute": "0x8000000000000008"}
    for name, text in cells.items():
        (region / name).write_text(f"{text}\n")
    with tarfile.open(folder / "sysfs.tar", "w") as archive:
        archive.add(folder / "sysfs", "sysfs")
    (folder / "project").mkdir()
    (folder / "project" / "conf.py").touch()
    return folder


def words_of(line: str, given: str) -> list[str]:
    path, *further = given.split()
    return [*line.replace("@", path).split(), *further]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (line, kind)
        for line in (*ONE_INPUT, *SEVERAL_INPUTS, *TWICE)
        for kind in INPUTS
        if line not in TWICE or INPUTS[kind] != "-"
    ],
)
def test_every_command_names_the_plugin_to_install(
    line: str, kind: str, board: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = INPUTS[kind]
    if given == "-":
        text = (board / "dmesg.log").read_bytes()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    status, out, err = run(*words_of(line, given))
    assert status == 4, (out, err)
    assert INSTALL in out + err
    assert "Traceback" not in out + err
    if "--format json" in line:
        assert json.loads(out)["version"] == 1


@pytest.mark.parametrize(
    "line", ["lint logs", "lint logs/*", "lint .", "diff --boots logs board.yaml"]
)
def test_folders_that_are_walked_do_too(line: str, board: Path, run: Run) -> None:
    status, out, err = run(*line.split())
    assert status == 4
    assert INSTALL in out + err


def test_the_file_is_written_and_the_addresses_are_looked_up_all_the_same(
    board: Path, run: Run
) -> None:
    status, out, err = run("import", "dmesg.log", "-o", "made.yaml")
    assert (status, out) == (4, "")
    assert "architecture: riscv64" in (board / "made.yaml").read_text()
    assert err.count("\n") == 1
    assert "dmesg.log: architecture `riscv64` is not installed, so nothing can judge it here" in err
    status, out, err = run("where", "stub.yaml", "0x1000")
    assert status == 4
    assert "mem00 EfiConventionalMemory" in out
    assert "no strategy is declared" not in err


def test_a_running_board_does_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = (CAPTURES / "qemu-virt-1g-linux-riscv64.txt").read_text()
    lines = [line.partition("]")[2].strip() for line in log.splitlines() if "] " in line]
    kernel = "".join(f"6,{number},{number},-;{line}\n" for number, line in enumerate(lines))
    for path, text in {"dev/kmsg": kernel, "sys/firmware/efi/fw_platform_size": "64\n"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert import_(["--live"], root=str(tmp_path)) == 4
    printed = capsys.readouterr()
    assert "architecture: riscv64" in printed.out
    assert INSTALL in printed.err


def test_all_inputs_are_told_of_at_once(board: Path, run: Run) -> None:
    status, _, err = run("verify", "missing.yaml", "dmesg.log")
    assert status == 4
    assert "missing.yaml: found no such file or directory" in err
    assert INSTALL in err
    _, _, err = run("verify", "dmesg.log", "dmesg.log")
    assert err.count(INSTALL) == 1


def test_an_unknown_architecture_is_none_that_is_missing(board: Path, run: Run) -> None:
    assert run("import", "sysfs")[0] == 0
    assert run("where", "sysfs", "0x80000000")[0] == 0
    assert load_registry().errors == []


@pytest.mark.parametrize("name", ["x86_64", "arm64", "ia64", "i386"])
@pytest.mark.parametrize("line", ["import @", "plan @", "where @ 0x0", "lint @", "diff @ @"])
def test_one_of_ours_that_is_blocked_is_to_be_unblocked(
    line: str, name: str, folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.yaml").write_text(MINIMAL.replace("x86_64", name))
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{name}")
    status, out, err = run(*words_of(line, "a.yaml"))
    assert status == 4
    assert f"is blocked; take -{name} out of EFIPOLICY_PLUGINS" in out + err
