"""How many bytes are declared for runtime services."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Option,
    Related,
    Severity,
    rule,
    size_text,
)
from efipolicy_plan.limits import unless_whole, unset

_SHOWN = 8


@rule(
    "plan/too-much-runtime-memory",
    severity=Severity.WARNING,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3", "Linux 6.12 Documentation/arch/x86/x86_64/mm.rst"),
    help="declare less memory with EFI_MEMORY_RUNTIME",
    needs=("attributes",),
    options=(
        Option(
            name="most_bytes",
            kind="integer",
            default=None,
            doc="the most bytes that may carry EFI_MEMORY_RUNTIME; without it there is no limit",
        ),
    ),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7e000000  0x100  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f000000  0x101  RUNTIME WB",
            options={"most_bytes": 0x200000},
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7e000000  0x100   RUNTIME WB",
            "EfiRuntimeServicesData  0x7f000000  0x100   RUNTIME WB",
            "EfiConventionalMemory   0x100000    0x1000  WB",
            options={"most_bytes": 0x200000},
        ),
    ),
)
def too_much_runtime_memory(
    memory_map: MemoryMap, options: Mapping[str, Any]
) -> Iterator[Finding | NotJudged]:
    """More memory is declared for runtime services than the limit allows.

    What carries EFI_MEMORY_RUNTIME is lost to the operating system for as long as it runs, and
    takes virtual addresses as well: 64 GiB for all of it, boot services included, on x86-64 Linux,
    512 MiB in the layout of its EFI stub on 32-bit Arm, 128 MiB shared with everything else on
    i386. How much a product may spend is its own decision, so there is no limit unless a policy
    sets one.

    Device registers count too: they take addresses, though no memory.
    """
    limit = options["most_bytes"]
    if limit is None:
        yield unset("most_bytes")
        return
    total = sum(descriptor.physical.size for descriptor in memory_map.runtime)
    if total <= limit:
        yield from unless_whole(memory_map)
        return
    largest = sorted(memory_map.runtime, key=lambda d: d.physical.size, reverse=True)
    yield Finding(
        memory_map,
        f"{total:#x} bytes ({size_text(total)}) have EFI_MEMORY_RUNTIME, "
        f"{size_text(total - limit)} more than the limit of {limit:#x}",
        related=tuple(Related(d, size_text(d.physical.size)) for d in largest[:_SHOWN]),
    )
