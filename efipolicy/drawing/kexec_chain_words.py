"""The words of a picture of a kexec chain: what stands on its cards, and its verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from efipolicy.drawing.kexec_chain_rows import ChainRow
from efipolicy.drawing.notation import counted, grouped
from efipolicy.engine.kexec_state import ChainKernel, ChainState, Transition
from efipolicy.model.chain import ChainHop, Channel, Verdict
from efipolicy.model.mapping import MappingPlan
from efipolicy.named_tuple import NamedTuple

_CHANNELS: Final[dict[Channel, str]] = {
    "setup_data": "in setup_data",
    "device-tree": "in the device tree",
    "purgatory": "by purgatory",
    "none": "",
}
_EXPLAINED: Final = ("pointer-misread", "va-unreachable", "page-fault", "rsvd-fault")


class ChainCard(NamedTuple):
    """A kernel, or firmware: its heading, its strategy or call, what it does, and all of that.

    ``architecture`` is ``None`` for firmware.
    """

    heading: str
    name: str
    lines: tuple[str, ...]
    title: str
    architecture: str | None = None

    @property
    def firmware(self) -> bool:
        """Whether it is firmware's."""
        return self.architecture is None


class ChainVerdict(NamedTuple):
    """The verdict on one hop in one sentence; ``because`` is what it shows with."""

    number: int
    verdict: Verdict
    sentence: str
    because: str | None

    @property
    def word(self) -> str:
        """``PASS`` or ``FAIL``."""
        return "PASS" if self.verdict == "ok" else "FAIL"

    def __str__(self) -> str:
        return f"{self.word} {self.verdict}: {self.sentence}"


def kernel_name(number: int) -> str:
    """``kernel 2`` for the one after the first."""
    return f"kernel {number}"


def first_card(state: ChainState) -> ChainCard:
    """The kernel that firmware or a boot loader starts."""
    return _kernel_card(1, state.kernel, ["boots from firmware", _first_does(state)])


def _first_does(state: ChainState) -> str:
    kernel = state.kernel
    if state.firmware.virtual:
        return "chooses the addresses"
    if kernel.calls and not state.running:
        return "its call of SetVirtualAddressMap fails"
    return "leaves firmware physical"


def next_card(number: int, taken: Transition, hop: ChainHop) -> ChainCard:
    """The kernel that kexec starts in a hop."""
    entered = "crash kernel (kdump)" if taken.second.kind == "crash" else "entered by kexec"
    return _kernel_card(number, taken.second, [entered, _next_does(number, taken, hop)])


def _next_does(number: int, taken: Transition, hop: ChainHop) -> str:
    state, second = taken.state, taken.second
    if hop.verdict == "runtime-disabled":
        return "does without runtime services"
    if hop.verdict == "pointer-misread" or second.addresses == "physical":
        return "calls at physical addresses"
    reads = taken.channel in second.role.reads
    if second.role.addresses == "given" and reads and taken.channel != "none":
        whose = "firmware" if state.listed_by is None else kernel_name(_author(number, taken))
        return f"addresses passed by {whose} {_CHANNELS[taken.channel]}"
    if not state.firmware.virtual:
        return "chooses the addresses" if second.calls else "leaves firmware physical"
    return "must use the same addresses"


def _author(number: int, taken: Transition) -> int:
    """The number of the kernel whose addresses are handed on: the one that made firmware virtual.

    Those in between only pass them on.
    """
    return 1 if taken.state.listed_by is not taken.state.kernel else number - 1


def _kernel_card(number: int, kernel: ChainKernel, lines: Sequence[str]) -> ChainCard:
    plan, geometry = kernel.planned.plan, kernel.planned.geometry
    told = [
        f"{kernel_name(number)}: {kernel.name}",
        f"{geometry.page_size >> 10}K pages, {geometry.virtual_address_bits} bits",
        *_option_words(plan),
        *lines,
    ]
    if kernel.memory:
        told.append(f"its memory is {kernel.memory}")
    return ChainCard(
        kernel_name(number),
        kernel.name,
        tuple(lines),
        "; ".join(told),
        kernel.planned.architecture.name,
    )


