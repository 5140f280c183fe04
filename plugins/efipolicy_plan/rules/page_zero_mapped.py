"""Null pointers that do not fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryMap,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.leaves import Owners

if TYPE_CHECKING:
    from efipolicy.plugin.paging import PageTables

_DATA = "EfiRuntimeServicesData  0x7f000000  16  RUNTIME WB"


@rule(
    "plan/page-zero-mapped",
    severity=Severity.INFO,
    requirements=(),
    sources=(
        "Linux 6.12 arch/x86/platform/efi/efi_64.c",
        "Linux 6.12 arch/x86/platform/efi/quirks.c",
    ),
    help="leave page 0 out while firmware runs, and keep runtime memory off it",
    responsible=Responsible.KERNEL,
    unless=("linux/runtime-memory-at-page-zero",),
    examples=(
        Bad(_DATA, architecture="x86_64", sections="mapping: [{strategy: x86-topdown}]", at=0),
        Bad(
            "EfiRuntimeServicesData  0x0  1  RUNTIME WB",
            architecture="arm64",
            sections="mapping: [{strategy: identity}]",
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, options: {page0: false}}]",
        ),
        Good(_DATA, architecture="x86_64", sections="mapping: [{strategy: identity}]"),
    ),
)
def page_zero_mapped(
    page_tables: PageTables, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """Virtual address 0 is mapped while firmware runs, so that null pointers do not fault.

    A service that follows a null pointer reads whatever lies in the first page, or writes to it,
    and nobody notices; where the page can be executed, calling one does not fault either.

    Linux on x86-64 maps physical page 0 on purpose, on every platform, because firmware was seen to
    read it; since 5.10 it cannot be executed. Nothing the firmware does keeps it from that, so this
    is off in the policy ``recommended``. A region for runtime services at physical address 0 is
    mapped there by whoever uses physical addresses.
    """
    if page_tables.runs and page_tables.runs[0].start == 0:
        first = page_tables.runs[0]
        mapped = page_tables.mappings[first.mapping]
        owners = Owners(memory_map, mapping)
        yield from owners.finding(
            mapped,
            f"virtual page 0 is mapped to {first.physical:#x} with access {first.access} while "
            f"firmware runs: {owners.what(mapped)}",
            AddressRange(first.physical, first.physical + EFI_PAGE_SIZE),
        )
