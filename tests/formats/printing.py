"""Print memory maps as kernels and shells do, and damage the text as people do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from efipolicy.model.memory_map import MemoryDescriptor

LONG_NAMES = (
    "Reserved",
    "Loader Code",
    "Loader Data",
    "Boot Code",
    "Boot Data",
    "Runtime Code",
    "Runtime Data",
    "Conventional Memory",
    "Unusable Memory",
    "ACPI Reclaim Memory",
    "ACPI Memory NVS",
    "Memory Mapped I/O",
    "MMIO Port Space",
    "PAL Code",
    "Persistent Memory",
)
SHORT_NAMES = (
    *LONG_NAMES[:7],
    "Conventional",
    "Unusable",
    "ACPI Reclaim",
    "ACPI Mem NVS",
    "MMIO",
    "MMIO Port",
    "PAL Code",
    "Persistent",
    "Unaccepted",
)
FLAGS = {
    "RUN": 1 << 63,
    "HP": 0x100000,
    "MR": 0x10000,
    "CC": 0x80000,
    "SP": 0x40000,
    "NV": 0x8000,
    "XP": 0x4000,
    "RP": 0x2000,
    "WP": 0x1000,
    "RO": 0x20000,
    "UCE": 0x10,
    "WB": 8,
    "WT": 4,
    "WC": 2,
    "UC": 1,
}
OLD_FLAGS = ("RUN", "XP", "RP", "WP", "UCE", "WB", "WT", "WC", "UC")
SHELL_NAMES = (
    "Reserved",
    "LoaderCode",
    "LoaderData",
    "BS_Code",
    "BS_Data",
    "RT_Code",
    "RT_Data",
    "Available",
    "Unusable",
    "ACPI_Recl",
    "ACPI_NVS",
    "MMIO",
    "MMIO_Port",
    "PalCode",
    "Persistent",
    "Unaccepted",
)


def descriptors(
    *, types: Sequence[int] = tuple(range(15)), any_type: bool = True
) -> st.SearchStrategy[MemoryDescriptor]:
    """Descriptors whose range ends inside 52 bits, as every printed one does."""
    numbers: st.SearchStrategy[int] = st.sampled_from(types)
    if any_type:
        numbers |= st.integers(0, (1 << 32) - 1)
    return st.builds(
        MemoryDescriptor,
        index=st.just(0),
        type=numbers,
        physical_start=st.integers(0, (1 << 39) - 1).map(lambda page: page << 12),
        number_of_pages=st.integers(1, 1 << 38),
        attribute=st.lists(st.sampled_from(list(FLAGS.values())), unique=True).map(sum)
        | st.integers(0, (1 << 64) - 1),
    )


def maps(**options: object) -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
    """Lists of descriptors, each with its place as index, no two alike: that would be two maps."""
    return st.lists(
        descriptors(**options),  # type: ignore[arg-type]
        min_size=1,
        max_size=8,
        unique_by=_plain,
    ).map(_numbered)


def _plain(one: MemoryDescriptor) -> tuple[object, ...]:
    return one.type, one.physical_start, one.number_of_pages, one.attribute


def _numbered(found: list[MemoryDescriptor]) -> tuple[MemoryDescriptor, ...]:
    return tuple(
        MemoryDescriptor(
            index=index,
            type=one.type,
            physical_start=one.physical_start,
            number_of_pages=one.number_of_pages,
            attribute=one.attribute,
        )
        for index, one in enumerate(found)
    )


def cell(one: MemoryDescriptor, names: Sequence[str], flags: Sequence[str] = tuple(FLAGS)) -> str:
    """``[type|flag|…]`` in the columns of a kernel that knows these flags."""
    attribute = one.attribute or 0
    if one.type < len(names):
        words = names[one.type].ljust(max(map(len, names)))
    else:
        words = f"type={one.type}"
    if attribute & ~sum(FLAGS[flag] for flag in flags):
        return f"[{words}|attr={attribute:#018x}]"
    columns = (
        (flag if attribute & FLAGS[flag] else "").rjust(3 if flag in ("RUN", "UCE") else 2)
        for flag in flags
    )
    return f"[{words}|{'|'.join(columns)}]"


def raw(one: MemoryDescriptor) -> str:
    """Linux up to 3.17."""
    return (
        f"efi: mem{one.index:02}: type={one.type}, attr={one.attribute:#x}, "
        f"range=[{one.physical_start:#018x}-{one.physical.end:#018x}) "
        f"({one.number_of_pages >> 8}MB)"
    )


def half_open(one: MemoryDescriptor) -> str:
    """Linux 3.18 to 4.3."""
    return (
        f"efi: mem{one.index:02}: {cell(one, LONG_NAMES, OLD_FLAGS)} "
        f"range=[{one.physical_start:#018x}-{one.physical.end:#018x}) "
        f"({one.number_of_pages >> 8}MB)"
    )


def closed(one: MemoryDescriptor) -> str:
    """Linux since 4.4."""
    return (
        f"efi: mem{one.index:02}: {cell(one, SHORT_NAMES)} "
        f"range=[{one.physical_start:#018x}-{one.physical.last:#018x}] "
        f"({one.number_of_pages >> 8}MB)"
    )


def fdt(one: MemoryDescriptor) -> str:
    """Linux on arm64."""
    return f"efi:   {one.physical_start:#014x}-{one.physical.last:#014x} {cell(one, SHORT_NAMES)}"


def shell(one: MemoryDescriptor) -> str:
    """The UEFI shell."""
    words = SHELL_NAMES[one.type] if one.type < 16 else f"{one.type:08X}  "
    return (
        f"{words:10} {one.physical_start:016X}-{one.physical.last:016X} "
        f"{one.number_of_pages:016X} {one.attribute:016X}"
    )


def old_shell(one: MemoryDescriptor) -> str:
    """The EFI 1.10 shell."""
    return shell(one).replace(
        " " + f"{one.number_of_pages:016X} ", f"  {one.number_of_pages:016X} "
    )


PRINTERS: dict[str, Callable[[MemoryDescriptor], str]] = {
    "linux-x86-raw": raw,
    "linux-x86-cells-half-open": half_open,
    "linux-x86-cells-closed": closed,
    "linux-fdt": fdt,
    "efi-shell-2": shell,
    "efi-shell-1": old_shell,
}

PREFIXES = (
    "",
    "[    0.000000] ",
    "[\t0.000000] ",
    "[    0.000000][    T0] ",
    "<6>[    0.000000] ",
    "kernel: ",
    "Apr 28 07:55:19 rack7 kernel: [    0.000000] ",
    "> ",
    "> > [    0.000000] ",
    '  "',
)
NOISE = (
    "",
    "> ",
    "[    0.000000] e820: remove [mem 0xf8000000-0xfbffffff] reserved",
    "[    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable",
    "$ dmesg | grep efi",
    "```",
    "(is this one all right?)",
    "[    0.000000] ACPI: RSDP 0x00000000B9A00018 000024 (v02 BOCHS )",
)


@st.composite
def damaged(draw: st.DrawFn, lines: Sequence[str]) -> str:
    """The lines with everything that may happen to a text on its way, all of it legible."""
    prefix = draw(st.sampled_from(PREFIXES))
    text: list[str] = []
    width = draw(st.none() | st.integers(48, 100))
    for line in lines:
        text += draw(st.lists(st.sampled_from(NOISE), max_size=2))
        whole = prefix + line
        copies = draw(st.sampled_from((1, 1, 1, 2)))
        for _ in range(copies):
            text += wrapped(whole, width, quote="> " if ">" in prefix else "") if width else [whole]
    end = draw(st.sampled_from(("\n", "\r\n", " \n")))
    return end.join(text) + end


def wrapped(line: str, width: int, *, quote: str) -> list[str]:
    """The line broken at blanks, as mail clients do."""
    lines, rest = [], line
    while len(rest) > width:
        at = rest.rfind(" ", len(quote) + 1, width)
        if at <= len(quote):
            break
        lines.append(rest[:at])
        rest = quote + rest[at + 1 :]
    return [*lines, rest]


def cut(line: str, width: int) -> list[str]:
    """The line broken at a column, as terminals do."""
    return [line[at : at + width] for at in range(0, len(line), width)]


def quoted_printable(line: str) -> list[str]:
    """The line as quoted-printable mail, soft line ends included."""
    encoded = line.replace("=", "=3D")
    lines = []
    while len(encoded) > 75:
        at = 75
        while "=" in encoded[at - 2 : at]:
            at -= 1
        lines.append(encoded[:at] + "=")
        encoded = encoded[at:]
    return [*lines, encoded]


def tagged(line: str, places: Sequence[int]) -> str:
    """The line with forum tags between its characters."""
    for at in sorted((place % (len(line) + 1) for place in places), reverse=True):
        line = f"{line[:at]}[COLOR=#1a2b3c]{line[at:]}[/COLOR]"
    return line
