"""Ask a strategy for the mapping it would install."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from efipolicy.engine.planned import Planned
from efipolicy.engine.reaching import with_unreachable
from efipolicy.errors import EfipolicyError, PluginError, UsageError
from efipolicy.model.mapping import MappingPlan, PlanProblem
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, MappingDeclaration, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.paging import Geometry
from efipolicy.plugin import Architecture, PlanRequest, Strategy, StrategyChoice
from efipolicy.plugin.calling import call
from efipolicy.plugin.options import shape_of, written_value
from efipolicy.plugin.registry import Registry
from efipolicy.source import InputError, SourceSpan
from efipolicy.source.shape import Reading, suggestion


class PlanChoice(NamedTuple):
    """What the command line says of a plan; what it leaves open the platform file says.

    ``strategy`` replaces the declared one together with its options. ``page_size`` is bytes.
    """

    strategy: str | None = None
    options: Mapping[str, str] = {}
    page_size: int | None = None
    virtual_address_bits: int | None = None


def plan(platform: Platform, registry: Registry, choice: PlanChoice) -> MappingPlan:
    """The plan of the chosen strategy, or of the first mapping the platform declares.

    Raises `UsageError` for what the command line asks for in vain, `InputError` for what the
    platform file does, `PluginError` when the architecture is not installed or the strategy fails.
    """
    return planned(platform, registry, choice).plan


def planned(platform: Platform, registry: Registry, choice: PlanChoice) -> Planned:
    """The plan as of `plan`, with the page tables it is made for. Raises what that raises.

    Where the platform declares the strategy, every mapping it declares has to mean something.
    """
    declared = platform.mapping[0] if platform.mapping else None
    if choice.strategy is None:
        for mistake in declaration_errors(platform, registry):
            raise mistake
    return _planned(platform, registry, choice, declared)


class NoStrategyError(UsageError):
    """Nobody says which strategy an operating system uses, and nothing tells it."""


def plan_if_any(
    platform: Platform, registry: Registry, choice: PlanChoice
) -> tuple[MappingPlan | None, Geometry | None]:
    """The plan when there is a strategy to make one, and the page tables the choice describes.

    Both are ``None`` for an architecture that is unknown or not installed, unless a strategy was
    asked for. Raises what `plan` raises.
    """
    declared = platform.mapping[0] if platform.mapping else None
    architecture = registry.architectures.get(platform.architecture)
    if choice.strategy or (declared and declared.strategy) or architecture:
        try:
            made = planned(platform, registry, choice)
        except NoStrategyError:
            if choice.options:
                raise UsageError(
                    "--option is for a strategy, and there is none; choose one with --strategy"
                ) from None
        else:
            return made.plan, made.geometry
    return None, _geometry(architecture, choice, declared) if architecture else None


def planner_of(
    platform: Platform, registry: Registry, errors: list[PluginError]
) -> Callable[[MappingDeclaration], Planned | None]:
    """What plans the declared mappings of a platform.

    What is wrong with a declaration is told when the file is read; a strategy that fails is added
    to ``errors``. Either way there is no plan.
    """

    def planner(declared: MappingDeclaration) -> Planned | None:
        if platform.architecture not in registry.architectures:
            return None
        try:
            return _planned(platform, registry, PlanChoice(), declared)
        except PluginError as problem:
            errors.append(problem)
        except EfipolicyError:
            pass
        return None

    return planner


def _planned(
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
    declared: MappingDeclaration | None,
) -> Planned:
    strategy, request, evident = _requested(platform, registry, choice, declared)
    made: MappingPlan = call(f"strategy {strategy.name}", strategy.plan, request, gives=MappingPlan)
    geometry = _widened(request, made.virtual_address_bits)
    made = with_unreachable(made, geometry)
    if evident and not evident.certain and made.status == "ok":
        made = made._replace(status="assumption")
    made = _with_open_questions(made, platform)
    return Planned(made, request.architecture, geometry, evident, strategy.kexec)


def _widened(request: PlanRequest, virtual_address_bits: int | None) -> Geometry:
    """The tables of a plan, which may translate more than the kernel's own addresses."""
    geometry = request.geometry
    if virtual_address_bits is None:
        return geometry
    for other in request.architecture.geometries.get(geometry.page_size, ()):
        if other.virtual_address_bits == virtual_address_bits:
            return other
    return geometry


def requested(
    platform: Platform, registry: Registry, choice: PlanChoice
) -> tuple[Strategy, PlanRequest]:
    """The strategy that `plan` asks, and what it is given. Raises what that raises."""
    declared = platform.mapping[0] if platform.mapping else None
    strategy, request, _ = _requested(platform, registry, choice, declared)
    return strategy, request


