"""Hand-over with caches on, in memory that is not cached."""

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
    "linux/handover-memory-not-cacheable",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "UEFI 2.10 §2.3.6",
        "Linux 6.6 arch/arm64/kernel/head.S",
        "linux-arm-kernel, November 2022",
    ),
    help="map all RAM write-back before the kernel is entered, or enter it with translation off",
    needs=(
        "handover.variant",
        "handover.image",
    ),
    unless=(
        "linux/ram-without-write-back",
        "uefi/ram-without-cacheability",
        "arm64/nonconforming-boot-environment",
    ),
    architectures=("arm64",),
    responsible=Responsible.FIRMWARE,
    examples=(
        Bad(
            "EfiLoaderCode  0x40200000  0x2200  UC WC",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=1,
        ),
        Bad(
            "EfiLoaderCode  0x40200000  0x2200  WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
platform: {firmware: {environment: {sctlr: [M, SA, I]}}}
""",
            at=0,
        ),
        Good(
            "EfiLoaderCode  0x40200000  0x2200  WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
platform: {firmware: {environment: {sctlr: [M, C, SA, I]}}}
""",
        ),
        Good(
            "EfiLoaderCode  0x40200000  0x2200  UC WC",
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
        ),
    ),
)
def handover_memory_not_cacheable(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """A kernel is to be entered with caches on, in memory that firmware does not map cacheable.

    A kernel that finds translation and caches on writes its page tables and variables through the
    1:1 map that firmware made, and cleans no more than the code that runs while it changes tables.
    That is right only where firmware's map is cacheable and coherent: what one of the two writes
    past the caches the other does not see.

    Judged is what can be declared: that the memory of the image may be write-back at all, and that
    firmware runs with SCTLR.M and SCTLR.C set. A descriptor lists what is possible, not what
    firmware does; an attribute alone does not make it pass.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-memory-not-cacheable", platform, architecture)
