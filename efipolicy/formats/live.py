"""What the running Linux tells of its firmware, gathered into one text the capture formats read.

The text is the kernel log with the files of sysfs and the device tree below it, as ``grep -r .``
would print them were they all text. The numbers of the device tree belong to the map that is in the
log, and are added to it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from efipolicy.formats.capture_reading import slug
from efipolicy.formats.live_files import EFI, PROPERTIES, Gathering
from efipolicy.formats.live_log import Command, kernel_log
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import SystemTable
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import (
    ArchitectureReason,
    Firmware,
    MappingDeclaration,
    Platform,
)
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import InputError, SourceText

SHOWN: Final = "the running system"
"""What messages call the input."""

LINES: Final = (
    "Lines are counted in the kernel log, with the files of /sys and of the device tree below it."
)

_ARCHITECTURES: Final = {
    "x86_64": "x86_64",
    "aarch64": "arm64",
    "ia64": "ia64",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
    "i386": "i386",
    "i486": "i386",
    "i586": "i386",
    "i686": "i386",
    "armv7l": "arm32",
    "armv8l": "arm32",
}
"""The architectures by what `uname` calls the machine."""


_TELLS: Final = ("EFI v", "efi: mem", "efi:   0x", "EFI remap", "efi_rts", "---[ ")
"""Words of a kernel log of which something can be read, should its start be lost."""

_REMEDY: Final = (
    "files and a kernel log that can be read: run efipolicy as root; for the whole memory map, "
    "boot Linux with efi=debug"
)


def _nothing_readable(unread: Iterable[str]) -> str:
    """That EFI is there and nothing of it can be read: what was tried, by why it failed."""
    reasons: dict[str, list[str]] = {}
    for line in unread:
        place, _, why = line.partition(": ")
        reasons.setdefault(why, []).append(place)
    told = "; ".join(f"{', '.join(places)}: {why}" for why, places in reasons.items())
    return f"a machine that EFI started, and nothing of it that can be read ({told})"


class RunningSystem(NamedTuple):
    """What was gathered: the text, what was not readable and why, and what else is known.

    ``machine`` is what `uname` calls it, ``handed_over`` the numbers of the device tree.
    """

    source: SourceText
    unread: tuple[str, ...]
    machine: str
    title: str | None
    firmware: Firmware
    handed_over: Mapping[str, int]

    def described(self, platform: Platform) -> Platform:
        """The platform that was read from the text, with what the system says besides."""
        platform = self._described(platform)
        return replace(platform, mapping=self._mapping(platform))

    def _mapping(self, platform: Platform) -> tuple[MappingDeclaration, ...] | None:
        """How the kernel maps firmware, as its own version and its parameters have it.

        Where there is no log that begins with the boot, no format reads these two lines.
        """
        first, *others = platform.mapping or (None,)
        if first and (first.os != "linux" or first.kernel or first.command_line is not None):
            return platform.mapping
        own = self._declaration(platform)
        if own is None or first is None:
            return (own,) if own else None
        names = MappingDeclaration.__dataclass_fields__
        known = {name: getattr(first, name) for name in names if name not in ("options", "kexec")}
        told = {name: value for name, value in known.items() if value is not None}
        return (replace(own, **told, options=first.options, kexec=first.kexec), *others)

    def _declaration(self, platform: Platform) -> MappingDeclaration | None:
        from efipolicy.formats import linux_faults, linux_log, linux_machine, linux_mapping

        text = CaptureText(self.source)
        boot = linux_log.boots(text)[0]
        version = linux_machine.version_line(text, boot)
        kernel = linux_mapping.kernel(text, boot, version, platform.architecture, kexec=boot.kexec)
        faults = linux_faults.faults(text, boot)
        memory_map = platform.memory_map if platform.memory_map.descriptors else None
        return linux_mapping.declaration(text, boot, kernel, memory_map, faults)

    def _described(self, platform: Platform) -> Platform:
        changes: dict[str, Any] = {"memory_map": self._memory_map(platform.memory_map)}
        if platform.title is None:
            changes["title"] = self.title
            changes["name"] = slug(self.title or "") or "running-system"
        firmware = platform.firmware or Firmware()
        firmware = firmware._replace(
            version=firmware.version or self.firmware.version,
            bits=firmware.bits or self.firmware.bits,
        )
        changes["firmware"] = firmware if any(firmware) else None
        address = self.handed_over.get("address")
        known = vars(platform.system_table) if platform.system_table else {}
        if address is not None and known.get("address") is None:
            changes["system_table"] = SystemTable(**known | {"address": address})
        architecture = _ARCHITECTURES.get(self.machine)
        if architecture and platform.architecture_reason.kind == "dialect":
            evidence = f"uname: {self.machine}"
            changes["architecture"] = architecture
            changes["architecture_reason"] = ArchitectureReason(kind="stated", evidence=evidence)
        return replace(platform, **changes)

    def _memory_map(self, memory_map: MemoryMap) -> MemoryMap:
        names = ("size", "descriptor_size", "descriptor_version")
        unknown = {name for name in names if getattr(memory_map, name) is None}
        told: dict[str, Any] = {
            name: value for name, value in self.handed_over.items() if name in unknown
        }
        return replace(memory_map, **told)


def running_system(
    root: str = "/", *, machine: str | None = None, command: Command | None = None
) -> RunningSystem:
    """What the Linux whose file system begins at ``root`` tells of its firmware.

    ``machine`` is what `uname` calls it, ``command`` runs the programs that print the kernel log.
    Raises `InputError` where there is no trace of EFI.
    """
    gathering = Gathering(root)
    log = kernel_log(root, command)
    lines = [*gathering.sysfs(), *gathering.device_tree()]
    if not (gathering.found_efi or "EFI v" in log.text):
        looked = f"{EFI}, {PROPERTIES} and the kernel log"
        raise InputError(SHOWN, "no trace of EFI", f"a Linux that EFI started: looked in {looked}")
    gathering.tell_of(log)
    if not lines and not any(words in log.text for words in _TELLS):
        raise InputError(SHOWN, _nothing_readable(gathering.unread), _REMEDY)
    return RunningSystem(
        source=SourceText(SHOWN, "".join((*gathering.log_lines(log), *lines))),
        unread=tuple(gathering.unread),
        machine=machine or os.uname().machine,
        title=gathering.title(),
        firmware=gathering.firmware(),
        handed_over=gathering.handed_over,
    )
