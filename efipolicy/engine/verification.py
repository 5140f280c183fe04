"""What a prediction and an observation come to when they are held against each other."""

from __future__ import annotations

from typing import Literal

from efipolicy.model.address import EFI_PAGE_SIZE
from efipolicy.named_tuple import NamedTuple

Difference = Literal["address", "leaf", "access", "cache", "missing", "extra"]
Status = Literal["match", "mismatch", "nothing-to-compare"]


class Mismatch(NamedTuple):
    """A stretch of memory that is not mapped as predicted.

    ``physical_start`` and ``virtual_start`` are where it begins, ``None`` where nobody says;
    ``size`` is bytes. ``predicted`` and ``observed`` are addresses for ``address``, else words;
    ``None`` where one of them has nothing there. ``what`` is ``missing`` where the prediction has
    more, ``extra`` where the observation has.
    """

    what: Difference
    physical_start: int | None
    virtual_start: int | None
    size: int
    predicted: str | None
    observed: str | None


class Explained(NamedTuple):
    """Pages that differ because no input says what they hold. EFI pages."""

    virtual_start: int
    number_of_pages: int
    why: str


class Verification(NamedTuple):
    """The outcome: how many entries and rows were compared, and what came of it.

    ``compared`` says it by kind of evidence. ``left_out`` counts rows of page-table dumps that show
    the kernel's own memory. ``partial`` tells that the prediction was made from a part of the
    memory map, where a difference proves nothing.
    """

    compared: dict[str, int]
    mismatches: tuple[Mismatch, ...]
    explained: tuple[Explained, ...]
    left_out: int = 0
    partial: bool = False

    @property
    def status(self) -> Status:
        """Nothing compared proves nothing, and neither does what a partial map leaves open."""
        if not sum(self.compared.values()) or (self.partial and self.explained):
            return "nothing-to-compare"
        return "mismatch" if self.mismatches else "match"


def pages(size: int) -> int:
    """A size in bytes as EFI pages, rounded up."""
    return -(-size // EFI_PAGE_SIZE)
