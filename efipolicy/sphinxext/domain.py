"""The ``efi`` domain: ``:efi:rule:`uefi/zero-pages```, ``:efi:type:`EfiLoaderData``` and so on.

What a document describes is kept by document, so that a document read again, removed, or read by
another process is one assignment. Two descriptions of one thing are found when all are known: the
first by document and line is where links lead, whatever the order of reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from efipolicy.sphinxext.domain_data import DescribedObjects, Target
from efipolicy.sphinxext.domain_index import EfiIndex, RuleIndex
from efipolicy.sphinxext.domain_names import (
    KINDS,
    canonical,
    likely,
    shortened,
)
from efipolicy.sphinxext.short_html import efi_literal, efi_span

logger = logging.getLogger(__name__)

_IMPORTANCE = {"region": 2}  # after everything else that a search finds


class EfiRole(XRefRole):
    """A reference; ``~`` leaves out the pack of a rule, or the prefix of a type or an attribute.

    In a page made of what is installed it is one of our own, and may stay without a target.
    """

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        """The text and the name that is looked up."""
        domain = cast(EfipolicyDomain, env.get_domain("efi"))
        if domain.makes_page:
            refnode["refoptional"] = "alone"
        if not has_explicit_title and target.startswith("~"):
            target = target.removeprefix("~").strip()
            title = shortened(domain.kind_of(refnode["reftype"]), target)
        return title, target


class EfipolicyDomain(DescribedObjects):
    """Platforms, rules, memory types and the rest that a document can describe and refer to."""

    name = "efi"
    label = "efipolicy"
    object_types = {  # noqa: RUF012 - Sphinx reads it so
        kind: ObjType(words, *(("attr", "attribute") if kind == "attribute" else (kind,)))
        for kind, words in KINDS.items()
    }
    roles = {kind: EfiRole(warn_dangling=True) for kind in (*KINDS, "attr")}  # noqa: RUF012
    indices = [RuleIndex, EfiIndex]  # noqa: RUF012

    def check_consistency(self) -> None:
        """Warn of everything that is described twice, at the second place, naming the first."""
        for kind, name, target in self._in_order():
            first = self.targets[kind, name]
            if target is not first:
                logger.warning(
                    "the %s `%s` is described twice, the first time in %s",
                    KINDS[kind],
                    name,
                    self._place(first),
                    location=(target.docname, target.line or None),
                    type="efi",
                    subtype="duplicate",
                )

    def _place(self, target: Target) -> str:
        path = str(self.env.doc2path(target.docname))
        return f"{path}:{target.line}" if target.line else path

    def kind_of(self, role: str) -> str:
        """The kind of object that a role refers to."""
        return (self.objtypes_for_role(role) or [role])[0]

    def find(self, role: str, name: str) -> Target | None:
        """Where a thing is described, by its name, a former one or another it has."""
        kind = self.kind_of(role)
        wanted = canonical(kind, name)
        found = self.targets.get((kind, name)) or self.targets.get((kind, wanted))
        return found or self._aliases().get((kind, wanted))

    def _aliases(self) -> dict[tuple[str, str], Target]:
        """What other names lead to; a name that several things share leads nowhere."""
        if self._by_alias is None:
            holders: dict[tuple[str, str], list[Target]] = {}
            for (kind, _), target in self.targets.items():
                for alias in target.aliases:
                    holders.setdefault((kind, alias), []).append(target)
            self._by_alias = {key: all_[0] for key, all_ in holders.items() if len(all_) == 1}
        return self._by_alias

    def resolve_xref(  # noqa: PLR0917 - as Sphinx calls it
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        typ: str,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> nodes.reference | None:
        """A link to the description, or nothing when there is none."""
        found = self.find(typ, target)
        if found is None:
            return None
        # A row of cells leads to one page, and its first link says the title.
        title = None if "ep-cell" in contnode["classes"] else found.title
        return make_refnode(builder, fromdocname, found.docname, found.anchor, contnode, title)

    def resolve_any_xref(  # noqa: PLR0917
        self,
        env: BuildEnvironment,
        fromdocname: str,
        builder: Builder,
        target: str,
        node: pending_xref,
        contnode: nodes.Element,
    ) -> list[tuple[str, nodes.reference]]:
        """Links to everything of that name."""
        kinds = ((kind, self.targets.get((kind, target))) for kind in self.object_types)
        return [
            (
                f"efi:{self.role_for_objtype(kind)}",
                make_refnode(builder, fromdocname, found.docname, found.anchor, contnode),
            )
            for kind, found in kinds
            if found
        ]

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Everything described, for the search and for other projects' intersphinx.

        Other names come too, so that another project's old reference still leads here, but a search
        does not list them.
        """
        for (kind, name), target in sorted(self.targets.items()):
            anchor = target.anchor or target.heading
            at = [alias for alias in target.aliases if kind == "region" and "@" in alias]
            shown = f"{name} at {at[0].rpartition('@')[2]}" if at else name
            yield name, shown, kind, target.docname, anchor, _IMPORTANCE.get(kind, 1)
        names = {(kind, target): name for (kind, name), target in self.targets.items()}
        for (kind, alias), target in sorted(self._aliases().items()):
            if (kind, alias) not in self.targets:
                anchor = target.anchor or target.heading
                yield alias, names[kind, target], kind, target.docname, anchor, -1

    def directive(self, name: str) -> type[Directive] | None:
        """A directive; that of an object makes its page, or describes it by its content."""
        from efipolicy.sphinxext.domain_directives import object_directive

        page = self.directives.get(name)
        if name in KINDS and name not in self._directive_cache:
            self._directive_cache[name] = object_directive(name, page)
        return super().directive(name)


