"""The page tables of `efi_mm`, walked from outside, through the memory of a waiting guest.

Deliberately without any code of efipolicy: what is predicted must not be what is observed. Bits are
those of Intel's SDM, volume 3A, 4.5 and of the Arm ARM, D8.3.
"""

from __future__ import annotations

import re
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from tests.e2e.machine import Machine

_MM_STRUCT = 1024
"""Bytes of `struct mm_struct` that surely hold its field `pgd`."""
_X86_WINDOW = range(0xFFFF_FFEF_0000_0000, 0xFFFF_FFFF_0000_0000)
"""Where Linux maps firmware on x86_64, besides the lower half: -68 GiB to -4 GiB."""
_TABLE_LIMITS = 1 << 62 | 1 << 59
"""APTable[1] and PXNTable. Linux leaves both clear in `efi_mm`, so rights are those of a leaf."""


class WalkError(Exception):
    """The tables were not found where a kernel of this kind keeps them."""


@dataclass(frozen=True)
class Leaf:
    """``size`` bytes at ``virtual`` that are ``physical``; ``flags`` as they are printed."""

    virtual: int
    physical: int
    size: int
    flags: str


@dataclass(frozen=True)
class Rights:
    """What the entries of x86 from the top down to here allow together."""

    write: bool
    execute: bool
    user: bool

    def within(self, entry: int) -> Rights:
        """What is left below an entry."""
        return Rights(
            write=self.write and bool(entry & 1 << 1),
            execute=self.execute and not entry >> 63,
            user=self.user and bool(entry & 1 << 2),
        )


async def walked_page_tables(machine: Machine, symbols: str, page_size: int) -> str:
    """The tables as text, in the form that `efipolicy verify` reads."""
    registers = await machine.monitor("human-monitor-command", **{"command-line": "info registers"})
    cr4 = re.search(r"CR4=([0-9a-f]+)", registers)
    pgd = await _pgd(machine, symbols)
    top = await _physical(machine, pgd)
    assert top is not None
    if cr4:
        levels = 5 if int(cr4[1], 16) & 1 << 12 else 4
        heads = f"levels={levels} pgd_pa={top:#x} CR4=0x{cr4[1].lstrip('0')}"
        leaves = [leaf async for leaf in _x86(machine, top, levels)]
    else:
        bits = 64 - _leading_ones(pgd)
        heads = f"va_bits={bits} page_shift={page_size.bit_length() - 1} pgd_pa={top:#x}"
        leaves = [leaf async for leaf in _arm64(machine, top, bits, page_size)]
    if not leaves:
        raise WalkError(f"efi_mm maps nothing: {heads}")
    rows = [_row(run) for run in _runs(leaves)]
    return "\n".join(
        [
            "# page tables of efi_mm, walked through the memory of the guest (QMP pmemsave)",
            f"# {heads}",
            "# va_start-va_end pa_start size leaf flags; effective RW and NX on x86",
            *rows,
            "",
        ]
    )


async def _pgd(machine: Machine, symbols: str) -> int:
    """Kernel address of the top table: the one pointer in `efi_mm` that leads out of the image.

    A top table with few entries is no page; it is aligned to 64 bytes at least.
    """
    match = re.search(r"^([0-9a-f]{16}) \w efi_mm$", symbols, re.MULTILINE)
    if match is None or not int(match[1], 16):
        raise WalkError(f"/proc/kallsyms shows no address of efi_mm: {symbols!r}")
    image = int(match[1], 16)
    content = await machine.virtual(image, _MM_STRUCT)
    words = struct.unpack(f"<{len(content) // 8}Q", content)
    pointers = {
        word
        for word in words
        if word % 64 == 0 and word >> 56 == 0xFF and abs(word - image) > 1 << 30
    }
    found = [one for one in sorted(pointers) if await _physical(machine, one) is not None]
    if len(found) != 1:
        told = ", ".join(f"{one:#x}" for one in found)
        raise WalkError(f"expected one pointer to a table in efi_mm, found: {told or 'none'}")
    return found[0]


async def _physical(machine: Machine, address: int) -> int | None:
    """Where the kernel's own tables map an address to, if they do."""
    told = await machine.monitor(
        "human-monitor-command", **{"command-line": f"gva2gpa {address:#x}"}
    )
    match = re.fullmatch(r"gpa: (0x[0-9a-f]+)\s*", told)
    return int(match[1], 16) if match else None


def _leading_ones(address: int) -> int:
    """Linux' linear map of arm64 fills the lower half of the upper address range."""
    return 64 - (address ^ (1 << 64) - 1).bit_length()


async def _entries(machine: Machine, table: int, count: int) -> Sequence[int]:
    return struct.unpack(f"<{count}Q", await machine.physical(table, count * 8))


