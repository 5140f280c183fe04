"""Hand-over to an image that reaches out of its region."""

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
    "linux/handover-image-outside-one-region",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "Linux 6.1 drivers/firmware/efi/libstub/arm64-stub.c",
        "linux-arm-kernel, November 2022",
    ),
    help="allocate the image's memory_size, not its file size, in one piece",
    needs=(
        "handover.variant",
        "handover.image",
    ),
    architectures=("arm64",),
    responsible=Responsible.LOADER,
    examples=(
        # The loader left out BSS.
        Bad(
            "EfiLoaderCode          0x40200000  0x1f00  WB",
            "EfiConventionalMemory  0x42100000  0x300   WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=0,
        ),
        Bad(
            "EfiLoaderCode  0x40200000  0x2100  WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=0,
        ),
        Bad(
            "EfiLoaderCode           0x40200000  0x2000  WB",
            "EfiRuntimeServicesData  0x42200000  0x200   RUNTIME WB",
            sections="""
handover:
  variant: handover-mmu-off
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
            at=0,
        ),
        Bad(
            "EfiLoaderCode  0x40200000  0x2200  WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x1f00}
""",
            at=0,
        ),
        Good(
            "EfiLoaderCode  0x40200000  0x2200  WB",
            sections="""
handover:
  variant: handover-efi-mmu-on
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
        ),
        Good(
            "EfiConventionalMemory  0x40000000  0x10000  WB",
            sections="""
handover:
  variant: handover-staged
  image: {base: 0x40200000, size: 0x1f00000, memory_size: 0x2200000}
""",
        ),
    ),
)
def handover_image_outside_one_region(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """The kernel image does not lie in one region of the memory map from first to last byte.

    An image needs more memory than its file has bytes: BSS follows, which the kernel zeroes, and
    padding up to the end of a segment. Versions of GRUB reserved the file's size alone. What comes
    after it then belongs to somebody else, and the kernel overwrites it, or is overwritten.

    The EFI stub of Linux looks up the entry of the map that holds the first byte, and wants the
    last one in it as well (``check_image_region`` in 5.15 and 6.1); where that fails it says
    so and moves the image. A kernel that is entered with translation on depends on it twice: the
    part that is left out may be missing in firmware's 1:1 map.

    Free memory counts as the image's own, for loaders that tell firmware nothing of what they
    load.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-image-outside-one-region", platform, architecture)
