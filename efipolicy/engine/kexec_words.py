"""What a verdict on a hop shows with, in sentences, and what it takes for granted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from efipolicy.engine.firmware import FirmwareState, pointers
from efipolicy.engine.kexec_layout import Difference, Layout
from efipolicy.engine.planned import Planned
from efipolicy.model.address import AddressRange
from efipolicy.model.chain import Channel, CounterExample
from efipolicy.model.mapping import Mapping
from efipolicy.model.platform import Platform
from efipolicy.paging import Geometry

if TYPE_CHECKING:
    from efipolicy.engine.kexec_state import Transition


_ORDINALS: Final = ("second", "third", "fourth", "fifth", "sixth")


def who(number: int) -> str:
    """``the third kernel`` of a chain, the first kernel being 1; ``kernel 12`` far along it."""
    place = number - 2
    return f"the {_ORDINALS[place]} kernel" if place < len(_ORDINALS) else f"kernel {number}"


def elsewhere(difference: Difference, number: int) -> CounterExample:
    """A region that kernel ``number`` has at another address than firmware."""
    region, expected, found = difference
    there = "an unknown address" if expected is None else f"{expected:#x}"
    here = "at no address that can be told" if found is None else f"at {found:#x}"
    sentence = f"firmware uses {there} for {region}; {who(number)} has it {here}"
    return CounterExample(region, None, expected, found, sentence)


def misread_pointer(
    platform: Platform, firmware: FirmwareState, layout: Layout, number: int
) -> CounterExample | None:
    """A pointer that was converted and that kernel ``number`` takes for physical."""
    for pointer in pointers(platform, firmware):
        if pointer.found != pointer.physical:
            found = "an unknown address" if pointer.found is None else f"{pointer.found:#x}"
            region = next(
                (one.physical for one in layout if pointer.physical in one.physical), None
            )
            return CounterExample(
                region,
                pointer.name,
                pointer.physical,
                pointer.found,
                f"{pointer.name} was {pointer.physical:#x} and is {found} since "
                f"SetVirtualAddressMap; {who(number)} takes it for a physical address",
            )
    moved = [one for one in layout if one.virtual_start != one.physical.start]
    if not moved:
        return None
    one = next((each for each in moved if each.virtual_start is not None), moved[0])
    found = "an unknown address" if one.virtual_start is None else f"{one.virtual_start:#x}"
    sentence = (
        f"pointers into {one.physical} start at {found} since SetVirtualAddressMap; "
        f"{who(number)} takes those of the system table for physical addresses"
    )
    return CounterExample(one.physical, None, one.physical.start, one.virtual_start, sentence)


def nobody_assigned(layout: Layout, channel: Channel, number: int) -> CounterExample | None:
    """Addresses that kernel ``number`` maps while firmware still uses physical ones."""
    for one in layout:
        if one.virtual_start != one.physical.start:
            found = "an unknown address" if one.virtual_start is None else f"{one.virtual_start:#x}"
            sentence = (
                f"firmware still uses {one.physical.start:#x}; by what came through {channel} "
                f"{who(number)} maps the region at {found}, and calls fault"
            )
            return CounterExample(
                one.physical, None, one.physical.start, one.virtual_start, sentence
            )
    return None


def second_call(one: Mapping | None) -> CounterExample:
    """A second SetVirtualAddressMap."""
    sentence = "SetVirtualAddressMap was called before; firmware returns EFI_UNSUPPORTED"
    region = one.physical if one else None
    start = one.virtual_start if one else None
    return CounterExample(region, "SetVirtualAddressMap", start, start, sentence)


def too_far(one: Mapping, geometry: Geometry) -> CounterExample:
    """A region that a kernel started by kexec cannot map at the address firmware uses."""
    if one.virtual_start is None:
        return unplaced(one.physical)
    bits, size = geometry.virtual_address_bits, geometry.page_size
    sentence = (
        f"firmware uses {one.physical} at {one.virtual_start:#x}; a kernel with pages of "
        f"{size >> 10}K and {bits} bits cannot map it there"
    )
    return CounterExample(one.physical, None, one.virtual_start, None, sentence)


def unplaced(region: AddressRange) -> CounterExample:
    """A region for which there is no address at all."""
    sentence = f"{region} has no virtual address: it could not be placed"
    return CounterExample(region, None, None, None, sentence)


def of_the_chain(platform: Platform, kernels: Sequence[tuple[str, Planned]]) -> Iterator[str]:
    """What the verdicts on kernels, each with its name, take for granted, one sentence each."""
    if platform.memory_map.origin == "kexec":
        yield "the map comes from a kernel started by kexec; it is taken for firmware's own"
    if not platform.memory_map.runtime:
        yield (
            "no region of the memory map has EFI_MEMORY_RUNTIME: no kernel maps anything, and a "
            "verdict says nothing of runtime services"
        )
    told: dict[str, dict[str, None]] = {}
    for name, made in kernels:
        plan = made.plan
        if plan.status != "ok":
            why = f": {plan.problems[0].message}" if plan.problems else ""
            told.setdefault(f"`{plan.status}`{why}", {})[name] = None
    for status, names in told.items():
        yield f"{', '.join(names)}: the status of {_whose(len(names))} is {status}"


def _whose(plans: int) -> str:
    return "its plan" if plans == 1 else "their plans"


def pages_and_bits(kernels: Sequence[tuple[str, Planned]]) -> Iterator[str]:
    """The page size and the address width of all kernels, or of each where they differ."""
    words = [_geometry_words(made.geometry) for _, made in kernels]
    if len(set(words)) == 1:
        yield f"every kernel has {words[0]}"
        return
    names = [name for name, _ in kernels]
    for number, (name, each) in enumerate(zip(names, words, strict=True), start=1):
        who = name if names.count(name) == 1 else f"{name}, kernel {number},"
        yield f"{who} has {each}"


def _geometry_words(geometry: Geometry) -> str:
    return f"{geometry.page_size >> 10}K pages and {geometry.virtual_address_bits} bits"


def assumptions_of(number: int, taken: Transition) -> Iterator[str]:
    """What the verdict on a hop takes for granted, one sentence each."""
    state, second = taken.state, taken.second
    hop = f"hop {number}"
    said = "as stated" if second.channel != "auto" else "the usual one of the two"
    yield f"{hop}: channel {taken.channel}, {said}"
    yield f"{hop}: loader {second.loader}{_loader_words(taken)}"
    own = second.addresses == "own" and state.firmware.virtual
    if own and not second.role.reads:
        known = "knows" if second.skip_svam else "does not know"
        yield f"{hop}: {second.name} {known} that SetVirtualAddressMap was called"
    told = all(one.virtual_start is not None for one in taken.platform.memory_map.runtime)
    if second.role.only_given and state.listed_by is None and not told:
        yield f"{hop}: firmware left zero in the virtual starts that the map does not tell"
    if not state.running:
        failed = state.kernel.calls and not state.firmware.virtual
        why = ": its SetVirtualAddressMap fails" if failed else ""
        yield f"{hop}: judged as if {state.kernel.name} came up without runtime services{why}"
    if second.kind == "crash":
        memory = second.memory or "what was set aside for it"
        yield f"{hop}: the crash kernel uses no memory but {memory} and firmware's"
        crashed = "the first kernel" if number == 1 else who(number)
        yield f"{hop}: no other processor was in a runtime service when {crashed} crashed"


def _loader_words(taken: Transition) -> str:
    if taken.second.loader != "unspecified":
        return ""
    first, second = taken.state.kernel.role, taken.second.role
    virtual = taken.state.firmware.virtual
    if not first.offers and "setup_data" in second.reads and virtual:
        return ": it passes nothing on of firmware, as kexec-tools and kexec-file do here"
    if second.kexec_flag is False and "setup_data" in first.offers:
        return ": the verdict is about the layouts; kexec-tools would pass nothing on"
    if taken.channel == "none" and taken.second.addresses == "given" and virtual:
        return ": it passes nothing on of firmware"
    return f": {who(taken.number)} is told where the system table is"
