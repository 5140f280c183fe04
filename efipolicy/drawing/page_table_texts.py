"""The words of a picture of page tables: indices, counts, and what a pointer shows."""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import Final

from efipolicy.drawing.notation import TypeStyle, address_text, counted
from efipolicy.drawing.page_table_tree import ACCESSES, Entries
from efipolicy.drawing.text_width import shortened, text_width
from efipolicy.model.address import size_text
from efipolicy.model.mapping import Access
from efipolicy.paging.tables import LeafRun, PageTables

ACCESS_STYLES: Final[dict[Access, TypeStyle]] = {
    "RX": TypeStyle("RX", "rtc", "diagonal"),
    "R": TypeStyle("RO", "ro"),
    "RW": TypeStyle("RW", "rtd"),
    "RWX": TypeStyle("RWX", "rwx", "cross"),
}
"""How memory of each access is drawn, in the order of a legend."""

TIMES: Final = "\N{MULTIPLICATION SIGN}"

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_SOURCES = 4
_END = attrgetter("end")


def index_text(row: Entries) -> str:
    """``0-31``, or one number."""
    return f"{row.first}" if row.first == row.last else f"{row.first}\N{EN DASH}{row.last}"


def count_texts(run: LeafRun) -> tuple[str, ...]:
    """How many leaves of what size and kind, from the whole of it to what is left without room."""
    leaves, size = run.number_of_leaves, size_text(run.leaf_size)
    plain = f"{leaves} {TIMES} {size}" if leaves > 1 else size
    return " ".join([plain, *kind_words(run)]), plain, f"{TIMES}{leaves}"


def kind_words(run: LeafRun) -> list[str]:
    """What is worth a word because ordinary memory is not like that."""
    if run.cache.startswith("device"):
        words = ["dev"]
    elif run.cache in ("WB", "normal"):
        words = []
    else:
        words = [run.cache.removeprefix("normal-").upper()]
    return [*words, "enc"] if run.encrypted else words


def groups_text(runs: list[LeafRun], leaves_in_a_group: int | None) -> str:
    """``2 x 2 MiB``: the groups of contiguous runs of one leaf size."""
    size = runs[0].leaf_size * (leaves_in_a_group or 1)
    groups = sum(run.end - run.start for run in runs) // size
    return f"{groups} {TIMES} {size_text(size)}" if groups > 1 else size_text(size)


def leading_texts(row: Entries) -> tuple[str, ...]:
    """What a row leads to, or how much it leaves out, from all of that to the shortest."""
    if row.table:
        return ("table",) if row.number == 1 else (counted(row.tables, "table"), f"{row.tables}")
    words = access_words(row)
    if not row.tables:
        runs = counted(row.runs, "run")
        return f"{_ELLIPSIS} {row.runs} more runs, {words}", f"{_ELLIPSIS} {runs}, {words}", runs
    tables = f"{_ELLIPSIS} {counted(row.tables, 'table')}"
    return (f"{tables}, {counted(row.runs, 'run')}", tables) if row.runs else (tables,)


def access_words(row: Entries) -> str:
    """What is permitted somewhere in it: ``RW RWX``."""
    mapped = row.mapped
    return " ".join(ACCESS_STYLES[access].label for access in ACCESSES if mapped.get(access))


def leading_title(row: Entries, virtual: str) -> str:
    """Everything about a row that leads to tables or leaves something out."""
    what = [counted(row.tables, "table")] if row.tables else []
    what += [counted(row.runs, "run of leaves", "runs of leaves")] if row.runs else []
    mapped = row.mapped
    sizes = [
        f"{ACCESS_STYLES[access].label} {size_text(mapped[access])}"
        for access in ACCESSES
        if mapped.get(access)
    ]
    return f"{index_text(row)}, {virtual}: {', '.join(what)}; maps {', '.join(sizes)}"


def leaf_title(tables: PageTables, run: LeafRun, groups: int, contiguous: str) -> str:
    """Everything about a run of leaves."""
    count = f"{run.number_of_leaves} {TIMES} {size_text(run.leaf_size)}"
    told = [
        f"{ACCESS_STYLES[run.access].label}: {count} at virtual {address_text(run.start, groups)}",
        f"physical {address_text(run.physical, 3)}",
        run.cache,
    ]
    if run.encrypted:
        told.append("encrypted")
    if contiguous:
        told.append(f"contiguous {contiguous}")
    sources = _sources(tables, run)
    if sources:
        told.append(f"for {sources}")
    if run.misaligned:
        told.append(f"error: the frame is no multiple of {size_text(run.leaf_size)}")
    return ", ".join(told)


def _sources(tables: PageTables, run: LeafRun) -> str:
    """The descriptors that the leaves were made for, the first few of them."""
    found: dict[int, None] = {}
    place = bisect_right(tables.runs, run.start, key=_END)
    while place < len(tables.runs) and tables.runs[place].start < run.end:
        mapping = tables.mappings[tables.runs[place].mapping]
        found.update(dict.fromkeys(mapping.descriptors))
        if len(found) > _SOURCES:
            break
        place += 1
    names = [f"mem{index}" for index in found]
    if len(names) > _SOURCES:
        names[_SOURCES:] = ["more"]
    return " ".join(names)


def short_address(address: int, groups: int, room: float) -> str:
    """An address, without the groups of zeros at its end where it has no room for them."""
    text = address_text(address, groups)
    if text_width(text, 10, mono=True) <= room:
        return text
    parts = text.split("_")
    while len(parts) > 1 and parts[-1] == "0000":
        parts.pop()
    return shortened(f"{'_'.join(parts)}_{_ELLIPSIS}", room, 10, mono=True)
