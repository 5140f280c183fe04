"""The sources of a site about platforms: reStructuredText by its path, made of a lint's reports.

What the pages show is worked out by the directives of ``efipolicy.sphinxext`` when Sphinx reads
them; here stands which pages there are, and what only all platforms together tell. The text is the
same for the same inputs, so that a second build reads again only the pages that changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.platform import UNKNOWN_ARCHITECTURE, Platform
from efipolicy.plugin import Architecture, Rule, Strategy

MARK: Final = ".. Written by efipolicy docs; a change is overwritten.\n\n"
"""How each of these pages starts, so that nobody else's file is ever replaced or removed."""

MOST_CONFORMING: Final = 8
"""Platforms up to which there is a page of requirement by platform: a column each, and of those
that need no option to be read."""

_SPECIAL: Final = re.compile(r"([\\`*_|:<>\[\]])")
_LIST_ITEM: Final = re.compile(r"[^\w\\]|\w+[.)]")
"""How a list, a comment or a directive starts."""

_SHOWN_FIRST: Final = 5


class SitePlatform(NamedTuple):
    """A platform of a site: its name there, its file among the sources, what the linter says.

    ``name`` is unique in the site and made of letters, digits, ``-``, ``_`` and ``.``; ``file`` is
    a path from the root of the sources, ``options`` are those of the directive that reads it.
    """

    name: str
    file: str
    report: InputReport
    options: Mapping[str, str]

    @property
    def platform(self) -> Platform:
        """What the input says. Only inputs that were read are in a site."""
        assert self.report.platform is not None
        return self.report.platform

    @property
    def title(self) -> str:
        """The title that people are shown, else the name."""
        return self.platform.title or self.name

    def counted(self) -> Counter[Severity]:
        """How many findings of each severity nobody accepted."""
        return Counter(found.severity for found in self.report.findings if not found.accepted)

    def rules(self) -> set[str]:
        """The rules that found something."""
        return {found.rule for found in self.report.findings}


class SiteContent(NamedTuple):
    """What a site is about: its platforms, and the rules, strategies and architectures shown.

    ``folder`` is where its pages are among the sources: empty, or a path that ends with a slash.
    """

    title: str
    policy: str
    platforms: Sequence[SitePlatform]
    rules: Mapping[str, Rule]
    strategies: Mapping[str, Strategy]
    architectures: Mapping[str, Architecture]
    folder: str = ""

    @property
    def conforming(self) -> bool:
        """Whether there is a page of requirement by platform."""
        asked = any({"architecture", "from"} & one.options.keys() for one in self.platforms)
        return 0 < len(self.platforms) <= MOST_CONFORMING and not asked


def site_content(
    title: str,
    policy: str,
    platforms: Sequence[SitePlatform],
    *,
    rules: Mapping[str, Rule],
    strategies: Mapping[str, Strategy],
    architectures: Mapping[str, Architecture],
    all_rules: bool = False,
    folder: str = "",
) -> SiteContent:
    """Of everything installed, what has to do with these platforms.

    A rule has a page when it found something (or all have, if asked for), an architecture when a
    platform has it, a strategy when it fits one of those.
    """
    found = {rule for one in platforms for rule in one.rules()}
    present = {one.platform.architecture for one in platforms} & architectures.keys()
    return SiteContent(
        title=title,
        policy=policy,
        platforms=platforms,
        rules={id: rules[id] for id in sorted(rules) if all_rules or id in found},
        strategies={
            name: each
            for name, each in sorted(strategies.items())
            if present and (not each.architectures or each.architectures & present)
        },
        architectures={name: architectures[name] for name in sorted(present)},
        folder=folder,
    )


def site_sources(content: SiteContent) -> dict[str, str]:
    """The text of every page by its path among the sources."""
    pages = {
        "index.rst": _landing(content),
        "platforms/index.rst": _all_platforms(content),
        "rules/index.rst": _all_rules(content),
        "requirements.rst": _page("Requirements", _REQUIREMENTS, _REQUIREMENTS_BODY),
        "search-help.rst": _page("Find something", _SEARCH),
        **dict(_platform_pages(content)),
        **dict(_rule_pages(content)),
        **dict(_facets(content)),
    }
    if content.strategies:
        pages["strategies/index.rst"] = _all_strategies(content)
        for name in content.strategies:
            body = f".. efi:strategy:: {name}"
            pages[f"strategies/{name}.rst"] = _page(name, body, orphan=True)
    if content.architectures:
        pages["architectures/index.rst"] = _all_architectures(content)
        for name in content.architectures:
            body = f".. efi:architecture:: {name}"
            pages[f"architectures/{name}.rst"] = _page(name, body, orphan=True)
    if content.conforming:
        pages["conformance.rst"] = _conformance(content)
    return {f"{content.folder}{path}": text for path, text in pages.items()}


