"""The end of memory from which the fixed window of 2013 is measured."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
)

_LARGE = 2 << 20
_LOW = "EfiRuntimeServicesCode  0x7c000000  32  RUNTIME WB"


@rule(
    "linux/fixed-window-end-not-2m-aligned",
    severity=Severity.WARNING,
    requirements=(),
    sources=("linux-efi mailing list, 2 October 2013",),
    help="set the option round_hi to 2M, or to 1G where leaves of 1 GiB are used",
    architectures=("x86_64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            _LOW,
            "EfiRuntimeServicesData  0x7ffe0000  1   RUNTIME WB",
            sections="mapping: [{strategy: x86-fixed-window}]",
            at=2,
        ),
        Good(
            _LOW,
            "EfiRuntimeServicesData  0x7ffe0000  32  RUNTIME WB",
            sections="mapping: [{strategy: x86-fixed-window}]",
        ),
        Good(
            _LOW,
            "EfiRuntimeServicesData  0x7ffe0000  1   RUNTIME WB",
            sections="mapping: [{strategy: x86-fixed-window, options: {round_hi: 2M}}]",
        ),
        Good(
            _LOW,
            "EfiRuntimeServicesData  0x7ffe0000  1   RUNTIME WB",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
    ),
)
def fixed_window_end_not_2m_aligned(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """The highest mapped address is no multiple of 2 MiB, and the fixed window is hung up on it.

    ``x86-fixed-window`` adds one number to every physical address, chosen so that the highest end
    comes to -4 GiB. The idea was that alignment stays as it is. It does where that end is a
    multiple of 2 MiB, as in the example of the mail, whose map ends at 0x80000000. One region that
    ends a page later, and virtual and physical addresses no longer agree within 2 MiB, for any
    region: Linux takes leaves of 2 MiB by the virtual address alone, and every one of them points
    to a frame that is none.

    Regions too small for a large leaf do not show it, which makes the fault depend on the sizes
    of regions it has nothing to do with. The leaves that really are wrong are
    ``plan/misaligned-frame-in-large-leaf``; this is where they come from.
    """
    if plan.strategy != "x86-fixed-window" or not plan.mappings:
        return
    distances = {
        one.virtual_start - one.physical.start
        for one in plan.mappings
        if one.virtual_start is not None
    }
    wrong = [distance % _LARGE for distance in distances if distance % _LARGE]
    if not wrong:
        return
    last = max(plan.mappings, key=lambda one: one.physical.end)
    owner = next((d for d in memory_map.descriptors if d.index in last.descriptors), None)
    yield Finding(
        owner or mapping,
        f"the highest region ends at {last.physical.end:#x}, so that virtual addresses are "
        f"{wrong[0]:#x} beside physical ones within 2 MiB",
        last.physical,
        related=(Related(mapping, "the mapping of x86-fixed-window"),) if owner else (),
    )
