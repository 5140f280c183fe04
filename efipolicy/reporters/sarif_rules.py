"""Rules and kinds of errors as SARIF's reporting descriptors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

from efipolicy.errors import ExitStatus
from efipolicy.model.finding import Confidence, ReportedFinding, Severity
from efipolicy.reporters.lint_machine import ERROR_NAMES, legible

if TYPE_CHECKING:
    from efipolicy.plugin import Rule

JsonObject = dict[str, Any]

LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
NOT_CHECKED: Final = "rules-not-checked"
_NOTIFICATIONS: Final = {
    **{
        ERROR_NAMES[status]: sentence
        for status, sentence in (
            (ExitStatus.USAGE, "Something was asked for that does not exist."),
            (ExitStatus.INPUT, "An input could not be read or understood."),
            (ExitStatus.PLUGIN, "A plugin failed or is missing, so rules are missing."),
            (ExitStatus.INTERNAL, "A bug of efipolicy itself."),
        )
    },
    NOT_CHECKED: "Rules could not be judged, because the input does not state what they need.",
}
_PRECISIONS: Final = {
    Confidence.CERTAIN: "very-high",
    Confidence.LIKELY: "high",
    Confidence.POSSIBLE: "medium",
}
_PROBLEMS: Final = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "recommendation",
}
_LONGEST: Final = 1000
"""GitHub takes descriptions of 1,024 characters and 20 tags."""


def rule_descriptors(
    findings: Iterable[ReportedFinding], rules: Mapping[str, Rule]
) -> list[JsonObject]:
    """What reports show of each rule that found something, in the order of the ids.

    ``rules`` are the installed ones. One that is not there is told by what its finding knows.
    """
    first: dict[str, ReportedFinding] = {}
    for item in findings:
        first.setdefault(item.rule, item)
    return [_rule(item, rules.get(id)) for id, item in sorted(first.items())]


def notification_descriptors(names: Iterable[str]) -> list[JsonObject]:
    """The kinds of errors and notes that a run told of; GitHub wants all three texts of each."""
    texts = ("shortDescription", "fullDescription", "help")
    return [
        {
            "id": name,
            "name": _pascal(name),
            **{text: {"text": _NOTIFICATIONS[name]} for text in texts},
        }
        for name in names
    ]


def _rule(item: ReportedFinding, rule: Rule | None) -> JsonObject:
    severity = rule.severity if rule else item.severity
    confidence = rule.confidence if rule else item.confidence
    requirements = list(rule.requirements if rule else item.requirements)
    pack, _, name = item.rule.partition("/")
    words = (name or pack).replace("-", " ")
    summary = rule.summary if rule else f"{words[:1].upper()}{words[1:]}."
    page = _plain(cleandoc(rule.page)) if rule else summary
    to_do = rule.help if rule else item.help
    sources = list(item.sources)
    return {
        "id": item.rule,
        "name": _pascal(name or pack),
        "shortDescription": {"text": legible(summary)},
        "fullDescription": {"text": legible(_beginning(page))},
        "help": {
            "text": legible(_help(page, to_do, requirements, sources)),
            "markdown": legible(_markdown(page, to_do, requirements, sources, item.help_uri)),
        },
        "helpUri": item.help_uri,
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "tags": [pack, *requirements][:20],
            "precision": _PRECISIONS[confidence],
            "problem.severity": _PROBLEMS[severity],
            "requirements": requirements,
            "sources": sources,
        },
    }


def _pascal(name: str) -> str:
    """``runtime-bit`` as ``RuntimeBit``: how SARIF wants names that people may tell apart."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("-"))


def _plain(page: str) -> str:
    """A page in the little markup that Markdown and people share; drawings stay indented."""
    return page.replace("``", "`").replace("::\n\n", ":\n\n")


def _beginning(page: str) -> str:
    """As many paragraphs as GitHub shows, on one line each, up to a drawing or a list."""
    kept = ""
    for paragraph in page.split("\n\n"):
        text = " ".join(paragraph.split())
        drawn = paragraph.startswith((" ", "* "))
        if kept and (drawn or len(kept) + len(text) + 2 > _LONGEST):
            break
        kept += f"\n\n{text}" if kept else text
    if kept.endswith(":"):
        kept = f"{kept[:-1]}."
    return kept if len(kept) <= _LONGEST else f"{kept[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def _help(page: str, to_do: str, requirements: list[str], sources: list[str]) -> str:
    parts = [page, f"To do: {to_do}."]
    if requirements:
        parts.append(f"Requirements: {_cited(requirements, sources)}.")
    return "\n\n".join(parts)


def _markdown(
    page: str, to_do: str, requirements: list[str], sources: list[str], help_uri: str
) -> str:
    parts = [page, f"**To do:** {to_do}."]
    if requirements:
        parts.append(f"**Requirements:** {_cited(requirements, sources)}.")
    return "\n\n".join([*parts, f"[The rule's page]({help_uri})"])


def _cited(requirements: list[str], sources: list[str]) -> str:
    return ", ".join(requirements) + (f" ({'; '.join(sources)})" if sources else "")
