"""An acceptance that has ended."""

from collections.abc import Iterator

from efipolicy.plugin import AcceptanceUse, Bad, Finding, Good, Responsible, Severity, rule

_REGION = "EfiMemoryMappedIO  0xfed1c000  4  RUNTIME"


@rule(
    "accept/expired",
    severity=Severity.WARNING,
    requirements=(),
    sources=(),
    help="fix the finding, or look at it again and set a later `until`",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    at: 0xfed1c000
    reason: fixed in 1.2
    until: 2026-12-31
""",
        ),
        Good(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    at: 0xfed1c000
    reason: fixed in 1.2
    until: 2027-01-01
""",
        ),
    ),
)
def expired(acceptances: tuple[AcceptanceUse, ...]) -> Iterator[Finding]:
    """An acceptance has ended, and the finding is still there.

    ``until`` is the last day on which an acceptance holds. From the day after, the finding counts
    again; this one says why it came back.
    """
    for use in acceptances:
        if use.state == "expired":
            yield Finding(
                use.acceptance,
                f"the acceptance of {use.acceptance.rule} ended on {use.acceptance.until}",
                field="until",
            )
