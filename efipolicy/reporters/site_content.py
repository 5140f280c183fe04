"""What a site is about: its platforms, what the linter says of them, and what else is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from efipolicy.model.finding import InputReport, Severity
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Architecture, Rule, Strategy

MOST_CONFORMING: Final = 8
"""Platforms up to which there is a page of requirement by platform: a column each, and of those
that need no option to be read."""


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


def seen_on(content: SiteContent) -> dict[str, list[SitePlatform]]:
    """The platforms on which each rule found something."""
    seen: dict[str, list[SitePlatform]] = {}
    for one in content.platforms:
        for rule in sorted(one.rules()):
            seen.setdefault(rule, []).append(one)
    return seen


def by_architecture(content: SiteContent) -> dict[str, list[SitePlatform]]:
    """The platforms of each architecture, by its name."""
    groups: dict[str, list[SitePlatform]] = {}
    for one in content.platforms:
        groups.setdefault(one.platform.architecture, []).append(one)
    return dict(sorted(groups.items()))


def by_severity(content: SiteContent) -> dict[str, set[str]]:
    """The rules that found something of each severity, the gravest first."""
    groups: dict[str, set[str]] = {severity.value: set() for severity in Severity}
    for one in content.platforms:
        for found in one.report.findings:
            groups[found.severity.value].add(found.rule)
    return {name: rules for name, rules in groups.items() if rules}


def by_pack(content: SiteContent) -> dict[str, set[str]]:
    """The rules that have a page, by their pack."""
    groups: dict[str, set[str]] = {}
    for id, rule in content.rules.items():
        groups.setdefault(rule.pack, set()).add(id)
    return groups


def gravest(content: SiteContent, id: str) -> str:
    """The gravest severity a rule was found with, else the one it declares."""
    found = [
        finding.severity
        for one in content.platforms
        for finding in one.report.findings
        if finding.rule == id
    ]
    given = min(found, key=lambda severity: severity.rank) if found else content.rules[id].severity
    return given.value


def summary_of(content: SiteContent, id: str) -> str:
    """What a rule finds, in one line; empty for one that has no page."""
    rule = content.rules.get(id)
    return " ".join(rule.summary.split()) if rule else ""
