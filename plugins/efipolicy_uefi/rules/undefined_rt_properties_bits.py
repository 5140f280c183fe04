"""UEFI-RT-011."""

from collections.abc import Iterator

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    RuntimeProperties,
    Severity,
    rule,
)

_DEFINED = sum(RUNTIME_SERVICES.values())


@rule(
    "uefi/undefined-rt-properties-bits",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-011",),
    sources=("UEFI 2.10 §4.6.2",),
    help="clear everything above 0x3fff; a table that was never initialised is the usual cause",
    fix="safe",
    examples=(
        Bad(
            at=0,
            sections="""
runtime_properties: {version: 1, length: 8, supported: 0xffffffff}
""",
        ),
        Bad(
            at=0,
            sections="""
runtime_properties: {version: 1, length: 8, supported: 0x4000}
""",
        ),
        Good(
            sections="""
runtime_properties: {version: 1, length: 8, supported: 0x3fff}
"""
        ),
    ),
)
def undefined_rt_properties_bits(runtime_properties: RuntimeProperties) -> Iterator[Finding]:
    """The mask of supported runtime services has bits of no service.

    The table names fourteen services, bits 0 to 13. Bits above them hint at a mask that was filled
    with ones and not thought about, so the bits below deserve no trust either: Linux leaves out
    the call of SetVirtualAddressMap, and all of the time and variable services, by this mask alone.
    """
    undefined = runtime_properties.supported & ~_DEFINED
    if undefined:
        defined = runtime_properties.supported & _DEFINED
        yield Finding(
            runtime_properties,
            f"EFI_RT_PROPERTIES_TABLE has the undefined bits {undefined:#x}",
            field="supported",
            fix=Fix("safe", "clear the bits", (Edit(runtime_properties, "supported", defined),)),
        )
