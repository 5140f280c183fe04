"""Faults in firmware calls of a kernel that otherwise gets on with firmware."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.engine.firmware import FirmwareState
from efipolicy.engine.firmware_accesses import accesses
from efipolicy.engine.kexec_layout import bad_leaf
from efipolicy.engine.planned import Planned
from efipolicy.model.address import size_text
from efipolicy.model.chain import CounterExample, Verdict
from efipolicy.model.mapping import Mapping
from efipolicy.model.platform import Platform


def faults(
    platform: Platform, firmware: FirmwareState, live: Sequence[Mapping], made: Planned
) -> tuple[Verdict, CounterExample] | None:
    """The first leaf with reserved bits, else the first access that nothing maps, else nothing."""
    plan, geometry = made.plan, made.geometry
    runtime = [one for one in live if one.runtime]
    leaf = bad_leaf(runtime, geometry, plan.leaf_policy, plan.largest_leaf)
    if leaf:
        sentence = (
            f"the {size_text(leaf.size)} leaf at {leaf.virtual:#x} names {leaf.frame:#x}, which is "
            f"no multiple of its size: reserved bits are set, and the first access faults"
        )
        expected = leaf.frame - leaf.frame % leaf.size
        example = CounterExample(leaf.region, f"{leaf.virtual:#x}", expected, leaf.frame, sentence)
        return "rsvd-fault", example
    for outcome in accesses(platform, firmware, live, geometry):
        if outcome.works is False:
            physical = outcome.access.physical
            holder = platform.memory_map.descriptors
            region = next((one.physical for one in holder if physical in one.physical), None)
            example = CounterExample(
                region, f"{physical:#x}", outcome.address, None, outcome.sentence
            )
            return "page-fault", example
    return None
