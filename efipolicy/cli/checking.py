"""What ``efipolicy plugins --check`` looks at, beyond that every plugin loads.

Everything a plugin contributes is built and asked once: the examples of rules are true, options
take their own defaults, pages are there, strategies plan a small map, hand-overs judge one, formats
read nothing into noise, reporters print an empty report, policies can be loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from efipolicy.engine.choices import usable
from efipolicy.errors import EfipolicyError, PluginError
from efipolicy.model.finding import Report
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, MappingDeclaration
from efipolicy.paging import RadixGeometry
from efipolicy.paging.entries import EntryFormats
from efipolicy.plugin import (
    Architecture,
    Bad,
    CaptureFormat,
    Good,
    HandoverVariant,
    Option,
    PlanRequest,
    RenderOptions,
    Reporter,
    Rule,
    SourceText,
    Strategy,
)
from efipolicy.plugin.calling import one_line, raised_at
from efipolicy.plugin.handovers import handover_request
from efipolicy.plugin.options import option_text, option_values, written_value
from efipolicy.plugin.registry import Plugin, Registry
from efipolicy.plugin.sound import (
    SINGULAR,
    check_value,
    sound_judgement,
    sound_plan,
    sound_reading,
    sound_text,
)
from efipolicy.policy.loading import read_policy
from efipolicy.policy.requirements import load_requirements
from efipolicy.policy.settings import SettingsError
from efipolicy.source.document import Scalar
from efipolicy.testing import factories
from efipolicy.testing.examples import ExampleError, RuleCase

NOISE = ("", "\n", "no memory map here\n", "[    0.000000] efi: mem00: [\n", "\x00\ufffd\r\n")
"""Texts in which nobody should find a platform, and with which every reader should cope."""

_DAY = "2027-01-01"

Problems = dict[Plugin, list[str]]


def problems_of(registry: Registry) -> Problems:
    """What is wrong with the plugins that loaded, by plugin, each thing in one sentence."""
    registry.load_all()
    found: Problems = {}
    for kind, check in _CHECKS.items():
        values: dict[str, Any] = dict(getattr(registry, kind))
        for name, value in values.items():
            plugin = registry.owner(kind, name)
            told = found.setdefault(plugin, [])
            what = f"{SINGULAR[kind]} `{name}`"
            try:
                if kind != "policies":
                    check_value(kind, value)
                told += [f"{what}: {wrong}" for wrong in check(value, registry)]
            except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
                told.append(f"{what}: {_reason(problem)}")
    _ask_for_choices(registry)
    for plugin, conflict in _conflicts(registry):
        found.setdefault(plugin, []).append(conflict)
    for plugin in registry.plugins:
        if plugin.status == "ok" and not plugin.hooks:
            found.setdefault(plugin, []).append("it answers no hook, so it does nothing")
    return {plugin: told for plugin, told in found.items() if told}


def errors_of(problems: Problems) -> list[PluginError]:
    """The problems as errors, each with the plugin, its distribution and what to do."""
    return [
        PluginError(f"{plugin.owner}: {problem}; {plugin.remedy}")
        for plugin, told in problems.items()
        for problem in told
    ]


def _reason(problem: BaseException) -> str:
    if isinstance(problem, (EfipolicyError, ExampleError)):
        return one_line(problem)
    return f"{type(problem).__name__}: {one_line(problem)}{raised_at(problem)}"


def _architecture(value: Architecture, _registry: Registry) -> Iterator[str]:
    for geometries in value.geometries.values():
        for geometry in geometries:
            if value.entry_formats and isinstance(geometry, RadixGeometry):
                formats: object = value.entry_formats(geometry)
                if not isinstance(formats, EntryFormats):
                    yield f"its entry_formats gave {type(formats).__name__}, not EntryFormats"


def _strategy(value: Strategy, registry: Registry) -> Iterator[str]:
    yield from _options(value.options)
    if value.page is not None and not os.path.isfile(value.page):
        yield f"its page {value.page} does not exist"
    options = {option.name: option.default for option in value.options}
    for name, architecture in registry.architectures.items():
        if value.architectures and name not in value.architectures:
            continue
        platform = factories.platform(
            "EfiConventionalMemory  0x0  256  WB",
            "EfiRuntimeServicesCode  0x7e000000  256  RUNTIME WB",
            "EfiRuntimeServicesData  0x7e100000  256  RUNTIME WB",
            architecture=name,
        )
        geometry = architecture.geometries[architecture.default_page_size][0]
        request = PlanRequest(platform, architecture, geometry, options)
        try:
            sound_plan(value.plan(request))
        except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
            yield f"it cannot plan a small map of {name}: {_reason(problem)}"
            return


def _ask_for_choices(registry: Registry) -> None:
    """Ask every plugin which strategy a kernel takes; the registry notes who fails at that.

    Who names what there is not fails too.
    """
    for name in registry.architectures:
        platform = factories.platform("EfiConventionalMemory  0x0  256  WB", architecture=name)
        for system in (None, "linux", "no-such-system"):
            declared = MappingDeclaration(os=system, options={})
            usable(registry.strategy_choices(platform, declared), platform, declared, registry)


def _options(options: tuple[Option, ...]) -> Iterator[str]:
    """An option's default is a value the option takes, written as a command line would have it."""
    for option in options:
        if option.default is None:
            continue
        written = written_value(option, option_text(option, option.default))
        key = Scalar(SourceText("--option", option.name), 0, 0, option.name, plain=True)
        try:
            option_values([option], {option.name: (key, written)})
        except Exception as problem:  # noqa: BLE001 - whatever a stranger's default does to a shape
            yield f"its option {option.name} does not take its own default: {_reason(problem)}"


