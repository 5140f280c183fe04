"""``(XEN) EFI memory map:``: the list that the Xen hypervisor prints, on x86 only.

The layout was read in Xen 4.4 to 4.18 (``efi_init_memory``). Xen prints a descriptor as firmware
gave it, before it sets EFI_MEMORY_RUNTIME itself or leaves the region out of its page tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.formats import linux_log, linux_machine
from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    pages_between,
    slug,
)
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, PrintedMap, chosen, reading, table_map
from efipolicy.formats.printed_rows import (
    GAP,
    NOT_PAGES,
    Layout,
    Row,
    grouped,
    left_over,
    row_at,
)
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import ArchitectureReason, Firmware
from efipolicy.plugin.types import CaptureReading

XEN: Final = "xen"

_HEADER: Final = re.compile(r"EFI memory map:(?:[ \t]*\(mapping BootServices\))?")
_HYPHEN: Final = re.compile(r"-[0-9a-f]{4}")
"""Where a range may be: found by its hyphen, without looking at every line."""
_START: Final = re.compile(r"(?<![0-9a-fA-Fx])(?<!\\u)[0-9a-f]{13,16}\Z")
_RANGE: Final = r"(?P<start>[0-9a-f]{13,16})-(?P<end>[0-9a-f]{13,16})"
_ATTRIBUTE: Final = r"attr=(?:3D)?(?P<attribute>[0-9a-f]{16})(?![0-9a-fA-F])"
_LAYOUT: Final = Layout(
    whole=re.compile(rf"{_RANGE}{GAP}type=(?:3D)?(?P<type>\d{{1,10}}){GAP}{_ATTRIBUTE}"),
    joined=re.compile(rf"{_RANGE}type=(?:3D)?(?P<type>\d{{1,10}}){_ATTRIBUTE}"),
    begins=re.compile(r"(?<![0-9a-fA-Fx])[0-9a-f]{13,16}-[0-9a-f]"),
)
_LOOKS_LIKE: Final = re.compile(
    r"(?:^|(?<=[ \t>\"\n]{2}))[0-9a-f]{13,16}-(?=[0-9a-f\r\n])"
    r"|type=(?:3D)?\d+[ \t]+attr=|\battr=(?:3D)?[0-9a-f]{16}\b",
    re.MULTILINE,
)
_STATED: Final = re.compile(r"Xen-\d[\w.-]{0,40}[ \t]+x86_64|\(XEN\) CPU Vendor: (?:Intel|AMD)")
_X86: Final = ArchitectureReason(
    kind="dialect", evidence="the rows `START-END type=N attr=X`, which Xen prints on x86"
)


def read(text: CaptureText) -> CaptureReading | None:
    """What a log of Xen, and of the Linux it starts, says of a platform."""
    found = list(_rows(text))
    rows = [row for row in found if isinstance(row, Printed)]
    refused = [row for row in found if isinstance(row, Unreadable)]
    if not found:
        return None
    refused += left_over(text, found, _LOOKS_LIKE)
    lines = Refused(refused)
    groups = grouped(rows, lambda last, row: _is_headed(text, last.end, row.start))
    maps = [table_map(text, group, lines, _HEADER, XEN) for group in groups]
    return reading(text, maps, refused, XEN, _about(text, maps) if maps else None)


def _rows(text: CaptureText) -> Iterator[Printed | Unreadable]:
    for hyphen in _HYPHEN.finditer(text.text):
        at = hyphen.start()
        number = _START.search(text.text, max(0, at - 16), at)
        if number is None or text.is_remark(at):
            continue
        row = row_at(text, number.start(), _LAYOUT)
        if row:
            yield _read(text, row)


def _read(text: CaptureText, row: Row) -> Printed | Unreadable:
    start, last, memory_type = int(row["start"], 16), int(row["end"], 16), int(row["type"])
    pages = pages_between(start, last + 1)
    if pages is None:
        return row.refused(NOT_PAGES)
    if memory_type >> 32:
        return row.refused(f"type {memory_type}, which does not fit 32 bits")
    fields = {
        "physical_start": row.span("start"),
        "pages": row.span("end"),
        "type": row.span("type"),
        "attribute": row.span("attribute"),
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=start,
        number_of_pages=pages,
        attribute=int(row["attribute"], 16),
        located=text.record(row.start, row.end, fields),
    )
    return Printed(row.start, row.end, XEN, descriptor)


def _is_headed(text: CaptureText, end: int, start: int) -> bool:
    return start - end > 16 and _HEADER.search(text.text, end, start) is not None


def _about(text: CaptureText, maps: Sequence[PrintedMap]) -> About:
    """What the Linux that Xen started says below the map: the kernel itself prints none there."""
    best = chosen(maps)
    start = best.rows[0].start
    following = [one.rows[0].start for one in maps if one.rows[0].start > start]
    boot = Boot(start, min(following, default=len(text.text)), kexec=False)
    banner = linux_log.banner(text, boot)
    version = linux_machine.version_line(text, boot)
    machine = linux_machine.machine(text, boot) if version else None
    tables = linux_log.tables(text, boot, banner.end, boot.end) if banner else None
    kernel = linux_machine.kernel_version(version)
    vendor = banner.vendor if banner else None
    firmware_version = machine.firmware_version if machine else None
    found = [(one.start, one.end) for one in (banner, machine, tables) if one]
    return About(
        architecture=_architecture(text, boot, version),
        title=machine.title if machine else None,
        name=slug(machine.title) if machine else None,
        uefi=linux_log.revision(banner.digits, kernel) if banner else None,
        firmware=Firmware(vendor, firmware_version) if vendor or firmware_version else None,
        tables=tables.known if tables else None,
        lines=(*found, version.span()) if version else tuple(found),
    )


def _architecture(
    text: CaptureText, boot: Boot, version: re.Match[str] | None
) -> tuple[str, ArchitectureReason]:
    for words in _STATED.finditer(text.text):
        if not text.is_remark(words.start()):
            evidence = f"`{' '.join(words[0].split())}`"
            return "x86_64", ArchitectureReason(kind="stated", evidence=evidence)
    stated = linux_machine.stated_architecture(text, boot, version)
    return stated or ("x86_64", _X86)
