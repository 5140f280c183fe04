"""Hand-over to an image on the wrong boundary."""

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
    "linux/handover-image-misaligned",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Linux 6.6 Documentation/arch/arm64/booting.rst",
        "Linux 6.1 drivers/firmware/efi/libstub/arm64-stub.c",
        "Linux commit cfa7ede20f13",
    ),
    help="load the image at a multiple of 2 MiB, which is right for every kernel since 5.8",
    needs=(
        "handover.variant",
        "handover.image",
    ),
    architectures=("arm64",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40208000, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=0,
        ),
        Bad(
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40210000, size: 0x1f00000, memory_size: 0x2200000}
mapping: [{os: linux, command_line: [nokaslr]}]
""",
            at=0,
        ),
        Bad(
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40208000, size: 0x1f00000, memory_size: 0x2200000}
mapping: [{os: linux, kernel: "6.1"}]
""",
            at=0,
        ),
        Bad(
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40200200, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=0,
        ),
        Good(
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
        ),
        Good(
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40210000, size: 0x1f00000, memory_size: 0x2200000}
mapping: [{os: linux, command_line: [quiet]}]
""",
        ),
        Good(
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
        ),
        # Before 5.8 the image wants to be 512 KiB above such a multiple.
        Good(
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40280000, size: 0x1f00000, memory_size: 0x2200000}
mapping: [{os: linux, kernel: "5.4"}]
""",
        ),
    ),
)
def handover_image_misaligned(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """The kernel image starts at an address that it was not built for.

    By the boot protocol an arm64 image lies at a multiple of 2 MiB plus the ``text_offset`` of its
    header, which is 0 since Linux 5.8 and was 0x80000 before. An EFI stub that randomises the
    address does with 64 KiB, the alignment of the image's segments, unless ``nokaslr`` on the
    command line brings 2 MiB back. Where the stub finds an image misaligned it complains about the
    firmware and copies it; an entry that bypasses the stub has no such help.

    With ``handover-mmu-off`` an image at another multiple of 64 KiB is not judged: a stub may have
    put it there, and an older kernel's header may ask for it. ``handover-staged`` leaves alignment
    open.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-image-misaligned", platform, architecture)
