"""Every plugin of efipolicy's own can go, and takes just its own features with it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from efipolicy.plugin.discovery import OWN_DISTRIBUTION, EntryPoint, entry_points
from efipolicy.plugin.registry import Registry
from tests.conftest import PLATFORMS, Run

KINDS = ("architectures", "strategies", "handovers", "rules", "formats", "reporters", "policies")
OWN = [point for point in entry_points() if point.distribution == OWN_DISTRIBUTION]
NAMES = [point.name for point in OWN]

REFERENCE = {
    "x86_64": PLATFORMS / "ovmf-x86_64.yaml",
    "arm64": PLATFORMS / "aavmf-arm64.yaml",
    "ia64": PLATFORMS / "hp-rx8620-ia64.yaml",
}
STRATEGIES_OF = {"linux", "identity", "windows", "bsd", "xen"}
"""The plugins whose strategies platform files name: such a file cannot be understood without."""


def features(registry: Registry) -> dict[str, set[str]]:
    registry.load_all()
    assert registry.errors == []
    return {kind: set(getattr(registry, kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def everything() -> dict[str, set[str]]:
    return features(Registry(OWN, blocked=()))


@pytest.fixture(scope="module")
def provided() -> dict[str, dict[str, set[str]]]:
    registry = Registry(OWN, blocked=())
    registry.load_all()
    return {
        plugin.name: {kind: set(plugin.provides.get(kind, ())) for kind in KINDS}
        for plugin in registry.plugins
    }


def without(name: str, folder: Path) -> list[EntryPoint]:
    """The entry points of a copy of the metadata from which one was taken."""
    info = metadata()
    copy = folder / info.name
    copy.mkdir()
    for file in ("METADATA", "entry_points.txt"):
        shutil.copy(info / file, copy)
    table = copy / "entry_points.txt"
    lines = table.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not re.match(rf"{re.escape(name)}\s*=\s*efipolicy", line)]
    assert len(kept) == len(lines) - 1
    table.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return entry_points([os.fspath(folder)])


def metadata() -> Path:
    """The folder of efipolicy's own metadata."""
    for folder in sys.path:
        for info in Path(folder).glob("efipolicy-*.dist-info"):
            return info
    raise LookupError("efipolicy is not installed")


