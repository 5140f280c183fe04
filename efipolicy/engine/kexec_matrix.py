"""Every strategy of an architecture after every other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from efipolicy.engine.kexec_chains import kernel_of
from efipolicy.engine.kexec_channel import transition
from efipolicy.engine.kexec_rules import judge
from efipolicy.engine.kexec_state import ChainKernel, ChainState, failure_marker, first_boot
from efipolicy.engine.kexec_words import of_the_chain, pages_and_bits
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import PluginError
from efipolicy.model.chain import Case, Cell, Verdict
from efipolicy.model.declared import SetVirtualAddressMap
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.registry import Registry

_CHANNEL_WORDS: Final = {
    "setup_data": "setup_data",
    "device-tree": "the device tree",
    "purgatory": "the dummy SetVirtualAddressMap of purgatory",
}


class Matrix(NamedTuple):
    """The cells row by row; the strategies that say nothing of kexec; what failed.

    ``assumptions`` are what all verdicts take for granted, one sentence each.
    """

    cells: tuple[Cell, ...]
    left_out: tuple[str, ...]
    errors: tuple[PluginError, ...]
    assumptions: tuple[str, ...] = ()


def matrix(platform: Platform, registry: Registry, choice: PlanChoice) -> Matrix:
    """The cells for the strategies that fit the platform's architecture.

    A strategy has the options that the platform declares for it, else its defaults with the page
    size and the address width of the first mapping. Raises what planning raises.
    """
    kernels: list[ChainKernel] = []
    left_out: list[str] = []
    errors: list[PluginError] = []
    for name, strategy in sorted(registry.strategies.items()):
        if strategy.architectures and platform.architecture not in strategy.architectures:
            continue
        if strategy.kexec is None:
            left_out.append(name)
            continue
        declared = _declared(platform, name)
        subject = replace(platform, mapping=(declared,)) if declared else platform
        exact = choice if declared else choice._replace(strategy=name)
        try:
            made = planned(subject, registry, exact)
        except PluginError as problem:
            if platform.architecture not in registry.architectures:
                raise
            errors.append(problem)
            continue
        without = MappingDeclaration(options={})
        kernels.append(kernel_of(name, declared or without, made, strategy.kexec))
    if not kernels and not errors:
        planned(platform, registry, choice)  # says what is missing
    states = [first_boot(platform, kernel) for kernel in kernels]
    cells = [
        Cell(state.kernel.name, second.name, cases(platform, state, second))
        for state in states
        for second in kernels
    ]
    named = [(one.name, one.planned) for one in kernels]
    assumptions = (*pages_and_bits(named), *of_the_chain(platform, named))
    return Matrix(tuple(cells), tuple(left_out), tuple(errors), assumptions)


def _declared(platform: Platform, name: str) -> MappingDeclaration | None:
    return next((one for one in platform.mapping or () if one.strategy == name), None)


def cases(platform: Platform, state: ChainState, second: ChainKernel) -> tuple[Case, ...]:
    """The usual case, and each other one that ends differently."""
    taken = transition(platform, state, second)
    usual = judge(taken)[0]
    found = [Case(_usual_words(state, second, taken.channel, usual), usual)]
    others = (
        *_by_channel(platform, state, second, taken.channel),
        *_by_loader(platform, state, second),
        *_by_layout(platform, state, second, usual),
        *_by_geometry(platform, state, second),
        *_after_failure(platform, state, second),
        *_beyond(state, second, usual),
    )
    found += [case for case in others if case.verdict != usual]
    return tuple(dict.fromkeys(found))


def _verdict(platform: Platform, state: ChainState, second: ChainKernel) -> Verdict:
    return judge(transition(platform, state, second))[0]


def _usual_words(state: ChainState, second: ChainKernel, channel: str, verdict: Verdict) -> str:
    if not state.firmware.virtual and not second.role.only_given:
        return "firmware is still physical"
    if channel != "none":
        return f"with {_CHANNEL_WORDS[channel]}"
    depends = second.role.varies_with
    if verdict in ("ok", "page-fault", "rsvd-fault") and second.addresses == "own":
        same = f", and the two agree in: {depends}" if depends else ""
        return f"it is known that SetVirtualAddressMap was called{same}"
    return "nothing is carried over"


def _by_channel(
    platform: Platform, state: ChainState, second: ChainKernel, usual: str
) -> Iterator[Case]:
    if usual != "none":
        verdict = _verdict(platform, state, second._replace(channel="none"))
        yield Case(f"without {_CHANNEL_WORDS[usual]}", verdict)
    for channel in second.role.reads:
        if channel != usual and not state.firmware.virtual:
            verdict = _verdict(platform, state, second._replace(channel=channel))
            words = _CHANNEL_WORDS[channel]
            tree = channel == "device-tree"
            why = f"with {words}" if tree else f"{words} claims that firmware is virtual"
            yield Case(why, verdict)


def _by_loader(platform: Platform, state: ChainState, second: ChainKernel) -> Iterator[Case]:
    first = state.kernel.role
    asked = first.exports_runtime_map and second.role.kexec_flag is False
    if not asked and "setup_data" not in second.role.reads:
        return
    tools = "kexec-tools rebuilds the map from runtime-map"
    if asked:
        tools = "kexec-tools drops firmware, for an image without the boot-protocol flag"
    yield Case(tools, _verdict(platform, state, second._replace(loader="kexec-tools")))
    file = "kexec-file passes efi_info on"
    yield Case(file, _verdict(platform, state, second._replace(loader="kexec-file")))
    if not first.offers:
        passes = "a loader passes efi_info on as the first kernel got it"
        yield Case(passes, _verdict(platform, state, second._replace(loader="verbatim")))


def _by_layout(
    platform: Platform, state: ChainState, second: ChainKernel, usual: Verdict
) -> Iterator[Case]:
    """What else firmware's addresses and the second kernel's may depend on."""
    if not state.firmware.virtual:
        return
    role, own = second.role, second.addresses == "own"
    if own and not role.reads:
        verdict = _verdict(platform, state, second._replace(skip_svam=False))
        yield Case("the second kernel does not know that SetVirtualAddressMap was called", verdict)
    depends = [each for each in (role.varies_with, state.kernel.role.varies_with) if each]
    if own and usual == "ok" and depends:
        yield Case(f"the two differ in: {depends[0]}", "va-mismatch")
    if role.without_channel != "own" or usual != "ok" or not role.varies_with:
        return
    if _verdict(platform, state, second._replace(channel="none")) == "svam-twice":
        words = _CHANNEL_WORDS[role.reads[0]]
        yield Case(f"without {words}, and the two differ in: {role.varies_with}", "va-mismatch")


def _by_geometry(platform: Platform, state: ChainState, second: ChainKernel) -> Iterator[Case]:
    """Other page sizes and address widths of a second kernel that maps what it is given."""
    if second.addresses != "given":
        return
    made = second.planned
    widths: dict[Verdict, list[str]] = {}
    for size, geometries in made.architecture.geometries.items():
        for geometry in geometries:
            other = second._replace(planned=made._replace(geometry=geometry))
            verdict = _verdict(platform, state, other)
            text = f"{size >> 10}K pages and {geometry.virtual_address_bits} bits"
            widths.setdefault(verdict, []).append(text)
    for verdict, texts in widths.items():
        yield Case(f"the second kernel has {' or '.join(texts)}", verdict)


def _after_failure(platform: Platform, state: ChainState, second: ChainKernel) -> Iterator[Case]:
    """The marker a stub leaves where SetVirtualAddressMap failed, read by either era."""
    first = state.kernel
    if not (first.calls and first.role.failure_marker and second.role.failure_marker):
        return
    failed = first_boot(platform, first._replace(call=SetVirtualAddressMap(result="failed")))
    why = "SetVirtualAddressMap failed in the first kernel"
    yield Case(why, _verdict(platform, failed, second))
    for since, value in second.role.failure_marker:
        if value != failure_marker(second):
            made = second.planned
            options = {**made.plan.options, "kernel": since}
            plan = made.plan._replace(options=options)
            other = second._replace(planned=made._replace(plan=plan))
            era = "older" if since < _release(second) else "newer"
            yield Case(
                f"{why}, and the second is {era} and knows another marker",
                _verdict(platform, failed, other),
            )


def _release(kernel: ChainKernel) -> tuple[int, ...]:
    release = kernel.planned.plan.options.get("kernel")
    return release if isinstance(release, tuple) else (1 << 16,)


def _beyond(state: ChainState, second: ChainKernel, usual: Verdict) -> Iterator[Case]:
    """Converted pointers that are followed, where a kernel is told of a layout by nobody."""
    first = state.kernel
    told = first.addresses == "own" and first.role.states_addresses
    if usual == "pointer-misread" and told and second.addresses == "physical":
        yield Case("a converted pointer is followed, and nothing is mapped there", "page-fault")
