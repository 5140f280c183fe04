"""UEFI-SVAM-015."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, Responsible, SetVirtualAddressMap, Severity, rule


@rule(
    "uefi/set-virtual-address-map-while-busy",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-015",),
    sources=("UEFI 2.10 §8.1 Table 8.1",),
    help="call SetVirtualAddressMap before other processors can be inside a runtime service",
    needs=("svam.processors",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(sections="mapping: [{os: a, set_virtual_address_map: {processors: busy}}]", at=0),
        Good(sections="mapping: [{os: a, set_virtual_address_map: {processors: quiet}}]"),
    ),
)
def set_virtual_address_map_while_busy(svam: SetVirtualAddressMap) -> Iterator[Finding]:
    """SetVirtualAddressMap runs while another processor is inside a runtime service.

    The call rewrites the code and the pointers of runtime drivers in place. Another processor that
    is in GetTime meanwhile runs instructions that change under it, and returns with half of its
    pointers converted. No runtime service is an exception, that of the clock included.

    Operating systems that are safe from it call the service early, on the first processor, before
    the others are started: Linux on arm64 and RISC-V from its stub, on x86 during early boot.
    """
    if svam.processors == "busy" and svam.calls != "never":
        yield Finding(
            svam,
            "another processor may be in a runtime service while SetVirtualAddressMap runs",
            field="processors",
        )
