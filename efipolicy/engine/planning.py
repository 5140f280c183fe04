"""Ask a strategy for the mapping it would install."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from efipolicy.errors import PluginError, UsageError
from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.paging import Geometry
from efipolicy.plugin import Architecture, Option, PlanRequest, Strategy
from efipolicy.plugin.registry import Registry
from efipolicy.source import InputError, Located
from efipolicy.source.document import Scalar, Sequence
from efipolicy.source.shape import suggestion


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
    platform file does, `PluginError` when the architecture is not installed.
    """
    declared = platform.mapping[0] if platform.mapping else None
    strategy = _strategy(platform, registry, choice, declared)
    architecture = _architecture(platform, registry)
    given: Mapping[str, Located] = {}
    if declared and choice.strategy is None:
        given = declared.options
    page_size = choice.page_size or (declared.page_size if declared else None)
    bits = choice.virtual_address_bits or (declared.virtual_address_bits if declared else None)
    request = PlanRequest(
        platform=platform,
        architecture=architecture,
        geometry=geometry_of(architecture, page_size, bits),
        options=resolved_options(strategy, given, choice.options),
    )
    return strategy.plan(request)


def _strategy(
    platform: Platform,
    registry: Registry,
    choice: PlanChoice,
    declared: MappingDeclaration | None,
) -> Strategy:
    name = choice.strategy or (declared.strategy if declared else None)
    fitting = [s.name for s in registry.strategies.values() if _fits(s, platform)]
    if name is None:
        raise UsageError(
            "the platform declares no mapping; choose one with --strategy "
            f"({', '.join(sorted(fitting))})"
        )
    strategy = registry.strategies.get(name)
    if strategy is None:
        known = ", ".join(sorted(registry.strategies))
        problem, expected = f"the unknown strategy `{name}`", f"one of {known}"
        expected += suggestion(name, registry.strategies)
    elif not _fits(strategy, platform):
        made_for = ", ".join(sorted(strategy.architectures))
        problem = f"strategy `{name}`, which is for {made_for}, on {platform.architecture}"
        expected = f"one of {', '.join(sorted(fitting))}"
    else:
        return strategy
    if choice.strategy is None and declared and declared.strategy_span:
        raise InputError.at(declared.strategy_span, problem, expected)
    raise UsageError(f"found {problem}, expected {expected}")


def _fits(strategy: Strategy, platform: Platform) -> bool:
    return not strategy.architectures or platform.architecture in strategy.architectures


def _architecture(platform: Platform, registry: Registry) -> Architecture:
    architecture = registry.architectures.get(platform.architecture)
    if architecture is None:
        installed = ", ".join(sorted(registry.architectures))
        if platform.architecture == "unknown":
            raise UsageError(f"the architecture is unknown; say it with --arch ({installed})")
        raise PluginError(
            f"architecture `{platform.architecture}` is not installed; installed: {installed}"
        )
    return architecture


def geometry_of(
    architecture: Architecture, page_size: int | None, virtual_address_bits: int | None
) -> Geometry:
    """The page tables for a page size in bytes and an address width; the usual ones by default.

    Raises `UsageError` for a combination the architecture does not have.
    """
    size = page_size or architecture.default_page_size
    geometries = architecture.geometries.get(size, ())
    if not geometries:
        sizes = ", ".join(f"{known >> 10}K" for known in architecture.geometries)
        raise UsageError(f"{architecture.name} has no pages of {size:#x} bytes; it has {sizes}")
    if virtual_address_bits is None:
        return geometries[0]
    for geometry in geometries:
        if geometry.virtual_address_bits == virtual_address_bits:
            return geometry
    widths = ", ".join(str(geometry.virtual_address_bits) for geometry in geometries)
    raise UsageError(
        f"{architecture.name} has no {virtual_address_bits}-bit addresses with pages of "
        f"{size >> 10}K; it has {widths}"
    )


def resolved_options(
    strategy: Strategy, given: Mapping[str, Located], stated: Mapping[str, str]
) -> dict[str, Any]:
    """Every option of a strategy with its value: stated on the command line, given, or default.

    Raises `InputError` for a bad option of the file and `UsageError` for one of the command line.
    """
    declared = {option.name: option for option in strategy.options}
    values = {option.name: option.default for option in strategy.options}
    for name, located in given.items():
        option = declared.get(name)
        if option is None:
            expected = f"an option of {strategy.name} ({', '.join(declared)})"
            raise InputError.at(
                located.span, f"the unknown option `{name}`", expected + suggestion(name, declared)
            )
        value = _option_value(option, _texts(located))
        if value is None or (option.kind == "version" and _is_plain(located)):
            raise InputError.at(located.span, f"`{located.span.text}`", _expected(option))
        values[name] = value
    for name, text in stated.items():
        option = declared.get(name)
        if option is None:
            known = ", ".join(declared) or "none"
            hint = suggestion(name, declared)
            raise UsageError(f"{strategy.name} has no option `{name}`; it has {known}{hint}")
        value = _option_value(option, text.strip("[] ").split(","))
        if value is None:
            raise UsageError(f"--option {name}={text}: expected {_expected(option)}")
        values[name] = value
    return values


def _texts(located: Located) -> list[str]:
    if isinstance(located, Sequence):
        return [item.text if isinstance(item, Scalar) else "" for item in located.items]
    return [located.text] if isinstance(located, Scalar) else []


def _is_plain(located: Located) -> bool:
    return isinstance(located, Scalar) and located.plain


def _expected(option: Option) -> str:
    phrases = {
        "version": 'a quoted version such as "6.12"',
        "address": "an address",
        "integer": "an integer",
        "boolean": "`true` or `false`",
        "range": "a range: [start, end)",
        "choice": "one of " + ", ".join(f"`{choice}`" for choice in option.choices),
        "text": "text",
    }
    return phrases[option.kind]


def _option_value(option: Option, texts: list[str]) -> Any:
    """The typed value of an option, or ``None`` when the texts do not spell one."""
    texts = [text.strip() for text in texts]
    if option.kind == "range":
        ends = [end for text in texts if (end := _number(text)) is not None]
        return AddressRange(*ends) if len(ends) == len(texts) == 2 and ends[0] < ends[1] else None
    if len(texts) != 1:
        return None
    text = texts[0]
    match option.kind:
        case "version":
            return (
                tuple(map(int, text.split(".")))
                if re.fullmatch(r"\d+\.\d+(\.\d+)?", text)
                else None
            )
        case "address" | "integer":
            return _number(text)
        case "boolean":
            return {"true": True, "false": False}.get(text)
        case "choice":
            return text if text in option.choices else None
        case _:
            return text


def _number(text: str) -> int | None:
    try:
        value = int(text, 0)
    except ValueError:
        return None
    return value if 0 <= value < 1 << 64 else None
