"""``efi:extension``: the directives, roles and settings of this extension, from what runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util.docutils import SphinxDirective

from efipolicy.sphinxext.domain_names import KINDS
from efipolicy.sphinxext.parts import Cell, literal, table

_HEAD: Final = re.compile(r"``\.\. (?P<signature>efi:[^`]+?)``: (?P<first>.*)", re.DOTALL)
_SINGLE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_SENTENCES: Final = re.compile(r"(?<=[.;]) +")
_SETTINGS: Final = "efipolicy_"


class EfiExtension(SphinxDirective):
    """``.. efi:extension:: PART``: the reference of this extension.

    ``PART`` is ``directives``, ``roles`` or ``settings``.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Descriptions of the directives, or a table."""
        part = self.arguments[0]
        if part == "directives":
            text = "\n\n".join(_described(name, each) for name, each in self._directives())
            return self.parse_text_to_nodes(text)
        if part == "roles":
            return [_roles()]
        if part == "settings":
            return [self._settings()]
        raise self.error(f"`{part}` is none of directives, roles, settings")

    def _directives(self) -> list[tuple[str, type[Directive]]]:
        return sorted(self.env.get_domain("efi").directives.items())

    def _settings(self) -> nodes.table:
        rows: list[list[Cell]] = [
            [literal(name), repr(option.default), option.description]
            for name, option in sorted(self.config.values.items())
            if name.startswith(_SETTINGS)
        ]
        return table(("setting of conf.py", "without it", "meaning"), rows)


def _roles() -> nodes.table:
    rows: list[list[Cell]] = [
        [
            words,
            literal(f":efi:{'attr' if kind == 'attribute' else kind}:`NAME`"),
            literal(f".. efi:{kind}:: NAME"),
        ]
        for kind, words in KINDS.items()
    ]
    return table(("object", "refer to it", "describe it"), rows)


def _described(name: str, directive: type[Directive]) -> str:
    """A directive in reStructuredText: how it is written, what it makes, and its options."""
    signature, first, rest = told_of(directive, name)
    lines = [f".. rst:directive:: {signature}", "", *_indented(first), ""]
    for paragraph in rest:
        lines += [*_indented(paragraph), ""]
    for option in sorted(directive.option_spec or {}):
        lines += [f"   .. rst:directive:option:: {option}", ""]
        lines += [f"      {line}" for line in option_told(directive, option).splitlines()]
        lines.append("")
    return "\n".join(lines)


def told_of(directive: type[Directive], name: str) -> tuple[str, str, list[str]]:
    """How a directive is written, its first sentence, and the paragraphs about no option.

    Raises `ValueError` for one that does not say how it is written.
    """
    head, *more = _paragraphs(directive)
    found = _HEAD.fullmatch(head)
    if found is None:
        raise ValueError(f"the directive efi:{name} does not say how it is written")
    rest = [text for text in map(_without_options, more) if text]
    return f".. {found['signature']}", _sentence(found["first"]), rest


def option_told(directive: type[Directive], option: str) -> str:
    """The sentence about an option, of the directive or of what it has in common with others.

    Raises `ValueError` for one that nobody tells.
    """
    for each in directive.__mro__:
        for sentence in _sentences(each):
            if f"``:{option}:" in sentence:
                return sentence
    raise ValueError(f"the option {option} of {directive.__name__} is not described")


def _sentences(described: type[object]) -> Iterator[str]:
    for paragraph in _paragraphs(described):
        yield from map(_sentence, _SENTENCES.split(paragraph))


def _without_options(paragraph: str) -> str:
    """What a paragraph says besides its options, each of which has a place of its own."""
    sentences = [each for each in _SENTENCES.split(paragraph) if "``:" not in each]
    return " ".join(map(_sentence, sentences))


def _sentence(text: str) -> str:
    """Part of a sentence as one of its own."""
    whole = text.rstrip(".;") + "."
    return whole[:1].upper() + whole[1:]


def _paragraphs(described: type[object]) -> list[str]:
    """The paragraphs of a docstring, a line each; a name in backquotes is literal."""
    text = cleandoc(described.__dict__.get("__doc__") or "")
    return [_SINGLE.sub(r"``\1``", " ".join(each.split())) for each in text.split("\n\n")]


def _indented(text: str) -> list[str]:
    return [f"   {line}" for line in text.splitlines()]
