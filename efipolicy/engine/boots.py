"""Several boots of one platform among the inputs of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from efipolicy.engine.configured import merged
from efipolicy.engine.linting import lint
from efipolicy.errors import PluginError
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.finding import Checked, InputReport
from efipolicy.model.platform import Acceptance, Platform
from efipolicy.plugin import Architecture, Rule
from efipolicy.policy import Selection

_RAM = frozenset(
    {
        EfiMemoryType.EfiLoaderCode,
        EfiMemoryType.EfiLoaderData,
        EfiMemoryType.EfiBootServicesCode,
        EfiMemoryType.EfiBootServicesData,
        EfiMemoryType.EfiRuntimeServicesCode,
        EfiMemoryType.EfiRuntimeServicesData,
        EfiMemoryType.EfiConventionalMemory,
        EfiMemoryType.EfiACPIReclaimMemory,
        EfiMemoryType.EfiACPIMemoryNVS,
    }
)

_Machine: TypeAlias = tuple[str, str, str | None, str | None, int]


def with_boots_compared(
    reports: list[InputReport],
    rules: Iterable[Rule],
    architectures: Mapping[str, Architecture],
    selection: Selection,
    *,
    today: str,
    acceptances: tuple[Acceptance, ...] = (),
) -> tuple[list[InputReport], list[PluginError]]:
    """The reports, those of a later boot with what rules say of it beside the boot before.

    ``acceptances`` are those of the configuration, and the errors those of rules that raised. Two
    inputs are boots of one platform when they have the name, the architecture, the firmware
    and the amount of memory in common, and both hold the whole of the firmware's own map.
    """
    comparing = [
        rule
        for rule in rules
        if "other_boots" in rule.facts and selection.severity(rule) is not None
    ]
    if not comparing:
        return reports, []
    latest: dict[_Machine, Platform] = {}
    compared = []
    errors: list[PluginError] = []
    for report in reports:
        compared.append(report)
        platform = report.platform
        machine = _machine(platform) if platform else None
        if platform and machine:
            before = latest.get(machine)
            latest[machine] = platform
            if before is not None:
                further, failures = lint(
                    platform,
                    comparing,
                    architectures,
                    selection,
                    path=report.path,
                    today=today,
                    other_boots=(before,),
                    acceptances=acceptances,
                )
                compared[-1] = _joined(report, further)
                errors += failures
    return compared, errors


def _machine(platform: Platform) -> _Machine | None:
    memory_map = platform.memory_map
    if memory_map.extent != "whole" or memory_map.origin != "firmware" or not platform.capture:
        return None
    ram = sum(d.physical.size for d in memory_map.descriptors if d.type in _RAM)
    firmware = platform.firmware
    return (
        platform.name,
        platform.architecture,
        firmware.vendor if firmware else None,
        firmware.version if firmware else None,
        ram,
    )


def _joined(report: InputReport, further: InputReport) -> InputReport:
    """One report of two on the same input; what was not applicable alone has been judged now."""
    judged = {*further.checked.passed, *further.checked.failed}
    judged.update(entry.rule for entry in further.checked.not_checked)
    checked = report.checked
    return report._replace(
        findings=tuple(
            sorted(
                (*report.findings, *further.findings),
                key=lambda item: (item.span.start if item.span else 0, item.severity.rank),
            )
        ),
        configured=tuple(merged((*report.configured, *further.configured))),
        checked=Checked(
            passed=(*checked.passed, *further.checked.passed),
            failed=(*checked.failed, *further.checked.failed),
            not_applicable=tuple(id for id in checked.not_applicable if id not in judged),
            not_checked=(*checked.not_checked, *further.checked.not_checked),
        ),
    )
