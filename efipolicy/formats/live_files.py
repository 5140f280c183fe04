"""The files in which the running Linux tells of its firmware.

Only files that are known to hold nothing but addresses, and the names of the model, are opened: no
variables, no serial numbers, no UUID of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from efipolicy.formats.live_log import KernelLog, content, reason
from efipolicy.model.platform import Firmware

EFI: Final = "/sys/firmware/efi"
_FILES: Final = ("fw_platform_size", "systab", "fw_vendor", "runtime", "config_table")
_FOLDERS: Final = (
    (f"{EFI}/runtime-map", ("attribute", "num_pages", "phys_addr", "type", "virt_addr")),
    ("/sys/firmware/memmap", ("end", "start", "type")),
)
"""Folders with a numbered folder for each range, and the files in those (one line each)."""

_CHOSEN: Final = "/proc/device-tree/chosen"
_HANDED_OVER: Final = {
    "linux,uefi-system-table": "address",
    "linux,uefi-mmap-start": "",
    "linux,uefi-mmap-size": "size",
    "linux,uefi-mmap-desc-size": "descriptor_size",
    "linux,uefi-mmap-desc-ver": "descriptor_version",
}
"""Properties by which a stub hands the map to the kernel, with what the model calls them.

Big-endian numbers of 4 or 8 bytes (Linux 6.12, Documentation/arch/arm/uefi.rst).
"""

PROPERTIES: Final = f"{_CHOSEN}/linux,uefi-*"

_MACHINE: Final = "/sys/class/dmi/id"
_PLACEHOLDERS: Final = (
    "To Be Filled",
    "To be filled",
    "Default string",
    "System ",
    "Unknown",
    "Not ",
)


class Gathering:
    """Reads known files under a root, and keeps why others could not be read."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.unread: list[str] = []
        self.handed_over: dict[str, int] = {}
        self.found_efi = os.path.isdir(self._at(EFI))

    def _at(self, path: str) -> str:
        return os.path.join(self.root, path.lstrip("/"))

    def sysfs(self) -> Iterator[str]:
        """The lines ``PATH:WORDS`` of the files of sysfs."""
        for name in _FILES:
            yield from self._shown(f"{EFI}/{name}")
        for folder, names in _FOLDERS:
            yield from self._ranges(folder, names)

    def _shown(self, path: str) -> Iterator[str]:
        try:
            text = content(self._at(path))
        except OSError as problem:
            self.unread.append(f"{path}: {reason(problem)}")
            return
        yield from (f"{path}:{line}\n" for line in text.splitlines())

    def _ranges(self, folder: str, names: tuple[str, ...]) -> Iterator[str]:
        """A folder's numbered folders, in their order; what cannot be read is told once."""
        try:
            numbers = sorted((n for n in os.listdir(self._at(folder)) if n.isdecimal()), key=int)
        except OSError as problem:
            self.unread.append(f"{folder}: {reason(problem)}")
            return
        told = len(self.unread)
        for number in numbers:
            for name in names:
                yield from self._shown(f"{folder}/{number}/{name}")
        problems = self.unread[told:]
        if problems:
            count = f"{len(problems)} of {len(numbers) * len(names)} files"
            why = problems[0].rpartition(": ")[2]
            self.unread[told:] = [f"{folder}: {why} ({count})"]

    def device_tree(self) -> Iterator[str]:
        """The numbers by which a boot stub hands the map to the kernel, as ``PATH:NUMBER``."""
        problems: list[str] = []
        for name, meaning in _HANDED_OVER.items():
            path = f"{_CHOSEN}/{name}"
            try:
                with open(self._at(path), "rb") as file:
                    value = file.read(9)
            except OSError as problem:
                problems.append(reason(problem))
                continue
            self.found_efi = True
            if len(value) not in (4, 8):
                problems.append("not of 4 or 8 bytes")
                continue
            number = int.from_bytes(value, "big")
            if meaning:
                self.handed_over[meaning] = number
            yield f"{path}:{number:#x}\n"
        if problems:
            self.unread.append(f"{PROPERTIES}: {problems[0]}")

    def tell_of(self, log: KernelLog) -> None:
        """Keep why there is no kernel log, or none that goes back far enough."""
        if log.reasons:
            lost = "its start is lost" if log.text else "not readable"
            self.unread.append(f"the kernel log: {lost} ({'; '.join(log.reasons)})")

    def log_lines(self, log: KernelLog) -> Iterator[str]:
        """The log; where its start is lost, with what the kernel says of itself elsewhere."""
        if not log.whole:
            for label, path in (("", "/proc/version"), ("Command line: ", "/proc/cmdline")):
                words = self.line(path)
                if words:
                    yield f"[    0.000000] {label}{words}\n"
        yield log.text
        if log.text and not log.text.endswith("\n"):
            yield "\n"

    def line(self, path: str) -> str | None:
        """The one line of a file; ``None`` where there is none to be had."""
        try:
            return content(self._at(path)).strip().partition("\n")[0] or None
        except OSError:
            return None

    def title(self) -> str | None:
        """Maker and model of the machine."""
        words = (self.line(f"{_MACHINE}/{name}") for name in ("sys_vendor", "product_name"))
        return " ".join(w for w in words if w and not w.startswith(_PLACEHOLDERS)) or None

    def firmware(self) -> Firmware:
        """The version of the firmware, as SMBIOS has it, and the width of its code."""
        bits = self.line(f"{EFI}/fw_platform_size")
        return Firmware(
            version=self.line(f"{_MACHINE}/bios_version"),
            bits=int(bits) if bits in ("32", "64") else None,
        )
