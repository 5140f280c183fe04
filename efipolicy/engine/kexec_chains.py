"""Chains of kernels as a platform file declares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from efipolicy.engine.kexec_layout import firmware_regions, is_identity
from efipolicy.engine.kexec_state import ChainKernel
from efipolicy.engine.planned import Planned
from efipolicy.engine.planning import NoStrategyError, PlanChoice, planned
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
from efipolicy.source import InputError


def declared_chain(
    platform: Platform, registry: Registry, choice: PlanChoice
) -> list[ChainKernel] | None:
    """The first chain the platform declares; ``None`` where it declares none.

    Raises what planning raises, `UsageError` for a kernel of no strategy, and `InputError` for
    memory that cannot be a crash kernel's.
    """
    first = next((one for one in platform.mapping or () if one.kexec), None)
    if first is None:
        return None
    return [
        _declared(number, one, platform, registry, choice)
        for number, one in enumerate((first, *first.kexec))
    ]


def declared_beside(platform: Platform) -> Iterator[str]:
    """That the platform declares other chains than the first, which is the one that is judged."""
    chains = [one for one in platform.mapping or () if one.kexec]
    if len(chains) > 1:
        names = [" -> ".join(str(one.strategy) for one in (c, *c.kexec)) for c in chains[1:]]
        yield (
            f"the platform declares {len(chains)} chains; judged is the first, and not "
            f"{', '.join(names)}: say one with --chain"
        )


def _declared(
    number: int,
    declared: MappingDeclaration,
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
) -> ChainKernel:
    span = declared.located.span_of("memory") if declared.located else None
    if span and not memory_is_range(declared):
        raise InputError.at(span, "memory that holds nothing", "[start, end), start below end")
    try:
        made = planned(replace(platform, mapping=(declared,)), registry, choice)
    except NoStrategyError as problem:
        raise UsageError(
            f"kernel {number + 1} of the declared chain has no `strategy`, and nothing tells it; "
            "say the chain with --chain S1,S2"
        ) from problem
    name = made.plan.strategy
    return kernel_of(name, declared, made, role_of(name, registry))


def memory_is_range(declared: MappingDeclaration) -> bool:
    """Whether what is said of a crash kernel's memory, if anything, is a range that holds any."""
    return declared.memory is None or declared.memory[0] < declared.memory[1]


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