def _rule(value: Rule, registry: Registry) -> Iterator[str]:
    yield from _options(value.options)
    for field in ("summary", "help"):
        if not getattr(value, field).strip():
            yield f"it has no {field}"
    kinds = {isinstance(example, Bad) for example in value.examples}
    if True not in kinds:
        yield "it has no bad example, so nothing shows that it reports anything"
    if False not in kinds:
        yield "it has no good example, so nothing shows that it lets anything pass"
    if value.architectures and not value.architectures & registry.architectures.keys():
        return
    untried = []
    for kind in (Bad, Good):
        examples = [example for example in value.examples if isinstance(example, kind)]
        for number, example in enumerate(examples, 1):
            case = RuleCase(value, example, number, registry.architectures, registry)
            told = list(_example(case))
            absent = _absent(case, registry) if told else []
            if absent:
                untried.append(f"{case} ({', '.join(absent)})")
            else:
                yield from told
    if untried:
        warning = f"rule `{value.id}`: examples that need what is not installed: "
        registry.owner("rules", value.id).warnings.append(warning + "; ".join(untried))


def _absent(case: RuleCase, registry: Registry) -> list[str]:
    """What an example of a rule draws on and no installed plugin has, each in a word or two.

    That nobody knows the strategy of a system counts where the example is ours: it has been tried
    with all of ours. In a stranger's it may be the mistake.
    """
    ours = registry.owner("rules", case.rule.id).built_in
    try:
        platform = case.platform
    except Exception:  # noqa: BLE001 - a stranger's example may raise anything
        return []
    architecture = platform.architecture
    absent = set()
    if architecture not in (UNKNOWN_ARCHITECTURE, *registry.architectures):
        absent.add(f"architecture `{architecture}`")
    for declared in platform.mapping or ():
        for one in (declared, *declared.kexec):
            if one.strategy and one.strategy not in registry.strategies:
                absent.add(f"strategy `{one.strategy}`")
            elif ours and one.os and not (one.strategy or registry.strategy_choices(platform, one)):
                absent.add(f"the strategy of {one.os}")
    absent |= {f"rule `{one.rule}`" for one in platform.accept if one.rule not in registry.rules}
    return sorted(absent)


def _example(case: RuleCase) -> Iterator[str]:
    """An example reports the entries it says it does."""
    try:
        found = case.found()
    except Exception as problem:  # noqa: BLE001 - a stranger's code may raise anything
        yield f"its example {case} fails: {_reason(problem)}"
        return
    if found != case.expected:
        yield f"its example {case} reports {list(found)}, not {list(case.expected)}"


def _format(value: CaptureFormat, _registry: Registry) -> Iterator[str]:
    for noise in NOISE:
        reading = sound_reading(value.read(SourceText("noise", noise)))
        if reading is not None and reading.platform.memory_map.descriptors:
            yield f"it finds a memory map in {noise!r}"


def _reporter(value: Reporter, _registry: Registry) -> Iterator[str]:
    sound_text(value.render(Report((), (), _DAY), RenderOptions()))
    yield from ()


def _handover(value: HandoverVariant, registry: Registry) -> Iterator[str]:
    for name, architecture in registry.architectures.items():
        if value.architectures and name not in value.architectures:
            continue
        platform = factories.platform("EfiConventionalMemory  0x0  256  WB", architecture=name)
        sound_judgement(value.judge(handover_request(platform, architecture)))
    yield from ()


def _policy(value: str, registry: Registry) -> Iterator[str]:
    try:
        read_policy(value, registry.policies)
    except SettingsError as problem:
        yield from map(str, problem.problems)


_CHECKS: dict[str, Callable[[Any, Registry], Iterator[str]]] = {
    "architectures": _architecture,
    "strategies": _strategy,
    "handovers": _handover,
    "rules": _rule,
    "formats": _format,
    "reporters": _reporter,
    "policies": _policy,
}


def _conflicts(registry: Registry) -> Iterator[tuple[Plugin, str]]:
    """Where two plugins say different things under one name."""
    taken: dict[str, str] = dict.fromkeys(registry.rules, "")
    for id, rule in registry.rules.items():
        for alias in rule.aliases:
            other = taken.setdefault(alias, id)
            if other != id:
                whose = f"the alias of rule `{other}` too" if other else "another rule's id"
                yield registry.owner("rules", id), f"rule `{id}`: its alias `{alias}` is {whose}"
    dialects: dict[str, str] = {}
    for name, form in registry.formats.items():
        for dialect in form.dialects:
            first = dialects.setdefault(dialect, name)
            if first != name:
                told = f"capture format `{name}`: its dialect `{dialect}` is one of `{first}` too"
                yield registry.owner("formats", name), told
    registers = registry.requirements
    for path, plugin in registers.items():
        _, errors = load_requirements({path: plugin})
        for error in errors:
            yield plugin, one_line(error).removeprefix(f"{plugin.owner}, ")