_REQUIREMENTS: Final = (
    "What is right, who demands it, and which rules check it. Where no rule does, it is said why."
)
_REQUIREMENTS_BODY: Final = ".. efi:requirements::"
_SEARCH: Final = """\
The search finds pages by words, by a part of a name such as ``RUNTIME`` of ``EFI_MEMORY_RUNTIME``,
and by an address in any spelling. It needs a script; these do not:

* :ref:`The general index <genindex>`: runtime regions by their address.
* :ref:`Rules by pack and by requirement <efi-ruleindex>`.
* :ref:`Everything by its kind <efi-index>`."""


def escaped(text: str) -> str:
    """Text that means nothing to reStructuredText; white space of any kind is one blank."""
    shown = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return f"\\{shown}" if _LIST_ITEM.match(shown) else shown


def _heading(title: str, line: str) -> str:
    shown = escaped(title) or "?"
    # A wide character counts as two columns; a longer line does no harm.
    return f"{shown}\n{line * max(2 * len(shown), 4)}"


def _page(title: str, *blocks: str, orphan: bool = False) -> str:
    text = "\n\n".join([_heading(title, "="), *filter(None, blocks)])
    return f"{':orphan:' + chr(10) * 2 if orphan else ''}{MARK}{text}\n"


def _section(title: str, *blocks: str) -> str:
    return "\n\n".join([_heading(title, "-"), *blocks])


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], *classes: str) -> str:
    """A table whose cells are reStructuredText of one line."""
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        f"   :class: {' '.join(('ep-table', *classes))}",
        "",
    ]
    for row in (heads, *rows):
        for place, cell in enumerate(row):
            lines.append(f"   {'* -' if place == 0 else '  -'} {cell}".rstrip())
    return "\n".join(lines)


def _doc(content: SiteContent, path: str, text: str) -> str:
    return f":doc:`{escaped(text)} </{content.folder}{path}>`"


def _platform_link(content: SiteContent, one: SitePlatform) -> str:
    return _doc(content, f"platforms/{one.name}", one.title)


def _severities(counts: Mapping[Severity, int]) -> str:
    """The counts with their shapes, the gravest first."""
    marks = [
        f":efi-severity:`{_counted(counts[severity], severity.value, _many(severity))}"
        f" <{severity.value}>`"
        for severity in Severity
        if counts.get(severity)
    ]
    return " ".join(marks) or ":efi-severity:`clean <ok>`"


def _many(severity: Severity) -> str:
    return severity.value if severity is Severity.INFO else f"{severity.value}s"


def _landing(content: SiteContent) -> str:
    kinds = [
        name
        for name, there in (
            ("platforms/index", True),
            ("rules/index", True),
            ("strategies/index", bool(content.strategies)),
            ("architectures/index", bool(content.architectures)),
            ("requirements", True),
            ("conformance", content.conforming),
            ("search-help", True),
        )
        if there
    ]
    tree = ".. toctree::\n   :hidden:\n\n" + "\n".join(f"   {name}" for name in kinds)
    return _page(
        content.title,
        _sentence(content),
        _section("Which strategy maps which platform", ".. efi:site-matrix::"),
        _section("Most seen", *_most_seen(content)),
        _section("What is here", _kinds(content)),
        tree,
    )


def _sentence(content: SiteContent) -> str:
    """How many platforms there are and how they stand."""
    total = len(content.platforms)
    if not total:
        return "No platform could be read."
    counts = [one.counted() for one in content.platforms]
    bad = sum(1 for count in counts if count[Severity.ERROR])
    fair = sum(1 for count in counts if count[Severity.WARNING] and not count[Severity.ERROR])
    parts = [
        f"{bad} with errors" if bad else "none with an error",
        f"{fair} with warnings" if fair else "",
        f"{total - bad - fair} with neither" if total - bad - fair and bad + fair else "",
    ]
    told = ", ".join(filter(None, parts))
    policy = f"under the policy {escaped(content.policy)}"
    return f"UEFI memory maps of {_counted(total, 'platform')}, judged {policy}: {told}."


