"""The physical memory that kexec writes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from efipolicy.plugin import AddressRange, Kernel, MappingDeclaration, NotJudged

_SEGMENTS = "mapping[].kexec[].segments"


class Target(NamedTuple):
    """A range that is overwritten, the hop whose kernel goes there, and the key that says so."""

    hop: MappingDeclaration
    field: str
    name: str
    region: AddressRange


def targets(chain: tuple[Kernel, ...]) -> Iterator[Target | NotJudged]:
    """The segments of every hop, and the memory set aside for a crash kernel."""
    for kernel in chain[1:]:
        hop = kernel.declared
        ranges = [("segments", "the kexec segment", ends) for ends in hop.segments or ()]
        if hop.memory is not None:
            ranges.append(("memory", "the crash kernel's memory", hop.memory))
        if hop.segments is None and hop.memory is None:
            yield NotJudged(_SEGMENTS)
        for field, name, (start, end) in ranges:
            if start < end:
                yield Target(hop, field, f"{name} {start:#x}-{end:#x}", AddressRange(start, end))
            else:
                yield NotJudged(f"mapping[].kexec[].{field}: a range whose start is below its end")
