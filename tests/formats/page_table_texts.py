"""Page-table dumps for tests: the captured ones, and rows as kernels print them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from efipolicy.formats import marks
from efipolicy.formats.recognition import recognise
from efipolicy.model.evidence import PageTableDump
from efipolicy.model.platform import Capture, Platform
from efipolicy.source import ForeignInputError, SourceText, decode

CAPTURES = Path(__file__).parents[1] / "captures" / "page-tables"
FORMATS = {form.name: form for form in marks.FORMATS if form.name.endswith("page-tables")}
UNITS = "BKMGTPE"


def platform_of(text: str) -> Platform | None:
    """The platform, or ``None`` for a text in which nothing is found."""
    reading, errors = recognise(SourceText("dump.txt", text), FORMATS)
    if reading is None:
        assert [type(error) for error in errors] == [ForeignInputError]
        return None
    assert errors == ()
    return reading.platform


def capture_of(text: str) -> Capture:
    """What was read of a text that holds a dump, which has no memory map."""
    platform = platform_of(text)
    assert platform
    assert platform.capture
    assert platform.memory_map.descriptors == ()
    return platform.capture


def dump_of(text: str) -> PageTableDump:
    """The only dump of a text, every line of which was read."""
    capture = capture_of(text)
    assert [line.what for line in capture.unreadable] == []
    (dump,) = capture.page_tables
    return dump


def captured(name: str) -> str:
    """The text of a captured dump."""
    path = CAPTURES / f"{name}.txt"
    return decode(path.name, path.read_bytes()).text


class Row(NamedTuple):
    """A row to print: half-open range, its level, and the words of its flags, none for a hole."""

    start: int
    end: int
    level: str
    flags: tuple[str, ...] = ()
    physical_start: int | None = None


def size_of(row: Row, smallest: int) -> str:
    """The size in the largest unit that divides it, as ``%9lu%c`` prints it."""
    size, unit = (row.end - row.start) >> 10 * smallest, smallest
    while size % 1024 == 0 and unit < len(UNITS) - 1:
        size, unit = size >> 10, unit + 1
    return f"{size:9d}{UNITS[unit]}"


def cells(row: Row, columns: tuple[tuple[str, ...], ...]) -> list[str]:
    """A word of each column, padded to its widest."""
    return [
        next((word for word in column if word in row.flags), "").ljust(max(map(len, column)))
        for column in columns
    ]


X86_COLUMNS = (
    ("USR",),
    ("RW", "ro"),
    ("PWT",),
    ("PCD",),
    ("PSE",),
    ("PAT",),
    ("GLB",),
    ("NX", "x"),
)
ARM64_COLUMNS = (
    ("USR",),
    ("RW", "ro"),
    ("NX", "x"),
    ("SHD",),
    ("AF",),
    ("NG",),
    ("CON",),
    ("BLK",),
    ("UXN",),
    ("GP",),
)
ARM64_TYPES = (
    "DEVICE/nGnRnE",
    "DEVICE/nGnRE",
    "MEM/NORMAL-NC",
    "MEM/NORMAL",
    "MEM/NORMAL-TAGGED",
)
ARM32_TYPES = (
    "SO/UNCACHED",
    "MEM/BUFFERABLE/WC",
    "MEM/CACHED/WT",
    "MEM/CACHED/WBRA",
    "DEV/SHARED",
    "DEV/WC",
)


def span(row: Row, digits: int) -> str:
    """The range; the end of the address space prints as 0."""
    end = row.end % (1 << 4 * digits)
    return f"0x{row.start:0{digits}x}-0x{end:0{digits}x}"


def x86(row: Row, digits: int = 16) -> str:
    """Linux on x86."""
    words = "".join(word + " " for word in cells(row, X86_COLUMNS)) if row.flags else " " * 30
    return f"{span(row, digits)}   {size_of(row, 0)} {words}{row.level}"


def i386(row: Row) -> str:
    """Linux on 32-bit x86."""
    return x86(row, 8)


def arm64(row: Row) -> str:
    """Linux 5.7 and later on arm64."""
    line = f"{span(row, 16)}   {size_of(row, 1)} {row.level}"
    if not row.flags:
        return line
    return line + "".join(f" {word}" for word in (" ", *cells(row, ARM64_COLUMNS), row.flags[-1]))


def arm32(row: Row) -> str:
    """Linux on 32-bit Arm, without large physical addresses."""
    line = f"{span(row, 8)}   {size_of(row, 1)} {row.level} KERNEL "
    words = cells(row, (("USR",), ("RW", "ro"), ("NX", "x"), ("SHD",)))
    kind = row.flags[-1:] if row.level == "PTE" else ()
    return line + "".join(f" {word}" for word in (*words, *kind))


def riscv(row: Row) -> str:
    """Linux 6.6 and later on riscv64."""
    kind = next((word for word in row.flags if word.startswith("MT")), "  ..  ")
    napot = "N" if "N" in row.flags else "."
    letters = " ".join(letter if letter in row.flags else "." for letter in "DAGUXWRV")
    return (
        f"{span(row, 16)}    0x{row.physical_start or 0:016x} {size_of(row, 1)} {row.level} "
        f"{napot} {kind}   ..   {letters}"
    )


def walked(row: Row) -> str:
    """A walk through the memory of an arm64 machine."""
    size = (row.end - row.start) >> 10
    columns = (("UXN",), ("NG",), ("AF",), ("SH3",), ("DBM",), ("CON",))
    reached = cells(row, (("RW", "ro"), ("NX", "x")))
    words = " ".join([*reached, *cells(row, columns), row.flags[-1]])
    return f"{span(row, 16)} 0x{row.physical_start or 0:012x} {size:8d}K {row.level} {words}"


class Dialect(NamedTuple):
    """How one prints, its levels with the bytes of their entries, and its flags."""

    name: str
    row: Callable[[Row], str]
    entries: dict[str, int]
    columns: tuple[tuple[str, ...], ...]
    optional: tuple[str, ...]
    types: tuple[str, ...] = ()
    holes: bool = False
    physical: bool = False
    space: int = 1 << 39

    def rows(self) -> st.SearchStrategy[list[Row]]:
        """Rows of rising addresses, no two neighbours with equal flags; holes where printed."""
        one = st.tuples(
            st.sampled_from(sorted(self.entries)),
            st.integers(1, 600),
            self.flags(),
            st.integers(0, (1 << 34) - 1),
            st.booleans(),
        )
        return st.lists(one, min_size=1, max_size=9).map(self._placed).filter(any_present)

    def flags(self) -> st.SearchStrategy[tuple[str, ...]]:
        """One word of each column that has to be set, some others, and a memory type."""
        forced = [st.sampled_from(column) for column in self.columns if len(column) > 1]
        some = st.lists(st.sampled_from(self.optional), unique=True)
        kind = st.sampled_from(self.types or ("",))
        parts = st.tuples(st.tuples(*forced), some, kind)
        return parts.map(lambda found: self.ordered((*found[0], *found[1]), found[2]))

    def plain(self) -> tuple[str, ...]:
        """The flags of an entry that has no more than it must."""
        words = tuple(column[0] for column in self.columns if len(column) > 1)
        return self.ordered(words, self.types[0] if self.types else "")

    @property
    def page(self) -> str:
        """The level of the smallest leaf."""
        return min(self.entries, key=lambda level: self.entries[level])

    def ordered(self, words: tuple[str, ...], kind: str) -> tuple[str, ...]:
        """The words in the order of their columns."""
        order = [word for column in self.columns for word in column]
        return tuple(sorted(words, key=order.index)) + ((kind,) if kind else ())

    def _placed(self, found: list[tuple[str, int, tuple[str, ...], int, bool]]) -> list[Row]:
        rows: list[Row] = []
        at = 0
        for level, count, flags, frame, apart in found:
            entry = self.entries[level]
            start = -(-at // entry) * entry + entry * apart * (count % 7)
            end = start + count * entry
            if end > self.space:
                break
            if self.holes and start > at:
                rows.append(Row(at, start, self.page))
            rows.append(Row(start, end, level, flags, frame << 12 if self.physical else None))
            at = end
        return rows


def any_present(rows: list[Row]) -> bool:
    """Whether a dump has more than holes."""
    return any(row.flags for row in rows)


RISCV_COLUMNS = (
    *((word,) for word in ("N", "MT(NC)", "D", "A", "G", "U", "X", "W")),
    ("R", "R"),
    ("V", "V"),
)
"""Without ``V`` there is no leaf; without ``R`` an entry points to a table."""

DIALECTS = (
    Dialect(
        "x86-page-tables",
        x86,
        {"pte": 1 << 12, "pmd": 1 << 21, "pud": 1 << 30},
        X86_COLUMNS,
        ("USR", "PWT", "PCD", "PSE", "PAT", "GLB"),
        holes=True,
    ),
    Dialect(
        "x86-page-tables",
        i386,
        {"pte": 1 << 12, "pmd": 1 << 21},
        X86_COLUMNS,
        ("USR", "PWT", "PCD", "PSE", "PAT", "GLB"),
        holes=True,
        space=1 << 32,
    ),
    Dialect(
        "arm64-page-tables",
        arm64,
        {"PTE": 1 << 12, "PMD": 1 << 21},
        ARM64_COLUMNS,
        ("USR", "SHD", "AF", "NG", "CON", "BLK", "UXN", "GP"),
        ARM64_TYPES,
        holes=True,
    ),
    Dialect(
        "arm32-page-tables",
        arm32,
        {"PTE": 1 << 12},
        (("USR",), ("RW", "ro"), ("NX", "x"), ("SHD",)),
        ("USR", "SHD"),
        ARM32_TYPES,
        space=1 << 32,
    ),
    Dialect(
        "riscv-page-tables",
        riscv,
        {"PTE": 1 << 12, "PMD": 1 << 21},
        RISCV_COLUMNS,
        ("N", "MT(NC)", "D", "A", "G", "U", "X", "W"),
        physical=True,
    ),
    Dialect(
        "walked-page-tables",
        walked,
        {"4K": 1 << 12, "2M": 1 << 21},
        (("RW", "ro"), ("NX", "x"), ("UXN",), ("NG",), ("AF",), ("SH3",), ("DBM",), ("CON",)),
        ("UXN", "NG", "AF", "SH3", "DBM", "CON"),
        tuple(f"ATTR{index}" for index in range(8)),
        physical=True,
    ),
)


def as_read(rows: list[Row], dialect: Dialect) -> list[tuple[object, ...]]:
    """What must be found of rows: all but the holes, those of 32-bit Arm with their domain."""
    domain = ("KERNEL",) if dialect.name == "arm32-page-tables" else ()
    return [
        (row.start, row.end, row.physical_start, row.level, domain + row.flags)
        for row in rows
        if row.flags
    ]


def ranges_of(capture: Capture | None) -> list[tuple[object, ...]]:
    """What was found, in the same form."""
    dumps = capture.page_tables if capture else ()
    return [
        (*one.virtual, one.physical_start, one.level, one.flags)
        for dump in dumps
        for one in dump.ranges
    ]
