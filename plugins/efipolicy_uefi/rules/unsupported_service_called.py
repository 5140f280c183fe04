"""UEFI-RT-014."""

from collections.abc import Iterator

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Related,
    Responsible,
    RuntimeCalls,
    RuntimeProperties,
    Severity,
    rule,
)
from efipolicy_uefi.ranges import listed

_JUDGED_BY_ITS_OWN_RULE = "SetVirtualAddressMap"


@rule(
    "uefi/unsupported-service-called",
    severity=Severity.WARNING,
    requirements=("UEFI-RT-014",),
    sources=("UEFI 2.10 §4.6.2", "Linux drivers/firmware/efi/libstub"),
    help="do not call what EFI_RT_PROPERTIES_TABLE leaves out",
    needs=("calls.services",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            sections="""
runtime_properties: {supported: 0x3fbf}
mapping: [{os: a, calls: {services: [GetVariable, SetVariable]}}]
""",
            at=0,
        ),
        Good(
            sections="""
runtime_properties: {supported: 0x3fbf}
mapping: [{os: a, calls: {services: [GetVariable, GetNextVariableName]}}]
"""
        ),
    ),
)
def unsupported_service_called(
    runtime_properties: RuntimeProperties, calls: RuntimeCalls
) -> Iterator[Finding]:
    """An operating system plans to call a runtime service that firmware says it lacks.

    Since UEFI 2.8A EFI_RT_PROPERTIES_TABLE has a bit for each service that works after
    ExitBootServices. It is a hint: the other services can still be called and answer
    EFI_UNSUPPORTED. But a plan that counts on one of them, to write a boot entry or to set the
    clock, comes to nothing, and firmware that gets the answer wrong crashes.

    Linux reads the table in its stub and does not offer what is missing. SetVirtualAddressMap has
    a rule of its own.
    """
    lacking = [
        service
        for service in calls.services or ()
        if not runtime_properties.supported & RUNTIME_SERVICES[service]
        and service != _JUDGED_BY_ITS_OWN_RULE
    ]
    if lacking:
        yield Finding(
            calls,
            f"the services to be called include {listed(lacking)}, which the runtime "
            f"properties {runtime_properties.supported:#x} leave out",
            field="services",
            related=(Related(runtime_properties, "what firmware supports"),),
            fix=Fix(
                "unsafe",
                f"leave {listed(lacking)} out",
                tuple(
                    Edit(calls, f"services.{place}")
                    for place, service in enumerate(calls.services or ())
                    if service in lacking
                ),
            ),
        )
