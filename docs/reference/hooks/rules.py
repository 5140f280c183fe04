"""A rule about persistent memory."""

from collections.abc import Iterable, Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Good,
    MemoryMap,
    Rule,
    Severity,
    hookimpl,
    rule,
)

EFIPOLICY_API = 1


@rule(
    "acme/persistent-memory",
    severity=Severity.WARNING,
    requirements=("ACME-001",),
    sources=("Acme platform guide, 3.2",),
    help="report it as EfiReservedMemoryType",
    examples=(
        Bad("EfiPersistentMemory    0x100000000  16  WB NV"),
        Good("EfiReservedMemoryType  0x100000000  16  WB"),
    ),
)
def persistent_memory(memory_map: MemoryMap) -> Iterator[Finding]:
    """Memory that survives a reset is reported to kernels that take it for RAM."""
    for descriptor in memory_map.descriptors:
        if descriptor.type == EfiMemoryType.EfiPersistentMemory:
            yield Finding(descriptor, f"{descriptor} is persistent", field="type")


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``acme``."""
    yield persistent_memory
