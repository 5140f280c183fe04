"""Pages about architectures and strategies where a plugin of efipolicy's own is not there."""

from __future__ import annotations

import pytest

from efipolicy.plugin.discovery import OWN_DISTRIBUTION, entry_points
from efipolicy.plugin.registry import Registry
from efipolicy.sphinxext import architecture_drawings, strategy_examples
from tests.conftest import PLATFORMS

OWN = [point for point in entry_points() if point.distribution == OWN_DISTRIBUTION]
SHIPPED = sorted(PLATFORMS.glob("*.yaml"))


def without(name: str, patch: pytest.MonkeyPatch) -> Registry:
    found = Registry([point for point in OWN if point.name != name], blocked=())
    for module in (strategy_examples, architecture_drawings):
        patch.setattr(module, "registry", lambda: found)
    return found


@pytest.mark.parametrize("name", [point.name for point in OWN])
def test_page_tables_are_drawn_of_the_platforms_that_are_left(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = without(name, monkeypatch)
    for path in SHIPPED:
        platform = strategy_examples.platform_at.__wrapped__(str(path))
        architecture = found.architectures.get(platform.architecture)
        if architecture:
            assert architecture_drawings.drawn_tables(architecture, platform)


def test_what_nobody_can_plan_is_as_if_it_were_not_declared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = str(PLATFORMS / "ovmf-x86_64.yaml")
    whole = strategy_examples.platform_at.__wrapped__(path)
    without("linux", monkeypatch)
    left = strategy_examples.platform_at.__wrapped__(path)
    assert whole.mapping
    assert left.mapping is None
    assert left.memory_map == whole.memory_map
