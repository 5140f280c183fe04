"""RISCV-001."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConformanceProfiles,
    Finding,
    Good,
    Handover,
    NotJudged,
    Revision,
    Severity,
    rule,
)

from efipolicy_riscv64.brs import BRS_1_0, claims

_LAST_WITHOUT = Revision(2, 10)
"""2.10 and 2.10A have one number in the system table."""


@rule(
    "riscv64/translation-on-at-handover",
    severity=Severity.WARNING,
    requirements=("RISCV-001",),
    sources=("UEFI 2.10 §2.3.7", "UEFI 2.11 §2.3.7", "RISC-V BRS UEFI_030"),
    help="enter the operating system with satp in mode Bare, or, from UEFI 2.10A on, with the map "
    "at its physical addresses",
    needs=("handover.mmu",),
    architectures=("riscv64",),
    examples=(
        Bad(uefi="2.9", sections="handover: {mmu: on}", at=0),
        Bad(uefi="2.11", sections="handover: {mmu: on, identity_mapped: false}", at=0),
        Good(uefi="2.9", sections="handover: {mmu: off}"),
        Good(uefi="2.11", sections="handover: {mmu: off}"),
        Good(uefi="2.11", sections="handover: {mmu: on, identity_mapped: true}"),
    ),
)
def translation_on_at_handover(
    revision: Revision,
    handover: Handover,
    conformance_profiles: ConformanceProfiles | None = None,
) -> Iterator[Finding | NotJudged]:
    """Translation is on when the operating system takes over, as UEFI of that time forbids.

    From 2.7, its first revision with RISC-V, up to 2.10, UEFI has the operating system entered with
    satp in mode Bare: addresses are physical. Revision 2.10A turned that round. Translation may be
    on, with the memory map at its physical addresses, and the boot and runtime services
    specification for RISC-V servers even asks for it, to protect what firmware leaves in memory.

    An operating system of the older text writes its own satp without turning translation off first,
    or relies on physical addresses where the tables of firmware do not reach.

    The system table of 2.10A says 2.10. With that number translation counts as allowed where
    firmware claims the profile BRS in ``conformance_profiles``; else nobody can tell, and the rule
    is not checked. Where it is allowed, ``handover.identity_mapped`` says whether the map then lies
    at its physical addresses.
    """
    if not handover.mmu:
        return
    if revision < _LAST_WITHOUT:
        yield Finding(
            handover,
            f"translation is on at the hand-over; up to UEFI 2.10, and so in {revision}, "
            "satp has to be in mode Bare",
            field="mmu",
        )
    elif revision == _LAST_WITHOUT and not claims(conformance_profiles, BRS_1_0):
        yield NotJudged("platform.uefi that tells 2.10 from 2.10A")
    elif handover.identity_mapped is None:
        yield NotJudged("handover.identity_mapped")
    elif not handover.identity_mapped:
        yield Finding(
            handover,
            "translation is on at the hand-over, and the map is not at its physical addresses",
            field="identity_mapped",
        )
