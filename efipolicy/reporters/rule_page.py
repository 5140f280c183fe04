"""The page of a rule: what it says, for a terminal and for the site alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import cleandoc
from textwrap import wrap

from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Option, Rule

_PAGE_BREAKS = "="


class PageExample(NamedTuple):
    """An example as it is shown: the file, and what the linter prints about it."""

    fails: bool
    text: str
    output: str


def rule_page(
    rule: Rule,
    *,
    examples: Sequence[PageExample] = (),
    statements: Mapping[str, str] | None = None,
    related: Iterable[Rule] = (),
    at: int | None = None,
) -> str:
    """What the rule finds, why it matters, examples with the real diagnostic, and what to do.

    ``statements`` are those of the requirements by their codes, and ``at`` is an address at which
    a finding of the examples can be accepted.
    """
    lines = [rule.id, _PAGE_BREAKS * len(rule.id), "", *_facts(rule), "", cleandoc(rule.page), ""]
    for code in rule.requirements:
        lines += [*wrap(f"{code}: {(statements or {}).get(code, '')}".rstrip(": "), 96), ""]
    for example in sorted(examples, key=lambda example: not example.fails):
        lines += ["Fails:" if example.fails else "Passes:", "", *_indented(example.text), ""]
        if example.fails and example.output:
            lines += [*_indented(example.output), ""]
    lines += [f"To do: {rule.help}.", ""]
    if rule.options:
        lines += ["Options, set in a policy or the configuration:", ""]
        lines += [f"    {option_text(option)}" for option in rule.options]
        lines.append("")
    lines += _acceptance(rule, at)
    others = [other.id for other in related]
    if others:
        lines += ["", f"Related: {', '.join(others)}"]
    return "\n".join(lines) + "\n"


def _facts(rule: Rule) -> list[str]:
    facts = [
        ("severity", rule.severity.value),
        ("judges", rule.subject),
        ("architectures", ", ".join(sorted(rule.architectures)) or "all"),
        ("requirements", ", ".join(rule.requirements)),
        ("sources", "; ".join(rule.sources)),
        ("responsible", rule.responsible.value),
        ("fix", "" if rule.fix == "none" else f"{rule.fix}, with --fix"),
        ("since", rule.since),
        ("was called", ", ".join(rule.aliases)),
    ]
    width = max(len(name) for name, text in facts if text)
    return [f"{name:<{width}}  {text}" for name, text in facts if text]


def option_text(option: Option) -> str:
    """An option in a line: its name, kind, default and meaning."""
    default = "no limit" if option.default is None else option.default
    kind = "one of " + ", ".join(option.choices) if option.choices else option.kind
    return f"{option.name} ({kind}; {default}): {option.doc}"


def acceptance_example(rule: Rule, at: int | None = 0x7EC00000) -> str:
    """How someone takes responsibility for a finding of this rule.

    ``at`` is an address of a region, ``None`` where findings are not about one.
    """
    place = "" if at is None else f"    at: {at:#x}\n"
    return (
        "accept:\n"
        f"  - rule: {rule.id}\n"
        f"{place}"
        "    reason: why this is all right\n"
        "    owner: who says so\n"
        "    until: 2027-03-31"
    )


def related_rules(rule: Rule, rules: Iterable[Rule]) -> list[Rule]:
    """The rules that cite a requirement it cites, or of which one gives way to the other."""
    return [
        other
        for other in rules
        if other is not rule
        and (
            {*other.requirements} & {*rule.requirements}
            or rule.id in other.unless
            or other.id in rule.unless
        )
    ]


def _acceptance(rule: Rule, at: int | None) -> list[str]:
    """Where and how a finding is accepted: there is no room for it in a capture."""
    if "acceptances" in rule.facts:
        return ["It is about acceptances, and cannot be accepted itself."]
    where = "the configuration"
    if "capture" not in rule.facts:
        where = f"the platform file or {where}"
    return [f"To accept it, in {where}:", "", *_indented(acceptance_example(rule, at))]


def _indented(text: str) -> list[str]:
    return [f"    {line}".rstrip() for line in text.strip("\n").splitlines()]
