"""What `efipolicy new-plugin` writes, built as a wheel, installed and put to work.

The ordinary run of the tests leaves this out, because it takes minutes; ``tox -e new-plugins`` has
what it needs and runs this folder. Nothing is fetched: the wheel is built by the hatchling of this
environment, and the new one finds everything else here.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from efipolicy.cli.plugin_templates import KINDS
from tests.conftest import MINIMAL, ROOT

LOW = "{type: 6, physical_start: 0x9f000, pages: 1, attribute: [WB, RUNTIME]}"
"""One EFI page of runtime data in the first MiB: wrong to each kind in its way."""


EXAMPLE = "acme64"
TUTORIAL = ROOT / "docs" / "tutorial" / EXAMPLE
"""What the tutorial shows of its architecture: a platform, and commands with what they print."""


class Installed(NamedTuple):
    """A distribution on disk, and a virtual environment that its wheel is installed in."""

    kind: str
    name: str
    folder: Path
    run: Callable[..., subprocess.CompletedProcess[str]]

    def module(self, *words: str) -> str:
        """Run a module of the new environment and return what it printed."""
        return self.run("-m", *words).stdout

    def efipolicy(self, *words: str, status: int = 0) -> str:
        """Run efipolicy in the new environment and return what it printed."""
        finished = self.run("-m", "efipolicy", *words, status=status)
        return finished.stdout


def done(
    command: list[str], folder: Path, *, status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command; what it printed is the message of the failure where it ends otherwise."""
    finished = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    told = f"{command}\n{finished.stdout}\n{finished.stderr}"
    assert finished.returncode == status, told
    return finished


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A documentation with the page that the new ones link to: they are built without network."""
    folder = tmp_path_factory.mktemp("documentation")
    (folder / "howto").mkdir()
    (folder / "conf.py").write_text("project = 'efipolicy'\n")
    (folder / "index.rst").write_text("Start\n=====\n\n.. toctree::\n\n   howto/write-a-plugin\n")
    page = ROOT / "docs" / "howto" / "write-a-plugin.rst"
    title = page.read_text().splitlines()[:2]
    (folder / "howto" / page.name).write_text("\n".join(title) + "\n")
    built = folder / "_build"
    done([sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", str(built)], folder)
    return built


@pytest.fixture(scope="module", params=KINDS)
def plugin(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pages: Path
) -> Installed:
    """A new plugin of each kind, in an environment of its own that sees this one."""
    kind = request.param
    name = EXAMPLE if kind == "architecture" else f"my-{kind}"
    base = tmp_path_factory.mktemp(kind)
    done([sys.executable, "-m", "efipolicy", "new-plugin", kind, name], base)
    folder = base / f"efipolicy-{name}"
    build = ("hatchling", "build", "-t", "wheel", "-d", str(base))
    done([sys.executable, "-m", *build], folder)
    (wheel,) = base.glob("*.whl")
    environment = base / "environment"
    done([sys.executable, "-m", "venv", "--without-pip", str(environment)], base)
    scripts = "Scripts" if os.name == "nt" else "bin"
    python = environment / scripts / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(done([str(python), "-c", ask], base).stdout.strip())
    here = done([sys.executable, "-c", ask], base).stdout.strip()
    (own / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    done([*pip, "install", "--no-index", "--no-deps", "-q", str(wheel)], base)

    def run(*words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        return done([str(python), *words], folder, status=status, EFIPOLICY_DOCS=str(pages))

    return Installed(kind, name, folder, run)


def test_its_own_tests_pass(plugin: Installed) -> None:
    printed = plugin.module("pytest", "-q")
    assert " passed" in printed
    assert " skipped" not in printed


def test_its_style_and_types_are_clean(plugin: Installed) -> None:
    plugin.module("ruff", "check", ".")
    plugin.module("ruff", "format", "--check", ".")
    assert "Success" in plugin.module("mypy")


def test_it_is_listed(plugin: Installed) -> None:
    plugins = json.loads(plugin.efipolicy("plugins", "--format", "json"))["plugins"]
    (ours,) = (one for one in plugins if one["name"] == plugin.name)
    assert (ours["distribution"], ours["version"]) == (f"efipolicy-{plugin.name}", "0.1.0")
    assert ours["status"] == "ok"


def test_it_is_healthy(plugin: Installed) -> None:
    plugin.efipolicy("plugins", "--check")


def test_its_page_renders_without_a_warning(plugin: Installed) -> None:
    plugin.module("sphinx", "-W", "-n", "-q", "-b", "html", "docs", "docs/_build/html")
    page = (plugin.folder / "docs" / "_build" / "html" / "index.html").read_text()
    assert f"efipolicy-{plugin.name}" in page


def test_it_does_what_it_is_for(plugin: Installed) -> None:
    low = MINIMAL.replace("descriptors:", f"descriptors:\n    - {LOW}")
    board = plugin.folder.parent / "board.yaml"
    board.write_text(low)
    name = plugin.name
    match plugin.kind:
        case "architecture":
            board.write_text(low.replace("x86_64", name))
            found = plugin.efipolicy("lint", str(board), "--format", "json", status=1)
            assert "uefi/runtime-region-breaks-granularity" in found
        case "strategy":
            assert "0x100000000" in plugin.efipolicy("plan", str(board), "--strategy", name)
        case "rules":
            asked = ("--select", f"{name}/*", "--fail-on", "warning")
            found = plugin.efipolicy("lint", str(board), *asked, status=1)
            assert f"{name}/runtime-region-in-low-memory" in found
        case "format":
            capture = plugin.folder / "tests" / "captures" / "board.txt"
            assert "EfiRuntimeServicesCode" in plugin.efipolicy("import", str(capture))
        case "reporter":
            asked = ("--select", "uefi/misaligned-physical-start", "--format", name)
            board.write_text(low.replace("0x9f000", "0x9f800"))
            found = plugin.efipolicy("lint", str(board), *asked, status=1)
            (line,) = found.splitlines()
            assert "board.yaml:5: error uefi/misaligned-physical-start: " in line


def test_its_name_is_refused_to_the_next_one(plugin: Installed) -> None:
    asked = ("new-plugin", plugin.kind, plugin.name, "-o", "again")
    finished = plugin.run("-m", "efipolicy", *asked, status=2)
    assert f"the name `{plugin.name}` is taken" in finished.stderr
    assert not (plugin.folder / "again").exists()


@pytest.mark.parametrize("shown", sorted(TUTORIAL.glob("*.txt")), ids=lambda path: path.stem)
@pytest.mark.parametrize("plugin", ["architecture"], indirect=True)
def test_the_tutorial_shows_what_is_printed(plugin: Installed, shown: Path) -> None:
    command, _, printed = shown.read_text().partition("\n")
    words = shlex.split(command.removeprefix("$ efipolicy "))
    (plugin.folder / "board.yaml").write_text((TUTORIAL / "board.yaml").read_text())
    status = 1 if words[0] == "lint" else 0
    assert plugin.efipolicy(*words, status=status) == printed
