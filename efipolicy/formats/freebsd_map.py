"""``MAP … mode … pages …``: the mappings that FreeBSD on arm64 installs for runtime services.

Layouts were read in FreeBSD 12 and 13 (``efi_create_1t1_map`` of arm64). Each entry with
EFI_MEMORY_RUNTIME is mapped where it is: virtual equals physical. The kernel gives up, and takes
every mapping back, at the first entry that it cannot map. All of it is evidence, not the map.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.printed_maps import About, reading
from efipolicy.formats.printed_rows import GAP, PART, Layout, Row, left_over, row_at
from efipolicy.formats.stated_architecture import FREEBSD_KERNEL, stated_architecture
from efipolicy.model.evidence import Remapping
from efipolicy.model.platform import ArchitectureReason
from efipolicy.plugin.types import CaptureReading

FREEBSD_MAP: Final = "freebsd-map"

_FIELDS: Final = (
    "MAP",
    "(?P<start>[0-9a-f]{1,16})",
    "mode",
    "(?P<mode>[0-9a-f]{1,8})",
    "pages",
    "(?P<pages>[0-9]{1,20})",
)
_BEGINS: Final = re.compile(rf"\bMAP{GAP}[0-9a-f]")
_LAYOUT: Final = Layout(
    whole=re.compile(GAP.join(_FIELDS)), joined=re.compile("".join(_FIELDS)), begins=_BEGINS
)
_EVENT: Final = re.compile(
    rf"(?P<row>{_BEGINS.pattern})|EFI{GAP}Runtime{GAP}entry{GAP}[0-9]{{1,10}}{GAP}"
    rf"(?:(?P<given_up>is{GAP}(?:mapped|not))|mapping{GAP}attributes)"
)
_LOOKS_LIKE: Final = re.compile(
    r"\bMAP[ \t]+[0-9a-f]+[ \t]+mode\b|\bmode[ \t]+[0-9a-f]+[ \t]+pages[ \t]+[0-9]"
)
_ARM64: Final = ArchitectureReason(
    kind="dialect", evidence="the rows `MAP N mode N pages N`, which FreeBSD prints on arm64"
)


def read(text: CaptureText) -> CaptureReading | None:
    """What FreeBSD says of the mappings it made for runtime services."""
    boots: list[dict[str, Row]] = [{}]
    rows: list[Row] = []
    faults: list[tuple[int, int]] = []
    for event in _EVENT.finditer(text.text):
        if text.is_remark(event.start()):
            continue
        row = row_at(text, event.start(), _LAYOUT) if event["row"] else None
        if row:
            rows.append(row)
            _add(boots, row)
        elif not event["row"]:
            faults.append(event.span())
            if event["given_up"]:
                boots[-1] = {}
    if not rows:
        return None
    about = About(
        architecture=stated_architecture(text, FREEBSD_KERNEL) or ("arm64", _ARM64),
        remappings=_remappings(text, (row for boot in boots for row in boot.values())),
        lines=(*((row.start, row.end) for row in rows), *faults),
    )
    known = [row.refused(PART) for row in rows]
    return reading(text, (), left_over(text, known, _LOOKS_LIKE), FREEBSD_MAP, about)


def _add(boots: list[dict[str, Row]], row: Row) -> None:
    """Add a row to the last boot by its address, or to a new one where that comes again."""
    start = row["start"]
    if start in boots[-1] and next(reversed(boots[-1])) != start:
        boots.append({})
    boots[-1].setdefault(start, row)


def _remappings(text: CaptureText, rows: Iterable[Row]) -> tuple[Remapping, ...]:
    """Each address once: boots of one machine and consoles repeat themselves."""
    found: dict[int, Remapping] = {}
    for row in rows:
        start = int(row["start"], 16)
        fields = {name: row.span("start") for name in ("physical_start", "virtual_start")}
        located = text.record(row.start, row.end, fields)
        found.setdefault(start, Remapping(start, start, located))
    return tuple(found.values())
