"""``efi:plugin`` and ``efi:plugins``: what is installed, who it comes from, and what it adds.

All of it is told by installed metadata and by what the plugins answer. Nothing is looked up
elsewhere, and nothing depends on how long loading took.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata
from inspect import cleandoc
from typing import Final, cast

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_id

from efipolicy.drawing.notation import counted
from efipolicy.plugin.discovery import Plugin
from efipolicy.sphinxext.domain import EfipolicyDomain, reference
from efipolicy.sphinxext.elements import efi_fold
from efipolicy.sphinxext.installed import registry
from efipolicy.sphinxext.parts import Cell, fact_line, literal, paragraph, quoted, separated, table

_ONE_OF: Final = {
    "architectures": "architecture",
    "strategies": "strategy",
    "handovers": "hand-over",
    "rules": "rule",
    "formats": "capture format",
    "reporters": "reporter",
    "policies": "policy",
}
"""What each hook contributes one of, in the order it is told."""

_MANY: Final = {"strategies": "strategies", "policies": "policies"}
_HOMES: Final = ("documentation", "docs", "homepage", "home", "repository", "source")
_OPEN_RULES: Final = 12


class EfiPlugin(SphinxDirective):
    """``.. efi:plugin:: name``: the page of one installed plugin."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """What it is, how it is installed, and each thing it adds."""
        name = self.arguments[0]
        found = next((each for each in registry().plugins if each.name == name), None)
        if found is None:
            known = ", ".join(each.name for each in registry().plugins)
            raise self.error(f"no installed plugin is called `{name}` ({known})")
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("plugin", name, anchor="", title=what_it_is(found))
        return plugin_nodes(found)


class EfiPlugins(SphinxDirective):
    """``.. efi:plugins::``: a table of the installed plugins, and a section for each."""

    def run(self) -> list[nodes.Node]:
        """The table, then the sections; each plugin is where ``:efi:plugin:`` leads."""
        plugins = registry().plugins
        rows: list[list[Cell]] = [
            [reference("plugin", each.name), _owner(each), _added_in_short(each)]
            for each in plugins
        ]
        for each in plugins:
            if file := getattr(each.module, "__file__", None):
                self.env.note_dependency(file)
        made: list[nodes.Node] = [table(("plugin", "distribution", "adds"), rows)]
        return [*made, *map(self._section, plugins)]

    def _section(self, plugin: Plugin) -> nodes.section:
        anchor = make_id(self.env, self.state.document, "plugin", plugin.name)
        title = nodes.title("", "", literal(plugin.name))
        section = nodes.section("", title, *plugin_nodes(plugin), ids=[anchor])
        self.state.document.set_id(section)
        domain = cast(EfipolicyDomain, self.env.get_domain("efi"))
        domain.note("plugin", plugin.name, anchor=anchor, title=what_it_is(plugin))
        return section


def plugin_nodes(plugin: Plugin) -> list[nodes.Node]:
    """What a plugin is, where it comes from, and each thing it adds, with links."""
    made: list[nodes.Node] = []
    if told := what_it_is(plugin):
        made.append(paragraph(quoted(told)))
    return [*made, fact_line(*_facts(plugin)), *_contributions(plugin)]


def what_it_is(plugin: Plugin) -> str:
    """The first line of its module's docstring, else of its distribution's metadata, else none."""
    document = getattr(plugin.module, "__doc__", None)
    if isinstance(document, str) and document.strip():
        return cleandoc(document).partition("\n")[0].replace("``", "`")
    return "" if plugin.built_in else _stated(plugin, "Summary")


def install_line(plugin: Plugin) -> str:
    """The command that installs the distribution a plugin comes with."""
    return f"pip install {plugin.entry_point.distribution}"


def _facts(plugin: Plugin) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = [("distribution", _owner(plugin))]
    if plugin.status == "blocked":
        facts.append(("state", "blocked by EFIPOLICY_PLUGINS when this was written"))
    if plugin.api_level is not None:
        facts.append(("API level", str(plugin.api_level)))
    if home := _home(plugin):
        facts.append(("home", nodes.reference(home, home, refuri=home)))
    return [*facts, ("install", literal(install_line(plugin)))]


def _owner(plugin: Plugin) -> str:
    point = plugin.entry_point
    return f"{point.distribution} {point.version}"


def _added_in_short(plugin: Plugin) -> str:
    if plugin.status == "blocked":
        return "blocked"
    parts = [
        counted(len(plugin.provides.get(kind, ())), one, _MANY.get(kind))
        for kind, one in _ONE_OF.items()
        if plugin.provides.get(kind)
    ]
    if "strategy_choices" in plugin.hooks:
        parts.append("the choice of a strategy")
    return ", ".join(parts) or "nothing"


def _contributions(plugin: Plugin) -> list[nodes.Node]:
    items = []
    for kind, one in _ONE_OF.items():
        names = plugin.provides.get(kind, [])
        if names and kind != "rules":
            count = counted(len(names), one, _MANY.get(kind))
            linked = separated(_linked(kind, name) for name in names)
            items.append(nodes.list_item("", paragraph([nodes.Text(f"{count}: "), *linked])))
    if "strategy_choices" in plugin.hooks:
        told = "it knows which strategy an operating system takes that a platform file names"
        items.append(nodes.list_item("", paragraph(told)))
    made: list[nodes.Node] = [nodes.bullet_list("", *items)] if items else []
    return [*made, *_rules(plugin)]


def _rules(plugin: Plugin) -> list[nodes.Node]:
    """The rules by their packs; many of them are folded away."""
    names = plugin.provides.get("rules", [])
    if not names:
        return []
    packs = ", ".join(dict.fromkeys(f"{name.partition('/')[0]}/*" for name in names))
    told = f"{counted(len(names), 'rule')} ({packs})"
    summaries = registry().rules
    items = [
        nodes.list_item(
            "",
            paragraph([_linked("rules", name), nodes.Text(": "), *quoted(summaries[name].summary)]),
        )
        for name in names
    ]
    shown = nodes.bullet_list("", *items)
    if len(names) <= _OPEN_RULES:
        return [paragraph(f"{told}:"), shown]
    return [efi_fold("", shown, summary=told)]


def _linked(kind: str, name: str) -> nodes.Node:
    """A name; where the domain has such objects, a link to its page if there is one."""
    if kind in ("architectures", "strategies", "rules"):
        return reference(_ONE_OF[kind], name, optional=True)
    return literal(name)


def _stated(plugin: Plugin, field: str) -> str:
    """A field of the distribution's metadata; empty where it states none."""
    try:
        stated = metadata(plugin.entry_point.distribution)
    except PackageNotFoundError:
        return ""
    value = (stated.get_all(field) or [""])[0]
    return "" if value == "UNKNOWN" else str(value)


def _home(plugin: Plugin) -> str:
    """The address that the metadata gives first for documentation, else for the project."""
    try:
        stated = metadata(plugin.entry_point.distribution)
    except PackageNotFoundError:
        return ""
    pairs = [line.partition(",") for line in stated.get_all("Project-URL") or ()]
    homes = {label.strip().lower(): address.strip() for label, _, address in pairs}
    named = next((homes[label] for label in _HOMES if label in homes), "")
    found = named or _stated(plugin, "Home-page")
    return found if found.startswith(("https://", "http://")) else ""
