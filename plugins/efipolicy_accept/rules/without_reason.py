"""An acceptance that gives no reason, and so accepts nothing."""

from collections.abc import Iterator

from efipolicy.plugin import AcceptanceUse, Bad, Finding, Good, Responsible, Severity, rule

_REGION = "EfiMemoryMappedIO  0xfed1c000  4  RUNTIME"


@rule(
    "accept/without-reason",
    severity=Severity.ERROR,
    requirements=(),
    sources=(),
    help="write in `reason` why the finding is all right, or remove the acceptance",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    at: 0xfed1c000
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
def without_reason(acceptances: tuple[AcceptanceUse, ...]) -> Iterator[Finding]:
    """An acceptance gives no reason.

    Taking responsibility for a finding means saying why it is all right: whoever reads the file in
    a year has nothing else to go by. Without a reason nothing is accepted, and the finding counts
    as if the acceptance were not there.
    """
    for use in acceptances:
        if use.state == "reasonless":
            yield Finding(
                use.acceptance,
                f"the acceptance of {use.acceptance.rule} gives no reason, so it accepts nothing",
                field="rule",
            )
