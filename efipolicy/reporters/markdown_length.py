"""Blocks of Markdown within a length: what matters less is left out, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from efipolicy.named_tuple import NamedTuple
from efipolicy.reporters.lint_summary import counted

COMMENT_LIMIT = 65_536
"""Characters that GitHub takes in a comment; bytes of UTF-8 are counted, which are never fewer."""

_CUT_LINE = 600


class Row(NamedTuple):
    """A piece that is shown whole or not at all; ``rank`` is lower for what matters more.

    ``noun`` is what one of it is called when it is left out.
    """

    text: str
    rank: int
    noun: str


class Block(NamedTuple):
    """Pieces between a head and a tail, which are there only when a piece is.

    Without pieces, head and tail stand alone.
    """

    head: str
    rows: tuple[Row, ...] = ()
    tail: str = ""


def fit(blocks: Iterable[Block], *, limit: int = COMMENT_LIMIT) -> str:
    """The blocks in their order, cut to the limit, with a line that counts what is left out.

    What fits of the lowest rank is kept first; among equals, what comes first. A block without
    rows is always kept.
    """
    every = [block for block in blocks if block.head or block.rows]
    rows = [(row.rank, number, at) for number, block in enumerate(every)
            for at, row in enumerate(block.rows)]  # fmt: skip
    whole = sum(_cost(block) + sum(_size(row.text) for row in block.rows) for block in every)
    kept = {(number, at) for _, number, at in rows}
    if whole > limit:
        kept = _chosen(every, sorted(rows), limit - _CUT_LINE)
    return "\n".join([*_written(every, kept), *_cut(every, kept, limit)])


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _cost(block: Block) -> int:
    """Bytes of a block besides its rows, and of the blank line after it."""
    return _size(block.head) + _size(block.tail) + 1


def _chosen(
    blocks: list[Block], rows: list[tuple[int, int, int]], room: int
) -> set[tuple[int, int]]:
    """The places (block, row) of what fits."""
    room -= sum(_cost(block) for block in blocks if not block.rows)
    kept: set[tuple[int, int]] = set()
    opened: set[int] = set()
    for _, number, at in rows:
        size = _size(blocks[number].rows[at].text)
        if number not in opened:
            size += _cost(blocks[number])
        if size <= room:
            room -= size
            opened.add(number)
            kept.add((number, at))
    return kept


def _written(blocks: list[Block], kept: set[tuple[int, int]]) -> list[str]:
    written = []
    for number, block in enumerate(blocks):
        rows = [row.text for at, row in enumerate(block.rows) if (number, at) in kept]
        if rows or not block.rows:
            written.append("".join([block.head, *rows, block.tail]))
    return written


def _cut(blocks: list[Block], kept: set[tuple[int, int]], limit: int) -> list[str]:
    left = Counter(
        row.noun
        for number, block in enumerate(blocks)
        for at, row in enumerate(block.rows)
        if (number, at) not in kept
    )
    if not left:
        return []
    told = ", ".join(counted(count, noun) for noun, count in left.items())
    why = f"**Cut at {limit:,} characters, the most a comment may have.**"
    return [f"{why} Left out: {told}. Another format has all of it.\n"]
