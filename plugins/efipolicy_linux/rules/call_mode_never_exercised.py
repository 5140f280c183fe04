"""Firmware run in one mode only, and called in the other."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Confidence,
    Finding,
    Firmware,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Severity,
    firmware_is_virtual,
    rule,
)

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"


def _sections(exercised: str, strategy: str) -> str:
    return f"""
platform: {{firmware: {{exercised: [{exercised}]}}}}
mapping: [{{strategy: {strategy}}}]
"""


@rule(
    "linux/call-mode-never-exercised",
    severity=Severity.WARNING,
    requirements=(),
    sources=(
        "linux-efi mailing list, June 2013",
        "linux-arm-kernel mailing list, August 2014",
        "Linux commit 550b33cfd445",
    ),
    help="test firmware in this mode before it ships, or choose a mapping of the mode it is "
    "known to work in",
    needs=("firmware.exercised",),
    confidence=Confidence.LIKELY,
    examples=(
        Bad(
            _DATA,
            architecture="arm64",
            sections=_sections("virtual", "arm64-novamap"),
            at=0,
        ),
        Bad(
            _DATA,
            architecture="x86_64",
            sections=_sections("physical", "x86-topdown"),
            at=0,
        ),
        Bad(
            sections="""
platform: {firmware: {exercised: [virtual]}}
mapping: [{os: linux, set_virtual_address_map: {calls: never}}]
""",
            at=0,
        ),
        Good(
            _DATA,
            architecture="arm64",
            sections=_sections("physical, virtual", "arm64-novamap"),
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections=_sections("virtual", "x86-topdown"),
        ),
        # Nobody calls anything.
        Good(
            sections="""
platform: {firmware: {exercised: [virtual]}}
mapping: [{os: linux, set_virtual_address_map: {calls: never}, calls: {services: []}}]
"""
        ),
    ),
)
def call_mode_never_exercised(
    firmware: Firmware,
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """Runtime services are to be called in a mode that this firmware was never run in.

    Why does calling SetVirtualAddressMap matter, if it is optional? By the letter it does not: an
    operating system may move firmware to virtual addresses or leave it at physical ones, and
    firmware has to work either way. But firmware is tested by booting the system it ships with, and
    that system takes one of the two ways. The other is code that nobody has run.

    Both ways have failed. SetTime on Ampere's Altra and GetVariable on a ThinkPad W540 did not work
    in physical mode, and firmware whose conversion forgets a pointer works in physical mode only.
    When Linux on arm64 was new, in 2014, its developers weighed the two: without the call there is
    nothing to hand over by kexec; with it, the path through firmware that other systems need gets
    its test, and firmware whose conversion nobody ever ran cannot be counted on by the first who
    needs it. They called. Since Linux 6.1 they leave firmware where it is if physical addresses
    are in reach, and name the machines that need the call.

    ``platform.firmware.exercised`` lists the modes that are known to have been run. The virtual one
    is taken where SetVirtualAddressMap is called, by this kernel or one before it, even if every
    virtual address equals the physical one: what needs the test is the conversion. To map regions
    at their physical addresses as well, as Linux on x86 does, helps with pointers that are left
    out; see ``plan/no-identity-mapping``.
    """
    if mapping.calls and mapping.calls.services == ():
        return
    known = firmware.exercised
    if not known:
        yield NotJudged("platform.firmware.exercised")
        return
    virtual = firmware_is_virtual(mapping, platform, plan)
    if virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
        return
    mode = "virtual" if virtual else "physical"
    if mode not in known:
        name = plan.strategy if plan else mapping.os or "this kernel"
        yield Finding(
            mapping,
            f"{name} calls firmware in {mode} mode, and it is known to have been run in "
            f"{' and '.join(known)} mode only",
            field="strategy" if mapping.strategy else "os",
        )
