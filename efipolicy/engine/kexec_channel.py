"""How a kernel learns of firmware from the one before it."""

from __future__ import annotations

from efipolicy.engine.kexec_state import ChainKernel, ChainState, Transition
from efipolicy.model.chain import Channel, HandedOver
from efipolicy.model.declared import Carried
from efipolicy.model.platform import Platform


def transition(
    platform: Platform, state: ChainState, second: ChainKernel, number: int = 2
) -> Transition:
    """The hop to kernel ``number`` of a chain, its channel resolved."""
    return Transition(platform, state, second, _channel(state, second), number)


def _channel(state: ChainState, second: ChainKernel) -> Channel:
    """What was said, else the usual one: offered by the first and read by the second.

    All but the device tree tell that firmware is virtual, so none is used while it is not, nor by
    a kernel that has no firmware to tell of.
    """
    if second.channel != "auto":
        return second.channel
    for channel in state.kernel.role.offers:
        tells = channel != "device-tree"
        if channel not in second.role.reads or (tells and not state.firmware.virtual):
            continue
        if not tells or (state.running and not _loader_drops(state, second)):
            return channel
    return "none"


def _loader_drops(state: ChainState, second: ChainKernel) -> bool:
    """Whether the loader clears what it would pass on of firmware.

    kexec-tools rebuilds the map from runtime-map, and does so only for an image that says it can
    take it; the kernel's own loader copies the map where the kernel keeps one.
    """
    exports = state.kernel.role.exports_runtime_map
    if second.loader == "kexec-tools":
        return exports is False or second.role.kexec_flag is False
    if second.loader == "kexec-file":
        return exports is False and state.firmware.virtual
    return False


def handed_over(taken: Transition) -> HandedOver:
    """What reaches the second kernel, as declared where it is, else as the loader does it."""
    state, second, platform = taken.state, taken.second, taken.platform
    if taken.channel == "none":
        return HandedOver("none", None, 0, None)
    told = second.carried or Carried()
    table = platform.system_table.address if platform.system_table else None
    entries, size = len(platform.memory_map.descriptors), platform.memory_map.descriptor_size or 48
    if taken.channel == "setup_data":
        entries = len(state.listed) if state.listed_by else 0
        size = 40 if second.loader == "kexec-tools" else size
    return HandedOver(
        taken.channel,
        table if told.system_table is None else told.system_table,
        entries,
        told.entry_size or told.descriptor_size or size,
    )
