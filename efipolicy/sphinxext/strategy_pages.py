"""``efi:strategy`` and ``efi:strategies``: the page of a strategy, and the list of all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, cast

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from efipolicy.engine.planned import Planned
from efipolicy.errors import EfipolicyError
from efipolicy.plugin import KexecRole, Option, RuntimeCall, Strategy
from efipolicy.plugin.options import option_text
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import (
    Cell,
    fact_line,
    literal,
    paragraph,
    quoted,
    separated,
    table,
)
from efipolicy.sphinxext.strategy_examples import (
    Example,
    example_mapping,
    example_nodes,
    example_of,
)
from efipolicy.sphinxext.strategy_kexec import kexec_nodes, role_words

_NAMED: Final = re.compile(r"(?<![:`])``([a-z0-9_]+/[a-z0-9-]+|[a-z0-9]+(?:-[a-z0-9]+)*)``")


class EfiStrategy(SphinxDirective):
    """``.. efi:strategy:: name``: everything that is known of one strategy."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Facts and a picture first, then how it is done, up to kernels before and after."""
        strategy = registry().strategies.get(self.arguments[0])
        if strategy is None:
            raise self.error(f"no installed strategy is called `{self.arguments[0]}`")
        for path in (strategy.plan.__code__.co_filename, strategy.page):
            if path:
                self.env.note_dependency(path)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("strategy", strategy.name, anchor="", title=strategy.title)
        try:
            example = example_of(strategy)
        except EfipolicyError as problem:
            raise self.error(str(problem)) from problem
        if example:
            self.env.note_dependency(example.path)
        return [
            paragraph(f"{strategy.title}."),
            fact_line(*_facts(strategy, example)),
            *example_mapping(example),
            *_section("How firmware is called", _call(example)),
            *_section("Options", _options(strategy)),
            *self._told(strategy),
            *_section("Worked example", example_nodes(strategy, example)),
            *_section("Kernels before and after", kexec_nodes(strategy, example)),
        ]

    def _told(self, strategy: Strategy) -> list[nodes.Node]:
        """What the plugin says itself; rules and other strategies it names are links."""
        if strategy.page is None:
            return []
        with open(strategy.page, encoding="utf-8") as source:
            text = source.read()
        return self.parse_text_to_nodes(linked(text, strategy), allow_section_headings=True)


class EfiStrategies(SphinxDirective):
    """``.. efi:strategies::``: the installed strategies, what they are and where they fit."""

    def run(self) -> list[nodes.Node]:
        """A table for each architecture, and one of what fits more than one."""
        made: list[nodes.Node] = []
        for fits, members in _by_architecture(registry().strategies.values()):
            section = nodes.section("", nodes.title(fits, fits), ids=[nodes.make_id(f"for {fits}")])
            rows: list[list[Cell]] = [
                [
                    reference("strategy", each.name, optional=True),
                    each.title,
                    _svam(example_of(each)),
                ]
                for each in members
            ]
            heads = ("strategy", "what it is", "SetVirtualAddressMap")
            section += table(heads, rows, classes=["ep-strategies"])
            made.append(section)
        return made


def _by_architecture(strategies: Iterable[Strategy]) -> list[tuple[str, list[Strategy]]]:
    groups: dict[str, list[Strategy]] = {}
    for strategy in sorted(strategies, key=lambda each: each.name):
        single = len(strategy.architectures) == 1
        key = next(iter(strategy.architectures)) if single else "Several architectures"
        groups.setdefault(key, []).append(strategy)
    return sorted(groups.items())


def linked(text: str, strategy: Strategy) -> str:
    """Text in which the literal names of installed rules and other strategies are links."""
    installed = registry()

    def link(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in installed.rules:
            return f":efi:rule:`{name}`"
        if name in installed.strategies and name != strategy.name:
            return f":efi:strategy:`{name}`"
        return match.group()

    return _NAMED.sub(link, text)


def _section(title: str, content: list[nodes.Node]) -> list[nodes.Node]:
    """A section, unless there is nothing to put into it."""
    if not content:
        return []
    return [nodes.section("", nodes.title(title, title), *content, ids=[nodes.make_id(title)])]


def _facts(strategy: Strategy, example: Example | None) -> list[tuple[str, Cell]]:
    fits = ", ".join(sorted(strategy.architectures)) or "all"
    told: list[tuple[str, Cell]] = [
        ("architectures", fits),
        ("SetVirtualAddressMap", _svam(example)),
    ]
    if example:
        register = re.split("[,:]", example.made.plan.call.register)[0]
        told.append(("address space", register))
    told.append(("kexec", _kexec(strategy.kexec)))
    return told


def _svam(example: Example | None) -> str:
    """Whether it is called, as the plan of the worked example has it."""
    if example is None:
        return "not known"
    return "never called" if example.made.plan.svam is None else "called"


def _kexec(role: KexecRole | None) -> str:
    return "not judged" if role is None else role_words(role)


def _call(example: Example | None) -> list[nodes.Node]:
    """What a call does to the processor, as far as a source says it."""
    if example is None:
        return []
    call = example.made.plan.call
    rows: list[list[Cell]] = [[name, quoted(value)] for name, value in call_facts(call) if value]
    rows.append(["leaves", _leaf_words(example.made)])
    return [table(("fact", "value"), rows)]


def call_facts(call: RuntimeCall) -> list[tuple[str, str | None]]:
    """The facts of a call by their names; ``None`` where no source says so."""
    return [
        ("address space", call.register),
        ("stays mapped", call.stays_mapped),
        ("flushes", call.flushes),
        ("preemption", call.preemption),
        ("interrupts", call.interrupts),
        ("floating-point state", call.fp_state),
        ("saved state", call.saved_state),
    ]


def _leaf_words(made: Planned) -> str:
    if made.page_tables() is None:
        return "none: each region of the address space translates from the address itself"
    if made.plan.largest_leaf == made.geometry.page_size:
        return "pages only"
    if made.plan.leaf_policy == "va-only":
        return "as large as the virtual address allows; nobody looks at the physical one"
    small = sum(mapping.pages_only for mapping in made.plan.mappings)
    if small == len(made.plan.mappings):
        return "pages only"
    kept = f"; {small} of {len(made.plan.mappings)} regions below in pages only" if small else ""
    return f"as large as the virtual and the physical address allow{kept}"


def _options(strategy: Strategy) -> list[nodes.Node]:
    if not strategy.options:
        return [paragraph("It has no options.")]
    heads = ("option", "kind", "default", "meaning")
    return [table(heads, [option_row(option) for option in strategy.options])]


def option_row(option: Option) -> list[Cell]:
    """The name of an option, its kind or choices, its default and its meaning."""
    kind: Cell = option.kind
    if option.choices:
        kind = separated(literal(choice) for choice in option.choices)
    default: Cell = "not known"
    if option.default is not None:
        default = literal(option_text(option, option.default))
    return [literal(option.name), kind, default, quoted(option.doc)]
