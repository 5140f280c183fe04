"""UEFI-RT-012, with a table."""

from collections.abc import Iterator

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    Bad,
    Edit,
    Finding,
    Firmware,
    Fix,
    Good,
    RuntimeProperties,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import listed


@rule(
    "uefi/unavailable-service-declared-supported",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-012",),
    sources=("UEFI 2.10 §8.1", "UEFI 2.10 §4.6.2", "EBBR chapter 2"),
    help="clear the bits of the services that do not work after ExitBootServices",
    needs=("firmware.unavailable_services",),
    fix="safe",
    examples=(
        Bad(
            at=0,
            sections="""
platform: {firmware: {unavailable_services: [SetVariable]}}
runtime_properties: {version: 1, length: 8, supported: 0x3fff}
""",
        ),
        Good(
            sections="""
platform: {firmware: {unavailable_services: [SetVariable]}}
runtime_properties: {version: 1, length: 8, supported: 0x3fbf}
"""
        ),
    ),
)
def unavailable_service_declared_supported(
    firmware: Firmware, runtime_properties: RuntimeProperties
) -> Iterator[Finding]:
    """EFI_RT_PROPERTIES_TABLE offers a service that does not work at run time.

    Operating systems call what the mask allows. Linux offers its users a clock that cannot be set,
    or mounts the variables writable and reports an error at the first write; an installer then
    fails to make its boot entry. Where the service hangs instead of answering EFI_UNSUPPORTED, so
    does the system. UEFI says that firmware should publish the table, EBBR that it must.
    """
    offered = [
        service
        for service in firmware.unavailable_services or ()
        if runtime_properties.supported & RUNTIME_SERVICES[service]
    ]
    if offered:
        mask = runtime_properties.supported
        for service in offered:
            mask &= ~RUNTIME_SERVICES[service]
        yield Finding(
            runtime_properties,
            f"EFI_RT_PROPERTIES_TABLE offers {listed(offered)}, "
            f"which the firmware does not support at run time; the mask would be {mask:#x}",
            field="supported",
            fix=Fix("safe", "clear the bits", (Edit(runtime_properties, "supported", mask),)),
        )
