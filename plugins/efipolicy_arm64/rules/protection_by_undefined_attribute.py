"""ARM64-006."""

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

_WITHOUT_MEANING = ("WP", "RP", "UCE")


@rule(
    "arm64/protection-by-undefined-attribute",
    severity=Severity.INFO,
    requirements=("ARM64-006",),
    sources=("UEFI 2.10 §2.3.6.1, Tables 2.5 and 2.6", "UEFI 2.11 §2.3.6.1"),
    help="take permissions from EFI_MEMORY_RO and EFI_MEMORY_XP",
    needs=("calls.protection_bits",),
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(sections="mapping: [{os: a, calls: {protection_bits: [WP]}}]", at=0),
        Bad(sections="mapping: [{os: a, calls: {protection_bits: [RO, RP, UCE]}}]", at=0),
        Good(sections="mapping: [{os: a, calls: {protection_bits: [RO, XP]}}]"),
        # What the map offers is nobody's policy.
        Good(
            "EfiConventionalMemory  0x80000000  16  WB WT WC UC WP",
            sections="mapping: [{os: a, calls: {protection_bits: []}}]",
        ),
    ),
)
def protection_by_undefined_attribute(calls: RuntimeCalls) -> Iterator[Finding]:
    """The operating system relies on attribute bits that mean nothing on AArch64.

    On AArch64 EFI_MEMORY_RO and EFI_MEMORY_XP say what may be written and executed. EFI_MEMORY_WP
    and EFI_MEMORY_RP are not used there, and EFI_MEMORY_UCE is neither used nor defined. Whoever
    looks for them finds no region that is to be protected, or, on firmware that sets WP as the
    cache type it is since UEFI 2.5, every one.

    This is about what an operating system does with the bits, never about the memory map: a healthy
    laptop with a Snapdragon X Elite sets WP on 55 descriptors. Linux uses RO and XP.
    """
    bits = calls.protection_bits or ()
    wrong = [bit for bit in bits if bit in _WITHOUT_MEANING]
    if wrong:
        edits = tuple(
            Edit(calls, f"protection_bits.{place}")
            for place, bit in enumerate(bits)
            if bit in _WITHOUT_MEANING
        )
        yield Finding(
            calls,
            f"page permissions are taken from {', '.join(wrong)}, without meaning on AArch64",
            field="protection_bits",
            fix=Fix("unsafe", f"take {', '.join(wrong)} out of the list", edits),
        )
