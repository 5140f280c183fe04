"""The verdict on one kernel that takes over from another one.

Nothing here knows a strategy by name: what it does with firmware that another kernel used is in
its `KexecRole`, the rest in its plan.
"""

from __future__ import annotations

from efipolicy.engine.kexec_faults import faults
from efipolicy.engine.kexec_layout import (
    Difference,
    Layout,
    differences,
    is_identity,
    unreachable,
)
from efipolicy.engine.kexec_state import Transition, after, failure_marker
from efipolicy.engine.kexec_words import (
    elsewhere,
    misread_pointer,
    nobody_assigned,
    second_call,
    too_far,
    unplaced,
)
from efipolicy.model.address import AddressRange
from efipolicy.model.chain import CounterExample, Verdict
from efipolicy.model.mapping import Mapping

Judged = tuple[Verdict, CounterExample | None]

_OK: Judged = ("ok", None)
_DISABLED: Judged = ("runtime-disabled", None)


def judge(taken: Transition) -> Judged:
    """The verdict on one hop: the first rule that applies decides.

    Where the second kernel may call firmware, it is then looked at what firmware touches.
    """
    verdict, example = _by_rule(taken)
    if verdict != "ok":
        return verdict, example
    after_hop = after(taken, "ok")
    if not after_hop.running:
        return _DISABLED  # It calls SetVirtualAddressMap, and firmware refuses.
    return (
        faults(taken.platform, after_hop.firmware, live_mappings(taken), taken.second.planned)
        or _OK
    )


def _by_rule(taken: Transition) -> Judged:
    state, second = taken.state, taken.second
    role = second.role
    if role.only_given:
        return _given(taken)
    if not state.firmware.virtual:
        return _physical_firmware(taken)
    moved = not is_identity(state.layout)
    if role.refuses == "virtual" or (role.refuses == "moved" and moved):
        return _DISABLED
    if moved and (second.addresses == "physical" or not state.kernel.role.offers):
        return _untold(taken)
    if second.addresses == "physical":
        return _OK
    if role.addresses == "given" and taken.channel in role.reads:
        return _given(taken)
    if role.addresses == "given" and role.without_channel == "disabled":
        return _DISABLED
    return _own(taken)


def _physical_firmware(taken: Transition) -> Judged:
    """Firmware that nobody made virtual, so that the second kernel may do as it likes."""
    state, second = taken.state, taken.second
    claims_call = taken.channel in second.role.reads and taken.channel != "device-tree"
    if claims_call:
        return "page-fault", nobody_assigned(
            second.regions or state.listed, taken.channel, taken.number
        )
    if second.loader == "kexec-tools" and state.kernel.role.exports_runtime_map is False:
        return _DISABLED
    if second.calls and state.firmware.spent:
        return "svam-twice", second_call(None)
    return _OK


def _untold(taken: Transition) -> Judged:
    """A second kernel that takes converted pointers for physical ones."""
    state, second = taken.state, taken.second
    reads_efi_info = "setup_data" in second.role.reads
    if not state.kernel.role.offers and reads_efi_info and second.loader != "verbatim":
        return _DISABLED
    return "pointer-misread", misread_pointer(
        taken.platform, state.firmware, state.layout, taken.number
    )


def _given(taken: Transition) -> Judged:
    """A second kernel that maps the addresses it is handed."""
    state, second = taken.state, taken.second
    if taken.channel not in second.role.reads:
        return _DISABLED
    starts = {one.virtual_start for one in state.listed}
    markers = {value for _, value in second.role.failure_marker}
    # A region at physical address 0 that is mapped 1:1 looks like the marker, and is taken for it.
    marker = failure_marker(second)
    if marker is not None and marker in starts:
        return _DISABLED
    if state.listed_by and not state.running and starts & markers:
        return "va-mismatch", elsewhere(_first_marked(state.listed), taken.number)
    if not state.firmware.virtual and not is_identity(state.listed):
        return "page-fault", nobody_assigned(state.listed, taken.channel, taken.number)
    one = unreachable(state.listed, second.planned.geometry)
    if one:
        return "va-unreachable", too_far(one, second.planned.geometry)
    for difference in differences(state.layout, state.listed):
        return "va-mismatch", elsewhere(difference, taken.number)
    return _OK


def _first_marked(listed: Layout) -> Difference:
    one = listed[0]
    return Difference(one.physical, one.physical.start, one.virtual_start)


def _own(taken: Transition) -> Judged:
    """A second kernel that computes a layout; firmware keeps the one it has."""
    state, second = taken.state, taken.second
    if state.kernel.role.exports_runtime_map and second.role.kexec_flag is False:
        # kexec-tools asks the image whether it can take firmware over; kexec_file_load does not.
        if second.loader == "kexec-tools":
            return _DISABLED
        if second.loader == "kexec-file":
            example = misread_pointer(taken.platform, state.firmware, state.layout, taken.number)
            return "pointer-misread", example
    found = list(differences(state.layout, second.regions))
    certain = [each for each in found if each.found is not None and each.expected is not None]
    if found and not certain and second.planned.plan.status == "impossible":
        return "va-unreachable", unplaced(found[0].region)
    if found:
        return "va-mismatch", elsewhere((certain or found)[0], taken.number)
    if not second.role.reproducible and state.layout:
        one = state.layout[0]
        return "va-mismatch", elsewhere(
            Difference(one.physical, one.virtual_start, None), taken.number
        )
    if not _knows(taken):
        return "svam-twice", second_call(state.layout[0] if state.layout else None)
    one_out = unreachable(second.regions, second.planned.geometry)
    if one_out:
        return "va-unreachable", too_far(one_out, second.planned.geometry)
    return _OK


def _knows(taken: Transition) -> bool:
    """Whether the second kernel can do without the call, or gets one that does nothing."""
    reads, skips = taken.second.role.reads, taken.second.skip_svam
    if taken.channel in reads:
        return skips or taken.channel == "purgatory"
    return skips and not reads


def live_mappings(taken: Transition) -> tuple[Mapping, ...]:
    """What the second kernel has mapped while firmware runs, once it has come up.

    A crash kernel has no other memory than firmware's and what was set aside for it.
    """
    state, second = taken.state, taken.second
    plan = second.planned.plan
    takes_over = second.role.addresses == "given" and (
        state.firmware.virtual or second.role.only_given
    )
    if takes_over:
        besides: tuple[Mapping, ...] = ()
        if second.role.maps_identity:
            why = "the 1:1 mapping of the region"
            besides = tuple(
                [one._replace(virtual_start=one.physical.start, why=why) for one in state.listed]
            )
        return (*state.listed, *besides)
    mapped = tuple([one for one in (*plan.mappings, *plan.extra) if not one.temporary])
    if second.kind != "crash":
        return mapped
    own = second.memory or AddressRange(0, 0)
    return (
        *[one for one in mapped if one.runtime],
        *[_part(one, one.physical & own) for one in mapped if (one.physical & own).size],
    )


def _part(one: Mapping, physical: AddressRange) -> Mapping:
    """What a mapping has of a physical range within it."""
    start = one.virtual_start
    if start is not None:
        start += physical.start - one.physical.start
    return one._replace(physical=physical, virtual_start=start)
