"""UEFI-SVAM-013."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Responsible,
    Severity,
    kernels_before,
    rule,
)
from efipolicy_uefi.virtual_maps import calls_of


@rule(
    "uefi/set-virtual-address-map-never-called",
    severity=Severity.INFO,
    requirements=("UEFI-SVAM-013",),
    sources=("UEFI 2.10 §8.4", "UEFI 2.10 §2.2.2", "EFI 1.02 §3.7", "Linux commit d3549a938b73"),
    help="leave it as it is; where firmware was never run in physical mode, test that",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections="mapping: [{os: a, set_virtual_address_map: {calls: never}}]", at=0),
        Bad(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{os: linux, strategy: identity}]",
            at=0,
        ),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {calls: once}}]"),
        # No runtime services at all, as with efi=noruntime.
        Good(
            sections="mapping: [{os: a, set_virtual_address_map: {calls: never}, "
            "calls: {services: []}}]"
        ),
        Good(
            "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{os: linux, strategy: x86-topdown}]",
        ),
    ),
)
def set_virtual_address_map_never_called(
    mapping: MappingDeclaration, platform: Platform, plan: MappingPlan | None = None
) -> Iterator[Finding | NotJudged]:
    """An operating system never calls SetVirtualAddressMap, and that conforms.

    This is no fault. The service is one an operating system may use: calling runtime services at
    physical addresses under an identity mapping is allowed on every architecture, for as long as
    the machine runs. Linux on arm64 does so where virtual addresses have 48 bits or more, FreeBSD
    and OpenBSD on 32-bit do, Xen does by default. Kernels started by kexec are better off with it.

    It is worth knowing because firmware vendors test with operating systems that do call it.
    SetTime of Ampere's Altra and GetVariable of a ThinkPad W540 failed in physical mode; those
    were bugs of firmware, and no reason to report the operating system. Of one that calls no
    service at all there is nothing to say.
    """
    if kernels_before(mapping, platform) or (mapping.calls and mapping.calls.services == ()):
        return
    calls = calls_of(mapping)
    if calls is None and plan is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif calls == "never" or (calls is None and plan is not None and plan.svam is None):
        svam = mapping.set_virtual_address_map
        yield Finding(
            svam if svam and calls else mapping,
            "SetVirtualAddressMap is never called, which is allowed: services run at their "
            "physical addresses",
            field="calls" if calls else "strategy",
        )
