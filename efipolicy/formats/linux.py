"""Kernel logs of Linux: one scan, then the dialect with the best map in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from efipolicy.formats import (
    linux_architecture,
    linux_faults,
    linux_fdt,
    linux_log,
    linux_machine,
    linux_memattr,
    linux_x86,
)
from efipolicy.formats.capture_reading import UsedLines, name_of_path, preferred, slug
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.linux_scan import Map, Scan
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import SystemTable
from efipolicy.model.efi import EfiMemoryType
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import Capture, Firmware, Platform, Revision
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import SourceText

LOG: Final = "linux-log"

_LIST_HEADER: Final = re.compile(r"EFI runtime memory map:|Processing EFI \w+")


def read(source: SourceText) -> CaptureReading | None:
    """What a kernel log says of one platform: the map firmware gave, and what else it tells."""
    scan = Scan(source)
    chosen = scan.maps[preferred([one.memory_map for one in scan.maps])] if scan.maps else None
    boot = chosen.boot if chosen else _boot_with_words(scan)
    assembly = _Assembly(scan, chosen, boot)
    return assembly.reading() if chosen or scan.unreadable or assembly.tells_anything else None


def _boot_with_words(scan: Scan) -> Boot:
    """The boot to speak of when no map was printed: the first with anything in it."""
    if scan.attributes:
        at = scan.attributes[0].start
        return next(boot for boot in scan.boots if boot.start <= at < boot.end)
    return next((one for one in scan.boots if linux_log.banner(scan.text, one)), scan.boots[0])


class _Assembly:
    """Puts together what one boot says."""

    def __init__(self, scan: Scan, chosen: Map | None, boot: Boot) -> None:
        text = self.text = scan.text
        self.scan = scan
        self.chosen = chosen
        self.boot = boot
        self.banner = banner = linux_log.banner(text, boot)
        self.version = linux_machine.version_line(text, boot)
        self.machine = linux_machine.machine(text, boot)
        before = chosen.entries[0].start if chosen else boot.start
        self.tables = linux_log.tables(text, boot, banner.end if banner else None, before)
        self.parameters = None
        if chosen and chosen.dialect == linux_fdt.FDT:
            self.parameters = linux_fdt.parameters(text, boot)
        address = self.tables.names.get("MEMATTR") if self.tables else None
        self.attributes_table = linux_memattr.memory_attributes_table(
            text, scan.attributes, boot, address
        )

    @property
    def tells_anything(self) -> bool:
        """Whether it is a log of an EFI machine: the banner alone stands in many a text."""
        if self.attributes_table or (self.banner and (self.tables or self.version)):
            return True
        return linux_faults.tells(self.text)

    def reading(self) -> CaptureReading:
        """The platform, and how many lines were understood."""
        from efipolicy.formats import linux_e820, linux_mapping  # for texts of this kind alone

        chosen, text, boot = self.chosen, self.text, self.boot
        architecture, reason = linux_architecture.architecture(text, boot, self.version, chosen)
        kexec = boot.kexec or bool(chosen and chosen.memory_map.origin == "kexec")
        kernel = linux_mapping.kernel(text, boot, self.version, architecture, kexec=kexec)
        remap = kernel.remap
        faults = linux_faults.faults(text, boot)
        memory_map = chosen.memory_map if chosen else None
        mapping = linux_mapping.declaration(text, boot, kernel, memory_map, faults)
        reported = linux_e820.reported_ranges(text, boot)

        unreadable = sorted([*self.scan.unreadable, *(remap.unreadable if remap else ())])
        used = self._used_lines([*kernel.lines, *faults.lines, *reported.lines])
        understood = len(used)
        for line in unreadable:
            used.use(line.start, line.end)
        whole = text.record(0, len(text.text)) if text.text else None
        machine, tables = self.machine, self.tables
        memory_map = memory_map or MemoryMap(located=whole)
        platform = Platform(
            name=(slug(machine.title) if machine else "") or name_of_path(text.source.path),
            title=machine.title if machine else None,
            architecture=architecture,
            architecture_reason=reason,
            uefi=self._revision(),
            firmware=self._firmware(architecture),
            memory_map=memory_map,
            memory_attributes_table=self.attributes_table,
            configuration_tables=tables.known if tables else None,
            # A kernel prints the tables it knows; others may be there.
            configuration_tables_extent="partial" if tables else "whole",
            system_table=self._system_table(),
            mapping=(mapping,) if mapping else None,
            firmware_accesses=faults.accesses or None,
            capture=Capture(
                dialect=self._dialect(),
                skipped_lines=used.unused(),
                unreadable=tuple(line.line(text) for line in unreadable),
                other_maps=tuple(
                    one.memory_map for one in self.scan.maps if one is not self.chosen
                ),
                remappings=remap.remappings if remap else (),
                reported_ranges=reported.ranges,
                located=whole,
            ),
            located=memory_map.located,
        )
        return CaptureReading(platform=platform, understood=understood)

    def _used_lines(self, more: Iterable[tuple[int, int]]) -> UsedLines:
        used = UsedLines(self.text)
        scan = self.scan
        for entry in (*scan.x86.entries, *scan.fdt, *scan.attributes):
            used.use(entry.start, entry.end)
        for found in (self.banner, self.machine, self.tables, self.parameters):
            if found:
                used.use(found.start, found.end)
        if self.version:
            used.use(*self.version.span())
        for span in more:
            used.use(*span)
        for one in scan.maps:
            _use_header(self.text, one.entries[0].start, used)
        if scan.attributes:
            _use_header(self.text, scan.attributes[0].start, used)
        return used

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

    def _firmware(self, architecture: str) -> Firmware | None:
        vendor = self.banner.vendor if self.banner else None
        version = self.machine.firmware_version if self.machine else None
        bits = 32 if architecture == "x86_64" and self._is_mixed() else None
        if not (vendor or version or bits):
            return None
        return Firmware(vendor=vendor, version=version, bits=bits)

    def _is_mixed(self) -> bool:
        """Whether the kernel maps free memory, which it does for firmware of 32 bits only.

        Linux 6.12, arch/x86/platform/efi/efi.c.
        """
        return any(
            descriptor.type == EfiMemoryType.EfiConventionalMemory and not descriptor.runtime
            for one in self.scan.maps
            if one.memory_map.origin == "kernel-edited" and self.boot.start <= one.entries[0].start
            for descriptor in one.memory_map.descriptors
        )

    def _system_table(self) -> SystemTable | None:
        address = self.parameters.values.get("System Table") if self.parameters else None
        return SystemTable(address=address) if address is not None else None


def _use_header(text: CaptureText, start: int, used: UsedLines) -> None:
    """The line that announces the list which starts here."""
    line = text.line_start(start)
    before = text.line_start(max(line - 1, 0))
    if _LIST_HEADER.search(text.text, before, line):
        used.use(before, before + 1)


FORMAT: Final = CaptureFormat(
    name="linux",
    title="kernel log of Linux",
    dialects=(*linux_x86.DIALECTS, linux_fdt.FDT, linux_fdt.MEMATTR, LOG),
    read=read,
)
