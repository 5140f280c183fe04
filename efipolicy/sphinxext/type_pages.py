"""``efi:types`` and ``efi:attributes``: what a memory descriptor can say, each with its rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import CodeType
from typing import Any, Final, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from efipolicy.drawing.bit_field import BitWord
from efipolicy.drawing.bit_field_cells import bits_text
from efipolicy.drawing.bit_field_words import Href, attribute_word
from efipolicy.drawing.notation import TypeStyle, address_text, counted, type_style
from efipolicy.drawing.svg import SvgWriter
from efipolicy.drawing.textures import draw_filled, draw_patterns
from efipolicy.model.efi import ATTRIBUTE_BITS, EFI_MEMORY_ISA_MASK, EfiMemoryType
from efipolicy.plugin import Rule
from efipolicy.sphinxext.bit_fields import ATTRIBUTE_TITLE, figure_named, word_figure
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, literal, paragraph, quoted, table
from efipolicy.sphinxext.type_facts import ATTRIBUTES, RANGES, TYPES, AttributeFacts, TypeFacts

_SWATCH: Final = (28, 14)
_NOT_SAID: Final = "no statement"
_TEXTURES: Final = {
    "diagonal": "diagonal lines",
    "cross": "crossed lines",
    "horizontal": "horizontal lines",
    "dots": "dots",
}


class efi_swatch(nodes.Inline, nodes.TextElement):  # noqa: N801 - docutils names nodes so
    """The colour and the texture of a memory ``type`` where pictures can be shown.

    ``figure`` starts the ids in it.
    """


def _visit_swatch(self: Any, node: efi_swatch) -> None:
    self.body.append(swatch_svg(node["type"], node["figure"]))
    raise nodes.SkipNode


def swatch_svg(memory_type: int, figure_id: str) -> str:
    """The colour and the texture of a type as a picture of one text line, ids as in a figure."""
    svg = SvgWriter("inline")
    style: TypeStyle = type_style(memory_type)
    draw_patterns(svg, figure_id, (style,))
    width, height = _SWATCH
    draw_filled(svg, figure_id, style, (0.5, 0.5, width - 1, height - 1))
    inner = "".join(svg.lines)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    align = 'style="vertical-align:-.15em"'
    return f'<svg class="ep-fig ep-swatch" {size} {align} aria-hidden="true">{inner}</svg>'


def _skip(_self: Any, _node: nodes.Node) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the node with every builder Sphinx brings."""
    skip = (_skip, None)
    app.add_node(
        efi_swatch,
        html=(_visit_swatch, None),
        latex=skip,
        text=skip,
        man=skip,
        texinfo=skip,
    )


class EfiTypes(SphinxDirective):
    """``.. efi:types::``: every memory type: its number, its look, its meaning and its rules."""

    def run(self) -> list[nodes.Node]:
        """The table of all, and a section each."""
        rows = [_type_row(number, facts) for number, facts in TYPES.items()]
        rows += [
            [
                _swatch(each.first),
                f"{each.first:#x} to {each.last:#x}",
                each.title,
                each.meaning,
                "\N{SECTION SIGN}7.2.1",
                "",
            ]
            for each in RANGES
        ]
        heads = ("drawn", "number", "type", "what it is", "UEFI 2.11", "rules")
        made: list[nodes.Node] = [table(heads, rows, classes=["ep-types"])]
        for number, facts in TYPES.items():
            name = EfiMemoryType(number).name
            told = [*_type_facts(number, facts), *_rules(rules_about(name), name)]
            made.append(_described(self, "type", name, facts.meaning, told))
        return made


def type_anchor(name: str) -> str:
    """The anchor of a type or an attribute on its page."""
    return str(nodes.make_id(name))


def _type_row(number: int, facts: TypeFacts) -> list[Cell]:
    name = EfiMemoryType(number).name
    section = facts.section.removeprefix("UEFI 2.11 ").partition(",")[0]
    return [_swatch(number), str(number), _link(name), facts.meaning, section, _rules_link(name)]


def _swatch(memory_type: int, place: str = "row") -> efi_swatch:
    return efi_swatch("", "", type=memory_type, figure=f"swatch-{place}-{memory_type:x}")


def _link(name: str) -> nodes.Node:
    text = nodes.literal(name, name)
    return nodes.reference("", "", text, internal=True, refid=type_anchor(name))


def _rules_link(name: str) -> Cell:
    """How many rules there are about something, and where."""
    number = str(len(rules_about(name)))
    if number == "0":
        return number
    return nodes.reference("", number, internal=True, refid=_rules_anchor(name))


def _rules_anchor(name: str) -> str:
    return f"rules-about-{type_anchor(name)}"


def _type_facts(number: int, facts: TypeFacts) -> list[nodes.Node]:
    style = type_style(number)
    texture = f", {_TEXTURES[style.texture]}" if style.texture else ""
    drawn: Cell = [_swatch(number, "fact"), nodes.Text(f" {style.label}{texture}")]
    rows: list[list[Cell]] = [
        ["number", [literal(str(number)), nodes.Text(", "), literal(f"{number:#x}")]],
        ["in pictures", drawn],
        ["until ExitBootServices", facts.before],
        ["for an operating system", facts.after],
        ["EFI_MEMORY_RUNTIME", facts.runtime or _NOT_SAID],
        ["ACPI range type", facts.acpi or _NOT_SAID],
        ["since", facts.since],
        ["specification", facts.section],
    ]
    return [paragraph(facts.meaning), table(("fact", "value"), rows)]


