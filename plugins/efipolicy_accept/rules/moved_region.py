"""An acceptance that is written for an address at which its region no longer lies."""

from collections.abc import Iterator

from efipolicy.plugin import AcceptanceUse, Bad, Finding, Good, Responsible, Severity, rule

_REGION = "EfiMemoryMappedIO  0xfed1c000  4  RUNTIME"


@rule(
    "accept/moved-region",
    severity=Severity.INFO,
    requirements=(),
    sources=(),
    help="write the present address in `at`, or name the region by `type` and `pages` alone",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    at: 0xfec00000
    reason: mapped uncached by all
""",
        ),
        Good(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    at: 0xfed1c000
    reason: mapped uncached by all
""",
        ),
    ),
)
def moved_region(acceptances: tuple[AcceptanceUse, ...]) -> Iterator[Finding]:
    """An acceptance gives an address at which its region no longer lies.

    A new build moves regions. An acceptance is about what a region is, so it still holds: for the
    region of the type and size it names, or for the only finding of its rule. This finding shows
    where the region was taken to be, so that a person can disagree.
    """
    for use in acceptances:
        if use.state == "moved" and use.region is not None and use.acceptance.at is not None:
            yield Finding(
                use.acceptance,
                f"the region accepted at {use.acceptance.at:#x} is taken to be "
                f"the one at {use.region.start:#x}",
                field="at",
            )
