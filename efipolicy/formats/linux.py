"""Kernel logs of Linux: one scan, then the dialect with the best map in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from efipolicy.formats import (
    linux_fdt,
    linux_log,
    linux_machine,
    linux_memattr,
    linux_x86,
    linux_x86_lists,
)
from efipolicy.formats.capture_reading import (
    Printed,
    Refused,
    Unreadable,
    UsedLines,
    name_of_path,
    preferred,
    slug,
)
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import SystemTable
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import (
    UNKNOWN_ARCHITECTURE,
    ArchitectureReason,
    Capture,
    Firmware,
    Platform,
    Revision,
)
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import SourceText

LOG: Final = "linux-log"

_LEFT_OVER: Final = re.compile(
    r"range=(?:3D)?\[0x|\|(?:UC|[ \t]{0,3})\]|\|attr=(?:3D)?0x|efi:[ \t]+0x|memattr:[ \t!]*0x"
)
_LIST_HEADER: Final = re.compile(r"EFI runtime memory map:|Processing EFI \w+")
_AROUND: Final = 2048
"""Characters before and after what was read in which more of the same is looked for."""

_GUESSES: Final = {
    linux_fdt.FDT: ("arm64", "the lines `efi:   0x…-0x…`, which arm64 prints most often"),
    linux_x86.IA64: ("ia64", "the padding of the lines `memNN: type= …`, as on ia64"),
}
_X86: Final = ("x86_64", "the lines `efi: memNN:`, which Linux prints on x86")
_NOTHING: Final = "nothing in the text says"


class _Map(NamedTuple):
    """A map that was read, with its dialect and where it stands."""

    memory_map: MemoryMap
    dialect: str
    boot: Boot
    entries: list[Printed]


class _Scan:
    """Everything a log holds."""

    def __init__(self, source: SourceText) -> None:
        self.text = CaptureText(source)
        self.x86 = linux_x86.read_lines(self.text)
        printed, broken = linux_fdt.read_lines(self.text)
        self.fdt = [entry for entry in printed if entry.kind == linux_fdt.FDT]
        self.attributes = [entry for entry in printed if entry.kind != linux_fdt.FDT]
        self.unreadable = [*self.x86.unreadable, *broken]
        self.unreadable += self._left_over()
        self.boots = linux_log.boots(self.text)
        self.maps = self._maps()

    def _left_over(self) -> list[Unreadable]:
        """Lines among those that were read that look the same and were not."""
        printed = [*self.x86.entries, *self.fdt, *self.attributes]
        known = sorted(
            [(self.text.line_start(one.start), one.end) for one in printed]
            + [(self.text.line_start(one.start), one.end) for one in self.unreadable]
        )
        if not known:
            return []
        starts = [start for start, _ in known]
        found: dict[int, Unreadable] = {}
        text = self.text
        low, high = max(0, starts[0] - _AROUND), max(end for _, end in known) + _AROUND
        for match in _LEFT_OVER.finditer(text.text, low, high):
            at = match.start()
            nearest = bisect_right(starts, at) - 1
            if (nearest >= 0 and at < known[nearest][1]) or text.is_remark(at):
                continue
            line = text.line_start(at)
            what = "a part of an entry whose other part is missing"
            found.setdefault(line, Unreadable(at, text.line_end(at), what))
        return list(found.values())

    def _maps(self) -> list[_Map]:
        maps = []
        listings, refused = linux_x86_lists.listings(self.text, self.x86.entries, self.boots)
        self.unreadable += refused
        lines = Refused(self.unreadable)
        edited: dict[Boot, bool] = {}
        for one in listings:
            if one.boot not in edited:
                edited[one.boot] = linux_log.says(self.text, "efi_fake_mem=", one.boot)
            faked = edited[one.boot]
            memory_map = linux_x86_lists.memory_map(self.text, one, lines, edited=faked)
            dialect = linux_x86_lists.dialect(one, ia64=self.x86.ia64)
            maps.append(_Map(memory_map, dialect, one.boot, one.entries))
        blocks: dict[Boot, linux_fdt.Parameters | None] = {}
        for other in linux_fdt.listings(self.text, self.fdt, self.boots):
            if other.boot not in blocks:
                blocks[other.boot] = linux_fdt.parameters(self.text, other.boot)
            memory_map = linux_fdt.memory_map(self.text, other, blocks[other.boot], lines)
            maps.append(_Map(memory_map, linux_fdt.FDT, other.boot, other.entries))
        return maps


def read(source: SourceText) -> CaptureReading | None:
    """What a kernel log says of one platform: the map firmware gave, and what else it tells."""
    scan = _Scan(source)
    chosen = scan.maps[preferred([one.memory_map for one in scan.maps])] if scan.maps else None
    boot = chosen.boot if chosen else _boot_with_words(scan)
    assembly = _Assembly(scan, chosen, boot)
    return assembly.reading() if chosen or scan.unreadable or assembly.tells_anything else None


def _boot_with_words(scan: _Scan) -> Boot:
    """The boot to speak of when no map was printed: the first with anything in it."""
    if scan.attributes:
        at = scan.attributes[0].start
        return next(boot for boot in scan.boots if boot.start <= at < boot.end)
    return next((one for one in scan.boots if linux_log.banner(scan.text, one)), scan.boots[0])


class _Assembly:
    """Puts together what one boot says."""

    def __init__(self, scan: _Scan, chosen: _Map | None, boot: Boot) -> None:
        self.scan = scan
        self.text = scan.text
        self.chosen = chosen
        self.boot = boot
        self.banner = banner = linux_log.banner(scan.text, boot)
        self.version = linux_machine.version_line(scan.text, boot)
        self.machine = linux_machine.machine(scan.text, boot)
        before = chosen.entries[0].start if chosen else boot.start
        self.tables = linux_log.tables(scan.text, boot, banner.end if banner else None, before)
        self.parameters = None
        if chosen and chosen.dialect == linux_fdt.FDT:
            self.parameters = linux_fdt.parameters(scan.text, boot)

        self.attributes_table = linux_memattr.memory_attributes_table(
            scan.text,
            scan.attributes,
            boot,
            self.tables.names.get("MEMATTR") if self.tables else None,
        )
        self.fault: tuple[int, int] | None = None

    @property
    def tells_anything(self) -> bool:
        """Whether it is a log of an EFI machine: the banner alone stands in many a text."""
        if self.attributes_table or (self.banner and (self.tables or self.version)):
            return True
        self.fault = linux_log.fault(self.text)
        return self.fault is not None

    def reading(self) -> CaptureReading:
        """The platform, and how many lines were understood."""
        used = self._used_lines()
        understood = len(used)
        for line in self.scan.unreadable:
            used.use(line.start, line.end)
        return CaptureReading(platform=self._platform(used.unused()), understood=understood)

    def _used_lines(self) -> UsedLines:
        used = UsedLines(self.text)
        scan = self.scan
        for entry in (*scan.x86.entries, *scan.fdt, *scan.attributes):
            used.use(entry.start, entry.end)
        for found in (self.banner, self.machine, self.tables, self.parameters):
            if found:
                used.use(found.start, found.end)
        for span in (self.fault, self.version and self.version.span()):
            if span:
                used.use(*span)
        for one in scan.maps:
            _use_header(self.text, one.entries[0].start, used)
        if scan.attributes:
            _use_header(self.text, scan.attributes[0].start, used)
        return used

    def _platform(self, skipped_lines: int) -> Platform:
        chosen = self.chosen
        architecture, reason = self._architecture()
        whole = self.text.record(0, len(self.text.text)) if self.text.text else None
        memory_map = chosen.memory_map if chosen else MemoryMap(located=whole)
        machine = self.machine
        tables = self.tables
        system_table = self.parameters.values.get("System Table") if self.parameters else None
        return Platform(
            name=(slug(machine.title) if machine else "") or name_of_path(self.text.source.path),
            title=machine.title if machine else None,
            architecture=architecture,
            architecture_reason=reason,
            uefi=self._revision(),
            firmware=self._firmware(),
            memory_map=memory_map,
            memory_attributes_table=self.attributes_table,
            configuration_tables=tables.known if tables else None,
            # A kernel prints the tables it knows; others may be there.
            configuration_tables_extent="partial" if tables else "whole",
            system_table=SystemTable(address=system_table) if system_table is not None else None,
            capture=Capture(
                dialect=self._dialect(),
                skipped_lines=skipped_lines,
                unreadable=tuple(line.line(self.text) for line in sorted(self.scan.unreadable)),
                other_maps=tuple(
                    one.memory_map for one in self.scan.maps if one is not self.chosen
                ),
                located=whole,
            ),
            located=memory_map.located,
        )

    def _dialect(self) -> str:
        if self.chosen:
            return self.chosen.dialect
        if self.attributes_table:
            return linux_fdt.MEMATTR
        if self.scan.x86.unreadable:
            return linux_x86.CLOSED
        return linux_fdt.FDT if self.scan.unreadable else LOG

    def _revision(self) -> Revision | None:
        if self.banner is None:
            return None
        return linux_log.revision(self.banner.digits, linux_machine.kernel_version(self.version))

    def _firmware(self) -> Firmware | None:
        vendor = self.banner.vendor if self.banner else None
        version = self.machine.firmware_version if self.machine else None
        return Firmware(vendor=vendor, version=version) if vendor or version else None

    def _architecture(self) -> tuple[str, ArchitectureReason]:
        stated = linux_machine.stated_architecture(self.text, self.boot, self.version)
        if stated:
            return stated
        chosen = self.chosen
        if chosen is None:
            return UNKNOWN_ARCHITECTURE, _suggested(_NOTHING)
        pal = any(entry.descriptor.type == EfiMemoryType.EfiPalCode for entry in chosen.entries)
        if pal and chosen.dialect in (linux_x86.IA64, linux_x86.RAW, linux_x86.HALF_OPEN):
            return "ia64", ArchitectureReason(kind="stated", evidence="PAL code in the map")
        if chosen.dialect in linux_x86.DIALECTS and chosen.dialect != linux_x86.IA64:
            return self._guess_x86(chosen)
        architecture, evidence = _GUESSES[chosen.dialect]
        return architecture, _suggested(evidence)

    def _guess_x86(self, chosen: _Map) -> tuple[str, ArchitectureReason]:
        """The oldest i386 kernels print the same lines without ``EFI:`` before them."""
        start = chosen.entries[0].start
        before = self.text.text[self.text.line_start(start) : start].rstrip().lower()
        if chosen.dialect == linux_x86.RAW and "efi:" not in before:
            return UNKNOWN_ARCHITECTURE, _suggested(_NOTHING)
        architecture, evidence = _X86
        return architecture, _suggested(evidence)


def _use_header(text: CaptureText, start: int, used: UsedLines) -> None:
    """The line that announces the list which starts here."""
    line = text.line_start(start)
    before = text.line_start(max(line - 1, 0))
    if _LIST_HEADER.search(text.text, before, line):
        used.use(before, before + 1)


def _suggested(evidence: str) -> ArchitectureReason:
    return ArchitectureReason(kind="dialect", evidence=evidence)


FORMAT: Final = CaptureFormat(
    name="linux",
    title="kernel log of Linux",
    dialects=(*linux_x86.DIALECTS, linux_fdt.FDT, linux_fdt.MEMATTR, LOG),
    read=read,
)
