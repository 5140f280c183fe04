"""LNX-003."""

import re
from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Confidence,
    Edit,
    Finding,
    Fix,
    Good,
    Hardware,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)

_NAME = re.compile(r"\b(eMAG|Altra(?:\W+Max)?)\b", re.IGNORECASE)
_MARKS = str.maketrans("", "", "\N{REGISTERED SIGN}\N{TRADE MARK SIGN}")


@rule(
    "linux/no-set-virtual-address-map-on-ampere",
    severity=Severity.WARNING,
    requirements=("LNX-003",),
    sources=(
        "Linux 6.12 drivers/firmware/efi/libstub/arm64.c",
        "Linux commit 550b33cfd445",
    ),
    help="call SetVirtualAddressMap on this platform",
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    confidence=Confidence.LIKELY,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
hardware: {processor: Ampere(R) Altra(R) Processor Q80-30}
mapping:
  - {os: linux, set_virtual_address_map: {calls: never}}
""",
            at=0,
        ),
        Bad(
            sections="""
platform: {title: Ampere eMAG 8180}
mapping:
  - {os: linux, strategy: identity}
""",
            at=0,
        ),
        Good(
            sections="""
hardware: {processor: Ampere(R) Altra(R) Processor Q80-30}
mapping:
  - {os: linux, set_virtual_address_map: {calls: once}}
"""
        ),
        # A kernel started by kexec takes the layout over, and must not call.
        Good(
            sections="""
hardware: {processor: Ampere Altra Max M128-30}
mapping:
  - os: linux
    set_virtual_address_map: {calls: once}
    kexec: [{set_virtual_address_map: {calls: never}}]
"""
        ),
        Good(
            sections="""
hardware: {processor: ThunderX2}
mapping:
  - {os: linux, set_virtual_address_map: {calls: never}}
"""
        ),
    ),
)
def no_set_virtual_address_map_on_ampere(
    platform: Platform,
    mapping: MappingDeclaration,
    svam: SetVirtualAddressMap | None = None,
    plan: MappingPlan | None = None,
    hardware: Hardware | None = None,
) -> Iterator[Finding | NotJudged]:
    """SetVirtualAddressMap is left out on an Ampere eMAG, Altra or Altra Max.

    SetTime on these machines uses a pointer that is right only after SetVirtualAddressMap, and
    crashes without the call. Linux on arm64 leaves the call out where the address width allows it
    (since d3549a938b73), and makes it all the same on these three, which it recognises by SMBIOS.
    An operating system that calls services at physical addresses only cannot avoid the fault.

    The platform is recognised by ``hardware.processor``, else by the names of the firmware's vendor
    and of the platform itself. Kernels started by kexec are not asked: they follow the first.
    Where ``calls.services`` leaves SetTime out, nothing happens.
    """
    firsts = platform.mapping or ()
    if not any(mapping is first for first in firsts) or _never_sets_time(mapping):
        return
    processor = hardware.processor if hardware else None
    vendor = platform.firmware.vendor if platform.firmware else None
    name = _ampere(processor, vendor, platform.title, platform.name)
    calls = svam.calls if svam else None
    if calls is None and plan is not None:
        calls = "never" if plan.svam is None else "once"
    if name is None:
        if processor is None:
            yield NotJudged("hardware.processor")
    elif calls is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
    elif calls == "never":
        stated = svam if svam and svam.calls else None
        yield Finding(
            stated or mapping,
            f"SetVirtualAddressMap is not called on an Ampere {name}, whose SetTime crashes "
            "without it",
            field="calls" if stated else "strategy",
            fix=Fix("unsafe", "declare the call", (Edit(stated, "calls", "once"),))
            if stated
            else None,
        )


def _ampere(*names: str | None) -> str | None:
    """The platform's name, where one of these words is it."""
    for name in names:
        found = _NAME.search(re.sub(r"\((?:R|TM)\)", "", (name or "").translate(_MARKS)))
        if found:
            return found[1]
    return None


def _never_sets_time(mapping: MappingDeclaration) -> bool:
    services = mapping.calls.services if mapping.calls else None
    return services is not None and "SetTime" not in services
