"""Hand-over with translation on by somebody else than the EFI stub."""

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
    "linux/handover-mmu-on-without-efi",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Linux 6.6 arch/arm64/kernel/head.S",
        "Linux 6.6 arch/arm64/kernel/setup.c",
        "linux-arm-kernel, November 2022",
    ),
    help="turn translation off before entering a kernel other than through its EFI stub",
    needs=("handover.variant",),
    architectures=("arm64",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            sections="""
handover: {variant: handover-efi-mmu-on}
mapping: [{os: linux, exit_boot_services: {by: loader}}]
""",
            at=0,
        ),
        Bad(
            "EfiLoaderCode  0x40200000  0x2200  WB",
            origin="kexec",
            sections="handover: {variant: handover-efi-mmu-on}",
            at=0,
        ),
        Good(
            sections="""
handover: {variant: handover-efi-mmu-on}
mapping: [{os: linux, exit_boot_services: {by: stub}}]
""",
        ),
        # With translation off, any loader may enter it.
        Good(
            sections="""
handover: {variant: handover-efi-mmu-on, mmu: off}
mapping: [{os: linux, exit_boot_services: {by: loader}}]
""",
        ),
        Good(
            sections="""
handover: {variant: handover-mmu-off}
mapping: [{os: linux, exit_boot_services: {by: loader}}]
""",
        ),
    ),
)
def handover_mmu_on_without_efi(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """A kernel is entered with translation on, and not through its EFI stub.

    Leaving translation on is a matter between a kernel and its own stub, which knows what firmware
    has mapped. From any other loader and from kexec the kernel expects the boot protocol, with
    translation off. As the change was posted it would warn and taint the kernel; what was merged
    panics.

    Whether the stub was there is known from who ended boot services, and from a memory map that
    came by kexec.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-mmu-on-without-efi", platform, architecture)
