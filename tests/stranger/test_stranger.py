"""A stranger's plugin, built and installed as a distribution of its own.

The ordinary run of the tests does not have it; ``tox -e plugin`` installs it and runs this folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from efipolicy.plugin.discovery import entry_points
from efipolicy.plugin.registry import Registry
from tests.conftest import MINIMAL, Run

pytestmark = pytest.mark.skipif(
    not any(point.name == "stranger" for point in entry_points()),
    reason="efipolicy-stranger is not installed; tox -e plugin installs it",
)

TOY = MINIMAL.replace("x86_64", "toy32").replace(
    "descriptors:",
    "descriptors:\n    - {type: EfiMemoryMappedIOPortSpace, physical_start: 0x1000_0000, pages: 4,"
    " attribute: [RUNTIME, UC]}",
)


@pytest.fixture
def toy(folder: Path) -> Path:
    (folder / "toy.yaml").write_text(TOY)
    return folder / "toy.yaml"


def test_it_shows_with_its_distribution_and_everything_it_provides(run: Run) -> None:
    status, out, _ = run("plugins", "--format", "json")
    assert status == 0
    plugin = next(p for p in json.loads(out)["plugins"] if p["name"] == "stranger")
    assert (plugin["distribution"], plugin["version"], plugin["status"]) == (
        "efipolicy-stranger",
        "2.1",
        "ok",
    )
    assert plugin["provides"] == {
        "architectures": ["toy32"],
        "strategies": ["mirror"],
        "handovers": [],
        "formats": ["toy"],
        "reporters": ["count"],
        "policies": [],
        "rules": 1,
    }


def test_its_architecture_rule_and_reporter_work_like_ours(toy: Path, run: Run) -> None:
    status, out, _ = run("lint", toy, "--format", "json", "--fail-on", "warning")
    assert status == 1
    assert [finding["rule"] for finding in json.loads(out)["findings"]] == ["stranger/port-space"]
    assert run("lint", toy, "--format", "count")[:2] == (0, "1\n")


def test_its_strategy_plans(toy: Path, run: Run) -> None:
    status, out, _ = run("plan", toy, "--strategy", "mirror", "--format", "json")
    assert status == 0
    assert json.loads(out)["mappings"][0]["virtual_start"] == "0xefffc000"


def test_its_rule_is_explained(run: Run) -> None:
    status, out, _ = run("explain", "stranger/port-space")
    assert status == 0
    assert "A window into I/O ports, on a processor that has none." in out


def test_the_examples_of_its_rule_are_true() -> None:
    from efipolicy.testing.examples import examples_of

    rules = [rule for rule in Registry().rules.values() if rule.pack == "stranger"]
    cases = list(examples_of(rules))
    assert len(cases) == 2
    for case in cases:
        assert case.found() == case.expected
