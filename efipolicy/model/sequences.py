"""Two lists of places in which something is to be paired: stretches, neighbours, alignment."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

Pairs: TypeAlias = list[tuple[int, int]]
"""Places in the old and in the new list."""

_MOST_PAIRS: Final = 1024
_RANKS: Final = 8


def of_about_equal_rank(ones: list[int], others: list[int]) -> Iterator[tuple[int, int]]:
    """Every pair where there are few; else those of nearly equal rank from below or from above."""
    if len(ones) * len(others) <= _MOST_PAIRS:
        yield from ((one, other) for one in ones for other in others)
        return
    more = len(others) - len(ones)
    for rank, one in enumerate(ones):
        near = {*range(rank - _RANKS, rank + _RANKS + 1)}
        near |= {*range(rank + more - _RANKS, rank + more + _RANKS + 1)}
        yield from ((one, others[place]) for place in sorted(near) if 0 <= place < len(others))


def blocks(pairs: Pairs, ranks: dict[int, int], other_ranks: dict[int, int]) -> Iterator[Pairs]:
    """The stretches of pairs in which nothing is left out on either side."""
    block: Pairs = []
    for one, other in pairs:
        if block:
            last, other_last = block[-1]
            if ranks[one] != ranks[last] + 1 or other_ranks[other] != other_ranks[other_last] + 1:
                yield block
                block = []
        block.append((one, other))
    if block:
        yield block


def below(places: list[int], paired: dict[int, int]) -> Iterator[int | None]:
    """For each place, in order, the nearest one below it that is paired."""
    ordered = sorted(paired)
    for place in places:
        rank = bisect(ordered, place)
        yield ordered[rank - 1] if rank else None


def above(places: list[int], paired: dict[int, int]) -> Iterator[int | None]:
    """For each place, in order, the nearest one above it that is paired."""
    ordered = sorted(paired)
    for place in places:
        rank = bisect(ordered, place)
        yield ordered[rank] if rank < len(ordered) else None


def aligned(
    ones: list[int], others: list[int], likeness: Callable[[int, int], int]
) -> Iterator[tuple[int, int]]:
    """The pairs, in order on both sides, whose likenesses add up to the most; 0 is no likeness."""
    best = [[0] * (len(others) + 1) for _ in range(len(ones) + 1)]
    for i in range(len(ones) - 1, -1, -1):
        row, next_row = best[i], best[i + 1]
        for j in range(len(others) - 1, -1, -1):
            score = likeness(ones[i], others[j])
            paired = score + next_row[j + 1] if score else 0
            row[j] = max(paired, next_row[j], row[j + 1])
    i = j = 0
    while i < len(ones) and j < len(others):
        score = likeness(ones[i], others[j])
        if score and best[i][j] == score + best[i + 1][j + 1]:
            yield ones[i], others[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
