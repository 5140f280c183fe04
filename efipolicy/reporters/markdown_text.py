"""Text of inputs as Markdown that GitHub and GitLab show as it is.

A message may hold anything an input or a plugin says. Words of letters and plain numbers are
written as they are; every other word stands in a code span, where neither Markdown nor what a
forge looks for in the result (mentions, issues, commits, addresses, emoji) means anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from efipolicy.reporters.lint_notes import one_line, web_address

_PIECE = re.compile(r"`([^`]+)`|([^\s`]+)|(\s+)|`")
_PLAIN = re.compile(
    r"""[("']*(?:
    (?![0-9a-fA-F]{7,}\b)[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*   # a word, but no name of a commit
    |\u00a7?\d{1,5}(?:\.\d{1,5})*                            # a number, a section
    |[-\u2013\u2014\u2026\u2192\u00b7\u00d7]?                # a dash
    )[.,;:)"']*""",
    re.VERBOSE,
)
_TRAIL = re.compile(r"[.,;:)]+\Z")
_LEAD = re.compile(r"\A\(+")


def inline(text: str) -> str:
    """Text within a line, a cell of a table or an element of HTML; it means nothing but itself."""
    return "".join(code(part) if is_code else part for is_code, part in _pieces(one_line(text)))


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """The text in turns of what is plain and what is code; two codes never touch."""
    pending = ""
    for is_code, part in _split(text):
        if is_code:
            pending += part
            continue
        if pending:
            yield True, pending
        pending = ""
        yield False, part
    if pending:
        yield True, pending


def _split(text: str) -> Iterator[tuple[bool, str]]:
    for match in _PIECE.finditer(text):
        quoted, word, blank = match.groups()
        if quoted and quoted.strip():
            yield True, quoted
        elif blank:
            yield False, " "
        elif not word:
            yield True, match[0]
        elif _PLAIN.fullmatch(word):
            yield False, word
        else:
            yield from _odd_word(word)


def _odd_word(word: str) -> Iterator[tuple[bool, str]]:
    """A word that is code, without the punctuation of the sentence around it."""
    lead = _LEAD.match(word)
    start = lead.end() if lead else 0
    trail = _TRAIL.search(word, start)
    end = trail.start() if trail else len(word)
    if word[:start]:
        yield False, word[:start]
    yield True, word[start:end]
    if word[end:]:
        yield False, word[end:]


def code(text: str) -> str:
    """Text of one line as code; in a table, too, where a bar would end the cell."""
    shown = one_line(text) or "\N{REPLACEMENT CHARACTER}"
    if any(character in shown for character in "`|\\"):
        return f"<code>{entities(shown)}</code>"
    return f"`{shown}`"


def entities(text: str) -> str:
    """Text in which everything but letters, digits and blanks is a reference to a character."""
    return "".join(
        character if character.isalnum() or character in " .,-" else f"&#{ord(character)};"
        for character in text
    )


def html_code(text: str) -> str:
    """Text of one line as code where Markdown is not read: in the summary of what is folded."""
    return f"<code>{escape(one_line(text))}</code>"


def link(text: str, uri: str) -> str:
    """Code that leads to a page; only code where the address is none of the web."""
    address = web_address(uri)
    return f"[{code(text)}]({address})" if address else code(text)


def fenced(lines: Sequence[str]) -> str:
    """Lines as they are, in a fence longer than any run of backticks in them."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def row(cells: Iterable[str]) -> str:
    """A row of a table; the cells are Markdown without a bar of their own."""
    return f"| {' | '.join(cells)} |\n"


def table_head(*heads: str) -> str:
    """The head of a table."""
    return row(heads) + row("---" for _ in heads)
