"""Reads the lines that Acme's loader prints: ``acme-map 0x1000 0x9f WB``."""

import re
from collections.abc import Iterable

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    ArchitectureReason,
    Capture,
    CaptureFormat,
    CaptureReading,
    EfiMemoryType,
    MemoryDescriptor,
    MemoryMap,
    Platform,
    SourceText,
    TextRecord,
    hookimpl,
)

EFIPOLICY_API = 1

LINE = re.compile(r"^acme-map (?P<start>0x[0-9a-f]+) (?P<pages>0x[0-9a-f]+) WB\r?$", re.MULTILINE)


def read(source: SourceText) -> CaptureReading | None:
    """The map in a text, or ``None`` for a text of somebody else."""
    if not source.holds("acme-map "):
        return None
    descriptors = tuple(
        MemoryDescriptor(
            index=index,
            type=EfiMemoryType.EfiConventionalMemory,
            physical_start=int(line["start"], 16),
            number_of_pages=int(line["pages"], 16),
            attribute=EFI_MEMORY_WB,
            located=TextRecord(source, line.start(), line.end()),
        )
        for index, line in enumerate(LINE.finditer(source.text))
    )
    platform = Platform(
        name="acme",
        architecture="x86_64",
        architecture_reason=ArchitectureReason("dialect", "Acme builds no other boards"),
        memory_map=MemoryMap(descriptors=descriptors),
        capture=Capture(dialect="acme-log"),
    )
    return CaptureReading(platform, understood=len(descriptors))


@hookimpl
def efipolicy_formats() -> Iterable[CaptureFormat]:
    """The format ``acme-log``."""
    yield CaptureFormat(name="acme-log", title="Acme's loader", dialects=("acme-log",), read=read)
