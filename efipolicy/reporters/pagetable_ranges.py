"""The leaves of page tables as the ranges that are printed, and the words for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Counts
from itertools import groupby

from efipolicy.model.efi import type_name
from efipolicy.model.mapping import Mapping
from efipolicy.paging.tables import LeafRun

_UNITS = "KMGT"


def size_name(size: int) -> str:
    """The name of a page or leaf size, such as ``4K``, ``512M`` or ``1G``. Bytes."""
    unit = -1
    while size % 1024 == 0 and unit + 1 < len(_UNITS):
        size, unit = size // 1024, unit + 1
    return f"{size}{_UNITS[unit]}" if unit >= 0 else f"{size}"


def leaves_text(leaves: Counts[int, int]) -> str:
    """How many leaves there are of each size, as far as there are any."""
    return ", ".join(f"{count} x {size_name(size)}" for size, count in leaves.items() if count)


def ranges(runs: Iterable[LeafRun], *, across_mappings: bool) -> Iterator[tuple[LeafRun, ...]]:
    """The runs that continue each other in every respect, together, ascending.

    ``across_mappings`` is whether they may come from different mappings.
    """
    together: list[LeafRun] = []
    for run in runs:
        if together and not _continues(together[-1], run, across_mappings=across_mappings):
            yield tuple(together)
            together = []
        together.append(run)
    if together:
        yield tuple(together)


def _continues(run: LeafRun, following: LeafRun, *, across_mappings: bool) -> bool:
    expected = run._replace(
        start=run.end,
        end=following.end,
        physical=run.frames.end,
        mapping=following.mapping if across_mappings else run.mapping,
    )
    return expected == following


def whole(together: Sequence[LeafRun]) -> LeafRun:
    """Runs that continue each other, as one that names the mapping of the first."""
    return together[0]._replace(end=together[-1].end)


def what(mappings: Iterable[Mapping], *, verbose: bool = False) -> str:
    """What is mapped, in a few words; ``verbose`` says why in full, and from which descriptors."""
    labels: dict[str, list[int]] = {}
    for mapping in mappings:
        label = _label(mapping, verbose=verbose)
        labels.setdefault(label, []).extend(mapping.descriptors)
    words = [
        f"{label} [{_entries(numbers)}]" if verbose and numbers else label
        for label, numbers in labels.items()
    ]
    if len(words) > 2 and not verbose:
        return f"{words[0]} and {len(words) - 1} more"
    return "; ".join(words)


def _label(mapping: Mapping, *, verbose: bool) -> str:
    """The memory type, or why memory of no descriptor is mapped, or both."""
    if not mapping.why:
        return type_name(mapping.type)
    why = mapping.why if verbose else mapping.why.partition(",")[0]
    return f"{type_name(mapping.type)}, {why}" if mapping.descriptors else why


def _entries(numbers: Iterable[int]) -> str:
    """Entries of the memory map, neighbours as a range."""
    pieces = []
    for _, group in groupby(enumerate(sorted(set(numbers))), lambda item: item[1] - item[0]):
        members = [number for _, number in group]
        last = f"-mem{members[-1]:02}" if len(members) > 1 else ""
        pieces.append(f"mem{members[0]:02}{last}")
    return ", ".join(pieces)