@pytest.mark.parametrize("name", NAMES)
def test_a_blocked_plugin_takes_exactly_its_features(
    name: str,
    everything: dict[str, set[str]],
    provided: dict[str, dict[str, set[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{name}")
    left = features(Registry(OWN))
    assert left == {kind: everything[kind] - provided[name][kind] for kind in KINDS}
    assert any(provided[name].values()), "a plugin that provides nothing"


DRAWN_ON = {"arm64", "i386", "ia64", "identity", "linux", "uefi", "x86_64"}
"""What the examples of other plugins' rules use: an architecture, a strategy, an accepted rule."""


CHECK = ("plugins", "--check", "--format", "json")


def checked(ran: tuple[int, str, str]) -> list[dict[str, Any]]:
    """What ``plugins --check`` said of each plugin; it ended with 0."""
    status, out, err = ran
    assert (status, err) == (0, "")
    plugins: list[dict[str, Any]] = json.loads(out)["plugins"]
    return plugins


def in_a_process(**environment: str) -> tuple[int, str, str]:
    """What ``plugins --check`` says in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "efipolicy", *CHECK],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


def assert_nobody_is_blamed(name: str, plugins: list[dict[str, Any]]) -> None:
    warnings = [warning for plugin in plugins for warning in plugin["warnings"]]
    assert [problem for plugin in plugins for problem in plugin["problems"]] == []
    assert all("examples that need what is not installed: " in one for one in warnings)
    assert bool(warnings) == (name in DRAWN_ON)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_blames_nobody_for_a_plugin_that_is_blocked(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{name}")
    plugins = checked(run(*CHECK))
    assert [one["name"] for one in plugins if one["status"] == "blocked"] == [name]
    assert_nobody_is_blamed(name, plugins)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_blames_nobody_for_a_plugin_whose_entry_point_is_gone(
    name: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(name, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    plugins = checked(run(*CHECK))
    assert name not in {one["name"] for one in plugins}
    assert_nobody_is_blamed(name, plugins)


def test_neither_does_a_check_in_a_process_of_its_own(tmp_path: Path) -> None:
    without("linux", tmp_path)
    for environment in ({"EFIPOLICY_PLUGINS": "-linux"}, {"PYTHONPATH": os.fspath(tmp_path)}):
        assert_nobody_is_blamed("linux", checked(in_a_process(**environment)))


def test_a_check_tells_which_examples_it_left_out_and_why(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-i386")
    status, out, _ = run("plugins", "--check")
    assert status == 0
    (line,) = [line for line in out.splitlines() if "examples that need" in line]
    assert line.startswith("  warning: rule `")
    assert "(architecture `i386`)" in line


@pytest.mark.parametrize("name", NAMES)
def test_a_removed_entry_point_takes_exactly_its_features(
    name: str,
    everything: dict[str, set[str]],
    provided: dict[str, dict[str, set[str]]],
    tmp_path: Path,
) -> None:
    points = without(name, tmp_path)
    assert {point.name for point in points} == set(NAMES) - {name}
    left = features(Registry(points, blocked=()))
    assert left == {kind: everything[kind] - provided[name][kind] for kind in KINDS}


def expected(name: str, architecture: str) -> set[int]:
    """How linting a reference platform may end without a plugin."""
    if name == architecture:
        return {4}
    if name in ("policies", "reporters"):
        return {2}
    return {0, 1, 3} if name in STRATEGIES_OF else {0, 1}


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_platforms_are_linted_without_a_plugin(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFIPOLICY_PLUGINS", f"-{name}")
    for architecture, path in REFERENCE.items():
        status, out, err = run("lint", path)
        assert status in expected(name, architecture), (architecture, out, err)
        assert "internal error" not in out + err
        if status == 4:
            assert f"architecture `{name}` is not installed" in out
            assert f"plugin `{name}` (efipolicy " in out
            assert f"is blocked; take -{name} out of EFIPOLICY_PLUGINS" in out
        if status == 2:
            assert f"the plugin `{name}` of efipolicy is blocked by EFIPOLICY_PLUGINS" in err
        if status == 3:
            assert "strategy" in out


@pytest.mark.parametrize("name", ["arm64", "uefi", "policies"])
def test_a_process_without_an_entry_point_says_what_to_install(name: str, tmp_path: Path) -> None:
    """The copy shadows the distribution: of one that is found twice the first counts."""
    without(name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "efipolicy", "lint", "--format", "json", REFERENCE["arm64"]],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.fspath(tmp_path)},
    )
    report = json.loads(done.stdout)
    messages = [error["message"] for error in report["errors"]]
    if name == "uefi":
        assert done.returncode in (0, 1)
        assert not messages
    else:
        assert done.returncode == (4 if name == "arm64" else 2)
        assert len(messages) == 1
        assert "pip install efipolicy" in messages[0]


def test_captures_say_that_nobody_can_read_them(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "dmesg.txt").write_text("efi: mem00: [Conventional|...] range=[0x0-0xfff] (0MB)\n")
    monkeypatch.setenv("EFIPOLICY_PLUGINS", "-formats")
    status, out, _ = run("lint", "dmesg.txt")
    assert status == 3
    assert "the plugin `formats` of efipolicy is blocked by EFIPOLICY_PLUGINS" in out


def test_nothing_is_left_of_a_distribution_whose_uninstallation_broke_off(tmp_path: Path) -> None:
    shutil.copytree(metadata(), tmp_path / "~fipolicy-0.0.1.dist-info")
    assert entry_points([os.fspath(tmp_path)]) == []
