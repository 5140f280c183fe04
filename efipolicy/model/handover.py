"""How a boot loader hands over to a kernel: what it relies on, and what it costs."""

from __future__ import annotations

from typing import Literal

from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Related, Responsible
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Subject
from efipolicy.named_tuple import NamedTuple

PreconditionState = Literal["met", "broken", "unknown"]


class Precondition(NamedTuple):
    """Something a hand-over relies on, and whether it holds on a platform.

    ``demand`` states it in a clause. ``why`` is what it follows from that it is met or broken;
    ``needs`` what is missing while nobody knows, as a user would have to write it. ``rule`` is the
    rule that reports it, ``None`` where nothing a platform file can say decides it. ``subject``,
    ``field``, ``region`` and ``related`` say what is to blame, as in a `Finding`.
    """

    name: str
    demand: str
    rule: str | None
    responsible: Responsible
    state: PreconditionState = "unknown"
    why: str = ""
    needs: tuple[str, ...] = ()
    subject: Subject | None = None
    field: str | None = None
    region: AddressRange | None = None
    related: tuple[Related, ...] = ()

    def met(self, why: str) -> Precondition:
        """The same, known to hold."""
        return Precondition(
            self.name, self.demand, self.rule, self.responsible, state="met", why=why
        )

    def broken(
        self,
        why: str,
        subject: Subject,
        field: str | None = None,
        region: AddressRange | None = None,
        related: tuple[Related, ...] = (),
    ) -> Precondition:
        """The same, known not to hold."""
        return self._replace(
            state="broken", why=why, subject=subject, field=field, region=region, related=related
        )

    def unknown(self, *needs: str) -> Precondition:
        """The same, with what is missing to judge it."""
        return self._replace(state="unknown", needs=needs)


class FootprintPart(NamedTuple):
    """A part of the image's memory, and the descriptor it lies in; ``None`` where there is none."""

    physical: AddressRange
    descriptor: MemoryDescriptor | None


class Footprint(NamedTuple):
    """The memory of a kernel image, held against the memory map.

    ``file`` is what is loaded, ``physical`` all of it with the part that is zeroed (BSS and end
    padding); ``None`` where nobody says how large that is. ``parts`` are those of ``physical``,
    else of ``file``, by address.
    """

    file: AddressRange
    physical: AddressRange | None
    parts: tuple[FootprintPart, ...]


class CleanedRange(NamedTuple):
    """Memory whose cache lines are cleaned to the Point of Coherency. ``size`` is bytes.

    Where the size is ``None``, ``needs`` says what would have to be known.
    """

    what: str
    size: int | None
    needs: str | None = None


class ZeroedTables(NamedTuple):
    """Pages of page tables that are zeroed before translation is on, for one geometry.

    ``page_size`` is bytes of a page and so of a table. Where ``pages`` is ``None``, ``needs`` says
    what would have to be known. ``at_most``: fewer are possible.
    """

    geometry: str
    what: str
    page_size: int
    pages: int | None
    needs: str | None = None
    at_most: bool = False

    @property
    def size(self) -> int | None:
        """Bytes."""
        return None if self.pages is None else self.pages * self.page_size


class HandoverJudgement(NamedTuple):
    """What becomes of a hand-over on a platform.

    ``behaves_as`` is the variant whose steps the kernel takes: another one where it falls back.
    The cost, ``cleaned`` and ``tables``, is what is known to be touched; cycles are nobody's to
    tell. ``steps`` are those of what it behaves as, in order.
    """

    variant: str
    behaves_as: str
    preconditions: tuple[Precondition, ...]
    footprint: Footprint | None
    cleaned: tuple[CleanedRange, ...]
    tables: tuple[ZeroedTables, ...]
    steps: tuple[str, ...]

    @property
    def broken(self) -> tuple[Precondition, ...]:
        """The preconditions that are known not to hold."""
        return tuple(p for p in self.preconditions if p.state == "broken")

    @property
    def cleaned_bytes(self) -> int | None:
        """All bytes cleaned to the Point of Coherency; ``None`` when a part is not known."""
        sizes = [cleaned.size for cleaned in self.cleaned]
        return None if None in sizes else sum(size for size in sizes if size is not None)
