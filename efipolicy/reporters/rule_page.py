"""The page of a rule for a terminal."""

from __future__ import annotations

from inspect import cleandoc

from efipolicy.plugin import Bad, Good, Rule


def rule_page(rule: Rule) -> str:
    """What the rule finds, why it matters, an example of each kind, and what to do."""
    facts = [
        ("severity", rule.severity.value),
        ("architectures", ", ".join(sorted(rule.architectures)) or "all"),
        ("requirements", ", ".join(rule.requirements)),
        ("sources", "; ".join(rule.sources)),
        ("responsible", rule.responsible.value),
        ("since", rule.since),
    ]
    width = max(len(name) for name, _ in facts)
    lines = [rule.id, "=" * len(rule.id), ""]
    lines += [f"{name:<{width}}  {text}" for name, text in facts if text]
    lines += ["", cleandoc(rule.page), ""]
    for example in rule.examples:
        lines += [*_example(rule, example), ""]
    return "\n".join([*lines, f"To do: {rule.help}."]) + "\n"


def _example(rule: Rule, example: Bad | Good) -> list[str]:
    """The example's lines; the offending ones are marked where the memory map is judged."""
    judges_map = not {"memory_attributes_table", "configuration_tables", "capture"} & {*rule.facts}
    bad = example.at if isinstance(example, Bad) and judges_map else ()
    given = ", ".join(f"{name}={value}" for name, value in example.given.items())
    head = "Fails" if isinstance(example, Bad) else "Passes"
    lines = [f"{head}{f' with {given}' if given else ''}:"]
    for place, text in enumerate(example.descriptors, start=1):
        mark = "  <-- here" if place in bad else ""
        lines.append(f"    {text}{mark}")
    return lines
