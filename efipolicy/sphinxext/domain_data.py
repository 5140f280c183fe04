"""What the documents of a site describe: kept by document, found by kind and name.

A document read again, removed, or read by another process is one assignment. Two descriptions of
one thing are found when all are known: the first by document and line is where links lead, whatever
the order of reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

from docutils import nodes
from sphinx.domains import Domain
from sphinx.environment import BuildEnvironment

from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.named_tuple import NamedTuple
from efipolicy.sphinxext.domain_names import codes_of, other_names, region_at, region_name


class Target(NamedTuple):
    """Where a named thing is described.

    ``anchor`` is empty for a thing that has the whole page; ``heading`` is then the anchor of the
    page's title. ``aliases`` are its other names, ``codes`` those of the requirements it is about.
    """

    docname: str
    anchor: str
    title: str
    line: int = 0
    heading: str = ""
    aliases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


def _digest(svg: str) -> str:
    return hashlib.sha256(svg.encode()).hexdigest()[:12]


class DescribedObjects(Domain):
    """The data of the ``efi`` domain, and how documents add to it."""

    initial_data = {"described": {}, "pictures": {}}  # noqa: RUF012
    data_version = 2

    _line = 0
    _silent = False
    makes_page = False
    _found: dict[tuple[str, str], Target] | None = None
    _by_alias: dict[tuple[str, str], Target] | None = None

    @property
    def described(self) -> dict[str, list[tuple[str, str, Target]]]:
        """What each document describes: kind, name and place, in its order."""
        described: dict[str, list[tuple[str, str, Target]]] = self.data["described"]
        return described

    @property
    def pictures(self) -> dict[str, dict[str, str]]:
        """What each document draws: the name of a picture and the digest of its SVG."""
        pictures: dict[str, dict[str, str]] = self.data["pictures"]
        return pictures

    @property
    def targets(self) -> dict[tuple[str, str], Target]:
        """Where each thing is described first, by its kind and name."""
        if self._found is None:
            self._found = {}
            for kind, name, target in self._in_order():
                self._found.setdefault((kind, name), target)
        return self._found

    def _in_order(self) -> Iterator[tuple[str, str, Target]]:
        for docname in sorted(self.described):
            yield from self.described[docname]

    @contextmanager
    def reading(self, line: int, *, silently: bool, page: bool) -> Iterator[None]:
        """What is noted meanwhile stands in this line; ``silently``, it is not noted at all.

        ``page`` says that nobody wrote the text that is read meanwhile for this site.
        """
        before = self._line, self._silent, self.makes_page
        self._line, self._silent, self.makes_page = line, silently, page
        try:
            yield
        finally:
            self._line, self._silent, self.makes_page = before

    def note(
        self,
        kind: str,
        name: str,
        *,
        anchor: str,
        title: str,
        aliases: Iterable[str] = (),
        codes: Iterable[str] = (),
    ) -> None:
        """Remember that the current document describes something."""
        if self._silent:
            return
        docname = self.env.docname
        target = Target(
            docname,
            anchor,
            title,
            self._line,
            aliases=tuple(dict.fromkeys((*aliases, *other_names(kind, name)))),
            codes=tuple(dict.fromkeys((*codes, *codes_of(kind, name)))),
        )
        self.described.setdefault(docname, []).append((kind, name, target))
        self._forget()

    def note_regions(
        self, platform: str, descriptors: Iterable[MemoryDescriptor], table_id: str
    ) -> None:
        """Remember the rows of a table of descriptors, ``TABLE-INDEX`` each.

        A region is ``PLATFORM/memINDEX``, and ``PLATFORM@START`` unless several start there. Of
        descriptors with one index, as only a damaged map has them, the first has the anchor.
        """
        first = {descriptor.index: descriptor for descriptor in reversed(tuple(descriptors))}
        for index, descriptor in sorted(first.items()):
            self.note(
                "region",
                region_name(platform, index),
                anchor=f"{table_id}-{index}",
                title=str(descriptor),
                aliases=[region_at(platform, descriptor.physical_start)],
            )

    def _forget(self) -> None:
        """Drop what was worked out from the descriptions before they changed."""
        self._found = self._by_alias = None

    def clear_doc(self, docname: str) -> None:
        """Forget what a document described before it is read again."""
        self.described.pop(docname, None)
        self.pictures.pop(docname, None)
        self._forget()

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Take over what a parallel reader found in its documents."""
        for docname in docnames & otherdata["described"].keys():
            self.described[docname] = otherdata["described"][docname]
        for docname in docnames & otherdata["pictures"].keys():
            self.pictures[docname] = otherdata["pictures"][docname]
        self._forget()

    def process_doc(self, env: BuildEnvironment, docname: str, document: nodes.document) -> None:
        """Find the heading of a page that describes one thing, and what it draws."""
        section = next(iter(document.findall(nodes.section)), None)
        heading = section["ids"][0] if section is not None and section["ids"] else ""
        self.described[docname] = [
            (kind, name, target if target.anchor else target._replace(heading=heading))
            for kind, name, target in self.described.pop(docname, ())
        ]
        if not self.described[docname]:
            del self.described[docname]
        drawn = [node for node in document.findall(nodes.Element) if node.get("standalone")]
        if drawn:
            self.pictures[docname] = {n["figure"]: _digest(n["standalone"]) for n in drawn}
        self._forget()

    def picture_file(self, figure: str, svg: str) -> str:
        """The file of a picture. Where pages draw one differently, the first has the plain name."""
        drawn = (self.pictures[docname] for docname in sorted(self.pictures))
        first = next((pictures[figure] for pictures in drawn if figure in pictures), None)
        digest = _digest(svg)
        return f"{figure}.svg" if first in {None, digest} else f"{figure}-{digest}.svg"