class EfiAttributes(SphinxDirective):
    """``.. efi:attributes::``: every attribute of a descriptor: its bits, meaning and rules."""

    def run(self) -> list[nodes.Node]:
        """The picture of the word, the table of all, and a section each."""
        figure_id = figure_named(self, "bits-attribute", None)
        anchors = {_low(name): f"#{type_anchor(_full(name))}" for name in ATTRIBUTES}

        def word(href: Href) -> BitWord:
            return attribute_word(href=href)

        figure = word_figure(word, figure_id, ATTRIBUTE_TITLE, anchors.get)
        heads = ("bits", "attribute", "value", "what it is", "since", "rules")
        names = sorted(ATTRIBUTES, key=_low, reverse=True)
        rows = [_attribute_row(name, ATTRIBUTES[name]) for name in names]
        made: list[nodes.Node] = [
            figure,
            table(heads, rows, ids=[f"{figure_id}-fields"], classes=["ep-types"]),
        ]
        for name in names:
            facts, full = ATTRIBUTES[name], _full(name)
            told = [*_attribute_facts(name, facts), *_rules(rules_about(full), full)]
            made.append(_described(self, "attribute", full, facts.meaning, told))
        return made


def _full(name: str) -> str:
    return f"EFI_MEMORY_{name}"


def _mask(name: str) -> int:
    return EFI_MEMORY_ISA_MASK if name == "ISA_MASK" else ATTRIBUTE_BITS[name]


def _low(name: str) -> int:
    return (_mask(name) & -_mask(name)).bit_length() - 1


def _bits(name: str) -> str:
    return bits_text(_mask(name).bit_length() - 1, _low(name))


def _attribute_row(name: str, facts: AttributeFacts) -> list[Cell]:
    value, rules = literal(f"{_mask(name):#x}"), _rules_link(_full(name))
    return [_bits(name), _link(_full(name)), value, facts.meaning, facts.since, rules]


def _attribute_facts(name: str, facts: AttributeFacts) -> list[nodes.Node]:
    rows: list[list[Cell]] = [
        ["bits", _bits(name)],
        ["value", literal(address_text(_mask(name), 4))],
        ["in platform files", literal(name)]
        if name in ATTRIBUTE_BITS
        else ["in platform files", "as part of the number"],
        ["what it states", facts.kind],
        ["since", facts.since],
        ["specification", facts.section],
    ]
    return [paragraph(facts.meaning), table(("fact", "value"), rows)]


def _described(
    directive: SphinxDirective, kind: str, name: str, title: str, told: Sequence[nodes.Node]
) -> nodes.section:
    """The section of a thing, which references to it lead to."""
    domain = cast(EfipolicyDomain, directive.env.get_domain("efi"))
    anchor = type_anchor(name)
    domain.note(kind, name, anchor=anchor, title=title)
    return nodes.section("", nodes.title("", "", literal(name)), *told, ids=[anchor], names=[name])


def _rules(rules: Sequence[Rule], name: str) -> list[nodes.Node]:
    if not rules:
        return [paragraph("No installed rule is about it.")]
    rows: list[list[Cell]] = [
        [reference("rule", rule.id, optional=True), quoted(rule.summary)] for rule in rules
    ]
    heads = (counted(len(rules), "rule"), "what it finds")
    title, ids = f"Rules about {name}", [_rules_anchor(name)]
    return [table(heads, rows, ids=ids, title=title, classes=["ep-about"])]


@cache
def rules_about(name: str) -> tuple[Rule, ...]:
    """The installed rules whose page, help or check names a memory type or an attribute."""
    named = re.compile(rf"\b{re.escape(name)}\b")
    return tuple(
        rule
        for rule in sorted(registry().rules.values(), key=lambda rule: rule.id)
        if named.search(f"{rule.summary}\n{rule.page}\n{rule.help}") or name in _names_in(rule)
    )


@cache
def _names_in(rule: Rule) -> frozenset[str]:
    """The types and attributes that the module of a rule's check uses."""
    names: set[str] = set()
    for name, value in rule.check.__globals__.items():
        if name.startswith("EFI_MEMORY_"):
            names.add(name)
        elif getattr(value, "__module__", None) == rule.check.__module__:
            code = getattr(value, "__code__", None)
            names.update(*(each.co_names for each in _codes(code)) if code else ())
        elif isinstance(value, (EfiMemoryType, Iterable)):
            names.update(_types_in(value))
    return frozenset(names)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions and comprehensions inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _types_in(value: object) -> Iterator[str]:
    """The names of the memory types that a constant is, or is a collection of."""
    if isinstance(value, EfiMemoryType):
        yield value.name
    elif isinstance(value, (tuple, list, set, frozenset, dict)):
        for item in value:
            yield from _types_in(item)
