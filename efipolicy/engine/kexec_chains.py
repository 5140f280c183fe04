"""Chains of kernels as a platform file declares them, or a command line spells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from efipolicy.engine.kexec_layout import firmware_regions, is_identity
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import PlanChoice, planned
from efipolicy.errors import UsageError
from efipolicy.model.address import AddressRange
from efipolicy.model.chain import CHANNELS, LOADERS
from efipolicy.model.efi import EFI_MEMORY_RUNTIME
from efipolicy.model.kexec import NO_VIRTUAL_START
from efipolicy.model.mapping import Mapping as PlannedMapping
from efipolicy.model.mapping import VirtualMapEntry
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.plugin import KexecRole
from efipolicy.plugin.registry import Registry
from efipolicy.source.shape import suggestion

HOP_KEYS = (
    "channel",
    "loader",
    "skip_svam",
    "kind",
    "memory",
    "page_size",
    "virtual_address_bits",
)
"""What ``--chain`` takes of a kernel besides its strategy's options."""


class ChainWord(NamedTuple):
    """One kernel as ``--chain`` spells it: its strategy, and what is said of it by name."""

    strategy: str
    values: Mapping[str, str]


def chain_words(text: str) -> list[ChainWord]:
    """The kernels of ``S:NAME=VALUE,NAME=VALUE,S2``. Raises `UsageError` for what is none.

    A comma within brackets is part of a value.
    """
    found: list[tuple[str, dict[str, str]]] = []
    for part in _split(text):
        head, colon, rest = part.partition(":")
        values = part
        if "=" not in head:
            found.append((head.strip(), {}))
            values = rest
            if not colon:
                continue
        name, equals, value = values.partition("=")
        if not equals or not name or not found:
            raise UsageError(f"--chain: found `{part}`, expected S or S:NAME=VALUE")
        found[-1][1][name.strip()] = value
    if len(found) < 2 or not all(strategy for strategy, _ in found):
        raise UsageError(f"--chain {text}: expected two strategies or more, with commas between")
    return [ChainWord(*one) for one in found]


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def spelled_chain(
    text: str, platform: Platform, registry: Registry, choice: PlanChoice
) -> list[ChainKernel]:
    """The kernels that ``--chain`` names. Raises `UsageError` for what it cannot mean."""
    return [_spelled(word, platform, registry, choice) for word in chain_words(text)]


def _spelled(
    word: ChainWord, platform: Platform, registry: Registry, choice: PlanChoice
) -> ChainKernel:
    said = {name: text for name, text in word.values.items() if name in HOP_KEYS}
    known = registry.strategies.get(word.strategy)
    if known:
        mine = [option.name for option in known.options]
        for name in word.values:
            if name not in mine and name not in HOP_KEYS:
                hint = suggestion(name, [*mine, *HOP_KEYS])
                have = ", ".join([*mine, *HOP_KEYS])
                raise UsageError(f"{word.strategy} has no option `{name}`; it has {have}{hint}")
    options = {name: text for name, text in word.values.items() if name not in said}
    hop = _hop_of(word.strategy, said)
    exact = PlanChoice(
        strategy=word.strategy,
        options=options,
        page_size=hop.page_size or choice.page_size,
        virtual_address_bits=hop.virtual_address_bits or choice.virtual_address_bits,
    )
    made = planned(replace(platform, mapping=None), registry, exact)
    return kernel_of(word.strategy, hop, made, role_of(word.strategy, registry))


def _hop_of(strategy: str, said: Mapping[str, str]) -> MappingDeclaration:
    """What is said of a kernel, read as the platform file's own keys are."""
    from efipolicy.formats.platform_mapping import HOP_FIELDS
    from efipolicy.source import SourceText
    from efipolicy.source.document import parse
    from efipolicy.source.shape import Reading

    values: dict[str, Any] = {}
    reading = Reading()
    for name, text in said.items():
        node, errors = parse(SourceText("--chain", text + "\n"))
        if errors or node is None:
            raise UsageError(f"--chain {strategy}:{name}={text}: cannot be read as a value")
        values[name] = HOP_FIELDS[name].read(node, reading)
        if reading.errors:
            problem = reading.errors[0].message
            raise UsageError(f"--chain {strategy}:{name}={text}: {problem}")
    return MappingDeclaration(strategy=strategy, options={}, **values)


def declared_chain(
    platform: Platform, registry: Registry, choice: PlanChoice
) -> list[ChainKernel] | None:
    """The first chain the platform declares; ``None`` where it declares none.

    Raises what planning raises, and `UsageError` for a kernel of no strategy.
    """
    first = next((one for one in platform.mapping or () if one.kexec), None)
    if first is None:
        return None
    return [
        _declared(number, one, platform, registry, choice)
        for number, one in enumerate((first, *first.kexec))
    ]


def _declared(
    number: int,
    declared: MappingDeclaration,
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
) -> ChainKernel:
    if declared.strategy is None:
        raise UsageError(
            f"kernel {number + 1} of the declared chain has no `strategy`; say the chain with "
            "--chain S1,S2"
        )
    made = planned(replace(platform, mapping=(declared,)), registry, choice)
    name = declared.strategy
    return kernel_of(name, declared, made, role_of(name, registry))


def role_of(name: str, registry: Registry) -> KexecRole:
    """What a strategy's kernel does after another one. Raises `UsageError` where nobody says."""
    role = registry.strategies[name].kexec
    if role is None:
        raise UsageError(f"nothing is known of kexec with {name}: its strategy does not say")
    return role


def kernel_of(
    name: str, declared: MappingDeclaration, made: Planned, role: KexecRole
) -> ChainKernel:
    """The kernel of a strategy, with what is declared of it."""
    return ChainKernel(
        name=name,
        planned=with_declared_layout(made, declared),
        role=role,
        kind="crash" if declared.kind == "crash" else "kexec",
        memory=AddressRange(*declared.memory) if declared.memory else None,
        channel=_one_of(declared.channel, CHANNELS, "auto"),
        loader=_one_of(declared.loader, LOADERS, "unspecified"),
        skip_svam=declared.skip_svam is not False,
        call=declared.set_virtual_address_map,
        carried=declared.carried,
    )


def with_declared_layout(made: Planned, declared: MappingDeclaration) -> Planned:
    """The plan with the layout the platform declares, where it declares one."""
    if not declared.virtual_map:
        return made
    entries = [one for one in declared.virtual_map if one.virtual_start != NO_VIRTUAL_START]
    mappings = tuple(
        PlannedMapping(
            physical=entry.physical,
            virtual_start=entry.virtual_start,
            type=int(entry.type),
            access="RWX",
            cache="",
            runtime=entry.attribute is None or entry.runtime,
        )
        for entry in entries
    )
    svam = tuple(
        VirtualMapEntry(
            physical_start=entry.physical_start,
            virtual_start=entry.virtual_start,
            number_of_pages=entry.number_of_pages,
            type=int(entry.type),
            attribute=EFI_MEMORY_RUNTIME if entry.attribute is None else entry.attribute,
        )
        for entry in entries
    )
    moves = made.plan.svam is not None or not is_identity(firmware_regions(mappings))
    plan = made.plan._replace(mappings=mappings, svam=svam if moves else None)
    return made._replace(plan=plan)


def _one_of(value: str | None, choices: Iterable[Any], default: Any) -> Any:
    return next((choice for choice in choices if choice == value), default)
