"""UEFI-CFG-012."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConfigurationTable,
    ConformanceProfiles,
    Finding,
    Good,
    NotJudged,
    Platform,
    Related,
    Severity,
    rule,
)
from efipolicy_uefi.tables import ACPI_ROOT_POINTERS, extent_of, name_of

_EBBR = (
    "cce33c35-74ac-4087-bce7-8b29b02eeb27",
    "9073eed4-e50d-11ee-b8b0-8b68da62fc80",
    "7721fc77-a724-11ef-8eaa-f7c9b194ba75",
    "f2bb0422-da8e-11f0-a67b-1be220854098",
)
"""What EBBR 2.1 to 2.4 call themselves in EFI_CONFORMANCE_PROFILES_TABLE."""


@rule(
    "uefi/not-one-hardware-description",
    severity=Severity.ERROR,
    requirements=("UEFI-CFG-012",),
    sources=("EBBR ch. 2", "RISC-V BRS UEFI_080"),
    help="install either the ACPI tables or the devicetree",
    architectures=("arm64", "arm32", "riscv64"),
    examples=(
        Bad(
            architecture="arm64",
            configuration_tables=("ACPI_20 0x7f000014 36", "DTB 0x7f010000"),
            at=2,
        ),
        Bad(
            architecture="arm64",
            configuration_tables=("SMBIOS3 0x7f000000",),
            sections=f"conformance_profiles: {{profiles: [{_EBBR[0]}]}}",
            at=0,
        ),
        Good(architecture="arm64", configuration_tables=("ACPI_20 0x7f000014 36",)),
        Good(architecture="arm64", configuration_tables=("DTB 0x7f010000",)),
        # The profile for RISC-V servers lets a dummy tree stand beside ACPI.
        Good(
            architecture="riscv64",
            configuration_tables=("ACPI_20 0x7f000014 36", "DTB 0x7f010000"),
        ),
    ),
)
def not_one_hardware_description(
    platform: Platform,
    configuration_tables: tuple[ConfigurationTable, ...],
    conformance_profiles: ConformanceProfiles | None = None,
) -> Iterator[Finding | NotJudged]:
    """Firmware describes the hardware twice, by ACPI and by a devicetree, or not at all.

    Two descriptions of one machine disagree sooner or later, and which of them is believed is up to
    the operating system: Linux on arm64 takes the devicetree unless that is all but empty or
    ``acpi=`` says otherwise. Without either, an operating system finds no device at all. The
    embedded base boot requirements (EBBR) therefore ask for exactly one.

    This is a demand of the profile, not of UEFI; the policy ``arm-ebbr`` asks for it. The profile
    for RISC-V servers lets a dummy devicetree stand beside ACPI, so on riscv64 both are reported
    only where a revision of EBBR is claimed in ``conformance_profiles``. That neither is listed
    counts only where EBBR is claimed, too: kernels print no devicetree among their tables, so what
    was imported from a log may lack it for no fault of the firmware.
    """
    acpi = [table for table in configuration_tables if table.name in ACPI_ROOT_POINTERS]
    trees = [table for table in configuration_tables if table.name == "DTB"]
    if acpi and trees:
        if platform.architecture != "riscv64" or _claims_ebbr(conformance_profiles):
            yield Finding(
                trees[0],
                f"a devicetree at {trees[0].address:#x} stands beside {name_of(acpi[0])} "
                f"at {acpi[0].address:#x}",
                extent_of(trees[0]),
                related=(Related(acpi[0], "the root of the ACPI tables"),),
            )
    elif acpi or trees:
        return
    elif not _claims_ebbr(conformance_profiles):
        yield NotJudged("configuration_tables[] with ACPI_20 or DTB")
    else:
        yield Finding(
            platform,
            "neither ACPI nor a devicetree is among the configuration tables",
            field="configuration_tables",
        )


def _claims_ebbr(conformance_profiles: ConformanceProfiles | None) -> bool:
    claimed = (conformance_profiles and conformance_profiles.profiles) or ()
    return any(guid.lower() in _EBBR for guid in claimed)
