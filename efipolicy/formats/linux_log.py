"""What kernel logs of Linux share on every architecture: boots, banner, configuration tables.

Layouts were read in kernels 2.6.28 to 6.12 and seen in logs up to 6.16.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from efipolicy.formats import linux_tables
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.efi import CONFIGURATION_TABLES
from efipolicy.model.platform import ConfigurationTable, Revision
from efipolicy.named_tuple import NamedTuple

EARLY: Final = 1 << 20
"""Characters from the start of a boot within which the kernel has told what it runs on."""


class Boot(NamedTuple):
    """One boot in a log: from one offset up to another; whether kexec started it.

    ``banner`` is where the kernel first speaks: other words may stand before the first boot.
    """

    start: int
    end: int
    kexec: bool
    banner: int = 0

    @property
    def early_end(self) -> int:
        """Up to where the kernel has told what it runs on."""
        return min(self.end, max(self.start, self.banner) + EARLY)


def boots(text: CaptureText) -> list[Boot]:
    """The boots of a log. What stands before the first banner belongs to the first boot."""
    starts: list[int] = []
    first, last, last_line = 0, "", ""
    for start, banner in _banners(text):
        line = text.text[start : text.line_end(start)]
        # Linux follows its own stub, and a console may print the same line twice.
        if last and last != "EFI stub:" and (line != last_line or start - starts[-1] > 4096):
            starts.append(start)
        elif not starts:
            starts.append(0)
            first = start
        last, last_line = banner, line
    starts = starts or [0]
    ends = [*starts[1:], len(text.text)]
    return [
        Boot(start, end, after_kexec(text, max(start, first)), max(start, first))
        for start, end in zip(starts, ends, strict=True)
    ]


def _banners(text: CaptureText) -> Iterator[tuple[int, str]]:
    found = []
    # The stub speaks before the kernel: on a line without a stamp.
    stub = ("EFI stub:",) if text.unprinted.holds("EFI stub:") else ()
    for banner in ("Linux version ", *stub):
        at = text.text.find(banner)
        while at >= 0:
            if not text.is_remark(at):
                found.append((at, banner))
            at = text.text.find(banner, at + len(banner))
    yield from sorted(found)


def says(text: CaptureText, words: str, boot: Boot) -> bool:
    """Whether the start of a boot's log, remarks of its keeper aside, holds some words."""
    end = boot.early_end
    at = text.text.find(words, boot.start, end)
    while at >= 0 and text.is_remark(at):
        at = text.text.find(words, at + 1, end)
    return at >= 0


def after_kexec(text: CaptureText, start: int) -> bool:
    """Whether the boot whose banner stands here was started by kexec, as the lines above tell."""
    return text.text.find("Starting new kernel", max(0, start - 2048), start) >= 0


_BANNER: Final = re.compile(
    r"EFI v(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?"
    r"(?:[ \t]+|=?[ \t\r]{0,3}\n[ \t>]{0,40})by(?:[ \t]++|(?=[\r\n]))"
    r"(?:([^\n\r\\]{0,256}?)(?:\r{0,3}\n|\\n|\Z|:(?=[ \t]+[A-Z]\w*=))|[^\n\r\\]{257})"
)
"""The vendor has at most a hundred characters; behind more, in a log on one line, it is unknown."""
_TABLES_LINE: Final = re.compile(
    r"efi:[ \t\r\n>=]{1,40}(?=[A-Z][A-Za-z]*\d*(?:[ \t\r\n>=]{1,40}\d\.\d)?"
    r"=(?:3D)?(?:[ \t\r=]{0,3}\n[ \t>]{0,40})?0x)"
)

_TABLE_NAMES: Final[dict[str, str]] = {
    "ACPI 2.0": "ACPI_20",
    "ACPI": "ACPI",
    "SMBIOS": "SMBIOS",
    "SMBIOS 3.0": "SMBIOS3",
    "SALsystab": "SAL_SYSTEM_TABLE",
    "MPS": "MPS",
    "MEMATTR": "MEMORY_ATTRIBUTES",
    "ESRT": "ESRT",
    "RTPROP": "RT_PROPERTIES",
}


