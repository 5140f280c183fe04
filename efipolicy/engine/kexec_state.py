"""The kernels of a chain, and the machine as each of them leaves it."""

from __future__ import annotations

from typing import Literal

from efipolicy.engine.firmware import FirmwareState, firmware_of, set_virtual_address_map
from efipolicy.engine.kexec_layout import Layout, firmware_regions
from efipolicy.engine.planned import Planned
from efipolicy.model.address import AddressRange
from efipolicy.model.chain import Channel, ChosenChannel, HopKind, Loader, Verdict
from efipolicy.model.declared import Carried, SetVirtualAddressMap
from efipolicy.model.mapping import Mapping
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import KexecRole

AnyLoader = Loader | Literal["verbatim"]
"""``verbatim``: a loader that hands on what the first kernel was given, whatever it says."""


class ChainKernel(NamedTuple):
    """A kernel of a chain: its plan as if it were the first, and what is said of the way to it.

    ``name`` is its strategy's; ``call`` is what the platform declares of SetVirtualAddressMap,
    ``memory`` what a crash kernel was given, ``carried`` what is declared to have reached it.
    """

    name: str
    planned: Planned
    role: KexecRole
    kind: HopKind = "kexec"
    memory: AddressRange | None = None
    channel: ChosenChannel = "auto"
    loader: AnyLoader = "unspecified"
    skip_svam: bool = True
    call: SetVirtualAddressMap | None = None
    carried: Carried | None = None

    @property
    def calls(self) -> bool:
        """Whether it calls SetVirtualAddressMap, given the choice."""
        if self.call and self.call.calls:
            return self.call.calls != "never"
        return self.planned.plan.svam is not None

    @property
    def addresses(self) -> Literal["physical", "own", "given"]:
        """How it comes by addresses; one that may do without a layout may also make one."""
        own = self.role.addresses == "physical" and self.planned.plan.svam is not None
        return "own" if own else self.role.addresses

    @property
    def regions(self) -> Layout:
        """Firmware's regions where its plan puts them."""
        return firmware_regions(self.planned.plan.mappings)

    @property
    def kept(self) -> Layout:
        """All that stays mapped after its boot, which is what it hands on."""
        return tuple([one for one in self.planned.plan.mappings if not one.temporary])


class ChainState(NamedTuple):
    """The machine as a kernel leaves it.

    ``layout`` is where firmware expects its regions, empty while it is physical. ``listed`` are the
    regions with the addresses that stand in the map which is handed on, ``listed_by`` says whose
    they are: ``None`` for what firmware left in it. ``running`` says whether the kernel has runtime
    services itself.
    """

    firmware: FirmwareState
    kernel: ChainKernel
    layout: Layout
    listed: Layout
    listed_by: ChainKernel | None
    running: bool = True


class Transition(NamedTuple):
    """One kernel taking over from the state another one left, through a channel.

    ``number`` is the place of that kernel in its chain, the first kernel being 1.
    """

    platform: Platform
    state: ChainState
    second: ChainKernel
    channel: Channel
    number: int = 2


def first_boot(platform: Platform, kernel: ChainKernel) -> ChainState:
    """The state the first kernel leaves: SetVirtualAddressMap called, if it calls it."""
    firmware = firmware_of(platform)
    listed, listed_by = _left_by_firmware(platform), None
    state = ChainState(firmware, kernel, (), listed, listed_by)
    if kernel.calls:
        return called(state, kernel)
    if kernel.role.states_addresses:
        return state._replace(listed=kernel.kept, listed_by=kernel)
    return state


def called(state: ChainState, kernel: ChainKernel) -> ChainState:
    """The state after a kernel's first call of SetVirtualAddressMap."""
    fails = bool(kernel.call and kernel.call.result == "failed")
    firmware, status = set_virtual_address_map(
        state.firmware, kernel.planned.plan.svam or (), conversion_fails=fails
    )
    states = kernel.role.states_addresses
    if status != "EFI_SUCCESS":
        marker = failure_marker(kernel)
        listed, by = state.listed, state.listed_by
        if states and marker is not None:
            listed, by = (
                tuple([one._replace(virtual_start=marker) for one in kernel.regions]),
                kernel,
            )
        return state._replace(
            firmware=firmware, kernel=kernel, listed=listed, listed_by=by, running=False
        )
    listed = kernel.kept if states else state.listed
    return state._replace(
        firmware=firmware,
        kernel=kernel,
        layout=kernel.regions,
        listed=listed,
        listed_by=kernel if states else state.listed_by,
        running=True,
    )


def failure_marker(kernel: ChainKernel) -> int | None:
    """The virtual start by which this kernel release tells of a failed call."""
    release = kernel.planned.plan.options.get("kernel")
    marker = None
    for since, value in kernel.role.failure_marker:
        if not isinstance(release, tuple) or release >= since:
            marker = value
    return marker


def _left_by_firmware(platform: Platform) -> Layout:
    """The runtime regions with the virtual starts that firmware reports, zero where unknown."""
    return tuple(
        Mapping(
            physical=descriptor.physical,
            virtual_start=descriptor.virtual_start or 0,
            type=int(descriptor.type),
            access="RWX",
            cache="",
            runtime=True,
            descriptors=(descriptor.index,),
        )
        for descriptor in platform.memory_map.runtime
        if descriptor.addressable
    )


def after(taken: Transition, verdict: Verdict) -> ChainState:
    """The state the second kernel leaves to a third one."""
    state, second = taken.state, taken.second
    if verdict != "ok":
        return state._replace(kernel=second, running=False)
    if state.firmware.virtual or second.role.only_given or not second.calls:
        return state._replace(kernel=second, running=True)
    return called(state, second)