def _seen_on(content: SiteContent) -> dict[str, list[SitePlatform]]:
    """The platforms on which each rule found something."""
    seen: dict[str, list[SitePlatform]] = {}
    for one in content.platforms:
        for rule in sorted(one.rules()):
            seen.setdefault(rule, []).append(one)
    return seen


def _most_seen(content: SiteContent) -> list[str]:
    seen = _seen_on(content)
    ordered = sorted(seen, key=lambda rule: (-len(seen[rule]), rule))[:_SHOWN_FIRST]
    if not ordered:
        return ["No rule found anything."]
    total = len(content.platforms)
    rows = [
        [f":efi:rule:`{id}`", _summary(content, id), f"{len(seen[id])} of {total}"]
        for id in ordered
    ]
    return [_table(("rule", "what it finds", "seen on"), rows)]


def _summary(content: SiteContent, id: str) -> str:
    rule = content.rules.get(id)
    return " ".join(rule.summary.split()) if rule else ""


def _kinds(content: SiteContent) -> str:
    """The kinds of pages, a sentence each."""
    items = [
        (_doc(content, "platforms/index", "Platforms"), "findings, pictures, tables of each"),
        (_doc(content, "rules/index", "Rules"), "what each finds, why it matters, what to do"),
    ]
    if content.strategies:
        told = "how operating systems choose virtual addresses"
        items.append((_doc(content, "strategies/index", "Strategies"), told))
    if content.architectures:
        told = "page tables, entries bit by bit, granules"
        items.append((_doc(content, "architectures/index", "Architectures"), told))
    told = "what is right, who demands it, what checks it"
    items.append((_doc(content, "requirements", "Requirements"), told))
    if content.conforming:
        told = "how each platform stands to each requirement"
        items.append((_doc(content, "conformance", "Conformance"), told))
    return "\n".join(f"* {link}: {said}." for link, said in items)


def _platform_row(content: SiteContent, one: SitePlatform) -> list[str]:
    return [
        _platform_link(content, one),
        escaped(one.platform.architecture),
        str(len(one.platform.memory_map.descriptors)),
        _severities(one.counted()),
    ]


_PLATFORM_HEADS: Final = ("platform", "architecture", "descriptors", "findings")


def _all_platforms(content: SiteContent) -> str:
    rows = [_platform_row(content, one) for one in content.platforms]
    chips = _chips(
        (
            _doc(content, f"platforms/by-{_slug(name)}", f"{name} ({len(members)})")
            for name, members in _by_architecture(content).items()
        ),
        "By architecture: ",
    )
    return _page("Platforms", chips, *([_table(_PLATFORM_HEADS, rows)] if rows else []))


def _chips(links: Iterable[str], label: str) -> str:
    """A line of links to facets."""
    text = " \N{MIDDLE DOT} ".join(links)
    return f".. rst-class:: ep-facets\n\n{label}{text}" if text else ""


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-") or "other"


def _by_architecture(content: SiteContent) -> dict[str, list[SitePlatform]]:
    groups: dict[str, list[SitePlatform]] = {}
    for one in content.platforms:
        groups.setdefault(one.platform.architecture, []).append(one)
    return dict(sorted(groups.items()))


def _by_severity(content: SiteContent) -> dict[str, set[str]]:
    """The rules that found something of each severity, the gravest first."""
    groups: dict[str, set[str]] = {severity.value: set() for severity in Severity}
    for one in content.platforms:
        for found in one.report.findings:
            groups[found.severity.value].add(found.rule)
    return {name: rules for name, rules in groups.items() if rules}


def _by_pack(content: SiteContent) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for id, rule in content.rules.items():
        groups.setdefault(rule.pack, set()).add(id)
    return groups


