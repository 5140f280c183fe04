"""Regions whose virtual address an allocator gives."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.problems import told_by

_RAM = "EfiConventionalMemory   0x0         0x7e000  WB"
_FLASH = "EfiMemoryMappedIO       0xff000000  0x1000   RUNTIME UC"


def _given(options: str) -> str:
    return f"mapping: [{{strategy: x86-ioremap-svam, options: {options}}}]"


@rule(
    "plan/unknown-window-address",
    severity=Severity.INFO,
    requirements=(),
    sources=("Linux 3.14 arch/x86/platform/efi/efi_64.c",),
    help="state the address that was seen with the option `ioremap` of the mapping",
    responsible=Responsible.KERNEL,
    examples=(
        Bad(_RAM, _FLASH, at=2, architecture="x86_64", sections=_given("{}")),
        Good(
            _RAM,
            _FLASH,
            architecture="x86_64",
            sections=_given("{ioremap: {0xff000000: 0xffffc90000100000}}"),
        ),
        Good(
            _RAM,
            "EfiRuntimeServicesData  0x7e000000  0x1000   RUNTIME WB",
            architecture="x86_64",
            sections=_given("{}"),
        ),
    ),
)
def unknown_window_address(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """A region's virtual address is whatever an allocator gives, so nobody can tell it beforehand.

    Before each kernel had a layout of its own for firmware, Linux mapped device registers with
    ioremap, out of the area that drivers and vmalloc share. What comes of it depends on the order
    in which everything was mapped, which is not the same in another kernel, with another driver, or
    after kexec. That was the reason to give runtime regions addresses that follow from the memory
    map alone.

    Nothing is wrong with the region. The plan stays incomplete, and what depends on the address is
    not judged.
    """
    yield from told_by(plan, "plan/unknown-window-address", memory_map, mapping)
