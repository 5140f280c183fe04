"""BRS-URT-030."""

from collections.abc import Iterator

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    Bad,
    ConformanceProfiles,
    Finding,
    Good,
    RuntimeProperties,
    Severity,
    rule,
)

from efipolicy_riscv64.brs import BRS_1_0, claims

_CLAIM = f"conformance_profiles: {{profiles: [{BRS_1_0}]}}"


@rule(
    "riscv64/reset-unsupported-despite-brs",
    severity=Severity.WARNING,
    requirements=("BRS-URT-030",),
    sources=("RISC-V BRS 1.0 URT_030",),
    help="implement ResetSystem as a runtime service",
    needs=("conformance_profiles.profiles",),
    architectures=("riscv64",),
    examples=(
        Bad(sections=f"runtime_properties: {{supported: 0x1b0}}\n{_CLAIM}", at=0),
        Good(sections=f"runtime_properties: {{supported: 0x5b0}}\n{_CLAIM}"),
        Good(
            sections="""
runtime_properties: {supported: 0x1b0}
conformance_profiles: {profiles: []}
"""
        ),
    ),
)
def reset_unsupported_despite_brs(
    runtime_properties: RuntimeProperties, conformance_profiles: ConformanceProfiles
) -> Iterator[Finding]:
    """Firmware claims to follow BRS, and says that ResetSystem does not work at run time.

    An operating system on a platform of that profile resets and powers off through ResetSystem,
    and not through SBI or registers, so that firmware can finish what is pending: a capsule, a
    variable not yet written. Where the properties table denies the service it is never called, and
    what was pending is lost.
    """
    missing = not runtime_properties.supported & RUNTIME_SERVICES["ResetSystem"]
    if missing and claims(conformance_profiles, BRS_1_0):
        yield Finding(
            runtime_properties,
            f"ResetSystem is not in the mask {runtime_properties.supported:#x}, and the profiles "
            "claim BRS 1.0",
            field="supported",
        )
