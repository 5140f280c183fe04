"""What a strategy's page says of kexec: its kernel's role, and each other kernel beside it."""

from __future__ import annotations

from functools import cache
from typing import Final

from docutils import nodes

from efipolicy.engine.kexec_matrix import Matrix, matrix
from efipolicy.engine.planning import PlanChoice
from efipolicy.model.chain import Cell as Hop
from efipolicy.plugin import KexecRole, Strategy
from efipolicy.sphinxext.domain import reference
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, paragraph, table
from efipolicy.sphinxext.strategy_examples import Example, platform_at

_ADDRESSES: Final = {
    "physical": "calls at physical addresses",
    "own": "computes its own layout",
    "given": "maps what it is given",
}
_CHANNELS: Final = {
    "setup_data": "setup_data",
    "device-tree": "the device tree",
    "purgatory": "purgatory's dummy SetVirtualAddressMap",
}


def role_words(role: KexecRole) -> str:
    """The role in a few words."""
    return _ADDRESSES[role.addresses]


def kexec_nodes(strategy: Strategy, example: Example | None) -> list[nodes.Node]:
    """What the kernel reads and leaves, and a row for each other strategy that fits."""
    role = strategy.kexec
    if role is None:
        said = (
            "Nothing says how its kernel goes on from another one: chains with it are not judged."
        )
        return [paragraph(said)]
    told: list[nodes.Node] = [paragraph(" ".join(role_sentences(role)))]
    if example is None:
        return told
    hops = {(hop.first, hop.second): hop for hop in _matrix(example.path).cells}
    others = [second for first, second in hops if first == strategy.name]
    rows: list[list[Cell]] = [
        [
            reference("strategy", other, optional=True),
            _cases(hops[strategy.name, other]),
            _cases(hops[other, strategy.name]),
        ]
        for other in others
    ]
    heads = ("other strategy", "started by this one", "starts this one")
    return [*told, table(heads, rows, classes=["ep-kexec"])] if rows else told


@cache
def _matrix(path: str) -> Matrix:
    return matrix(platform_at(path), registry(), PlanChoice())


def role_sentences(role: KexecRole) -> list[str]:
    """The role in sentences."""
    told = {
        "physical": "It calls firmware at physical addresses, and takes the pointers in the system "
        "table for physical ones.",
        "own": "It computes a layout of its own and gives it to SetVirtualAddressMap.",
        "given": "It maps the addresses it is given.",
    }
    said = [told[role.addresses]]
    if role.reads:
        said.append(f"It learns what firmware uses from {_listed(role.reads)}.")
    if role.offers:
        said.append(f"It leaves word for the next kernel in {_listed(role.offers)}.")
    else:
        said.append("It leaves the next kernel no word about firmware.")
    if role.varies_with:
        said.append(f"Its addresses depend on: {role.varies_with}.")
    elif role.addresses == "own" and role.reproducible:
        said.append("Its addresses depend on nothing but the physical ones.")
    if not role.reproducible:
        said.append("They differ from boot to boot.")
    if role.refuses != "nothing":
        moved = " at other than physical addresses" if role.refuses == "moved" else ""
        said.append(f"It gives up runtime services where firmware is virtual{moved}.")
    if role.exports_runtime_map is False:
        said.append("It exports no runtime map, so that kexec-tools passes no firmware on.")
    for since, value in role.failure_marker:
        release = ".".join(map(str, since))
        said.append(
            f"From {release} on, a virtual start of {value:#x} says that SetVirtualAddressMap "
            "failed."
        )
    return said


def _listed(channels: tuple[str, ...]) -> str:
    return " or ".join(_CHANNELS.get(channel, channel) for channel in channels)


def _cases(hop: Hop) -> list[nodes.Node]:
    """The usual verdict, and what else may be."""
    usual, *others = hop.cases
    told: list[nodes.Node] = [nodes.strong(usual.verdict, usual.verdict)]
    told.append(nodes.Text(f": {usual.when}"))
    for case in others:
        told += [nodes.Text("; "), nodes.strong(case.verdict, case.verdict)]
        told.append(nodes.Text(f": {case.when}"))
    return told
