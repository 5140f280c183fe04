"""Words that a search finds pages by besides those on them; there is no script of our own.

Addresses that stand only in a picture, because no table follows it, are words of its page too.

Sphinx looks for a word as a whole and, when no page has it, within longer words. So a page with
``EFI_MEMORY_RUNTIME`` is also filed under its parts, because other pages have ``runtime`` alone,
and an address under every way of writing it that is not part of another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Final, TypeAlias, cast

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.domains.index import IndexDomain
from sphinx.search import SearchLanguage, languages
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.index_entries import split_index_msg

from efipolicy.sphinxext.elements import efi_figure

_ADDRESS: Final = re.compile(r"0[xX](?=[0-9A-Fa-f_]{4})([0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*)")
_BARE: Final = re.compile(r"[0-9A-Fa-f]{16}|[0-9A-Fa-f]{4}(?:_[0-9A-Fa-f]{4}){2,3}")
_JOINED: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+")
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PREFIX: Final = re.compile(r"EFI_MEMORY_|EFI_|Efi(?=[A-Z])")
_SVG_TEXT: Final = re.compile(r"<(text|title)\b[^>]*>(.*?)</\1>", re.DOTALL)
_TAG: Final = re.compile(r"<[^>]*>")
_IndexEntry: TypeAlias = tuple[str, str, str, str, str | None]
_SHORTEST: Final = 3
"""Letters of the shortest part of a name that is a word of its own."""


def more_words(word: str) -> Iterator[str]:
    """What else to file a page under that has this word."""
    address = _ADDRESS.fullmatch(word)
    if address or _BARE.fullmatch(word):
        yield from spellings(int(address[1] if address else word, 16))
    elif _JOINED.fullmatch(word):
        yield from (part for part in _PART.findall(word) if len(part) >= _SHORTEST)
        rest = _PREFIX.sub("", word, count=1)
        if rest and rest != word:
            yield rest


def spellings(address: int) -> Iterator[str]:
    """Ways to write an address; without ``0x`` it is found within those with it.

    As a number, in 8 and in 16 digits as Linux prints it, and in groups of four digits, with and
    without zeros before it.
    """
    digits = f"{address:x}"
    yield f"0x{digits}"
    yield digits  # other pages may have the same digits as a number
    yield from (f"0x{digits:0>{width}}" for width in (8, 16) if len(digits) < width)
    groups = f"{address:_x}"
    if "_" in groups:
        yield f"0x{groups}"
    for count in range(groups.count("_") + 1, 5):
        padded = f"{digits:0>{4 * count}}"
        yield "0x" + "_".join(padded[at : at + 4] for at in range(0, len(padded), 4))


def extended(language: type[SearchLanguage]) -> type[SearchLanguage]:
    """A language whose pages are filed under more words, with whatever else it does."""
    if issubclass(language, _MoreWords):
        return language
    return type(language.__name__, (_MoreWords, language), {"__module__": __name__})


class _MoreWords(SearchLanguage):
    """What is put before the language of a project."""

    def split(self, input: str) -> list[str]:
        """The words of a text, each followed by what else to file its page under."""
        words = super().split(input)
        return [each for word in words for each in (word, *more_words(word))]


def pictured_addresses(svg: str) -> list[str]:
    """The addresses in the texts of a picture and in what a pointer on it shows, each once.

    A text may change its colour in the middle of an address.
    """
    texts = (_TAG.sub("", found[2]) for found in _SVG_TEXT.finditer(svg))
    return list(dict.fromkeys(found[0] for text in texts for found in _ADDRESS.finditer(text)))


class PicturedAddresses(SphinxPostTransform):
    """Put the addresses of pictures without a table where only the search looks for words."""

    default_priority = 900
    formats = ("html",)

    def run(self, **_arguments: Any) -> None:
        """Give the node of such a picture a text, which is never written."""
        for figure in self.document.findall(efi_figure):
            if not figure.get("table"):
                words = " ".join(pictured_addresses(figure["svg"]))
                figure.append(nodes.inline(words, words))


def keep_index_entries(app: Sphinx) -> list[tuple[str, dict[str, Any], str]]:
    """Let the search know the index entries of pages that are not written this time, too.

    Sphinx forgets them when it loads the search's index of the last build (9.0.4, search/
    __init__.py), so that a search would find less after each build that writes few pages. It asks
    for more pages just before it writes that index; there are none.
    """
    indexer = getattr(app.builder, "indexer", None)
    known = getattr(indexer, "_index_entries", None)
    if isinstance(known, dict):
        entries = cast(IndexDomain, app.env.get_domain("index")).entries
        everything = {name: known.get(name) or _split(entries.get(name, ())) for name in entries}
        known.clear()
        known.update(sorted(everything.items()))
    return []


def _split(entries: Iterable[_IndexEntry]) -> list[tuple[str, str, str]]:
    """Entries of the general index as the search has them: each part, its anchor, its weight."""
    found: set[tuple[str, str, str]] = set()
    for kind, value, target, main, _ in entries:
        try:
            parts = split_index_msg(kind, value)
        except ValueError:
            continue  # Sphinx told of it when it read the page
        found |= {(part, target or "", main) for part in parts}
    return sorted(found)


def extend_language(_app: Sphinx, config: Config) -> None:
    """Make the search of this project find parts of names and addresses in any spelling."""
    code = config.html_search_language or config.language
    known = languages.get(code) or languages.get(code.partition("_")[0]) or languages["en"]
    if isinstance(known, str):
        module, _, name = known.rpartition(".")
        known = getattr(import_module(module), name)
    languages[code] = extended(known)


def setup(app: Sphinx) -> None:
    """Extend the search when it is known which language a project has."""
    app.connect("config-inited", extend_language)
    app.add_post_transform(PicturedAddresses)
    app.connect("html-collect-pages", keep_index_entries)
