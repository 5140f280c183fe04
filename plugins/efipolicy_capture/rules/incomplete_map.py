"""Gaps in the numbers of the entries."""

from collections.abc import Iterator

from efipolicy.plugin import Bad, Finding, Good, MemoryMap, Responsible, Severity, rule


@rule(
    "capture/incomplete-map",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3",),
    help="capture the whole map, as with efi=debug and a log buffer that holds all of it; that of "
    "a kernel started by kexec is in the log of the first kernel",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            at=0,
            extent="partial",
            missing=((1, 4), (9, 9)),
        ),
        Bad("EfiConventionalMemory  0x100000  16  WB", at=0, extent="partial"),
        Good("EfiConventionalMemory  0x100000  16  WB"),
    ),
)
def incomplete_map(memory_map: MemoryMap) -> Iterator[Finding]:
    """Entries of the memory map are missing from the capture.

    The kernel numbers the entries it prints, so a gap shows; some lists are a selection by nature.
    What the entries that are there say was judged; what can only be said of a whole map was not,
    such as that a table lies outside all of it, or that no other entry carries a bit.
    """
    if memory_map.extent == "partial" and not memory_map.missing:
        whose = "only a part of it was captured"
        if memory_map.origin == "kexec":
            whose = "the kernel before handed on a part of it"
        yield Finding(memory_map, f"memory map incomplete: {whose}")
    if memory_map.missing:
        gaps = ", ".join(_gap(first, last) for first, last in memory_map.missing)
        yield Finding(memory_map, f"memory map incomplete: {gaps} missing")


def _gap(first: int, last: int) -> str:
    return f"mem{first:02}" if first == last else f"mem{first:02}-mem{last:02}"
