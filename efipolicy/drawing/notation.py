"""Addresses, sizes and names as pictures print them."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.model.efi import (
    EFI_MEMORY_CPU_CRYPTO,
    EFI_MEMORY_MORE_RELIABLE,
    EFI_MEMORY_NV,
    EFI_MEMORY_RO,
    EFI_MEMORY_SP,
    EFI_MEMORY_UC,
    EFI_MEMORY_UCE,
    EFI_MEMORY_WB,
    EFI_MEMORY_WC,
    EFI_MEMORY_WT,
    EFI_MEMORY_XP,
    FIRST_OEM_TYPE,
)
from efipolicy.named_tuple import NamedTuple

FIRST_OS_TYPE: Final = 0x8000_0000
"""From here on types belong to operating system loaders (UEFI 2.10, 7.2)."""


_ADDRESS: Final = re.compile(r"\b0x([0-9a-f]{4,})\b|\b0x([0-9a-f]+)(?=-0x)")


class TypeStyle(NamedTuple):
    """How a memory type is drawn: its short name, its colours, and its texture if it has one."""

    label: str
    family: str
    texture: str | None = None


TYPE_STYLES: Final = {
    7: TypeStyle("Conventional", "conv"),
    1: TypeStyle("Loader Code", "boot", "diagonal"),
    2: TypeStyle("Loader Data", "boot"),
    3: TypeStyle("Boot Code", "boot", "diagonal"),
    4: TypeStyle("Boot Data", "boot"),
    5: TypeStyle("RT Code", "rtc", "diagonal"),
    6: TypeStyle("RT Data", "rtd"),
    13: TypeStyle("PAL Code", "pal", "diagonal"),
    10: TypeStyle("ACPI NVS", "nvs", "horizontal"),
    9: TypeStyle("ACPI Reclaim", "acpr"),
    11: TypeStyle("MMIO", "mmio"),
    12: TypeStyle("MMIO Port", "mmio", "horizontal"),
    0: TypeStyle("Reserved", "resv", "cross"),
    8: TypeStyle("Unusable", "unus", "cross"),
    14: TypeStyle("Persistent", "pmem"),
    15: TypeStyle("Unaccepted", "unac", "dots"),
}
"""The types of the specification, in the order of a legend."""


def type_style(memory_type: int) -> TypeStyle:
    """How a type is drawn, be it of the specification, of an OEM, of a loader, or unassigned."""
    known = TYPE_STYLES.get(memory_type)
    if known:
        return known
    if memory_type >= FIRST_OS_TYPE:
        return TypeStyle(f"OS {memory_type:#x}", "oem")
    if memory_type >= FIRST_OEM_TYPE:
        return TypeStyle(f"OEM {memory_type:#x}", "oem")
    return TypeStyle(f"type {memory_type}, unknown", "oem")


PERMISSION_STYLES: Final = {
    (False, True): TypeStyle("MAT: RX", "rtc", "diagonal"),
    (True, False): TypeStyle("MAT: RW", "rtd"),
    (True, True): TypeStyle("MAT: RO", "ro"),
    (False, False): TypeStyle("MAT: RWX", "rwx", "cross"),
}
"""How an entry of the Memory Attributes Table is drawn, by whether XP and RO are set."""


def permission_style(attribute: int | None) -> TypeStyle:
    """How an entry of the Memory Attributes Table is drawn; outlined when its word is not known."""
    if attribute is None:
        return TypeStyle("MAT: not stated", "oem")
    return PERMISSION_STYLES[bool(attribute & EFI_MEMORY_XP), bool(attribute & EFI_MEMORY_RO)]


def legend_rank(memory_type: int) -> tuple[int, int]:
    """The place of a type in a legend: the specification's first, then OEM, OS, unassigned."""
    order = list(TYPE_STYLES)
    if memory_type in TYPE_STYLES:
        return order.index(memory_type), 0
    if memory_type >= FIRST_OS_TYPE:
        return len(order) + 1, memory_type
    return len(order) + (0 if memory_type >= FIRST_OEM_TYPE else 2), memory_type


def address_groups(address: int, groups: int) -> list[str]:
    """An address as groups of four hexadecimal digits, the highest first; more when needed."""
    digits = f"{address:0{4 * max(groups, -(-address.bit_length() // 16))}x}"
    return [digits[start : start + 4] for start in range(0, len(digits), 4)]


def address_text(address: int, groups: int) -> str:
    """An address in groups of four digits: ``0x0000_7ec0_0000``, as Python and Rust read it."""
    return "0x" + "_".join(address_groups(address, groups))


def grouped(sentence: str) -> str:
    """A sentence of the engine with the addresses in it as pictures print them.

    Numbers of up to three digits stay as they are unless a range starts with them: no page but
    the first has such an address.
    """
    return _ADDRESS.sub(lambda match: address_text(int(match[0], 16), 2), sentence)


def groups_for(highest: int) -> int:
    """How many groups of four digits hold every address of a map: 2, 3 or 4."""
    return min(4, max(2, -(-highest.bit_length() // 16)))


def cache_word(attribute: int) -> str:
    """The strongest cacheability a descriptor offers, or ``none``."""
    for word, bit in (
        ("WB", EFI_MEMORY_WB),
        ("WT", EFI_MEMORY_WT),
        ("WC", EFI_MEMORY_WC),
        ("UC", EFI_MEMORY_UC),
        ("UCE", EFI_MEMORY_UCE),
    ):
        if attribute & bit:
            return word
    return "none"


def cache_words(attribute: int, *, short: bool) -> str:
    """Cacheability and the properties worth a word beside it."""
    words = [cache_word(attribute)]
    words += [
        word for word, bit in (("SP", EFI_MEMORY_SP), ("NV", EFI_MEMORY_NV)) if attribute & bit
    ]
    if not short:
        more = (("MR", EFI_MEMORY_MORE_RELIABLE), ("CRYPTO", EFI_MEMORY_CPU_CRYPTO))
        words += [word for word, bit in more if attribute & bit]
    return " ".join(words)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
