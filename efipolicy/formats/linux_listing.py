"""A list of entries in a kernel log, and the boot it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from efipolicy.formats.capture_reading import Printed
from efipolicy.formats.linux_log import Boot


class Listing(NamedTuple):
    """One list of the map: the boot it belongs to, its entries, and the kind of the first.

    ``runtime_list`` says that it is the list the kernel makes for itself.
    """

    boot: Boot
    entries: list[Printed]
    kind: str
    runtime_list: bool = False

    @property
    def start(self) -> int:
        """Where its first line starts."""
        return self.entries[0].start

    @property
    def end(self) -> int:
        """Where its last line ends."""
        return self.entries[-1].end


def with_boots(entries: Iterable[Printed], boots: Sequence[Boot]) -> Iterator[tuple[Boot, Printed]]:
    """Each entry behind the boot that printed it. Entries and boots stand as in the text."""
    number = 0
    for entry in entries:
        while entry.start >= boots[number].end and number + 1 < len(boots):
            number += 1
        yield boots[number], entry
