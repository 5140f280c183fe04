"""IA64-006."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    EfiMemoryType,
    Finding,
    Fix,
    Good,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    UsableMemory,
    rule,
)

_PAL = EfiMemoryType.EfiPalCode


@rule(
    "ia64/pal-code-reused",
    severity=Severity.ERROR,
    requirements=("IA64-006",),
    sources=("UEFI 2.10 §7.2, Table 7.6", "EFI 1.10 Table 5-6"),
    help="keep EfiPalCode out of the page allocator, and across sleep states S1 to S4",
    needs=("usable_memory.types",),
    architectures=("ia64",),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            "EfiPalCode  0x3ffc0000  64  RUNTIME WB",
            sections="mapping: [{os: a, usable_memory: {types: [7, EfiPalCode]}}]",
            at=0,
        ),
        Good(
            "EfiPalCode  0x3ffc0000  64  RUNTIME WB",
            sections="mapping: [{os: a, usable_memory: {types: [1, 2, 3, 4, 7]}}]",
        ),
    ),
)
def pal_code_reused(
    usable_memory: UsableMemory, memory_map: MemoryMap | None = None
) -> Iterator[Finding]:
    """An operating system takes the memory of the Processor Abstraction Layer.

    EfiPalCode holds code that belongs to the processor. Cache flushes, machine checks, and the
    start of further processors go through it, called by the operating system and by SAL at any
    time. It stays as it is until power is off, sleep states S1 to S4 included (S1 to S3 in EFI
    1.10).

    What is left of it when its memory is reused shows at the next cache flush, and at the latest
    with a machine check, which then cannot be handled. Linux pins the region with a translation
    register of its own on every processor.
    """
    lists = {"types": usable_memory.types or (), "before_acpi": usable_memory.before_acpi or ()}
    edits = tuple(
        Edit(usable_memory, f"{name}.{place}")
        for name, types in lists.items()
        for place, memory_type in enumerate(types)
        if memory_type == _PAL
    )
    if edits:
        regions = [d for d in (memory_map.descriptors if memory_map else ()) if d.type == _PAL]
        yield Finding(
            usable_memory,
            "EfiPalCode is given to the page allocator; the processor needs it all the time",
            field="types" if _PAL in lists["types"] else "before_acpi",
            related=tuple(Related(region, f"{region} would be overwritten") for region in regions),
            fix=Fix("unsafe", "take EfiPalCode out of the list", edits),
        )
