"""The examples of a rule as platform files, and what the linter says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

from efipolicy.engine.linting import lint
from efipolicy.formats.platform import read_platform
from efipolicy.model.efi import attribute_names
from efipolicy.model.finding import Report
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Capture, ConfigurationTable, Platform
from efipolicy.plugin import RenderOptions
from efipolicy.policy import Selection
from efipolicy.reporters.lint_text import render_text
from efipolicy.source import SourceText
from efipolicy.sphinxext.installed import registry, today
from efipolicy.testing.examples import RuleCase

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
_MAP_KEYS = ("extent", "origin", "descriptor_version", "descriptor_size", "size")


class ShownExample(NamedTuple):
    """An example as it is printed. ``yaml`` is ``None`` where no platform file can say it."""

    case: RuleCase
    yaml: str | None
    output: str


def shown_example(case: RuleCase) -> ShownExample:
    """The example as a platform file, and what linting that file for this rule prints.

    A file that would not show what the example shows is not shown: then the example's own notation
    and the messages have to do.
    """
    platform = case.platform
    if _only_written(platform):
        text = platform_yaml(platform)
        read, _ = read_platform(SourceText("example.yaml", text))
        if read is not None and len(case.findings(read)) == len(case.findings(platform)):
            return ShownExample(case, text, _lint(case, read))
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


def _only_written(platform: Platform) -> bool:
    """Whether a platform has nothing but what `platform_yaml` writes."""
    defaults = Platform(
        name="", architecture_reason=platform.architecture_reason, memory_map=platform.memory_map
    )
    return all(
        getattr(platform, field.name) == getattr(defaults, field.name)
        for field in fields(Platform)
        if field.name not in _WRITTEN
    )


def _lint(case: RuleCase, platform: Platform) -> str:
    report, errors = lint(
        platform,
        [case.rule],
        registry().architectures,
        Selection([], select=[case.rule.id]),
        path="example.yaml",
        kind="platform",
        format="platform",
        today=today(),
    )
    whole = Report(inputs=(report,), errors=tuple(errors), today=today())
    return render_text(whole, RenderOptions(quiet=True)).rstrip("\n")


def platform_yaml(platform: Platform) -> str:
    """A small platform file: name, memory map and, where given, the tables."""
    about = [f"name: {platform.name}", f"architecture: {platform.architecture}"]
    if platform.uefi:
        about.append(f'uefi: "{platform.uefi}"')
    lines = ["efipolicy: 1", f"platform: {{{', '.join(about)}}}", *_map_lines(platform.memory_map)]
    if platform.memory_attributes_table is not None:
        lines += _table_lines(platform.memory_attributes_table)
    if platform.configuration_tables is not None:
        lines.append("configuration_tables:" + ("" if platform.configuration_tables else " []"))
        lines += [f"  - {_configuration_table(table)}" for table in platform.configuration_tables]
    return "\n".join(lines) + "\n"


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
