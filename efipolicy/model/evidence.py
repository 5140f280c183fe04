"""What texts tell of a machine besides its memory map: where kernels mapped it, other tables.

None of it is the firmware's declaration. It is what a prediction is held against, and what says
how an address in a report came about.
"""

from __future__ import annotations

from typing import Literal

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import Access
from efipolicy.named_tuple import NamedTuple
from efipolicy.source import Located


class Remapping(NamedTuple):
    """A kernel's word that it maps a physical address at a virtual one, without a size."""

    physical_start: int
    virtual_start: int
    located: Located


class ReportedRange(NamedTuple):
    """A range of physical addresses as a table other than the memory map reports it.

    ``table`` is the BIOS list of x86 (``e820``), ``/sys/firmware/memmap`` (``firmware-memmap``),
    edk2's address-space map (``gcd``) or a hand-off block (``hob``); ``what`` its own words.
    """

    physical: AddressRange
    what: str
    table: Literal["e820", "firmware-memmap", "gcd", "hob"]
    located: Located


class PageTableRange(NamedTuple):
    """A row of a page-table dump: neighbouring leaves that have the same flags.

    ``physical_start`` is the frame of the first leaf, ``None`` where the dump prints none; nothing
    says that those of the others follow it. ``leaf_size`` is bytes, ``None`` where only the level
    is printed; ``access`` and ``cache`` are ``None`` where the flags do not tell, ``cache`` in the
    words of the plan (x86 ``WB``, arm64 ``normal``, …). ``flags`` are the words as printed,
    ``section`` the part of the address space the dump names.
    """

    virtual: AddressRange
    physical_start: int | None
    level: str
    leaf_size: int | None
    access: Access | None
    cache: str | None
    flags: tuple[str, ...]
    section: str | None
    located: Located


class PageTableDump(NamedTuple):
    """The ranges that one dump of page tables shows, holes left out.

    ``kind`` is its dialect; ``page_size`` (bytes) and ``virtual_address_bits`` are what it says of
    the tables as a whole.
    """

    kind: str
    ranges: tuple[PageTableRange, ...]
    located: Located
    page_size: int | None = None
    virtual_address_bits: int | None = None
