"""An acceptance that names no rule."""

from collections.abc import Iterator

from efipolicy.plugin import AcceptanceUse, Bad, Finding, Good, Responsible, Severity, rule

_REGION = "EfiMemoryMappedIO  0xfed1c000  4  RUNTIME"


@rule(
    "accept/unknown-rule",
    severity=Severity.WARNING,
    requirements=(),
    sources=(),
    help="correct the rule id, or install or unblock the plugin; see `efipolicy rules`",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-bit-on-acpi-memmory
    reason: known since 2019
""",
        ),
        Good(
            _REGION,
            sections="""
accept:
  - rule: uefi/runtime-region-without-cacheability
    reason: mapped uncached by all
""",
        ),
    ),
)
def unknown_rule(acceptances: tuple[AcceptanceUse, ...]) -> Iterator[Finding]:
    """An acceptance names a rule that no installed plugin has.

    A misspelt id accepts nothing, and so does one of a plugin that is not installed here. Ids that
    a rule had in earlier versions keep working.
    """
    for use in acceptances:
        if use.state == "unknown-rule":
            yield Finding(
                use.acceptance,
                f"no installed rule is called {use.acceptance.rule}, so it accepts nothing",
                field="rule",
            )
