"""BRS-ACPI-020."""

from collections.abc import Iterator

from efipolicy.plugin import (
    AcpiTable,
    Bad,
    ConformanceProfiles,
    Finding,
    Good,
    Severity,
    rule,
)

from efipolicy_riscv64.brs import BRS_1_0, claims

_CLAIM = f"conformance_profiles: {{profiles: [{BRS_1_0}]}}"


@rule(
    "riscv64/facs-despite-brs",
    severity=Severity.WARNING,
    requirements=("BRS-ACPI-020",),
    sources=("RISC-V BRS 1.0 ACPI_020",),
    help="set the hardware-reduced flag of the FADT and leave the FACS out",
    needs=("conformance_profiles.profiles",),
    architectures=("riscv64",),
    examples=(
        Bad(
            sections=f"""
acpi_tables: [{{signature: FACS, address: 0x7f000000}}]
{_CLAIM}
""",
            at=0,
        ),
        Good(
            sections=f"""
acpi_tables: [{{signature: XSDT, address: 0x7f000000}}]
{_CLAIM}
"""
        ),
        Good(
            sections="""
acpi_tables: [{signature: FACS, address: 0x7f000000}]
conformance_profiles: {profiles: []}
"""
        ),
    ),
)
def facs_despite_brs(
    acpi_tables: tuple[AcpiTable, ...], conformance_profiles: ConformanceProfiles
) -> Iterator[Finding]:
    """Firmware claims to follow BRS, and its ACPI has a FACS.

    The boot and runtime services specification for RISC-V wants ACPI in its hardware-reduced form:
    there is no fixed hardware on RISC-V, no global lock to share with it and no waking vector, and
    the FACS is the table that holds the last two. An operating system that finds one may take
    the platform for one with fixed hardware and look for registers that are not there.
    """
    if not claims(conformance_profiles, BRS_1_0):
        return
    for table in acpi_tables:
        if table.signature == "FACS":
            yield Finding(
                table,
                f"a FACS at {table.address:#x}, and the profiles claim BRS 1.0, whose ACPI is "
                "hardware-reduced",
                field="signature",
            )
