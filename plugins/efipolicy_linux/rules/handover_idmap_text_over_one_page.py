"""Staged hand-over with more than a page of code in the identity map."""

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
    "linux/handover-idmap-text-over-one-page",
    severity=Severity.WARNING,
    requirements=(),
    sources=("linux-arm-kernel, November 2022",),
    help="keep what runs with translation off within one page, or map it as a whole",
    needs=("handover.variant",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="""
handover: {variant: handover-staged, idmap_text: 0x2000}
mapping: [{os: linux, page_size: 4K}]
""",
            at=0,
        ),
        Good(
            sections="""
handover: {variant: handover-staged, idmap_text: 0x2000}
mapping: [{os: linux, page_size: 16K}]
""",
        ),
        Good(
            sections="handover: {variant: handover-staged, idmap_text: 0x1000}",
        ),
        Good(
            sections="handover: {variant: handover-efi-mmu-on, idmap_text: 0x2000}",
        ),
    ),
)
def handover_idmap_text_over_one_page(
    platform: Platform, architecture: Architecture
) -> Iterator[Finding | NotJudged]:
    """The code that runs from the identity map does not fit in the one page of a staged hand-over.

    The point of entering a kernel in stages is that so little is zeroed with translation off: an
    identity map of one page needs one table a level. Code of more than a page needs a second leaf
    at least, and where the two lie on both sides of a border of a table, further tables.
    """
    from efipolicy_linux.handover_findings import findings

    yield from findings("linux/handover-idmap-text-over-one-page", platform, architecture)
