"""The examples of a rule as platform files, and what the linter says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from efipolicy.engine.linting import lint
from efipolicy.engine.planning import planner_of
from efipolicy.formats.platform import HEADER, PLATFORM_FILE, read_platform
from efipolicy.model.efi import attribute_names
from efipolicy.model.finding import Report
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Capture, ConfigurationTable, Platform
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin import Bad, Good, RenderOptions, Rule
from efipolicy.plugin.registry import Registry
from efipolicy.policy import Selection
from efipolicy.reporters.lint_text import render_text
from efipolicy.source import SourceText
from efipolicy.testing.examples import EXAMPLE_DAY, RuleCase, other_boots

_WRITTEN = {
    "name",
    "architecture",
    "architecture_reason",
    "uefi",
    "memory_map",
    "memory_attributes_table",
    "configuration_tables",
    "located",
}
_MAP_KEYS = ("extent", "origin", "descriptor_version", "descriptor_size", "size", "map_key")


class ShownExample(NamedTuple):
    """An example as it is printed. ``yaml`` is ``None`` where no platform file can say it."""

    case: RuleCase
    yaml: str | None
    output: str

    @property
    def fails(self) -> bool:
        """Whether the rule is to report it."""
        return isinstance(self.case.example, Bad)

    @property
    def text(self) -> str:
        """The platform file, or the example in its own notation where there can be none."""
        return self.yaml if self.yaml is not None else example_notation(self.case)


def shown_example(case: RuleCase, registry: Registry) -> ShownExample:
    """The example as a platform file, and what linting that file for this rule prints.

    A file that would not show what the example shows is not shown: then the example's own notation
    and the messages have to do.
    """
    platform = case.platform
    if _only_written(platform, case.example):
        text = example_yaml(platform, case.example)
        read, _ = read_platform(SourceText("example.yaml", text))
        if read is not None and len(case.findings(read)) == len(case.findings(platform)):
            return ShownExample(case, text, _lint(case, read, registry))
    messages = [f"{case.rule.id}: {finding.message}" for finding in case.findings(platform)]
    return ShownExample(case, None, "\n".join(messages))


def example_notation(case: RuleCase) -> str:
    """The example in its own notation, for what no platform file can say, such as a bad capture."""
    lines = []
    for name, value in case.example.given.items():
        if isinstance(value, Capture):
            lines += [line.located.span.text for line in value.unreadable]
        elif isinstance(value, (str, int)):
            lines.append(f"{name} = {value}")
        elif isinstance(value, (tuple, list)):
            lines += [f"{name}:", *(f"    {item}" for item in value)]
        else:
            lines.append(f"with {name}")
    return "\n".join([*case.example.descriptors, *lines])


def _only_written(platform: Platform, example: Bad | Good) -> bool:
    """Whether a platform has nothing but what `example_yaml` writes."""
    if "other_boots" in example.given:
        return False
    defaults = Platform(
        name="", architecture_reason=platform.architecture_reason, memory_map=platform.memory_map
    )
    in_sections = _named_in(str(example.given.get("sections", "")))
    return all(
        getattr(platform, field.name) == getattr(defaults, field.name)
        for field in fields(Platform)
        if field.name not in _WRITTEN | in_sections
    )


def _named_in(sections: str) -> set[str]:
    """The fields of a platform that an example's sections are about."""
    header, rest = _split(sections)
    names = {line.strip().partition(":")[0] for line in (*header, *rest)}
    return names & {*PLATFORM_FILE.fields, *HEADER.fields}


def _split(sections: str) -> tuple[list[str], list[str]]:
    """The lines inside ``platform:``, in block style, and those of the other sections."""
    header: list[str] = []
    rest: list[str] = []
    target = rest
    for line in sections.strip("\n").splitlines():
        if not line.startswith((" ", "-", "#")):
            key, _, value = line.partition(":")
            target = header if key == "platform" else rest
            if target is header:
                inner = value.strip()
                if inner.startswith("{"):
                    header.append(f"  {inner[1:-1].strip()}")
                continue
        target.append(line)
    return header, rest


class _WithOptions(Selection):
    """Every rule, the example's own with the values of its options that the example gives."""

    def __init__(self, case: RuleCase) -> None:
        super().__init__(())
        self.case = case

    def options(self, rule: Rule) -> Mapping[str, Any]:
        """The rule's defaults, and what the example gives."""
        given = self.case.example.given.get("options", {}) if rule is self.case.rule else {}
        return {**super().options(rule), **given}