def _platform_pages(content: SiteContent) -> Iterator[tuple[str, str]]:
    for one in content.platforms:
        options = {"name": one.name, "policy": content.policy, **one.options}
        lines = [f".. efi:site-platform:: /{one.file}"]
        lines += [f"   :{name}: {value}" for name, value in options.items()]
        yield f"platforms/{one.name}.rst", _page(one.title, "\n".join(lines), orphan=True)


def _rule_pages(content: SiteContent) -> Iterator[tuple[str, str]]:
    seen = _seen_on(content)
    for id in content.rules:
        body = [f".. efi:rule:: {id}"]
        on = seen.get(id, [])
        told = f"{len(on)} of {_counted(len(content.platforms), 'platform')}"
        links = ", ".join(_platform_link(content, one) for one in on)
        body.append(_section("Seen on this site's platforms", f"{told}{': ' * bool(on)}{links}."))
        yield f"rules/{id}.rst", _page(id, *body, orphan=True)


def _rule_table(content: SiteContent, ids: Iterable[str]) -> str:
    seen = _seen_on(content)
    ordered = sorted(ids, key=lambda rule: (-len(seen.get(rule, ())), rule))
    rows = [
        [
            f":efi:rule:`{id}`",
            _summary(content, id),
            f":efi-severity:`{_gravest(content, id)}`",
            str(len(seen.get(id, ()))),
        ]
        for id in ordered
    ]
    return _table(("rule", "what it finds", "severity", "seen on"), rows, "ep-rules")


def _gravest(content: SiteContent, id: str) -> str:
    """The gravest severity a rule was found with, else the one it declares."""
    found = [
        finding.severity
        for one in content.platforms
        for finding in one.report.findings
        if finding.rule == id
    ]
    given = min(found, key=lambda severity: severity.rank) if found else content.rules[id].severity
    return given.value


def _all_rules(content: SiteContent) -> str:
    chips = [
        _chips(
            (
                _doc(content, f"rules/by-{kind}-{_slug(name)}", f"{name} ({len(rules)})")
                for name, rules in groups.items()
            ),
            f"By {kind}: ",
        )
        for kind, groups in (("severity", _by_severity(content)), ("pack", _by_pack(content)))
    ]
    if not content.rules:
        return _page("Rules", "No rule found anything on these platforms.")
    told = "The rules that found something, the most seen first."
    if not all(id in _seen_on(content) for id in content.rules):
        told = "All installed rules, the most seen first."
    return _page("Rules", told, *chips, _rule_table(content, content.rules))


def _facets(content: SiteContent) -> Iterator[tuple[str, str]]:
    for name, members in _by_architecture(content).items():
        title = f"Platforms: {name}"
        if name == UNKNOWN_ARCHITECTURE:
            title = "Platforms of an unknown architecture"
        rows = [_platform_row(content, one) for one in members]
        table = _table(_PLATFORM_HEADS, rows)
        yield f"platforms/by-{_slug(name)}.rst", _page(title, table, orphan=True)
    for kind, groups in (("severity", _by_severity(content)), ("pack", _by_pack(content))):
        for name, rules in groups.items():
            shown = rules & content.rules.keys()
            page = _page(f"Rules: {name}", _rule_table(content, shown), orphan=True)
            yield f"rules/by-{kind}-{_slug(name)}.rst", page


def _all_strategies(content: SiteContent) -> str:
    rows = [
        [
            f":efi:strategy:`{name}`",
            escaped(each.title),
            escaped(", ".join(sorted(each.architectures)) or "all"),
        ]
        for name, each in content.strategies.items()
    ]
    told = "Ways of choosing virtual addresses for runtime services that fit these platforms."
    return _page("Strategies", told, _table(("strategy", "what it is", "architectures"), rows))


def _all_architectures(content: SiteContent) -> str:
    groups = _by_architecture(content)
    rows = [
        [f":efi:architecture:`{name}`", escaped(each.title), str(len(groups[name]))]
        for name, each in content.architectures.items()
    ]
    return _page("Architectures", _table(("architecture", "what it is", "platforms"), rows))


def _conformance(content: SiteContent) -> str:
    told = (
        "How each platform stands to each requirement under the policy ``strict``. What a file "
        "does not state is *not checked* and never called passed."
    )
    files = "\n".join(f"   /{one.file}" for one in content.platforms)
    return _page("Conformance", told, f".. efi:conformance::\n{files}")
