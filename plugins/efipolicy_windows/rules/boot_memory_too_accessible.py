"""WIN-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    AddressRange,
    Bad,
    BootPages,
    Finding,
    Good,
    NotJudged,
    Severity,
    rule,
)

_PAGE_ZERO = AddressRange(0, EFI_PAGE_SIZE)
_ALLOWED = {
    "code": ("R", "RX"),
    "data": ("R", "RW"),
    "stack": ("R", "RW"),
    "mmio": ("R", "RW"),
    "free": (),
    "null": (),
    "unmapped": (),
}
_WHAT = {
    "code": "loaded code",
    "data": "loaded data",
    "stack": "a stack",
    "mmio": "device registers",
    "free": "unallocated memory",
    "null": "page 0",
    "unmapped": "an address outside the memory map",
}


@rule(
    "windows/boot-memory-too-accessible",
    severity=Severity.INFO,
    requirements=("WIN-003",),
    sources=("Project Mu docs/WhatAndWhy/enhancedmemoryprotection.md",),
    help="map the range with no more access than its contents need",
    architectures=("x86_64", "arm64"),
    examples=(
        Bad(
            architecture="x86_64",
            sections="""
boot_page_tables: [{start: 0xfe000000, size: 0x1000, access: RWX, holds: mmio}]
""",
            at=0,
        ),
        # Nothing may be writable and executable, whatever it holds.
        Bad(
            architecture="x86_64",
            sections="""
boot_page_tables: [{start: 0x7f000000, size: 0x1000, access: RWX}]
""",
            at=0,
        ),
        # The first page of the range is page 0.
        Bad(
            architecture="x86_64",
            sections="""
boot_page_tables: [{start: 0x0, size: 0x2000, access: RW, holds: data}]
""",
            at=0,
        ),
        Bad(
            architecture="x86_64",
            sections="""
boot_page_tables:
  - {start: 0x10000000, size: 0x1000, access: RW, holds: code}
  - {start: 0x10001000, size: 0x1000, access: RX, holds: stack}
  - {start: 0x10002000, size: 0x1000, access: R, holds: free}
  - {start: 0x8000000000, size: 0x1000, access: RW, holds: unmapped}
""",
            at=(0, 0, 0, 0),
        ),
        Good(
            architecture="x86_64",
            sections="""
boot_page_tables: [{start: 0xfe000000, size: 0x1000, access: RW, holds: mmio}]
""",
        ),
        Good(
            architecture="x86_64",
            sections="""
boot_page_tables:
  - {start: 0x0, size: 0x1000, access: none}
  - {start: 0x10000000, size: 0x1000, access: RX, holds: code}
  - {start: 0x10001000, size: 0x1000, access: RW, holds: stack}
  - {start: 0x10002000, size: 0x1000, access: none, holds: free}
""",
        ),
    ),
)
def boot_memory_too_accessible(
    boot_page_tables: tuple[BootPages, ...],
) -> Iterator[Finding | NotJudged]:
    """Page tables in force at boot grant more access than what lies there needs.

    Boot kits write code into memory that is writable and executable. The Enhanced Memory
    Protection profile of Project Mu, which Microsoft recommends for firmware that boots Windows,
    leaves no such memory: loaded code is read-only, loaded data, stacks and device registers are
    not executable, and page 0, unallocated memory and addresses outside the map fault when they
    are touched. Its DxePagingAuditTestApp checks the same list on a running machine.

    A recommendation, possible since the Memory Attribute Protocol of UEFI 2.10. Operating systems
    replace these page tables, and boot either way; loaders that run data as code do not. What
    ``boot_page_tables`` leaves out is not judged, and of a range that does not say what it holds
    only page 0, and write access together with execution.
    """
    for pages in boot_page_tables:
        if pages.access == "RWX":
            yield _finding(pages, pages.physical, "readable, writable and executable at once")
        elif pages.access != "none":
            yield from _judged(pages)


def _judged(pages: BootPages) -> Iterator[Finding | NotJudged]:
    zero = pages.physical & _PAGE_ZERO
    rest = pages.physical
    if zero.size:
        yield _finding(pages, zero, "page 0, which needs none")
        rest = AddressRange(zero.end, max(rest.end, zero.end))
    if not rest.size:
        return
    if pages.holds is None:
        yield NotJudged("boot_page_tables[].holds")
    elif pages.access not in _ALLOWED[pages.holds]:
        allowed = " or ".join(_ALLOWED[pages.holds]) or "none"
        yield _finding(pages, rest, f"{_WHAT[pages.holds]}, which needs {allowed}")


def _finding(pages: BootPages, region: AddressRange, what: str) -> Finding:
    return Finding(pages, f"{region} has access {pages.access}: {what}", region, field="access")
