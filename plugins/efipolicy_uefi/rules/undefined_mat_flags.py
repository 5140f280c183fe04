"""UEFI-MAT-015."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MemoryAttributesTable,
    NotJudged,
    Severity,
    rule,
)

_FORWARD_CONTROL_FLOW_GUARD = 0x1
"""EFI_MEMORY_ATTRIBUTES_FLAGS_RT_FORWARD_CONTROL_FLOW_GUARD (UEFI 2.10, 4.6.4)."""


@rule(
    "uefi/undefined-mat-flags",
    severity=Severity.WARNING,
    requirements=("UEFI-MAT-015",),
    sources=("UEFI 2.10 §4.6.4", "UEFI 2.11 §4.6.3", "EDK II commit 53eb26b238"),
    help="clear the flags in version 1, all but bit 0 in version 2",
    needs=("memory_attributes_table.flags",),
    fix="safe",
    unless=("uefi/unknown-mat-version",),
    examples=(
        Bad(sections="memory_attributes_table: {version: 1, flags: 1, entries: []}", at=0),
        Bad(sections="memory_attributes_table: {version: 2, flags: 3, entries: []}", at=0),
        Good(sections="memory_attributes_table: {version: 2, flags: 1, entries: []}"),
        Good(sections="memory_attributes_table: {version: 1, flags: 0, entries: []}"),
    ),
)
def undefined_mat_flags(
    memory_attributes_table: MemoryAttributesTable,
) -> Iterator[Finding | NotJudged]:
    """The Memory Attributes Table has flags without a meaning in its version.

    Version 1 reserves the word. Version 2, of UEFI 2.10, has one flag: all runtime code has landing
    pads, so that it may run with forward control flow guards on, IBT on x86 and BTI on Arm. Linux
    turns the guard on for firmware code by this bit; where the pads are missing, the first indirect
    call in a runtime service ends in a fault. Whether the code has them, no table can tell.

    A bit that means nothing today may mean something in the next version, and whoever set it by
    accident will claim it then.
    """
    flags = memory_attributes_table.flags or 0
    version = memory_attributes_table.version
    if version is None and flags == _FORWARD_CONTROL_FLOW_GUARD:
        yield NotJudged("memory_attributes_table.version")
        return
    defined = 0 if version == 1 else _FORWARD_CONTROL_FLOW_GUARD
    undefined = flags & ~defined
    if undefined:
        where = "any version" if version is None else f"version {version}"
        yield Finding(
            memory_attributes_table,
            f"the Memory Attributes Table has flags {flags:#x}; "
            f"{undefined:#x} is undefined in {where}",
            field="flags",
            fix=Fix(
                "safe",
                "clear the undefined flags",
                (Edit(memory_attributes_table, "flags", flags & defined),),
            ),
        )
