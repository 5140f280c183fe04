"""The comment behind an entry of an imported file: the words it was read from, and nothing else.

A log is full of things that are nobody's business: host names in the prefixes of its lines, MAC
addresses, serial numbers, the identity of a disk. The part of the text that an entry was read from
can hold some of them, when a mail client wrapped it or when two lines ran into each other. So words
are copied only where every one of them is a word that some dialect prints in an entry.
"""

from __future__ import annotations

import re
from typing import Any, Final

from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.source import Located

_LONGEST_RECORD: Final = 1024
"""Characters; what is read from more than a few lines says where it begins, and no more."""
_LONGEST_COMMENT: Final = 200

_LINE_BREAK: Final = re.compile(r"[ \t]*(?:=(?:20|09)?)?[ \t]*\r?\n[\s>]*")
_BETWEEN: Final = re.compile(r"[\s|\[\](){},;=\"'!*]+")
_NUMBER: Final = r"(?:0[xX])?[0-9a-fA-F]{1,24}"
_NUMBERS: Final = re.compile(rf"{_NUMBER}(?:-{_NUMBER})?|[1-9]?\d\.\d{{1,2}}|\d{{1,12}}[KMGTPE]i?B")
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d{1,4}|[^\W\d_]+")
_OTHER_DIGITS: Final = re.compile(r"\d[.-]\d+[.-]\d|\d{6}")
_MARKS: Final = re.compile(r"(?:->|=>|[-+&./?<>#]){0,3}")

_ENTRY_WORDS: Final = """
acpi acpi20 addr address att attr attribute attributes base bytes config configuration conformance
count data debug desc descriptor devirt dtb efi end entries entry esrt event final firmware flags
from guid hcdp index initrd invalid len length log map mem memattr memmap memory memreserve mmap
mokvar mps noefi noruntime novamap num number of pa padding page pages phys physical profiles prop
properties range remap removing rng rtprop runtime sal sfo size skip smbios start supported sys
systab system table tables tpm tpmeventlog tpmfinallog ty type uga va vendor version virt virtual
"""
"""What entries, their fields and the tables are called."""

_TYPE_WORDS: Final = """
acpi acpinvs avail available bad boot bs code conv conventional fw io ldr loader mapped mmio non
none normal nvs pal persis persist persistent port ports rec recl reclaim reserve reserved rt run
service services soft space specific unaccepted unusable unused usable volatile
"""
"""What the memory types are made of, in every spelling."""

_ATTRIBUTE_WORDS: Final = """
back cacheable cc combine cpu crypt crypto execute export ext hot hotpl hp isa mask more mr nv plug
pluggable protect protected purpose read rel relia reliable ro rp sp special through uc uce
uncacheable uncached valid wb wc wp write wt xp
"""
"""What the attributes are made of, in every spelling."""

_WORDS: Final = frozenset(f"{_ENTRY_WORDS} {_TYPE_WORDS} {_ATTRIBUTE_WORDS}".split())

_DIGITS: Final = {10: re.compile(r"[0-9]{1,24}"), 16: re.compile(r"(?:0[xX])?[0-9a-fA-F]{1,24}")}
"""Numbers that a field may be, by their base."""

_FIELDS: Final = (
    "type",
    "table",
    "guid",
    "address",
    "physical_start",
    "virtual_start",
    "pages",
    "attribute",
)


def origin(entry: Any) -> str:
    """The comment behind an entry: the number of its line and its words, as far as they are known.

    ``entry`` is a value of the model. Empty for one that was not read from a text.
    """
    located: Located | None = getattr(entry, "located", None)
    if located is None:
        return ""
    words = _words(entry, located)
    return f"  # {located.span.line}: {words}" if words else f"  # {located.span.line}"


def _words(entry: Any, located: Located) -> str:
    """The words an entry was read from, else those of its fields, without anything strange."""
    span = located.span
    if span.end - span.start > _LONGEST_RECORD:
        return ""
    # Where a field is there and tells nothing, its words may be anybody's.
    unknown = [name for name in _FIELDS if getattr(entry, name, "") is None]
    fields = {name: found for name in _FIELDS if (found := located.span_of(name))}
    if not any(name in fields for name in unknown):
        words = one_line(span.text)
        if all_known(words):
            return words
    parts = [
        (_label(entry, name, at.text), one_line(at.text))
        for name, at in fields.items()
        if name not in unknown
    ]
    return ", ".join(f"{label} {part}" for label, part in parts if part and all_known(part))


def _label(entry: Any, name: str, text: str) -> str:
    """What the words of a field are, which is not always the name of the field.

    Where a dialect prints no number of pages, they follow from the last byte of a range, from the
    byte behind it, or from its size; these are what stands in the text.
    """
    start, pages = (getattr(entry, one, None) for one in ("physical_start", "number_of_pages"))
    values = {int(text, base) for base in (10, 16) if _DIGITS[base].fullmatch(text)}
    if name != "pages" or start is None or pages is None or not values or pages in values:
        return name
    size = pages * EFI_PAGE_SIZE
    if values & {start + size, start + size - 1}:
        return "end"
    return "size" if size in values else name


def one_line(text: str) -> str:
    """Words for a comment: on one line, printable, not endless."""
    words = _LINE_BREAK.sub(" ", text).replace("\t", " ").strip()
    if not words.isprintable():
        words = "".join(character if character.isprintable() else "?" for character in words)
    return words if len(words) <= _LONGEST_COMMENT else words[: _LONGEST_COMMENT - 1] + "…"


def all_known(words: str) -> bool:
    """Whether nothing stands there but numbers and words that dialects print in entries."""
    return all(_is_known(word) for word in _BETWEEN.split(words))


def _is_known(word: str) -> bool:
    """Whether a word is a number, a known word, or one of these behind another and a colon.

    What has more colons is a time of day, or the address of a network card.
    """
    parts = word.rstrip(":").split(":")
    return len(parts) <= 2 and all(_is_number_or_word(part) for part in parts)


def _is_number_or_word(word: str) -> bool:
    if _NUMBERS.fullmatch(word) or _MARKS.fullmatch(word) or word.lower() in _WORDS:
        return True
    word = word.replace("I/O", "IO")
    pieces = _PARTS.findall(word)
    # Many digits, and digits with marks between them, may be of an address or a serial number.
    return (
        "".join(pieces) == re.sub(r"[_/.-]", "", word)
        and not (len(pieces) > 1 and all(map(str.isdigit, pieces)))
        and all(piece.lower() in _WORDS or piece.isdigit() for piece in pieces)
        and not _OTHER_DIGITS.search(word)
    )
