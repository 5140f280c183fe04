"""``type 0x… pa 0x… va 0x… pages 0x… attr 0x…``: the debug print of OpenBSD.

Layouts were read in OpenBSD 6.1 to 7.7, where every architecture has it: the start of the kernel
lists the whole map, the driver ``efi`` what it maps. ``va`` is the descriptor's field. Kernels of
arm64 up to 6.3 print it once SetVirtualAddressMap was called with what they put there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import Printed, Unreadable, shortened
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import NOTHING_SAYS, About, PrintedMap, reading
from efipolicy.formats.printed_rows import GAP, Layout, row_at, tail
from efipolicy.formats.printed_tables import Table, maps_of, rows_of
from efipolicy.formats.stated_architecture import stated_architecture
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Firmware, Revision
from efipolicy.plugin.types import CaptureReading

OPENBSD: Final = "openbsd"

_HEX: Final = "[0-9a-f]{1,16}"
_BEGINS: Final = re.compile(rf"\btype{GAP}0x{_HEX}{GAP}p")
_FIELDS: Final = (
    "type",
    rf"0x(?P<type>{_HEX})",
    "pa",
    rf"0x(?P<start>{_HEX})",
    "va",
    rf"0x(?P<virtual>{_HEX})",
    "pages",
    rf"0x(?P<pages>{_HEX})",
    "attr",
    "(?=0x)",
)
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_FIELDS)), joined=re.compile("".join(_FIELDS)), begins=_BEGINS
)
_DOUBT: Final = "an attribute that is no number of 64 bits, or may go on in the line below"
_ATTRIBUTE: Final = re.compile(r"[ \t]*[0-9a-fx]*")
_LOOKS_LIKE: Final = re.compile(
    r"\btype[ \t]+0x[0-9a-f]+[ \t]+pa\b|\bpa[ \t]+0x[0-9a-f]+[ \t]+va\b"
    r"|\bva[ \t]+0x[0-9a-f]+[ \t]+pages\b|\bpages[ \t]+0x[0-9a-f]+[ \t]+attr\b"
)
_DRIVER: Final = re.compile(
    r"\befi[0-9]{1,3} at [\w ]{1,40}: UEFI ([0-9]{1,3})\.([0-9]{1,3})(?:\.([0-9]))?"
)
_HEADER: Final = re.compile(rf"\bOpenBSD/\w{{1,16}} booting|{_DRIVER.pattern}")
_VENDOR: Final = re.compile(r"\befi[0-9]{1,3}: ([^\n]{1,80}?)[ \t]+rev 0x[0-9a-f]{1,8}\b")
_KERNEL: Final = re.compile(r"/sys/arch/(amd64|i386|arm64|armv7|riscv64)/compile/")


def read(text: CaptureText) -> CaptureReading | None:
    """What OpenBSD's debug print says of a platform."""
    rows, refused = rows_of(text, _TABLE)
    if not rows and not refused:
        return None
    maps = [_known_part(one) for one in maps_of(text, _TABLE, rows, refused)]
    return reading(text, maps, refused, OPENBSD, _about(text))


def _row(text: CaptureText, start: int) -> list[Printed | Unreadable]:
    row = row_at(text, start, _LAYOUT)
    if row is None:
        return []
    attribute, span = tail(text, row.end, _ATTRIBUTE, _attribute)
    after = max(row.end, span[1])
    memory_type = int(row["type"], 16)
    if memory_type >> 32:
        return [row.refused(f"type {shortened(row['type'])}, which does not fit 32 bits", after)]
    if attribute is None:
        return [row.refused(_DOUBT, after)]
    fields = {
        "type": row.span("type"),
        "physical_start": row.span("start"),
        "virtual_start": row.span("virtual"),
        "pages": row.span("pages"),
        "attribute": span,
    }
    descriptor = MemoryDescriptor(
        index=0,
        type=memory_type,
        physical_start=int(row["start"], 16),
        virtual_start=int(row["virtual"], 16),
        number_of_pages=int(row["pages"], 16),
        attribute=attribute,
        located=text.record(row.start, after, fields),
    )
    return [Printed(row.start, after, OPENBSD, descriptor)]


def _attribute(digits: str) -> int | None:
    return int(digits, 16) if re.fullmatch(f"0x{_HEX}", digits) else None


def _known_part(one: PrintedMap) -> PrintedMap:
    """The map, known to be a part where it holds nothing but what the driver maps."""
    descriptors = one.memory_map.descriptors
    if all(row.runtime or row.type == EfiMemoryType.EfiACPIMemoryNVS for row in descriptors):
        return one._replace(memory_map=replace(one.memory_map, extent="partial"))
    return one


def _about(text: CaptureText) -> About:
    """What the kernel says of the machine: of its version line, and of the driver ``efi``."""
    driver = _first(text, _DRIVER.finditer(text.text))
    vendor = _first(text, _VENDOR.finditer(text.text))
    numbers = [int(number) for number in driver.groups() if number] if driver else []
    return About(
        architecture=stated_architecture(text, _KERNEL) or NOTHING_SAYS,
        uefi=Revision(*numbers) if numbers else None,
        firmware=Firmware(vendor=vendor[1].strip()) if vendor else None,
        lines=tuple(found.span() for found in (driver, vendor) if found),
    )


def _first(text: CaptureText, found: Iterable[re.Match[str]]) -> re.Match[str] | None:
    return next((one for one in found if not text.is_remark(one.start())), None)


_TABLE: Final = Table(OPENBSD, _BEGINS, _row, _LOOKS_LIKE, _HEADER)
