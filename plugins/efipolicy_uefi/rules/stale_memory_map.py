"""UEFI-MAP-022."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    kernels_before,
    rule,
)


@rule(
    "uefi/stale-memory-map",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-022",),
    sources=("UEFI 2.10 §7.4.6", "UEFI 2.11 §7.4.6"),
    help="get the memory map again and hand over the one ExitBootServices was called with",
    needs=("memory_map.map_key",),
    responsible=Responsible.LOADER,
    examples=(
        Bad(
            map_key=0x2A,
            sections="mapping: [{os: a, exit_boot_services: {by: loader, map_key: 0x2b}}]",
            at=0,
        ),
        Good(
            map_key=0x2B,
            sections="mapping: [{os: a, exit_boot_services: {by: loader, map_key: 0x2b}}]",
        ),
    ),
)
def stale_memory_map(
    memory_map: MemoryMap, mapping: MappingDeclaration, platform: Platform
) -> Iterator[Finding | NotJudged]:
    """The memory map that is handed over is not the one that ended boot services.

    Every allocation gives the memory map a new key, and ExitBootServices takes the current one
    only. A loader that keeps an older copy, for the kernel, for SetVirtualAddressMap or for kexec,
    may miss what a driver allocated in between. Runtime memory that is missing in that copy gets
    no virtual address and is handed out as free.

    A kernel started by kexec does not end boot services and is not asked.
    """
    if kernels_before(mapping, platform):
        return
    ended = mapping.exit_boot_services
    if ended is None or ended.map_key is None:
        yield NotJudged("mapping[].exit_boot_services.map_key")
    elif ended.map_key != memory_map.map_key:
        yield Finding(
            ended,
            f"ExitBootServices was called with map key {ended.map_key:#x}, "
            f"and the memory map has {memory_map.map_key:#x}",
            field="map_key",
            related=(Related(memory_map, "the map that is handed over"),),
            responsible=None if ended.by in (None, "loader") else Responsible.KERNEL,
        )
