"""Hand-over that relies on caches which are off."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Architecture,
    Bad,
    Finding,
    Good,
    NotJudged,
    Platform,
    Responsible,
    Severity,
    rule,
)


@rule(
    "linux/handover-mmu-or-caches-off",
    severity=Severity.WARNING,
    requirements=(),
    sources=(
        "Linux 6.6 arch/arm64/kernel/head.S",
        "UEFI 2.10 §2.3.6",
    ),
    help="leave SCTLR.M and SCTLR.C set until the kernel is entered, or declare handover-mmu-off",
    needs=("handover.variant",),
    unless=("arm64/nonconforming-boot-environment",),
    architectures=("arm64",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            sections="handover: {variant: handover-efi-mmu-on, mmu: off, cache: off}",
            at=0,
        ),
        Bad(
            sections="handover: {variant: handover-efi-mmu-on, mmu: on, cache: off}",
            at=0,
        ),
        Bad(
            sections="""
handover: {variant: handover-efi-mmu-on, mmu: on, cache: on}
platform: {firmware: {environment: {sctlr: [M, C, SA, I, EE]}}}
""",
            at=0,
        ),
        Good(
            sections="""
handover: {variant: handover-efi-mmu-on, mmu: on, cache: on}
platform: {firmware: {environment: {sctlr: [M, C, SA, I]}}}
""",
        ),
        Good(
            sections="handover: {variant: handover-mmu-off, mmu: off}",
        ),
    ),
)
def handover_mmu_or_caches_off(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """A hand-over that relies on translation and caches finds one of them off.

    Linux checks that SCTLR.M and SCTLR.C are both set, and that the byte order is its own, when it
    is entered through EFI. Where one is wrong it does as by the boot protocol: everything it writes
    before translation is on goes past the caches and is invalidated afterwards, and somebody has to
    have cleaned the image. That works. It costs what ``handover-mmu-off`` costs, which is in
    proportion to the image and not to a page or two of code.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-mmu-or-caches-off", platform, architecture)
