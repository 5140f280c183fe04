"""What /sys/firmware/efi says of the tables of firmware (Linux 6.12, drivers/firmware/efi/efi.c).

The addresses are physical. A kernel lists in ``systab`` those configuration tables it knows itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.sysfs_files import EFI, PLATFORM_SIZE, FileLine, number_at
from efipolicy.model.declared import SystemTable
from efipolicy.model.efi import CONFIGURATION_TABLES
from efipolicy.model.platform import ConfigurationTable, Firmware
from efipolicy.named_tuple import NamedTuple

_TABLES: Final[dict[str, str]] = {
    "ACPI20": "ACPI_20",
    "ACPI": "ACPI",
    "SMBIOS3": "SMBIOS3",
    "SMBIOS": "SMBIOS",
    "MPS": "MPS",
    "SALsystab": "SAL_SYSTEM_TABLE",
}
_ROWS: Final = tuple(re.compile(rf"{name}=(?=(?:3D)?0x|[ \t]*[\r\n])") for name in _TABLES)
_BEFORE: Final = re.compile(r"[ \t>]*|.*\bsystab:[ \t]*")
_POINTERS: Final = {
    "config_table": "configuration_table",
    "fw_vendor": "firmware_vendor",
    "runtime": "runtime_services",
}
_WORD: Final = 1 << 64
_PHYSICAL: Final = 1 << 52
"""Above the physical addresses of every processor on which sysfs shows the pointers."""
_BITS: Final = {"32": 32, "64": 64}


class Fact(NamedTuple):
    """One thing that a line says, and where its value stands."""

    start: int
    end: int
    name: str
    value: int
    span: tuple[int, int]


class EfiFiles(NamedTuple):
    """The tables and addresses that files say, and the lines they stand in."""

    tables: tuple[ConfigurationTable, ...] | None
    system_table: SystemTable | None
    firmware: Firmware | None
    lines: list[tuple[int, int]]


def efi_files(text: CaptureText, shown: Sequence[FileLine]) -> EfiFiles:
    """What the files say; one that a text shows with different contents is left out."""
    tables = _agreed(_tables(text))
    files = _agreed(fact for line in shown for fact in _facts(line))
    addresses = [fact for name, fact in files.items() if name in _POINTERS]
    bits = files.get(PLATFORM_SIZE)
    return EfiFiles(
        tables=tuple(_table(text, fact) for fact in tables.values()) or None,
        system_table=_system_table(text, addresses),
        firmware=Firmware(bits=bits.value) if bits else None,
        lines=[(fact.start, fact.end) for fact in (*tables.values(), *files.values())],
    )


def _agreed(facts: Iterable[Fact]) -> dict[str, Fact]:
    """The facts by name, without those that are told in two ways."""
    known: dict[str, Fact] = {}
    doubtful: set[str] = set()
    for fact in facts:
        if known.setdefault(fact.name, fact).value != fact.value:
            doubtful.add(fact.name)
    return {name: fact for name, fact in known.items() if name not in doubtful}


def _facts(line: FileLine) -> Iterator[Fact]:
    """What a file of /sys/firmware/efi with one number says."""
    if line.folder != EFI:
        return
    value = _BITS.get(line.words) if line.name == PLATFORM_SIZE else line.number
    if value is not None and value < _WORD:
        yield Fact(line.start, line.end, line.name, value, line.span)


def _tables(text: CaptureText) -> Iterator[Fact]:
    """The lines of ``systab``, with its path or alone on their line."""
    for row in _ROWS:
        for found in row.finditer(text.text):
            start = found.start()
            before = text.text[text.line_start(start) : start]
            if text.is_remark(start) or not _BEFORE.fullmatch(before):
                continue
            number = number_at(text, found.end())
            if number.value is not None and number.value < _WORD:
                name = found[0].rstrip("=")
                yield Fact(start, number.span[1], name, number.value, number.span)


def _table(text: CaptureText, fact: Fact) -> ConfigurationTable:
    name = _TABLES[fact.name]
    fields = {"table": (fact.start, fact.start + len(fact.name)), "address": fact.span}
    return ConfigurationTable(
        name=name,
        guid=CONFIGURATION_TABLES[name],
        address=fact.value,
        located=text.record(fact.start, fact.end, fields),
    )


def _system_table(text: CaptureText, facts: Sequence[Fact]) -> SystemTable | None:
    """The pointers that are physical: a kernel started by kexec finds one that was converted."""
    pointers = {_POINTERS[fact.name]: fact for fact in facts if fact.value < _PHYSICAL}
    if not pointers:
        return None
    values = {name: fact.value for name, fact in pointers.items()}
    first = min(pointers.values())
    return SystemTable(
        runtime_services=values.get("runtime_services"),
        firmware_vendor=values.get("firmware_vendor"),
        configuration_table=values.get("configuration_table"),
        located=text.record(first.start, first.end, {n: f.span for n, f in pointers.items()}),
    )
