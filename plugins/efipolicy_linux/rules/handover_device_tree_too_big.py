"""Hand-over of a device tree that does not fit in its window."""

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
    "linux/handover-device-tree-too-big",
    severity=Severity.ERROR,
    requirements=(),
    sources=("Linux 6.6 Documentation/arch/arm64/booting.rst",),
    help="make the device tree smaller than 2 MiB",
    needs=("handover.variant",),
    architectures=("arm64",),
    responsible=Responsible.FIRMWARE,
    examples=(
        Bad(
            configuration_tables=("DTB 0x48000000 0x200001",),
            sections="handover: {variant: handover-mmu-off}",
            at=1,
        ),
        Good(
            configuration_tables=("DTB 0x48000000 0x200000",),
            sections="handover: {variant: handover-mmu-off}",
        ),
    ),
)
def handover_device_tree_too_big(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """The device tree has more than the 2 MiB that an arm64 kernel maps for it.

    Before a kernel can map memory at will it reads the device tree through a window of its identity
    map that was sized when it was built: the image, 2 MiB for the tree, and one block. The boot
    protocol says so, and a kernel that is given more stops before it has a console.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-device-tree-too-big", platform, architecture)
