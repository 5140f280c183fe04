"""Lines that look like descriptors and cannot be read as such."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Capture,
    Finding,
    Good,
    Platform,
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
        Bad(
            "EfiConventionalMemory  0x100000  16  WB",
            sections="not_read: [{line: 214, what: a type cell that does not end}]",
            at=0,
        ),
        Good("EfiConventionalMemory  0x100000  16  WB", capture=_capture()),
    ),
)
def unreadable_line(platform: Platform) -> Iterator[Finding]:
    """A line looks like a descriptor and cannot be read as one.

    It may hold the very entry that is at fault, so a clean report on the others says less than it
    seems to. Mail clients that wrap lines, overlapping messages on a serial console, and hands
    that shortened a post make such lines. A file imported from a capture lists them under
    ``not_read``, with their numbers.
    """
    capture = platform.capture
    for line in (*(capture.unreadable if capture else ()), *platform.not_read):
        yield Finding(line, f"cannot be read as a descriptor: {line.what}")
