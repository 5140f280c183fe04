"""UEFI-SVAM-016."""

from collections.abc import Iterator
from itertools import pairwise

from efipolicy.plugin import (
    Bad,
    Confidence,
    EfiMemoryType,
    Finding,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.virtual_layout import VirtualLayout, passes_list

_IMAGES = (EfiMemoryType.EfiRuntimeServicesCode, EfiMemoryType.EfiRuntimeServicesData)


@rule(
    "plan/relative-layout-lost",
    severity=Severity.WARNING,
    requirements=("UEFI-SVAM-016",),
    sources=(
        "UEFI 2.10 §4.6.3",
        "Linux arch/x86/platform/efi/efi.c",
        "Linux commit 0ce3cc008ec0",
    ),
    help="keep touching runtime regions as far apart as they are, lowest first",
    needs=("attributes",),
    architectures=("x86_64", "arm64", "ia64", "riscv64", "loongarch64"),
    responsible=Responsible.KERNEL,
    confidence=Confidence.LIKELY,
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f010000, virtual_start: 0x20100000, pages: 16}
""",
            at=2,
        ),
        Bad(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
mapping: [{strategy: x86-topdown, options: {kernel: "4.2"}}]
""",
            at=2,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 6, physical_start: 0x7f010000, virtual_start: 0x20010000, pages: 16}
""",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7f010000  16  RUNTIME WB",
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown}]",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7f000000  16  RUNTIME WB",
            "EfiMemoryMappedIO       0x7f010000  16  RUNTIME UC",
            sections="""
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7f000000, virtual_start: 0x20000000, pages: 16}
      - {type: 11, physical_start: 0x7f010000, virtual_start: 0x20100000, pages: 16}
""",
        ),
    ),
)
def relative_layout_lost(
    virtual_map: tuple[MemoryDescriptor, ...],
    memory_map: MemoryMap,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding]:
    """Touching runtime regions are pulled apart in virtual memory.

    Firmware of the time of UEFI 2.5 split each runtime image into regions of code and of data, so
    that the operating system could protect them. The code still finds its data by distance; when
    the two are placed elsewhere relative to each other, the first service call goes astray. The
    specification gave the split up for that reason in favour of the Memory Attributes Table, which
    needs no such thing, and firmware without split images does not mind.

    Linux on x86-64 has placed regions from the last to the first since 4.3, so that touching ones
    stay together; before that it turned their order around. On arm64 it left out the padding
    between neighbours from 4.3 to 5.7 (commit 0ce3cc008ec0) and puts each on a boundary of 64 KiB
    or 2 MiB of its own again since.

    All breaks in one run of touching regions are one finding.
    """
    if not passes_list(mapping, platform):
        return
    layout = VirtualLayout(virtual_map)
    for run in _touching(memory_map):
        torn = [pair for pair in pairwise(run) if _moved(*pair, layout)]
        if torn:
            yield _finding(torn, layout, mapping)


def _touching(memory_map: MemoryMap) -> list[list[MemoryDescriptor]]:
    """Runs of runtime code and data, each beginning where the one before it ends."""
    runs: list[list[MemoryDescriptor]] = []
    for descriptor in memory_map.by_address:
        if descriptor.runtime and descriptor.type in _IMAGES:
            if runs and runs[-1][-1].physical.end == descriptor.physical_start:
                runs[-1].append(descriptor)
            else:
                runs.append([descriptor])
    return runs


def _moved(lower: MemoryDescriptor, upper: MemoryDescriptor, layout: VirtualLayout) -> int:
    """By how many bytes the second is not where the first ends; 0 where that is not known."""
    before, after = layout.virtual_start(lower), layout.virtual_start(upper)
    if before is None or after is None:
        return 0
    return after - before - lower.physical.size


def _finding(
    torn: list[tuple[MemoryDescriptor, MemoryDescriptor]],
    layout: VirtualLayout,
    mapping: MappingDeclaration,
) -> Finding:
    lower, upper = torn[0]
    apart = _moved(lower, upper, layout) + lower.physical.size
    more = f"; {len(torn) - 1} more like it" if len(torn) > 1 else ""
    return Finding(
        upper,
        f"{upper} begins where {lower.type_name} at {lower.physical_start:#x} ends, and is placed "
        f"{abs(apart):#x} {'above' if apart > 0 else 'below'} its start, "
        f"not {lower.physical.size:#x} above{more}",
        related=(
            Related(lower, f"is placed at {layout.virtual_start(lower):#x}"),
            Related(mapping, f"the list of {mapping.os or mapping.strategy or 'this kernel'}"),
            *(Related(d, f"is placed at {layout.virtual_start(d):#x}") for _, d in torn[1:]),
        ),
    )
