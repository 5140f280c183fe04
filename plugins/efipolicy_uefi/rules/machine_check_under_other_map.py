"""UEFI-SVAM-017."""

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
    RuntimeCalls,
    Severity,
    firmware_is_virtual,
    rule,
)


@rule(
    "uefi/machine-check-under-other-map",
    severity=Severity.WARNING,
    requirements=("UEFI-SVAM-017",),
    sources=("UEFI 2.10 §8.1.1",),
    help="switch to the mapping of runtime services before the handler calls one",
    needs=("calls.machine_check_map",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="""
mapping: [{os: a, set_virtual_address_map: {calls: once}, calls: {machine_check_map: other}}]
""",
            at=0,
        ),
        Good(
            sections="""
mapping: [{os: a, set_virtual_address_map: {calls: once}, calls: {machine_check_map: same}}]
"""
        ),
        Good(
            sections="""
mapping: [{os: a, set_virtual_address_map: {calls: never}, calls: {machine_check_map: other}}]
"""
        ),
    ),
)
def machine_check_under_other_map(
    calls: RuntimeCalls,
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """A handler of machine checks calls firmware under page tables that lack its addresses.

    After a machine check, an INIT or an NMI a handler may call runtime services even while another
    call is busy, to write an error record or to reset the machine. After SetVirtualAddressMap it
    has to do so under the same virtual mapping as every other call. A handler that runs on
    whatever tables it interrupted faults inside firmware, and the record of the fault that brought
    it there is lost.

    Kernels that keep runtime regions out of their own page tables, as Linux does on x86-64, arm64
    and RISC-V, have to switch tables first.
    """
    if calls.machine_check_map != "other":
        return
    virtual = firmware_is_virtual(mapping, platform, plan)
    if virtual:
        yield Finding(
            calls,
            "handlers of MCA, INIT and NMI call services under other page tables than the ones "
            "with the virtual map",
            field="machine_check_map",
        )
    elif virtual is None:
        yield NotJudged("mapping[].set_virtual_address_map.calls")
