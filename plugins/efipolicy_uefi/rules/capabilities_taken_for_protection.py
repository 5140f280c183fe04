"""UEFI-ATTR-012."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    Responsible,
    RuntimeCalls,
    Severity,
    rule,
)


@rule(
    "uefi/capabilities-taken-for-protection",
    severity=Severity.WARNING,
    requirements=("UEFI-ATTR-012",),
    sources=("UEFI 2.10 §7.2.3", "EDK II MdeModulePkg/Core/Dxe/Mem/Page.c"),
    help="take page permissions of runtime memory from the Memory Attributes Table",
    needs=("calls.protection_from",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections="mapping: [{os: a, calls: {protection_from: memory-map}}]", at=0),
        Good(sections="mapping: [{os: a, calls: {protection_from: mat}}]"),
        Good(sections="mapping: [{os: a, calls: {protection_from: type}}]"),
    ),
)
def capabilities_taken_for_protection(calls: RuntimeCalls) -> Iterator[Finding]:
    """An operating system reads the memory map's attributes as the permissions in force.

    RO, XP and RP in the map that GetMemoryMap returns say what the memory can be set to, not what
    it is set to: a region may well have all of them. What runtime memory is to be mapped with is
    the Memory Attributes Table's to say. Taken for settings, RP makes variables unreadable and RO
    stops firmware from writing its own data.

    Because operating systems misread them, EDK II clears these bits from the map it returns, and
    then an operating system that relies on them protects nothing.
    """
    if calls.protection_from == "memory-map":
        yield Finding(
            calls,
            "page permissions come from the memory map, whose RO, XP and RP are capabilities",
            field="protection_from",
            fix=Fix(
                "unsafe",
                "take permissions from the Memory Attributes Table",
                (Edit(calls, "protection_from", "mat"),),
            ),
        )
