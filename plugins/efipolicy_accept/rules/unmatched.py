"""An acceptance that matches no finding."""

from collections.abc import Iterator

from efipolicy.plugin import AcceptanceUse, Bad, Finding, Good, Responsible, Severity, rule

_REGION = "EfiMemoryMappedIO  0xfed1c000  4  RUNTIME"


def _place(use: AcceptanceUse) -> str:
    return "" if use.acceptance.at is None else f" at {use.acceptance.at:#x}"


@rule(
    "accept/unmatched",
    severity=Severity.WARNING,
    requirements=(),
    sources=(),
    help="remove the acceptance",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-bit-on-acpi-memory
    at: 0xfed1c000
    reason: known since 2019
""",
        ),
        Good(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    type: EfiMemoryMappedIO
    pages: 5
    reason: mapped uncached by all
""",
        ),
    ),
)
def unmatched(acceptances: tuple[AcceptanceUse, ...]) -> Iterator[Finding]:
    """An acceptance matches no finding.

    What it was written for has been fixed, or it never matched what it should. Left in place it
    would silence the next fault of that kind at that place without anybody having looked.
    """
    for use in acceptances:
        if use.state == "unmatched":
            yield Finding(
                use.acceptance,
                f"the acceptance of {use.acceptance.rule} matches no finding{_place(use)}",
                field="rule",
            )
