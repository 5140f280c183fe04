"""Changes of a text that touch nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from efipolicy.named_tuple import NamedTuple


class TextEdit(NamedTuple):
    """Characters to replace, from ``start`` up to ``end``; an insertion when the two are equal."""

    start: int
    end: int
    replacement: str

    def meets(self, other: TextEdit) -> bool:
        """Whether two edits cannot both be made, because they claim the same characters.

        Edits that touch do not meet, nor do two insertions at one place.
        """
        if self.start == self.end or other.start == other.end:
            return other.start < self.start < other.end or self.start < other.start < self.end
        return self.start < other.end and other.start < self.end


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """The text after all of the edits; their places are those before any of them.

    Insertions at one place keep the order in which they are given. Raises `ValueError` for edits
    that overlap or lie outside the text.
    """
    pieces = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        if not done <= edit.start <= edit.end <= len(text):
            raise ValueError(f"edits overlap or leave the text at {edit.start}")
        pieces += [text[done : edit.start], edit.replacement]
        done = edit.end
    return "".join([*pieces, text[done:]])


def disjoint(edits: list[TextEdit]) -> bool:
    """Whether all of the edits can be made together."""
    ordered = sorted(edits, key=lambda edit: edit[:2])
    return not any(one.meets(other) for one, other in pairwise(ordered))
