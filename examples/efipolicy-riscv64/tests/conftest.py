"""What the tests start from: platforms in a line or two, and captures of real boots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from efipolicy.plugin import MappingPlan, PlanRequest, Platform, RadixGeometry
from efipolicy.testing import platform

from efipolicy_riscv64.architecture import RISCV64, SV39
from efipolicy_riscv64.stub import RISCV_STUB

CAPTURES = Path(__file__).parent / "captures"

Plan = Callable[..., MappingPlan]


@pytest.fixture
def captures() -> Path:
    """The folder of captures."""
    return CAPTURES


@pytest.fixture
def plan() -> Plan:
    """Plan the lines of a memory map with ``riscv-stub``; keywords are its options."""

    def plan_of(
        *lines: str, on: Platform | None = None, geometry: RadixGeometry = SV39, **options: Any
    ) -> MappingPlan:
        values = {option.name: option.default for option in RISCV_STUB.options} | options
        there = on or platform(*lines, architecture="riscv64")
        return RISCV_STUB.plan(PlanRequest(there, RISCV64, geometry, values))

    return plan_of
