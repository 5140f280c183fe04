"""Directives of the ``efi`` domain: ``.. efi:type:: EfiAcmeScratch`` and its like.

A directive of an object without content makes the page of what is installed or of a file, where
there is such a page; with content it describes the object in the author's own words.
"""

from __future__ import annotations

from typing import Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from sphinx import addnodes
from sphinx.directives import ObjectDescription
from sphinx.util.nodes import make_id

from efipolicy.sphinxext.domain_data import DescribedObjects
from efipolicy.sphinxext.domain_names import KINDS, canonical


def _words(argument: str | None) -> list[str]:
    """Words between blanks or commas."""
    return (argument or "").replace(",", " ").split()


class DescribedObject(ObjectDescription[str]):
    """An object in the author's own words, one name a line.

    ``:title:`` is what stands beside the name and what a pointer on a link shows, ``:aliases:`` are
    other names, former ones for example, ``:codes:`` the requirements that a rule checks. With
    ``:no-index:`` it is described and no reference leads to it.
    """

    kind: ClassVar[str]
    option_spec: ClassVar[dict[str, Any]] = {
        **(ObjectDescription.option_spec or {}),
        "title": directives.unchanged_required,
        "aliases": _words,
        "codes": _words,
    }

    def handle_signature(self, sig: str, signode: addnodes.desc_signature) -> str:
        """What it is and its name, as they stand above the description."""
        name = sig.strip()
        words = f"{KINDS[self.kind]} "
        signode += addnodes.desc_annotation(words, words)
        signode += addnodes.desc_name(name, name)
        title = self.options.get("title")
        if title:
            signode += addnodes.desc_annotation(title, f" {title}")
        return name

    def add_target_and_index(self, name: str, sig: str, signode: addnodes.desc_signature) -> None:
        """Make it what references lead to, and an entry of the general index."""
        node_id = make_id(self.env, self.state.document, f"efi-{self.kind}", name)
        signode["ids"].append(node_id)
        self.state.document.note_explicit_target(signode)
        given = [canonical(self.kind, each) for each in (name, *self.options.get("aliases", ()))]
        domain = cast(DescribedObjects, self.env.get_domain("efi"))
        domain.note(
            self.kind,
            name,
            anchor=node_id,
            title=self.options.get("title", ""),
            aliases=[each for each in given if each != name],
            codes=self.options.get("codes", ()),
        )
        if "no-index-entry" not in self.options:
            entry = f"{name} ({KINDS[self.kind]})"
            self.indexnode["entries"].append(("single", entry, node_id, "", None))

    def _object_hierarchy_parts(self, sig_node: addnodes.desc_signature) -> tuple[str, ...]:
        return (sig_node.astext(),)

    def _toc_entry_name(self, sig_node: addnodes.desc_signature) -> str:
        return next((name.astext() for name in sig_node.findall(addnodes.desc_name)), "")


def object_directive(kind: str, page: type[Directive] | None) -> type[Directive]:
    """The directive of a kind of objects: its content describes it, or a ``page`` is made of it."""

    class EfiObject(DescribedObject):
        option_spec: ClassVar[dict[str, Any]] = {
            **((page.option_spec or {}) if page else {}),
            **DescribedObject.option_spec,
        }

        def run(self) -> list[nodes.Node]:
            self.name = f"efi:{kind}"
            domain = cast(DescribedObjects, self.env.get_domain("efi"))
            described = page is None or bool(self.content)
            silently = "no-index" in self.options
            with domain.reading(self.lineno, silently=silently, page=not described):
                if described or page is None:
                    return super().run()
                made = page(
                    self.name,
                    self.arguments,
                    self.options,
                    self.content,
                    self.lineno,
                    self.content_offset,
                    self.block_text,
                    self.state,
                    self.state_machine,
                )
                return cast(list[nodes.Node], made.run())

    EfiObject.kind = kind
    return EfiObject
