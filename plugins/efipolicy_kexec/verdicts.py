"""The simulated verdict on each hop of a chain, as findings about the kernel that takes over."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    Carried,
    Finding,
    MappingDeclaration,
    MemoryDescriptor,
    Related,
    RuntimeCalls,
    SetVirtualAddressMap,
)

if TYPE_CHECKING:
    from efipolicy.plugin.chains import ChainHop, ChainReport

WORDS: Mapping[str, str] = {
    "runtime-disabled": "has no runtime services",
    "svam-twice": "calls SetVirtualAddressMap a second time",
    "pointer-misread": "takes pointers that firmware converted for physical addresses",
    "va-mismatch": "maps regions elsewhere than firmware expects them",
    "va-unreachable": "cannot map regions where firmware expects them",
    "page-fault": "meets a page fault in a runtime service",
    "rsvd-fault": "meets reserved bits in a page table while a runtime service runs",
}
"""What each verdict says of the kernel that takes over."""


def hops_with(
    report: ChainReport, first: MappingDeclaration, verdicts: Collection[str]
) -> Iterator[tuple[ChainHop, MappingDeclaration, Finding]]:
    """The hops of some verdicts, what is declared of the second kernel, and a finding about it.

    A kernel that is said to call no runtime service is passed over: it meets none of this.
    """
    kernels = (first, *first.kexec)
    for number, hop in enumerate(report.hops, start=1):
        declared, before = kernels[number], kernels[number - 1]
        silent = declared.calls is not None and declared.calls.services == ()
        if hop.verdict in verdicts and not silent:
            yield hop, declared, _finding(report, number, before, declared)


def _finding(
    report: ChainReport, number: int, before: MappingDeclaration, declared: MappingDeclaration
) -> Finding:
    hop = report.hops[number - 1]
    example = hop.counter_example
    shown = f": {example.sentence}" if example else ""
    taken = "; ".join(_taken_for_granted(report, number))
    return Finding(
        _subject(hop, declared),
        f"{hop.second} after {hop.first} {WORDS[hop.verdict]} ({hop.verdict}){shown}. Taken for "
        f"granted: {taken}",
        example.region if example else None,
        field=_field(hop, declared),
        related=(Related(before, "the kernel before"),),
    )


def _taken_for_granted(report: ChainReport, number: int) -> Iterator[str]:
    """The assumptions about the chain, and about this hop."""
    for sentence in report.assumptions:
        head, colon, rest = sentence.partition(": ")
        if head == f"hop {number}":
            yield rest
        elif not (colon and head.startswith("hop ")):
            yield sentence


def _subject(
    hop: ChainHop, declared: MappingDeclaration
) -> MappingDeclaration | SetVirtualAddressMap | Carried | MemoryDescriptor | RuntimeCalls:
    """What of the second kernel is declared and comes to the verdict, else the kernel itself."""
    svam, example = declared.set_virtual_address_map, hop.counter_example
    if hop.verdict == "svam-twice" and svam and svam.calls not in (None, "never"):
        return svam
    if hop.verdict == "pointer-misread" and declared.carried:
        return declared.carried
    if hop.verdict == "va-mismatch" and example and example.region:
        for entry in declared.virtual_map or ():
            if entry.physical.overlaps(example.region):
                return entry
    if hop.verdict == "runtime-disabled" and declared.calls and declared.calls.services:
        return declared.calls
    return declared


def _field(hop: ChainHop, declared: MappingDeclaration) -> str | None:
    subject = _subject(hop, declared)
    if subject is declared:
        return "strategy"
    return "calls" if subject is declared.set_virtual_address_map else None
