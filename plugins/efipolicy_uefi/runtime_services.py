"""What several rules ask of the pointers in the system table and the runtime services table."""

from collections.abc import Iterator, Mapping

from efipolicy.plugin import (
    RUNTIME_SERVICES,
    AddressRange,
    Finding,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Related,
    Revision,
    SystemTable,
)
from efipolicy_uefi.ranges import listed

_SINCE_2_0 = frozenset(("UpdateCapsule", "QueryCapsuleCapabilities", "QueryVariableInfo"))


def unlisted(functions: Mapping[str, int], revision: Revision | None) -> Iterator[NotJudged]:
    """What cannot be judged where not every service's pointer is declared (UEFI 2.10, 4.5)."""
    services = set(RUNTIME_SERVICES)
    if revision and revision < Revision(2, 0):
        services -= _SINCE_2_0
    unknown = len(services - functions.keys())
    if unknown:
        yield NotJudged(f"system_table.runtime_functions ({unknown} of {len(services)} unknown)")


def outside_runtime_memory(
    table: SystemTable,
    pointers: Mapping[str, int],
    memory_map: MemoryMap,
    fields: Mapping[str, str],
) -> Iterator[Finding | NotJudged]:
    """The pointers that lie in no descriptor with EFI_MEMORY_RUNTIME, one finding a descriptor.

    ``pointers`` are addresses by the name a message calls them, ``fields`` the keys they stand in.
    """
    strays: dict[MemoryDescriptor | int, list[str]] = {}
    for name, address in pointers.items():
        holder = memory_map.at(address)
        if holder is None and memory_map.extent != "whole":
            yield NotJudged("memory_map.extent: whole")
        elif holder and holder.attribute is None:
            yield NotJudged("memory_map.descriptors[].attribute")
        elif holder is None or not holder.runtime:
            strays.setdefault(holder or address, []).append(name)
    for place, names in strays.items():
        holder = place if isinstance(place, MemoryDescriptor) else None
        words = [f"{name} {pointers[name]:#x}" for name in names]
        where = f"{holder} without EFI_MEMORY_RUNTIME" if holder else "no descriptor"
        addresses = [pointers[name] for name in names]
        yield Finding(
            table,
            f"{listed(words)} {'lies' if len(words) == 1 else 'lie'} in {where}",
            AddressRange(min(addresses), max(addresses) + 1),
            field=fields[names[0]],
            related=(Related(holder, f"{holder.type_name} is not mapped"),) if holder else (),
        )
