"""UEFI-MAP-001."""

from collections.abc import Iterator

from efipolicy.plugin import EFI_PAGE_SIZE, Bad, Finding, Good, MemoryMap, Severity, rule


@rule(
    "uefi/misaligned-physical-start",
    severity=Severity.ERROR,
    requirements=("UEFI-MAP-001",),
    sources=("UEFI 2.10 §7.2.3", "EFI 1.10 §5.2"),
    help="round the start down to 4 KiB and count the page it then begins in",
    examples=(
        Bad("EfiConventionalMemory  0x80000800  4  WB"),
        Bad(
            "EfiConventionalMemory  0x80000000  4  WB",
            "EfiMemoryMappedIO      0x1e88180   1  RUNTIME",
            at=2,
        ),
        Good("EfiConventionalMemory  0x80000000  4  WB"),
    ),
)
def misaligned_physical_start(memory_map: MemoryMap) -> Iterator[Finding]:
    """A descriptor starts inside a page.

    Descriptors count in pages of 4 KiB, whatever page the operating system uses, so a start that
    is no multiple of 4 KiB leaves open which bytes are meant. Linux takes such an entry for bogus
    when it looks up an address, and the range loses its attributes. An NXP board listed the
    registers of a device at 0x1e88180: FreeBSD then gave up the runtime services altogether.
    """
    for descriptor in memory_map.descriptors:
        inside = descriptor.physical_start % EFI_PAGE_SIZE
        if inside:
            yield Finding(
                descriptor,
                f"{descriptor.type_name} starts at {descriptor.physical_start:#x}, "
                f"{inside:#x} bytes into a page",
                field="physical_start",
            )