def _lint(case: RuleCase, platform: Platform, registry: Registry) -> str:
    """What ``efipolicy lint`` prints of the example's file for its rule.

    A rule about acceptances needs the others to have been judged too.
    """
    rules = registry.rules.values() if platform.accept else [case.rule]
    report, errors = lint(
        platform,
        rules,
        registry.architectures,
        _WithOptions(case),
        path="example.yaml",
        kind="platform",
        format="platform",
        today=EXAMPLE_DAY,
        planner=planner_of(platform, registry, []),
        other_boots=other_boots(case.example, case.rule),
    )
    findings = tuple(finding for finding in report.findings if finding.rule == case.rule.id)
    whole = Report((report._replace(findings=findings),), tuple(errors), EXAMPLE_DAY)
    return render_text(whole, RenderOptions(quiet=True)).rstrip("\n")


def example_yaml(platform: Platform, example: Bad | Good) -> str:
    """A small platform file: name, memory map, tables, and the example's own sections."""
    sections = str(example.given.get("sections", ""))
    return "\n".join(_lines(platform, sections, example.given.get("options", {}))) + "\n"


def _lines(platform: Platform, sections: str, options: Mapping[str, Any]) -> Iterator[str]:
    header, rest = _split(sections)
    for name, value in options.items():
        yield f"# judged with the option {name}: {value}"
    about = [f"name: {platform.name}", f"architecture: {platform.architecture}"]
    if platform.uefi:
        about.append(f'uefi: "{platform.uefi}"')
    yield "efipolicy: 1"
    if header:
        yield from ("platform:", *(f"  {item}" for item in about), *header)
    else:
        yield f"platform: {{{', '.join(about)}}}"
    yield from _map_lines(platform.memory_map)
    named = _named_in(sections)
    if platform.memory_attributes_table is not None and "memory_attributes_table" not in named:
        yield from _table_lines(platform.memory_attributes_table)
    if platform.configuration_tables is not None and "configuration_tables" not in named:
        yield "configuration_tables:" + ("" if platform.configuration_tables else " []")
        yield from (f"  - {_configuration_table(table)}" for table in platform.configuration_tables)
    yield from rest


def _map_lines(memory_map: MemoryMap) -> list[str]:
    default = MemoryMap()
    stated = [
        f"  {key}: {getattr(memory_map, key)}"
        for key in _MAP_KEYS
        if getattr(memory_map, key) != getattr(default, key)
    ]
    if memory_map.missing:
        gaps = ", ".join(f"[{first}, {last}]" for first, last in memory_map.missing)
        stated.append(f"  missing: [{gaps}]")
    return ["memory_map:", *stated, *_entries("descriptors", memory_map.descriptors)]


def _table_lines(table: MemoryAttributesTable) -> list[str]:
    stated = [
        f"  {key}: {getattr(table, key)}"
        for key in ("version", "descriptor_size", "flags", "extent")
        if getattr(table, key) not in (None, "whole")
    ]
    address = [] if table.address is None else [f"  address: {table.address:#x}"]
    return [
        "memory_attributes_table:",
        *stated,
        *address,
        *_entries("entries", table.entries),
    ]


def _entries(key: str, descriptors: Sequence[MemoryDescriptor]) -> list[str]:
    if not descriptors:
        return [f"  {key}: []"]
    return [f"  {key}:", *(f"    - {descriptor_yaml(entry)}" for entry in descriptors)]


def descriptor_yaml(descriptor: MemoryDescriptor) -> str:
    """One descriptor as a mapping on a line."""
    parts = [
        f"type: {descriptor.type_name}",
        f"physical_start: {descriptor.physical_start:#x}",
        f"pages: {descriptor.number_of_pages}",
    ]
    if descriptor.virtual_start is not None:
        parts.append(f"virtual_start: {descriptor.virtual_start:#x}")
    if descriptor.attribute is not None:
        names = attribute_names(descriptor.attribute)
        known = not names or not names[-1].startswith("0x")
        word = f"[{', '.join(names)}]" if known else f"{descriptor.attribute:#x}"
        parts.append(f"attribute: {word}")
    return f"{{{', '.join(parts)}}}"


def _configuration_table(table: ConfigurationTable) -> str:
    parts = [f"table: {table.name}" if table.name else f"guid: {table.guid}"]
    parts.append(f"address: {table.address:#x}")
    if table.length is not None:
        parts.append(f"length: {table.length}")
    if table.loaded:
        parts.append(f"loaded: {table.loaded}")
    return f"{{{', '.join(parts)}}}"
