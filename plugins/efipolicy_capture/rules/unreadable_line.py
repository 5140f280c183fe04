"""Lines that look like descriptors and cannot be read as such."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Capture,
    Finding,
    Good,
    Responsible,
    Severity,
    SourceText,
    TextRecord,
    UnreadableLine,
    rule,
)


def _capture(*lines: str) -> Capture:
    return Capture(
        dialect="linux-x86-cells-closed",
        unreadable=tuple(
            UnreadableLine(
                what="no type and range behind `mem03:`",
                located=TextRecord(SourceText("dmesg.txt", line), 0, len(line)),
            )
            for line in lines
        ),
    )


@rule(
    "capture/unreadable-line",
    severity=Severity.WARNING,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3",),
    help="repair the line in the capture, or capture the map again",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            at=1,
            capture=_capture("efi: mem03: garbage"),
        ),
        Good("EfiConventionalMemory  0x100000  16  WB", capture=_capture()),
    ),
)
def unreadable_line(capture: Capture) -> Iterator[Finding]:
    """A line looks like a descriptor and cannot be read as one.

    It may hold the very entry that is at fault, so a clean report on the others says less than it
    seems to. Mail clients that wrap lines, overlapping messages on a serial console, and hands
    that shortened a post make such lines.
    """
    for line in capture.unreadable:
        yield Finding(line, f"cannot be read as a descriptor: {line.what}")
