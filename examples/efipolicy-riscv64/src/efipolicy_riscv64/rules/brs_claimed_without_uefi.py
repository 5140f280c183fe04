"""BRS-UEFI-060."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, ConformanceProfiles, Finding, Good, Severity, rule

from efipolicy_riscv64.brs import BRS_1_0, UEFI_SPEC, claims


@rule(
    "riscv64/brs-claimed-without-uefi",
    severity=Severity.WARNING,
    requirements=("BRS-UEFI-060",),
    sources=("RISC-V BRS 1.0 UEFI_060", "UEFI 2.10 §4.6.5"),
    help=f"declare the profile {UEFI_SPEC} as well",
    needs=("conformance_profiles.profiles",),
    architectures=("riscv64",),
    examples=(
        Bad(sections=f"conformance_profiles: {{profiles: [{BRS_1_0}]}}", at=0),
        Good(sections=f"conformance_profiles: {{profiles: [{BRS_1_0}, {UEFI_SPEC}]}}"),
        Good(sections="conformance_profiles: {profiles: []}"),
    ),
)
def brs_claimed_without_uefi(conformance_profiles: ConformanceProfiles) -> Iterator[Finding]:
    """Firmware claims to follow BRS, and does not claim to follow UEFI.

    What the boot and runtime services specification for RISC-V asks for comes on top of all that
    UEFI asks for, so firmware that lists the one profile lists the other. Without a table of
    profiles UEFI is understood; with one it has to be said (UEFI 2.10, 4.6.5). A loader that looks
    for UEFI in the list takes such firmware for a reduced one.
    """
    if claims(conformance_profiles, BRS_1_0) and not claims(conformance_profiles, UEFI_SPEC):
        yield Finding(
            conformance_profiles,
            f"the profiles hold BRS 1.0 ({BRS_1_0}) and not UEFI ({UEFI_SPEC})",
            field="profiles",
        )