def _requested(
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
    declared: MappingDeclaration | None,
) -> tuple[Strategy, PlanRequest, StrategyChoice | None]:
    """The strategy, what it is given, and what chose it where nobody names it."""
    architecture = _architecture(platform, registry)
    named = choice.strategy or (declared.strategy if declared else None)
    from_file = declared if choice.strategy is None else None
    evident: StrategyChoice | None = None
    if named is None:
        strategy, evident = _evident(platform, registry, declared)
    else:
        span = from_file.strategy_span if from_file else None
        strategy = _strategy(named, platform, registry, span)
    values = {option.name: option.default for option in strategy.options}
    if evident:
        values |= evident.options
    if from_file:
        values |= _declared_options(strategy, from_file)
    values |= _stated_options(strategy, choice.options)
    geometry = _geometry(architecture, choice, declared)
    request = PlanRequest(
        platform=_addressable(platform),
        architecture=architecture,
        geometry=geometry,
        options=values,
    )
    return strategy, request, evident


def _evident(
    platform: Platform, registry: Registry, declared: MappingDeclaration | None
) -> tuple[Strategy, StrategyChoice]:
    """The one strategy that the evidence of a declared mapping tells.

    Raises `UsageError` where there is none, or more than one.
    """
    choices = _choices(platform, registry, declared) if declared else []
    sure = [one for one in choices if one.certain] or choices
    if len(sure) == 1:
        return _strategy(sure[0].strategy, platform, registry, None), sure[0]
    told = "the platform declares no strategy"
    if declared and declared.calls and declared.calls.services == ():
        told += ", and its kernel calls no runtime service"
    if sure:
        told += f", and its kernel fits {' and '.join(one.strategy for one in sure)}"
    fitting = ", ".join(_fitting(platform, registry))
    raise NoStrategyError(f"{told}; choose one with --strategy ({fitting})")


def _tells(platform: Platform, declared: MappingDeclaration) -> bool:
    """Whether a first kernel says of what system it is, or stands for one nobody declared."""
    stated = platform.mapping or ()
    first = any(declared is one for one in stated)
    return declared.os is not None if first else not stated


def _choices(
    platform: Platform, registry: Registry, declared: MappingDeclaration
) -> list[StrategyChoice]:
    """What plugins know of a declaration, the strategies left out that are not installed.

    What a third party's plugin gets wrong is left out too, and noted among the registry's errors.
    """
    if not _tells(platform, declared):
        return []
    choices = registry.strategy_choices(platform, declared)
    if any("strategy_choices" in one.hooks and not one.built_in for one in registry.plugins):
        from efipolicy.engine.choices import usable

        return usable(choices, platform, declared, registry)
    return [one for one in choices if registry.strategy(one.strategy)]


def declaration_errors(platform: Platform, registry: Registry) -> list[InputError]:
    """What is wrong with the declared mappings, the hops of their kexec chains included.

    Unknown strategies and options, values that are none, page sizes and address widths the
    architecture does not have.
    """
    errors: list[InputError] = []
    architecture = registry.architectures.get(platform.architecture)
    for declared in _declarations(platform.mapping or ()):
        try:
            if architecture:
                _geometry(architecture, PlanChoice(), declared)
            if declared.strategy is not None:
                strategy = _strategy(declared.strategy, platform, registry, declared.strategy_span)
                _declared_options(strategy, declared)
        except InputError as problem:
            errors.append(problem)
    return errors


def _declarations(declarations: tuple[MappingDeclaration, ...]) -> Iterator[MappingDeclaration]:
    for declared in declarations:
        yield declared
        yield from declared.kexec


def _refusal(span: SourceSpan | None, found: str, expected: str) -> EfipolicyError:
    """An error about the file when there is a place in it, else about the command line."""
    if span:
        return InputError.at(span, found, expected)
    return UsageError(f"found {found}, expected {expected}")


def _strategy(
    name: str, platform: Platform, registry: Registry, span: SourceSpan | None
) -> Strategy:
    strategy = registry.strategy(name)
    if strategy is None:
        from efipolicy.plugin.elsewhere import whose

        expected = f"one of {', '.join(sorted(registry.strategies))}"
        hint = whose("strategies", name, registry)
        raise _refusal(span, f"the unknown strategy `{name}`", expected + hint)
    known = platform.architecture in registry.architectures
    if known and not _fits(strategy, platform):
        made_for = ", ".join(sorted(strategy.architectures))
        found = f"strategy `{name}`, which is for {made_for}, on {platform.architecture}"
        raise _refusal(span, found, f"one of {', '.join(_fitting(platform, registry))}")
    return strategy


def _fits(strategy: Strategy, platform: Platform) -> bool:
    return not strategy.architectures or platform.architecture in strategy.architectures


def _fitting(platform: Platform, registry: Registry) -> list[str]:
    return sorted(s.name for s in registry.strategies.values() if _fits(s, platform))


def _architecture(platform: Platform, registry: Registry) -> Architecture:
    architecture = registry.architectures.get(platform.architecture)
    if architecture:
        return architecture
    installed = ", ".join(sorted(registry.architectures))
    if platform.architecture != UNKNOWN_ARCHITECTURE:
        from efipolicy.plugin.elsewhere import not_installed

        raise PluginError(not_installed(platform.architecture, registry))
    where = "with --arch" if platform.capture else "in `platform.architecture`"
    raise UsageError(f"the architecture is unknown; say it {where} ({installed})")


