"""Chains in which a later kernel faults in a call, as the simulator finds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_kexec.verdicts import hops_with

if TYPE_CHECKING:
    from efipolicy.plugin.chains import ChainReport

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"
_RAM = "EfiConventionalMemory   0x7d000000  16  WB"


@rule(
    "kexec/fault-in-service-after-kexec",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Linux arch/x86/platform/efi/efi_64.c",
        "Linux 6.12 drivers/firmware/efi/arm-runtime.c",
    ),
    help="map in every kernel of the chain what firmware touches, at the address it uses",
    responsible=Responsible.KERNEL,
    unless=("plan/firmware-access-faults", "kexec/inherited-layout-changed"),
    examples=(
        # The first kernel maps all of memory 1:1, the next one what firmware declared.
        Bad(
            _RAM,
            _DATA,
            architecture="x86_64",
            sections="""
firmware_accesses: [{physical: 0x7d000000, converted: false}]
mapping: [{strategy: x86-shared-1to1, kexec: [{strategy: x86-topdown}]}]
""",
            at=0,
        ),
        Good(
            _RAM,
            _DATA,
            architecture="arm64",
            sections="""
firmware_accesses: [{physical: 0x7e000000, converted: false}]
mapping: [{strategy: arm64-novamap, kexec: [{strategy: arm64-novamap}]}]
""",
        ),
        # x86-topdown maps each region at its physical address too, the second kernel as well.
        Good(
            _DATA,
            architecture="x86_64",
            sections="""
firmware_accesses: [{physical: 0x7e000000, converted: false}]
mapping: [{strategy: x86-topdown, kexec: [{strategy: x86-topdown}]}]
""",
        ),
    ),
)
def fault_in_service_after_kexec(
    chain_report: ChainReport, mapping: MappingDeclaration, platform: Platform
) -> Iterator[Finding]:
    """A kernel started by kexec gets on with firmware, and faults in a service nonetheless.

    The addresses agree, but what the platform file says firmware touches is not mapped in this
    kernel's tables, or is mapped by a large leaf that points to no such frame. The first happens
    with memory that firmware was never to touch after boot: a first kernel that still has all of it
    mapped may get away with it, the next one does not, and a crash kernel, which keeps to the
    memory set aside for it, least of all.

    The message gives the address, and what was taken for granted. The first kernel of a chain is
    judged by ``plan/firmware-access-faults`` and ``plan/misaligned-frame-in-large-leaf``; an access
    that faults under it already is reported once.
    """
    for hop, declared, finding in hops_with(chain_report, mapping, ("page-fault", "rsvd-fault")):
        touched = hop.counter_example.pointer if hop.counter_example else None
        for access in platform.firmware_accesses or ():
            if hop.verdict == "page-fault" and touched == f"{access.physical:#x}":
                related = (Related(declared, "this kernel"), *finding.related)
                yield finding._replace(subject=access, field="physical", related=related)
                break
        else:
            yield finding
