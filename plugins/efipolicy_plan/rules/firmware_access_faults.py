"""What firmware is known to touch, under the mappings of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)

if TYPE_CHECKING:
    from efipolicy.plugin.chains import AccessOutcome

_DATA = "EfiRuntimeServicesData  0x7e000000  16    RUNTIME WB"
_RAM = "EfiConventionalMemory   0x7d000000  16    WB"


def _sections(address: str, converted: str, strategy: str) -> str:
    return f"""
firmware_accesses: [{{physical: {address}, converted: {converted}}}]
mapping: [{{strategy: {strategy}}}]
"""


@rule(
    "plan/firmware-access-faults",
    severity=Severity.ERROR,
    requirements=(),
    sources=(
        "UEFI 2.10 §8.4.2",
        "EDK II MdeModulePkg/Core/RuntimeDxe/Runtime.c",
        "Linux arch/x86/platform/efi/efi_64.c",
    ),
    help="convert the pointer and describe its memory as runtime, or keep a mapping at its "
    "physical address",
    examples=(
        # A pointer that firmware forgot to convert, under a kernel without 1:1 mappings.
        Bad(
            _DATA,
            architecture="arm64",
            sections=_sections("0x7e000010", "false", "arm64-stub-virtmap"),
            at=0,
        ),
        # The same under the first layout of Linux on x86-64.
        Bad(
            _DATA,
            architecture="x86_64",
            sections=_sections("0x7e000010", "false", "x86-ioremap-svam"),
            at=0,
        ),
        # Memory that firmware gave up, and touches.
        Bad(
            _DATA,
            _RAM,
            architecture="x86_64",
            sections=_sections("0x7d000000", "true", "x86-topdown"),
            at=0,
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections=_sections("0x7e000010", "false", "x86-topdown"),
        ),
        Good(
            _DATA,
            architecture="arm64",
            sections=_sections("0x7e000010", "true", "arm64-stub-virtmap"),
        ),
        Good(
            _DATA,
            architecture="arm64",
            sections=_sections("0x7e000010", "false", "arm64-novamap"),
        ),
    ),
)
def firmware_access_faults(
    accesses: tuple[AccessOutcome, ...],
    mapping: MappingDeclaration,
    platform: Platform,
    plan: MappingPlan | None = None,
) -> Iterator[Finding | NotJudged]:
    """Firmware touches an address that this mapping does not lead to the memory it means.

    ``firmware_accesses`` lists what firmware was seen, or is known, to touch in a runtime service,
    each by its physical address and whether SetVirtualAddressMap converts the pointer to it. A
    converted pointer leads to the virtual address of the first entry of the list that holds it. One
    that is not converted keeps its physical address, and so does one into memory that no entry
    describes: boot-services memory, say, which firmware had before and has no right to any more.

    Whether that faults depends on who calls. Under ``identity`` and the other physical layouts a
    forgotten pointer is as good as any; Linux on x86 maps each region at its physical address
    beside the virtual one, for just this case; Linux on arm64 maps one place only, and the access
    is a page fault in the middle of a service. A kernel that maps all of memory while firmware runs
    even lets accesses pass that no descriptor covers, and so hides them until another system meets
    the same firmware.

    Judged is each declared strategy, after the boot, so that what is mapped during
    SetVirtualAddressMap only does not count. The mapping through which other accesses go is shown
    by ``efipolicy where``. Kernels started by kexec are
    ``kexec/fault-in-service-after-kexec``.
    """
    name = plan.strategy if plan else mapping.strategy
    for outcome in accesses:
        access = outcome.access
        if outcome.works is None:
            yield NotJudged(f"firmware_accesses[].converted, or more of the plan for {name}")
        elif not outcome.works:
            holder = platform.memory_map.at(access.physical)
            declared_runtime = holder is not None and holder.attribute is not None
            kernels = bool(declared_runtime and holder and holder.runtime and access.converted)
            related = [Related(mapping, f"the mapping of {name}")]
            if holder:
                related.insert(0, Related(holder, "the memory it means"))
            note = f" ({access.note})" if access.note else ""
            yield Finding(
                access,
                f"under {name}, {outcome.sentence}{note}",
                field="physical",
                related=tuple(related),
                responsible=Responsible.KERNEL if kernels else None,
            )
