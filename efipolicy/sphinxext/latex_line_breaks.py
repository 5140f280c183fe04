"""Where lines of LaTeX may end within long names, which it would let leave the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from docutils import nodes
from sphinx import addnodes

_NUMBER: Final = re.compile(r"[(\[]?(0x)?[0-9a-f_]+[,;.)\]]*", re.IGNORECASE)
_LONG_WORD: Final = 14
"""Characters from which on a word that is no number may be broken."""

_BREAK: Final = re.compile(r"(?<=[/\-_.,=:(@+\]])(?=[^\s/\-_.,=:(@+\]])|(?<=[a-z])(?=[A-Z])")
"""Between which characters a long word may be broken."""

_SHORTEST: Final = 3
"""Characters of a piece of a broken word."""

ALLOW_BREAK: Final = r"\allowbreak{}"


def latex(text: str) -> nodes.raw:
    """What only LaTeX is told."""
    return nodes.raw("", text, format="latex")


def parents_of(node: nodes.Node) -> Iterator[nodes.Element]:
    """What a node is in, from the inside out."""
    while node.parent is not None:
        node = node.parent
        yield node


def broken(word: str) -> list[str]:
    """The pieces of a word between which a line may end; numbers stay whole."""
    if len(word) < _LONG_WORD or _NUMBER.fullmatch(word):
        return [word]
    pieces: list[str] = []
    for part in _BREAK.split(word):
        if pieces and len(pieces[-1]) < _SHORTEST:
            pieces[-1] += part
        else:
            pieces.append(part)
    if len(pieces) > 1 and len(pieces[-1]) < _SHORTEST:
        pieces[-2:] = ["".join(pieces[-2:])]
    return pieces


def _pieces(text: str) -> list[str]:
    """A text as pieces between which, and at whose blanks, a line may end."""
    pieces = [""]
    for word in re.split(r"(\s+)", text):
        first, *rest = broken(word)
        pieces[-1] += first
        pieces += rest
    return pieces


def may_be_broken(literal: nodes.literal) -> bool:
    """Whether a literal is in running text or in a table."""
    titles = (nodes.title, nodes.raw, addnodes.desc_signature, nodes.term)
    return not any(isinstance(parent, titles) for parent in parents_of(literal))


def break_literal(literal: nodes.literal) -> None:
    """Put places for the end of a line between several literals, where there was one."""
    if not all(isinstance(child, nodes.Text) for child in literal.children):
        return
    pieces = _pieces(literal.astext())
    if len(pieces) == 1:
        return
    made: list[nodes.Node] = []
    for piece in pieces:
        attributes = {"classes": list(literal["classes"])}
        if made:
            made.append(latex(ALLOW_BREAK))
        else:
            attributes["ids"] = list(literal["ids"])
        made.append(nodes.literal(piece, piece, **attributes))
    literal.replace_self(made)


def break_text(text: nodes.Text) -> None:
    """The same for words of prose in a table, such as paths and names of options."""
    pieces = _pieces(str(text))
    if len(pieces) == 1 or isinstance(text.parent, (nodes.raw, nodes.literal)):
        return
    made: list[nodes.Node] = []
    for piece in pieces:
        made += [latex(ALLOW_BREAK)] if made else []
        made.append(nodes.Text(piece))
    text.parent.replace(text, made)
