"""Descriptors whose attribute nobody printed."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Related, Responsible, Severity, rule


@rule(
    "capture/unknown-attribute",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3",),
    help="capture the whole map, as with efi=debug, or add the attributes to the platform file",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            "EfiConventionalMemory  0x100000    16  WB",
            "EfiMemoryMappedIO      0xfec00000   1  ?",
            at=2,
        ),
        Good("EfiMemoryMappedIO  0xfec00000  1  UC"),
    ),
)
def unknown_attribute(memory_map: MemoryMap) -> Iterator[Finding]:
    """The attributes of some descriptors are not known.

    A Linux log without efi=debug names only memory-mapped I/O, and not its attributes. Whether
    such a region asks for a runtime mapping, and how it may be cached, was not judged, and a
    mapping plan leaves it out.
    """
    unknown = [d for d in memory_map.descriptors if d.attribute is None]
    if unknown:
        count = "1 descriptor has" if len(unknown) == 1 else f"{len(unknown)} descriptors have"
        yield Finding(
            unknown[0],
            f"{count} no known attribute",
            related=tuple(Related(other, "nor has this one") for other in unknown[1:]),
        )