def reference(
    kind: str,
    name: str,
    *content: nodes.Node,
    classes: Iterable[str] = (),
    optional: bool = False,
) -> pending_xref:
    """A link that is resolved when every page is known; ``content`` defaults to the name.

    Where neither this site nor one known to intersphinx describes the target, it is its content
    alone; without a warning, unless this site has pages of everything of that kind and the link is
    not ``optional``.
    """
    inner = efi_span("", "", *(content or (efi_literal(name, name),)), classes=list(classes))
    return pending_xref(
        "",
        inner,
        refdomain="efi",
        reftype=kind,
        reftarget=name,
        refexplicit=True,
        refwarn=not optional,
        refoptional="always" if optional else "alone",
    )


def without_target(
    app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.TextElement | None:
    """The content of a link of our own whose target neither this nor another site describes."""
    optional = node.get("refoptional")
    all_have_pages = getattr(app.config, f"efipolicy_{node['reftype']}_pages", None)
    return content if optional == "always" or (optional and not all_have_pages) else None


def warn_of_missing(_app: Sphinx, domain: Domain | None, node: pending_xref) -> bool | None:
    """Say what a reference that leads nowhere may have meant; Sphinx then says nothing itself."""
    if not isinstance(domain, EfipolicyDomain):
        return None
    kind, name = domain.kind_of(node["reftype"]), node["reftarget"]
    logger.warning(
        "no page describes the %s `%s`%s",
        KINDS[kind],
        name,
        _hint(domain, kind, name),
        location=node,
        type="ref",
        subtype=kind,
    )
    return True


def _hint(domain: EfipolicyDomain, kind: str, name: str) -> str:
    elsewhere = [other for other in KINDS if other != kind and domain.find(other, name)]
    if elsewhere:
        role = domain.role_for_objtype(elsewhere[0])
        return f"; there is a {KINDS[elsewhere[0]]} of that name: :efi:{role}:`{name}`"
    holders = [
        other
        for (other_kind, other), target in sorted(domain.targets.items())
        if other_kind == kind and canonical(kind, name) in target.aliases
    ]
    if holders:
        return f"; it may be {' or '.join(f'`{holder}`' for holder in holders)}"
    close = likely(name, (known for of, known in domain.targets if of == kind))
    return f"; did you mean `{close}`?" if close else ""


def setup(app: Sphinx) -> None:
    """Register the domain, and what is said where a reference leads nowhere."""
    app.add_domain(EfipolicyDomain)
    app.connect("missing-reference", without_target, priority=900)  # intersphinx comes first
    app.connect("warn-missing-reference", warn_of_missing)