def _geometry(
    architecture: Architecture, choice: PlanChoice, declared: MappingDeclaration | None
) -> Geometry:
    """The page tables for a page size and an address width, the usual ones where these are open."""
    located = declared.located if declared else None
    size, size_span = choice.page_size, None
    if size is None and declared and declared.page_size:
        size, size_span = declared.page_size, located.span_of("page_size") if located else None
    bits, bits_span = choice.virtual_address_bits, None
    if bits is None and declared and declared.virtual_address_bits:
        bits = declared.virtual_address_bits
        bits_span = located.span_of("virtual_address_bits") if located else None
    size = size or architecture.default_page_size
    geometries = architecture.geometries.get(size, ())
    if not geometries:
        sizes = ", ".join(f"{known >> 10}K" for known in architecture.geometries)
        raise _refusal(size_span, f"pages of {size:#x} bytes", f"{architecture.name}'s: {sizes}")
    if bits is None:
        return geometries[0]
    for geometry in geometries:
        if geometry.virtual_address_bits == bits:
            return geometry
    widths = ", ".join(str(geometry.virtual_address_bits) for geometry in geometries)
    raise _refusal(
        bits_span,
        f"{bits}-bit virtual addresses",
        f"{architecture.name}'s with pages of {size >> 10}K: {widths}",
    )


def _declared_options(strategy: Strategy, declared: MappingDeclaration) -> dict[str, Any]:
    """The options a file gives. Raises `InputError` for the first that is wrong."""
    options = {option.name: option for option in strategy.options}
    reading = Reading()
    values: dict[str, Any] = {}
    for name, node in declared.options.items():
        option = options.get(name)
        if option is None:
            expected = f"an option of {strategy.name} ({', '.join(options)})"
            hint = suggestion(name, options)
            raise InputError.at(node.span, f"the unknown option `{name}`", expected + hint)
        values[name] = shape_of(option).read(node, reading)
    if reading.errors:
        raise reading.errors[0]
    return values


def _stated_options(strategy: Strategy, stated: Mapping[str, str]) -> dict[str, Any]:
    """The options of the command line. Raises `UsageError` for the first that is wrong."""
    options = {option.name: option for option in strategy.options}
    values: dict[str, Any] = {}
    for name, text in stated.items():
        option = options.get(name)
        if option is None:
            known = ", ".join(options) or "none"
            hint = suggestion(name, options)
            raise UsageError(f"{strategy.name} has no option `{name}`; it has {known}{hint}")
        reading = Reading()
        values[name] = shape_of(option).read(written_value(option, text), reading)
        if reading.errors:
            raise UsageError(f"--option {name}={text}: {reading.errors[0].message}")
    return values


def _addressable(platform: Platform) -> Platform:
    """The platform without descriptors that no operating system would map: empty, or wrapping."""
    memory_map = platform.memory_map
    garbage = {d for d in memory_map.descriptors if not d.addressable}
    if not garbage:
        return platform
    from dataclasses import replace

    return replace(platform, memory_map=memory_map.without(garbage))


def _left_out(descriptor: MemoryDescriptor) -> PlanProblem:
    """That a descriptor is empty, or ends beyond the 64-bit addresses, and is not mapped."""
    if not descriptor.number_of_pages:
        return PlanProblem("uefi/zero-pages", f"{descriptor} has no pages, and is left out")
    return PlanProblem(
        "uefi/range-wraps-address-space",
        f"{descriptor} ends beyond the 64-bit addresses, and is left out",
    )


def _with_open_questions(made: MappingPlan, platform: Platform) -> MappingPlan:
    """The plan with what the map does not say, and any plan depends on, among its problems."""
    memory_map = platform.memory_map
    problems = [
        _left_out(d) for d in memory_map.descriptors if d.number_of_pages and not d.addressable
    ]
    unknown = sum(1 for d in memory_map.descriptors if d.attribute is None)
    if unknown:
        left_out = "1 descriptor of" if unknown == 1 else f"{unknown} descriptors of"
        problems.append(
            PlanProblem(
                rule="capture/unknown-attribute",
                message=f"{left_out} unknown attribute left out",
            )
        )
    if not memory_map.descriptors and memory_map.extent != "whole":
        words = "the input holds no memory map: what is mapped where is not known"
        problems.append(PlanProblem(rule="capture/incomplete-map", message=words))
    elif memory_map.extent == "partial":
        problems.append(
            PlanProblem(
                rule="capture/incomplete-map",
                message="the map is partial: what it leaves out is mapped too, and moves the rest",
            )
        )
    status = "incomplete" if problems and made.status == "ok" else made.status
    empty = [_left_out(d) for d in memory_map.descriptors if not d.number_of_pages]
    return made._replace(status=status, problems=(*made.problems, *problems, *empty))
