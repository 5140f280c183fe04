"""What plugins contribute: frozen values, no registry to mutate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from efipolicy.model.declared import Handover
from efipolicy.model.finding import Report, Severity
from efipolicy.model.frozen import Frozen
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry, RadixGeometry
from efipolicy.source import SourceText

if TYPE_CHECKING:
    from efipolicy.model.handover import HandoverJudgement
    from efipolicy.paging.entries import EntryFormats

API_LEVEL = 1
"""The level of this API. A plugin names the level it was written for."""


class Granularity(NamedTuple):
    """The unit, in bytes, that start and size of a region must be multiples of, and the clause.

    ``requirement`` is the code that a violation carries, ``source`` the clause that demands it.
    """

    size: int
    requirement: str
    source: str


class Architecture(Frozen):
    """Facts of the hardware and of the specification's binding to it.

    ``geometries`` maps the bytes of an operating system's page to the page tables it may use, the
    usual one first. ``cacheability`` maps an EFI attribute bit to the architecture's memory type.
    ``physical_address_bits`` is the widest physical address any processor of it has;
    ``address_space_register`` holds what firmware runs under during a call. ``minimum_stack`` is
    the least stack a runtime service must find and ``stack_alignment`` what its pointer is a
    multiple of, both bytes; ``None`` where the binding gives no number. ``entry_formats`` says how
    the entries of a geometry are laid out; ``assumed_physical_address_bits`` is the width judged by
    where the platform declares none.
    """

    name: str
    title: str
    geometries: Mapping[int, tuple[Geometry, ...]]
    cacheability: Mapping[int, str]
    physical_address_bits: int
    runtime_granularity: Granularity
    acpi_granularity: Granularity
    address_space_register: str
    isa_mask_defined: bool = False
    minimum_stack: int | None = None
    stack_alignment: int | None = None
    entry_formats: Callable[[RadixGeometry], EntryFormats] | None = None
    assumed_physical_address_bits: int | None = None
    source: str

    @property
    def default_page_size(self) -> int:
        """Bytes of the page most operating systems use on it."""
        return next(iter(self.geometries))


OptionKind = Literal[
    "version",
    "address",
    "size",
    "integer",
    "boolean",
    "range",
    "choice",
    "text",
    "ranges",
    "addresses",
    "placements",
]


class Option(Frozen):
    """An option of a strategy or of a rule. A default of ``None`` means unknown.

    The value of a ``version`` is a tuple of integers, not below ``minimum``; that of a ``range`` an
    `AddressRange`, of ``ranges`` and ``addresses`` a tuple. ``placements`` map physical addresses
    to virtual ones. A ``size`` is bytes. ``limits`` are the least and the highest integer.
    """

    name: str
    kind: OptionKind
    default: Any
    doc: str
    choices: tuple[str, ...] = ()
    minimum: tuple[int, ...] | None = None
    limits: tuple[int, int] | None = None


class PlanRequest(NamedTuple):
    """What a strategy is given: the platform, its hardware, and the options with their defaults."""

    platform: Platform
    architecture: Architecture
    geometry: Geometry
    options: Mapping[str, Any]


KexecChannel = Literal["setup_data", "device-tree", "purgatory"]
"""What a kernel leaves for the one after it: x86 ``setup_data``, which says that firmware is
virtual; the device tree, with the memory map as it stands; ia64's purgatory, which puts a call that
does nothing in the place of SetVirtualAddressMap."""


class KexecRole(NamedTuple):
    """What a kernel does with firmware that another kernel used before it, and what it leaves.

    ``addresses``: it calls firmware at physical addresses and takes the pointers in the system
    table for physical ones (``physical``), computes a layout and gives it to SetVirtualAddressMap
    (``own``), or maps the addresses that ``reads`` brings (``given``). Of the channels in
    ``offers`` and the next one's ``reads`` the first in common is used; one that offers none leaves
    the next kernel without any word about firmware.

    ``states_addresses``: what it offers holds the addresses it uses. ``maps_identity``: it maps
    given addresses at their physical ones besides. ``without_channel`` is what becomes of a kernel
    that expects given addresses and gets none, with firmware already virtual. ``only_given``: even
    while firmware is physical it can do nothing but map what it is given, because a part of it
    chooses addresses that kexec passes by.

    ``refuses``: firmware that is virtual at other than physical addresses (``moved``), or virtual
    at all (``virtual``); its runtime services stay off then. ``reproducible``: equal input gives
    equal addresses, where no allocator has a say; ``varies_with`` says on what else than a region's
    own physical address they depend.

    ``exports_runtime_map``: kexec-tools can read the layout from it, so that it does not drop
    firmware from what it passes on. ``kexec_flag``: its image tells loaders that it may be given
    firmware by kexec. ``None``: no matter. ``failure_marker``: the virtual start that tells of a
    failed SetVirtualAddressMap, each with the first kernel release that writes and knows it.
    """

    addresses: Literal["physical", "own", "given"]
    reads: tuple[KexecChannel, ...] = ()
    offers: tuple[KexecChannel, ...] = ()
    states_addresses: bool = False
    maps_identity: bool = False
    without_channel: Literal["disabled", "own"] = "disabled"
    only_given: bool = False
    refuses: Literal["nothing", "moved", "virtual"] = "nothing"
    reproducible: bool = True
    varies_with: str | None = None
    exports_runtime_map: bool | None = None
    kexec_flag: bool | None = None
    failure_marker: tuple[tuple[tuple[int, ...], int], ...] = ()


class StrategyChoice(NamedTuple):
    """That an operating system takes a strategy, what tells so, and the options that follow.

    ``strategy`` is its name. ``certain`` is false where the evidence leaves another one open: the
    plan is an assumption.
    """

    strategy: str
    reason: str
    options: Mapping[str, Any] = {}
    certain: bool = True


SeededLayouts = Callable[[int], Iterable[tuple[MemoryDescriptor, int | None]]]
"""A function from a seed to the regions and their virtual starts, ``None`` for one without."""


class Strategy(Frozen):
    """A way of choosing virtual addresses for the runtime descriptors.

    ``architectures`` is empty for a strategy that fits every architecture. ``kexec`` says how its
    kernel goes on from another one; without it chains with this strategy are not judged.
    ``layouts`` spares a strategy with an option ``seed`` a whole plan where only addresses are
    asked for: it gives a function from a seed to the runtime regions with their virtual starts.
    ``page`` is the path of a file of reStructuredText with what the documentation says of the
    strategy besides what is computed.
    """

    name: str
    title: str
    architectures: frozenset[str] = frozenset()
    options: tuple[Option, ...] = ()
    plan: Callable[[PlanRequest], MappingPlan]
    kexec: KexecRole | None = None
    layouts: Callable[[PlanRequest], SeededLayouts] | None = None
    page: str | None = None


class HandoverRequest(NamedTuple):
    """What a hand-over is given: the platform and its ``handover:``, the kernel that is entered.

    ``kernel`` is what ``mapping:`` says of it, where it says anything. ``geometries`` are the page
    tables it may have: one where its page size and address width are declared.
    """

    platform: Platform
    declared: Handover
    kernel: MappingDeclaration | None
    geometries: tuple[RadixGeometry, ...]


class HandoverVariant(Frozen):
    """A way of entering a kernel from the boot loader, as ``handover: {variant: …}`` names it.

    ``judge`` is a pure function: it says what the hand-over relies on, whether that holds, and what
    it costs. ``architectures`` is empty for one that fits every architecture.
    """

    name: str
    title: str
    architectures: frozenset[str] = frozenset()
    judge: Callable[[HandoverRequest], HandoverJudgement]


class CaptureFormat(Frozen):
    """A family of texts in which memory maps appear.

    ``read`` returns what the text says of one platform, or ``None`` when the text is not of this
    family. ``confidence`` of a reading is how many lines it understood.
    """

    name: str
    title: str
    dialects: tuple[str, ...]
    read: Callable[[SourceText], CaptureReading | None]


class CaptureReading(NamedTuple):
    """A platform read from a captured text, and how many of its lines were understood."""

    platform: Platform
    understood: int


class Reporter(Frozen):
    """A way to print a report. ``render`` gets the report and whether colour is wanted."""

    name: str
    title: str
    render: Callable[[Report, RenderOptions], str]


class RenderOptions(NamedTuple):
    """What the front end asks of a reporter.

    ``fail_on`` is the least severity that fails the run. ``rules`` are the installed `Rule` objects
    by id, of which a report holds no more than its findings tell.
    """

    color: bool = False
    quiet: bool = False
    verbose: bool = False
    statistics: bool = False
    fail_on: Severity = Severity.ERROR
    rules: Mapping[str, Any] = {}


class PolicyFolder(Frozen):
    """A folder of policies (``*.yaml``), each named as its file.

    ``requirements`` is the path of the register that states what the codes mean which the plugin's
    rules cite, each code once among all plugins.
    """

    path: str
    requirements: str | None = None


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Bad:
    """A shape that the rule reports.

    Each line is ``TYPE START PAGES [BITS…]``, ``?`` for an unknown attribute; a trailing ``@VA``
    gives a virtual start. ``at`` counts the offending entries from 1, in the list the rule judges:
    the memory map, the Memory Attributes Table or the configuration tables; 0 is the list itself,
    and anything that is no entry of a list. What the notation has no words for is given as
    ``sections``, YAML of the platform file's own top-level keys.
    """

    descriptors: tuple[str, ...]
    at: tuple[int, ...]
    given: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, *descriptors: str, at: int | Iterable[int] = 1, **given: Any) -> None:
        object.__setattr__(self, "descriptors", descriptors)
        object.__setattr__(self, "at", (at,) if isinstance(at, int) else tuple(at))
        object.__setattr__(self, "given", given)


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Good:
    """A shape that the rule lets pass; lines as in `Bad`."""

    descriptors: tuple[str, ...]
    given: Mapping[str, Any] = field(default_factory=dict)

    def __init__(self, *descriptors: str, **given: Any) -> None:
        object.__setattr__(self, "descriptors", descriptors)
        object.__setattr__(self, "given", given)
