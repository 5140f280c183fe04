"""UEFI-CFG-018."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    ConformanceProfiles,
    Finding,
    Good,
    NotJudged,
    Severity,
    rule,
)

_VERSION = 1
_UEFI = "523c91af-a195-4382-818d-295fe4006465"
_EBBR = "cce33c35-74ac-4087-bce7-8b29b02eeb27"


def _table(version: int, count: int) -> str:
    return f"""
conformance_profiles:
  version: {version}
  number_of_profiles: {count}
  profiles: [{_UEFI}, {_EBBR}]
"""


@rule(
    "uefi/malformed-conformance-profiles",
    severity=Severity.WARNING,
    requirements=("UEFI-CFG-018",),
    sources=("UEFI 2.10 §4.6.5", "UEFI 2.11 §4.6.4"),
    help="set the version to 1 and the count to the number of GUIDs that follow",
    examples=(
        Bad(sections=_table(2, 2), at=0),
        Bad(sections=_table(1, 3), at=0),
        Bad(sections=_table(2, 1), at=(0, 0)),
        Good(sections=_table(1, 2)),
    ),
)
def malformed_conformance_profiles(
    conformance_profiles: ConformanceProfiles,
) -> Iterator[Finding | NotJudged]:
    """The table of conformance profiles has an unknown version or miscounts its GUIDs.

    The table tells installers and test suites which profile a platform keeps, such as EBBR or the
    one for RISC-V servers. A reader that does not know the version has to ignore it, and one that
    trusts a count too high reads memory behind the table as GUIDs; one too low hides a profile.

    The table is new in UEFI 2.10. Whether the platform keeps what it claims is for the rules of the
    profile to say: the policies ``arm-ebbr`` and ``riscv-brs`` turn them on.
    """
    version = conformance_profiles.version
    count = conformance_profiles.number_of_profiles
    profiles = conformance_profiles.profiles
    if version is None:
        yield NotJudged("conformance_profiles.version")
    elif version != _VERSION:
        yield Finding(
            conformance_profiles,
            f"EFI_CONFORMANCE_PROFILES_TABLE has version {version}, not {_VERSION}",
            field="version",
        )
    if count is None or profiles is None:
        missing = "number_of_profiles" if count is None else "profiles"
        yield NotJudged(f"conformance_profiles.{missing}")
    elif count != len(profiles):
        yield Finding(
            conformance_profiles,
            f"EFI_CONFORMANCE_PROFILES_TABLE counts {count} profiles and holds {len(profiles)}",
            field="number_of_profiles",
        )
