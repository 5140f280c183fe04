"""How many descriptors are declared for runtime services."""

from collections.abc import Iterator, Mapping
from typing import Any

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryMap,
    NotJudged,
    Option,
    Severity,
    rule,
)
from efipolicy_plan.limits import unless_whole, unset


@rule(
    "plan/too-many-runtime-descriptors",
    severity=Severity.WARNING,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3", "UEFI 2.10 §8.4.1"),
    help="allocate runtime memory in fewer and larger pieces",
    needs=("attributes",),
    options=(
        Option(
            name="most",
            kind="integer",
            default=None,
            doc="the most descriptors with EFI_MEMORY_RUNTIME; without it there is no limit",
        ),
    ),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7e010000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7e020000  16  RUNTIME WB",
            options={"most": 2},
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7e000000  16      RUNTIME WB",
            "EfiRuntimeServicesData  0x7e010000  16      RUNTIME WB",
            "EfiConventionalMemory   0x100000    0x1000  WB",
            options={"most": 2},
        ),
    ),
)
def too_many_runtime_descriptors(
    memory_map: MemoryMap, options: Mapping[str, Any]
) -> Iterator[Finding | NotJudged]:
    """More descriptors are declared for runtime services than the limit allows.

    Each of them becomes an entry of the list for SetVirtualAddressMap, and a mapping of its own.
    Code and data in small alternating pieces, as some firmware of 2011 to 2013 has them, cost page
    tables and keep operating systems from using large pages; on arm64 each piece takes a slot of
    64 KiB. No machine stops because of it, so there is no limit unless a policy sets one.
    """
    limit = options["most"]
    number = len(memory_map.runtime)
    if limit is None:
        yield unset("most")
    elif number > limit:
        yield Finding(
            memory_map,
            f"{number} descriptors have EFI_MEMORY_RUNTIME, {number - limit} more than "
            f"the limit of {limit}",
        )
    else:
        yield from unless_whole(memory_map)
