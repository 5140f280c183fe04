"""Hand-over with translation on to a kernel that wants it off."""

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
    "linux/handover-mmu-left-on",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Linux 6.6 Documentation/arch/arm64/booting.rst",
        "Linux 6.6 arch/arm64/kernel/head.S",
    ),
    help="turn translation off before the kernel is entered",
    needs=("handover.variant",),
    architectures=("arm64",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            sections="handover: {variant: handover-mmu-off, mmu: on}",
            at=0,
        ),
        Bad(
            sections="handover: {variant: handover-staged, mmu: on}",
            at=0,
        ),
        Good(
            sections="handover: {variant: handover-mmu-off, mmu: off, cache: on}",
        ),
        Good(
            sections="handover: {variant: handover-efi-mmu-on, mmu: on}",
        ),
    ),
)
def handover_mmu_left_on(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """A kernel that expects translation off is entered with translation on.

    The boot protocol of arm64 wants the MMU off; the instruction cache may be on. A kernel of that
    kind writes its first page tables and takes for granted that the stores go past the caches. With
    translation on they may stay in a cache, and the invalidation that follows throws them away.
    Linux before the 6.3 cycle does not look; later ones stop with a panic where they were not
    entered through their EFI stub.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-mmu-left-on", platform, architecture)