class Banner(NamedTuple):
    """``EFI v2.70 by EDK II``: where, the digits behind the ``v``, and the vendor."""

    start: int
    end: int
    digits: tuple[str, str, str | None]
    vendor: str | None


def banner(text: CaptureText, boot: Boot) -> Banner | None:
    """What firmware calls itself, in one boot of a log."""
    for found in banners(text, boot.start, boot.end):
        major, minor, third, words = found.groups()
        vendor = (words or "").rstrip(" \t\"',")
        end = found.end() if words is None else found.start(4) + len(vendor)
        if vendor.endswith("="):  # the soft line end of quoted-printable
            vendor = vendor[:-1] + text.text[found.end() : text.line_end(found.end())].rstrip()
        return Banner(found.start(), end, (major, minor, third), vendor.strip() or None)
    return None


def banners(text: CaptureText, start: int, end: int) -> Iterator[re.Match[str]]:
    """The banners in a part of a log, remarks of its keeper left out."""
    for found in _BANNER.finditer(text.text, start, end):
        if not text.is_remark(found.start()):
            yield found


def revision(
    digits: tuple[str, str, str | None], kernel: tuple[int, int] | None
) -> Revision | None:
    """The revision behind ``v2.70`` or ``v2.7``; ``None`` when it could be either of two.

    Kernels up to 6.1 print the low half of the revision word in at least two digits; 6.9 and
    later divide it by ten first. Without a kernel version the form decides where one of the two
    ways cannot have printed it: no revision of UEFI has a minor number of 12 or more.
    """
    major, minor, third = int(digits[0]), digits[1], digits[2]
    if third is not None or len(minor) == 1:
        return _divided(major, int(minor), int(third or 0))
    if len(minor) > 2 or minor.startswith("0") or int(minor) > 11:
        return _undivided(major, int(minor))
    if kernel is not None and kernel <= (6, 1):
        return _undivided(major, int(minor))
    if kernel is not None and kernel >= (6, 9):
        return _divided(major, int(minor), 0)
    # EFI 1.10 is the one revision that only the older kernels print in two digits.
    return Revision(1, 10) if major == 1 and minor == "10" else None


def _undivided(major: int, low: int) -> Revision:
    """EFI 1.10 counted in hundredths, UEFI in tenths with a third digit."""
    return Revision(major, low) if major < 2 else Revision(major, *divmod(low, 10))


def _divided(major: int, minor: int, third: int) -> Revision:
    return Revision(1, minor * 10 + third) if major == 1 else Revision(major, minor, third)


class Tables(NamedTuple):
    """The line ``ACPI=0x… SMBIOS=0x…``: where, the tables with a well-known GUID, every name."""

    start: int
    end: int
    known: tuple[ConfigurationTable, ...]
    names: dict[str, int]


def tables(text: CaptureText, boot: Boot, after: int | None, before: int) -> Tables | None:
    """The configuration tables the kernel lists behind its banner.

    ``after`` is the end of the banner; without one, the tables are looked for in the lines up to
    ``before``, where the map starts.
    """
    if after is None:
        found = _TABLES_LINE.search(text.text, max(boot.start, before - 8192), before + 256)
        if found is None or text.is_remark(found.start()):
            return None
        after = found.start()
    listed = linux_tables.pairs(text, after, boot.end)
    if not listed:
        return None
    return Tables(
        listed[0].name_span[0],
        listed[-1].address_span[1],
        tuple(_table(text, pair) for pair in listed if pair.name in _TABLE_NAMES),
        {pair.name: pair.address for pair in listed},
    )


def _table(text: CaptureText, pair: linux_tables.Pair) -> ConfigurationTable:
    name = _TABLE_NAMES[pair.name]
    fields = {"table": pair.name_span, "address": pair.address_span}
    return ConfigurationTable(
        name=name,
        guid=CONFIGURATION_TABLES[name],
        address=pair.address,
        located=text.record(pair.name_span[0], pair.address_span[1], fields),
    )
