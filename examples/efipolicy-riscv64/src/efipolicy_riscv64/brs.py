"""The profile of the RISC-V Boot and Runtime Services specification, and who claims it."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import ConformanceProfiles

BRS_1_0: Final = "05453310-0545-0545-0545-330545330545"
"""EFI_CONFORMANCE_PROFILE_BRS_1_0_SPEC_GUID (BRS 1.0, UEFI_070): its interoperable form, BRS-I."""

UEFI_SPEC: Final = "523c91af-a195-4382-818d-295fe4006465"
"""EFI_CONFORMANCE_PROFILES_UEFI_SPEC_GUID (UEFI 2.10, 4.6.5)."""


def claims(profiles: ConformanceProfiles | None, guid: str) -> bool:
    """Whether firmware is known to claim a profile."""
    claimed = (profiles.profiles if profiles else None) or ()
    return any(one.casefold() == guid for one in claimed)
