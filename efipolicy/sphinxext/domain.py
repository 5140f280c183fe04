"""The ``efi`` domain: ``:efi:rule:`uefi/zero-pages```, ``:efi:strategy:`identity``` and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.domains import Domain, ObjType
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util.nodes import make_refnode


class Target(NamedTuple):
    """Where a named thing is described."""

    docname: str
    anchor: str
    title: str


class EfipolicyDomain(Domain):
    """Rules, strategies, reference platforms and requirements: what a document can refer to."""

    name = "efi"
    label = "efipolicy"
    object_types = {  # noqa: RUF012 - Sphinx reads it so
        "rule": ObjType("rule", "rule"),
        "strategy": ObjType("strategy", "strategy"),
        "platform": ObjType("platform", "platform"),
        "requirement": ObjType("requirement", "requirement"),
    }
    roles = {  # noqa: RUF012
        "rule": XRefRole(warn_dangling=True),
        "strategy": XRefRole(warn_dangling=True),
        "platform": XRefRole(warn_dangling=True),
        "requirement": XRefRole(warn_dangling=True),
    }
    initial_data = {"targets": {}}  # noqa: RUF012
    data_version = 1

    @property
    def targets(self) -> dict[tuple[str, str], Target]:
        """Where each thing is described, by its kind and name."""
        targets: dict[tuple[str, str], Target] = self.data["targets"]
        return targets

    def note(self, kind: str, name: str, *, anchor: str, title: str) -> None:
        """Remember that the current document describes something."""
        self.targets[kind, name] = Target(self.env.docname, anchor, title)

    def clear_doc(self, docname: str) -> None:
        """Forget what a document described before it is read again."""
        for key in [key for key, target in self.targets.items() if target.docname == docname]:
            del self.targets[key]

    def merge_domaindata(self, docnames: AbstractSet[str], otherdata: dict[str, Any]) -> None:
        """Take over what a parallel reader found in its documents."""
        for key, target in otherdata["targets"].items():
            if target.docname in docnames:
                self.targets[key] = Target(*target)

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
        found = self.targets.get((typ, target))
        if found is None:
            return None
        return make_refnode(
            builder, fromdocname, found.docname, found.anchor, contnode, found.title
        )

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
                f"efi:{kind}",
                make_refnode(builder, fromdocname, found.docname, found.anchor, contnode),
            )
            for kind, found in kinds
            if found
        ]

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        """Everything described, for the search and for other projects' intersphinx."""
        for (kind, name), target in sorted(self.targets.items()):
            yield name, name, kind, target.docname, target.anchor, 1


def reference(
    kind: str,
    name: str,
    *content: nodes.Node,
    classes: Iterable[str] = (),
    optional: bool = False,
) -> pending_xref:
    """A link that is resolved when every page is known; ``content`` defaults to the name.

    An ``optional`` one is plain content on a site that does not describe its target.
    """
    inner = nodes.inline("", "", *(content or (nodes.literal(name, name),)), classes=list(classes))
    return pending_xref(
        "",
        inner,
        refdomain="efi",
        reftype=kind,
        reftarget=name,
        refexplicit=True,
        refwarn=not optional,
        refoptional=optional,
    )


def without_target(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.TextElement | None:
    """The content of an optional link whose target this site does not describe."""
    return content if node.get("refoptional") else None