async def _x86(machine: Machine, top: int, levels: int) -> AsyncIterator[Leaf]:
    async def below(table: int, level: int, start: int, rights: Rights) -> AsyncIterator[Leaf]:
        size = 1 << 12 + 9 * (level - 1)
        for index, entry in enumerate(await _entries(machine, table, 512)):
            virtual = start + index * size
            if level == levels and index >= 256:
                virtual += (1 << 64) - (1 << 12 + 9 * levels)
            if not entry & 1 or not _x86_is_firmwares(virtual, size):
                continue
            address, allowed = entry & 0xF_FFFF_FFFF_F000, rights.within(entry)
            if level == 1 or entry & 1 << 7:
                yield Leaf(virtual, address & ~(size - 1), size, _x86_flags(entry, allowed, level))
            else:
                async for leaf in below(address, level - 1, virtual, allowed):
                    yield leaf

    async for leaf in below(top, levels, 0, Rights(write=True, execute=True, user=True)):
        yield leaf


def _x86_is_firmwares(virtual: int, size: int) -> bool:
    inside = virtual < _X86_WINDOW.stop and virtual + size > _X86_WINDOW.start
    return virtual < 1 << 63 or inside


def _x86_flags(entry: int, rights: Rights, level: int) -> str:
    words = [
        ("RW" if rights.write else "ro"),
        ("x " if rights.execute else "NX"),
        ("USR" if rights.user else "   "),
        ("PWT" if entry & 1 << 3 else "   "),
        ("PCD" if entry & 1 << 4 else "   "),
        ("PAT" if entry & 1 << (7 if level == 1 else 12) else "   "),
        ("GLB" if entry & 1 << 8 else "   "),
        ("A" if entry & 1 << 5 else " "),
        ("D" if entry & 1 << 6 else " "),
    ]
    return " ".join(words).rstrip()


async def _arm64(machine: Machine, top: int, bits: int, page_size: int) -> AsyncIterator[Leaf]:
    wide = bits > 48
    if wide and page_size == 65536:
        raise WalkError("tables of 64 KiB for 52 bits hold addresses in a form not read here")
    shift = page_size.bit_length() - 1
    step = shift - 3
    levels = -(-(bits - shift) // step)

    async def below(table: int, level: int, start: int) -> AsyncIterator[Leaf]:
        size = page_size << step * (level - 1)
        count = 1 << (bits - shift - step * (levels - 1) if level == levels else step)
        for index, entry in enumerate(await _entries(machine, table, count)):
            if not entry & 1:
                continue
            virtual = start + index * size
            address = entry & (1 << (50 if wide else 48)) - 1 & ~(page_size - 1)
            if wide:  # FEAT_LPA2
                address |= (entry >> 8 & 3) << 50
            if entry & 2 and level > 1:
                if entry & _TABLE_LIMITS:
                    raise WalkError(f"a table at {virtual:#x} limits what is below it: {entry:#x}")
                async for one in below(address, level - 1, virtual):
                    yield one
            else:
                yield Leaf(virtual, address & ~(size - 1), size, _arm64_flags(entry, wide))

    async for leaf in below(top, levels, 0):
        yield leaf


def _arm64_flags(entry: int, wide: bool) -> str:
    words = [
        ("ro" if entry & 1 << 7 else "RW"),
        ("NX" if entry & 1 << 53 else "x "),
        ("UXN" if entry & 1 << 54 else "   "),
        ("NG" if entry & 1 << 11 else "  "),
        ("AF" if entry & 1 << 10 else "  "),
        ("   " if wide else f"SH{entry >> 8 & 3}"),
        ("DBM" if entry & 1 << 51 else "   "),
        ("CON" if entry & 1 << 52 else "   "),
        f"ATTR{entry >> 2 & 7}",
    ]
    return " ".join(words)


def _runs(leaves: Sequence[Leaf]) -> list[list[Leaf]]:
    """Neighbours of one kind that continue each other on both sides."""
    runs: list[list[Leaf]] = []
    for leaf in leaves:
        last = runs[-1][-1] if runs else None
        if (
            last
            and (last.size, last.flags) == (leaf.size, leaf.flags)
            and last.virtual + last.size == leaf.virtual
            and last.physical + last.size == leaf.physical
        ):
            runs[-1].append(leaf)
        else:
            runs.append([leaf])
    return runs


def _row(run: Sequence[Leaf]) -> str:
    first, size = run[0], sum(leaf.size for leaf in run)
    end = first.virtual + size
    unit = _unit(first.size)
    return (
        f"0x{first.virtual:016x}-0x{end:016x} 0x{first.physical:012x} {size >> 10:>9}K {unit} "
        f"{first.flags}"
    )


def _unit(size: int) -> str:
    for letter, shift in (("G", 30), ("M", 20)):
        if size >= 1 << shift:
            return f"{size >> shift}{letter}"
    return f"{size >> 10}K"