def _option_words(plan: MappingPlan) -> Iterator[str]:
    for name, value in plan.options.items():
        if value is None:
            continue
        if isinstance(value, tuple) and all(isinstance(part, int) for part in value):
            yield f"{name}={'.'.join(map(str, value))}"
        elif isinstance(value, (bool, str)):
            yield f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        elif isinstance(value, int):
            yield f"{name}={value:#x}"


def firmware_card(state: ChainState) -> ChainCard:
    """Firmware, as the kernel at its left leaves it."""
    firmware = state.firmware
    if firmware.virtual:
        name = "SetVirtualAddressMap()"
        lines = ["called once, cannot be called again until reset"]
    elif firmware.spent:
        name = "physical mode"
        lines = ["SetVirtualAddressMap failed, and cannot be called again until reset"]
    elif not firmware.offers_call:
        name, lines = "physical mode", ["does not offer SetVirtualAddressMap"]
    else:
        name, lines = "physical mode", ["SetVirtualAddressMap was not called"]
    title = f"firmware: {name}; {lines[0]}"
    return ChainCard("firmware", name, tuple(lines), title)


def verdict_on(
    number: int, taken: Transition, hop: ChainHop, rows: Sequence[ChainRow]
) -> ChainVerdict:
    """The verdict on a hop to kernel ``number``, whose addresses are the rows' at that place."""
    example = hop.counter_example
    because = None
    if example and hop.verdict in _EXPLAINED:
        sentence = grouped(example.sentence)
        because = f"{sentence[:1].upper()}{sentence[1:]}."
    return ChainVerdict(number, hop.verdict, _sentence(number, taken, hop, rows), because)


def _sentence(number: int, taken: Transition, hop: ChainHop, rows: Sequence[ChainRow]) -> str:
    who = "the crash kernel" if taken.second.kind == "crash" else kernel_name(number)
    begun = f"{who[:1].upper()}{who[1:]}"
    virtual = taken.state.firmware.virtual
    kinds = [row.used[number - 2].agreement for row in rows]
    match hop.verdict:
        case "ok":
            return _good(who, taken, len(rows))
        case "runtime-disabled":
            told = "no EFI variables, no clock, no reset by firmware"
            physical = "" if virtual else "Firmware is in physical mode. "
            return f"{physical}{begun} does without runtime services: {told}."
        case "svam-twice":
            return (
                f"{begun} calls SetVirtualAddressMap a second time, and firmware refuses: "
                "EFI_UNSUPPORTED."
            )
        case "pointer-misread":
            return f"{begun} takes the virtual pointers of firmware for physical ones."
        case "va-mismatch":
            return _moved(number, who, kinds, hop)
        case "va-unreachable":
            return f"{begun} cannot map every region where firmware expects it."
        case "rsvd-fault":
            return f"The page tables of {who} have reserved bits set: the first call faults."
        case "page-fault" if not virtual:
            return f"{begun} maps virtual addresses that firmware was never told: calls fault."
        case _:
            return f"A runtime service touches what {who} does not map, and faults."


def _good(who: str, taken: Transition, regions: int) -> str:
    state, second = taken.state, taken.second
    if not regions:
        return "No region has EFI_MEMORY_RUNTIME: there is nothing to keep, and nothing is judged."
    works = f"Runtime services work in {who}."
    if not state.firmware.virtual:
        if second.calls and not second.role.only_given:
            return f"Firmware was in physical mode, and {who} makes it virtual. {works}"
        return f"Firmware is in physical mode: {who} has to map it at physical addresses. {works}"
    keep = "The only region keeps its" if regions == 1 else f"All {regions} regions keep their"
    return f"{keep} virtual address. {works}"


def _moved(number: int, who: str, kinds: Sequence[str], hop: ChainHop) -> str:
    moved = kinds.count("differs")
    old = "The firmware still jumps to the old addresses."
    if moved and hop.counter_example and hop.counter_example.found is None:
        return f"Nobody can tell where {who} has every region. {old}"
    if not moved:
        return f"{who[:1].upper()}{who[1:]} maps regions where firmware does not expect them."
    verb = "moves" if moved == 1 else "move"
    where = f" in {who}" if number > 2 else ""
    return f"{moved} of {counted(len(kinds), 'region')} {verb}{where}. {old}"
