"""What becomes of firmware when kernels follow each other by kexec: the values of a verdict."""

from __future__ import annotations

from typing import Final, Literal

from efipolicy.model.address import AddressRange
from efipolicy.named_tuple import NamedTuple

Verdict = Literal[
    "ok",
    "runtime-disabled",
    "svam-twice",
    "pointer-misread",
    "va-mismatch",
    "va-unreachable",
    "page-fault",
    "rsvd-fault",
]
"""How a kernel gets on with firmware that another one used: it may call it (``ok``), does without
it, calls SetVirtualAddressMap a second time, takes converted pointers for physical ones, maps
regions elsewhere than firmware expects, cannot map them there, or meets a fault in a call."""

Channel = Literal["setup_data", "device-tree", "purgatory", "none"]
ChosenChannel = Literal["auto", "none", "setup_data", "device-tree", "purgatory"]
Loader = Literal["kexec-tools", "kexec-file", "unspecified"]
HopKind = Literal["kexec", "crash"]

CHANNELS: Final[tuple[ChosenChannel, ...]] = (
    "auto",
    "none",
    "setup_data",
    "device-tree",
    "purgatory",
)
LOADERS: Final[tuple[Loader, ...]] = ("kexec-tools", "kexec-file", "unspecified")


class CounterExample(NamedTuple):
    """One region, or one pointer, with which a verdict shows.

    ``expected`` is the address that would be right, ``found`` the one that is used; ``None`` where
    there is none, or nobody can know it.
    """

    region: AddressRange | None
    pointer: str | None
    expected: int | None
    found: int | None
    sentence: str


class HandedOver(NamedTuple):
    """What reaches a kernel: how, the system table's address, and the list of regions.

    ``descriptor_size`` is bytes from one entry to the next, ``None`` where no list is handed over.
    """

    channel: Channel
    system_table: int | None
    map_entries: int
    descriptor_size: int | None


class ChainHop(NamedTuple):
    """One kernel taking over from another one."""

    first: str
    second: str
    kind: HopKind
    verdict: Verdict
    carried: HandedOver
    counter_example: CounterExample | None


class ChainReport(NamedTuple):
    """A chain hop by hop. ``verdict`` is that of the first hop that fails, else ``ok``."""

    verdict: Verdict
    hops: tuple[ChainHop, ...]
    assumptions: tuple[str, ...]


class Case(NamedTuple):
    """A verdict, and what has to be so for it."""

    when: str
    verdict: Verdict


class Cell(NamedTuple):
    """What may become of one strategy after another one; the usual case first."""

    first: str
    second: str
    cases: tuple[Case, ...]
