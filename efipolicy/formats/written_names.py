"""What a capture calls the machine and its firmware, without anything that names one machine.

A reader takes such a name up to the end of its line. When two lines ran into each other, that is
up to the end of the other one. Where words can be told by what they have to be, only those are
kept; the name of a model can be anything, so it ends where something follows that is not of models.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from efipolicy.formats.capture_reading import slug
from efipolicy.formats.linux_machine import own_release, own_tool
from efipolicy.formats.written_origins import all_known, one_line
from efipolicy.model.platform import Platform

_OTHER_LINE: Final = (
    r"(?:<\d>)?\[[ \t]*\d+\.\d{3,6}\]"  # the time of a kernel message
    r"|[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d"  # the date of a system log
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
    r"|(?:\S{1,64} )?kernel:"
)
_IDENTITY: Final = (
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}"  # a network card
    r"|(?<![\w.])(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}(?![\w.])"
    r"|[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"  # a disk, a machine
    r"|(?<![\w.])(?:[0-9A-Fa-f]{2}[ -]){5,}[0-9A-Fa-f]{2}(?![\w.])"  # the same, byte by byte
    # Either without what divides it; a commit of git and a board of Apple are no such thing.
    r"|(?<![0-9A-Fa-f])(?<!-g)(?!(?<=\bMac-)[0-9A-F]{16}(?![0-9A-Fa-f]))[0-9A-Fa-f]{12}"
    r"|(?:[0-9A-Fa-f]{1,4}:){3}|(?<![\w:])[0-9A-Fa-f]{1,4}::"  # an address of IPv6
    r"|\S{0,64}\S@\S"
    r"|(?<![\w.])[a-z][\w-]{0,62}(?:\.[a-z][\w-]{0,62}){2}"  # a host
)
_LABELLED: Final = (
    r"(?<![A-Za-z])(?i:s/n|sn(?![A-Za-z])|serial|(?:asset|service)[ \t_-]?(?:tag|no|number|id)"
    r"|(?:uuid|guid)(?![A-Za-z])|(?:mac|ip)[ \t]*(?:addr|[:=])"
    r"|(?:user|owner|host|login|account|node|machine|customer)(?:[ _-]?(?:name|id))?[ \t]*[:=])"
    r"|(?<!\S)\S{1,64}="
)
_REMARK: Final = (
    r"(?<!\S)[\[{<#|;]"  # what somebody or some tool put behind a name
    r"|(?<!\S)(?:[A-Za-z]:)?[/\\]\w[^\s/\\]{0,64}[/\\]"  # a path
)
_NOT_OWN: Final = "|".join((_OTHER_LINE, _IDENTITY, _LABELLED, _REMARK))
"""Compiled when a capture calls its machine something, as it takes long."""
_ADDRESS: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
"""An address of IPv4; the version of firmware may look the same."""

_VERSION_WORD: Final = (
    r"[({\[]?[A-Za-z]?\d[\d.]{0,15}[A-Za-z]?[)}\]]?|[A-Z]{1,2}|[-+/(),.:]|\(?\d\d/\d\d/\d{4}\)?"
    r"|(?i:uefi|bios|efi|firmware|fw|sfw|bundle|release|rel|rev|revision|ver|version|build|beta"
    r"|pre-release|stable|debug|test)[.:]?"
)
"""What follows the first word of a version, and is of the version too."""

_RELEASE: Final = re.compile(r"(?<=Linux version )\d\S*")
_TOOL: Final = re.compile(r"(?<=`)[\w-]{1,256}-(?:gcc|ld)(?=`)")
_PATH: Final = re.compile(r"(BOOT_IMAGE=)\S*?(x86_64|amd64|aarch64|arm64)[^\s`]*")

_KERNEL_OF_BSD: Final = re.compile(r"(/sys/)(?!GENERIC\b)[\w-]{1,64}")

_LINUX_PATHS: Final = """
sys firmware efi runtime-map memmap fdt systab config_table fw_vendor runtime fw_platform_size
attribute num_pages phys_addr type virt_addr end start proc device-tree devicetree base chosen
linux,uefi-system-table linux,uefi-mmap-start linux,uefi-mmap-size linux,uefi-mmap-desc-size
linux,uefi-mmap-desc-ver linux,uefi-* dev kmsg var log dmesg
"""
_FOLDERS: Final = frozenset(_LINUX_PATHS.split())
"""The parts of the paths under which every Linux shows its firmware."""
_IDENTITY_PART: Final = re.compile(
    r"(?<!\w)(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{1,7}-[0-9a-fA-F]|(?:[0-9a-fA-F]{2}[ -]){3})"
)
"""Digits that may be of an identity; numbers of maps have ``0x`` before them."""
_MASKED: Final = re.compile(r"`(.*)`|\S*/\S*", re.DOTALL)


def with_own_names(platform: Platform) -> Platform:
    """The platform of a capture with names that hold no words of other lines."""
    reason = platform.architecture_reason
    changes: dict[str, object] = {
        "architecture_reason": reason._replace(evidence=own_evidence(reason.evidence))
    }
    if platform.title is not None:
        title = changes["title"] = own_words(platform.title) or None
        if platform.name == slug(platform.title):
            changes["name"] = slug(title or "") or "capture"
    firmware = platform.firmware
    if firmware is not None:
        changes["firmware"] = firmware._replace(
            vendor=own_words(firmware.vendor or "") or None,
            version=own_version(firmware.version or "") or None,
        )
    return replace(platform, **changes)  # type: ignore[arg-type]


def own_words(words: str) -> str:
    """The words up to the first that belong to another line, or to one machine alone."""
    found = [one for one in (re.search(_NOT_OWN, words), _ADDRESS.search(words)) if one]
    return _up_to(words, min((one.start() for one in found), default=None))


def own_version(words: str) -> str:
    """The version of firmware: its first word, and those that can only be of a version."""
    found = re.search(_NOT_OWN, words)
    first, *others = _up_to(words, found.start() if found else None).split(" ")
    kept = [first]
    for word in others:
        if _ADDRESS.fullmatch(word) or (word and not re.fullmatch(_VERSION_WORD, word)):
            break
        kept.append(word)
    return _up_to(" ".join(kept), None)


def _up_to(words: str, end: int | None) -> str:
    """The words before an offset without what led to those behind it."""
    return words if end is None else words[:end].rstrip(" \t,;:#(-")


def own_evidence(evidence: str) -> str:
    """Why an architecture is known, without what a kernel or a compiler is called besides.

    Whoever builds a kernel names it: ``Linux version 6.8.0-…-amd64``. Where it was loaded from
    may be named after the machine.
    """
    evidence = _KERNEL_OF_BSD.sub(r"\1…", _PATH.sub(r"\1…\2", evidence))
    evidence = _TOOL.sub(lambda found: own_tool(found[0]), evidence)
    return _RELEASE.sub(lambda found: own_release(found[0]), evidence)


def own_reason(what: str) -> str:
    """Why a line could not be read, without strange words of the text and paths: whose are they?

    The words that dialects print, and the paths under which every Linux shows its firmware, are
    nobody's.
    """
    return one_line(_MASKED.sub(_own_part, what))


def _own_part(found: re.Match[str]) -> str:
    """Words of a text or a path as they are, where known; else the mark of something left out."""
    words = found[0]
    if words.startswith("`"):
        own = all_known(found[1]) and not _IDENTITY_PART.search(found[1])
        return words if found[1] and own else "…"
    parts = words.strip("\"'(),:;.").split("/")
    if not any(parts):
        return "…"
    known = all(not part or part in _FOLDERS or part.isdecimal() for part in parts)
    return words if known and not all(part.isdecimal() for part in parts if part) else "…"
