"""What many tests start from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from efipolicy.cli import main
from efipolicy.plugin.registry import Registry

# A busy machine must not make a property false.
settings.register_profile("efipolicy", deadline=None, print_blob=True)
# pytest --hypothesis-profile=quick, where the same tests run elsewhere with more examples.
settings.register_profile("quick", settings.get_profile("efipolicy"), max_examples=20)
settings.load_profile("efipolicy")


def at_most(examples: int) -> settings:
    """So many examples of a property that takes long, or as few as the profile says."""
    return settings(max_examples=min(examples, settings().max_examples))


ROOT = Path(__file__).parents[1]
PLATFORMS = ROOT / "policies" / "efipolicy_policies" / "platforms"
FIXTURES = ROOT / "tests" / "fixtures"

MINIMAL = """\
efipolicy: 1
platform: {name: minimal, architecture: x86_64}
memory_map:
  descriptors:
    - {type: EfiConventionalMemory, physical_start: 0x0, pages: 0x10, attribute: [WB]}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options for boots in ``tests/e2e``, looks in ``tests/browser`` and books in ``tests/pdf``."""
    group = parser.getgroup("efipolicy")
    group.addoption("--boots", choices=("quick", "all"), help="boot firmware and kernels in QEMU")
    group.addoption(
        "--refresh", action="store_true", help="with --boots: record anew what boots show"
    )
    group.addoption("--browser", action="store_true", help="look at pages in Chromium")
    group.addoption("--pdf", action="store_true", help="make PDFs by LaTeX and look at them")
    group.addoption("--site", metavar="FOLDER", help="with --browser: a build of its project")


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The plugins that are installed."""
    return Registry()


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, no blocked plugins, a fixed day, whatever the tests run in."""
    for name in ("FORCE_COLOR", "NO_COLOR", "EFIPOLICY_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line; its exit status, standard output and standard error."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        status = main([os.fspath(a) if isinstance(a, Path) else str(a) for a in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run_command
