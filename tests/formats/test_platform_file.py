"""The platform file: complete, strict, every error of a file in one run."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from efipolicy.formats.platform import is_platform_file, platform_schema, read_platform
from efipolicy.model.declared import RuntimeProperties
from efipolicy.model.platform import Platform, Revision
from efipolicy.source import SourceText
from tests.conftest import FIXTURES, MINIMAL, PLATFORMS

COMPLETE = FIXTURES / "platforms" / "complete.yaml"


def read(text: str) -> tuple[Platform | None, list[str]]:
    platform, errors = read_platform(SourceText("p.yaml", text))
    return platform, [str(error) for error in errors]


def complete() -> Platform:
    platform, errors = read(COMPLETE.read_text())
    assert errors == []
    assert platform is not None
    return platform


def test_every_section_of_the_format_is_read() -> None:
    platform = complete()
    assert platform.uefi == Revision(2, 10)
    assert platform.firmware is not None
    assert platform.firmware.exercised == ("physical", "virtual")
    memory_map = platform.memory_map
    assert [d.index for d in memory_map.descriptors] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18]
    assert memory_map.missing == ((12, 17),)
    assert memory_map.descriptors[0].type == 7
    assert memory_map.descriptors[-1].type == 0x70000001
    assert memory_map.descriptors[-1].attribute == 0x800000000000000F
    assert memory_map.descriptors[-1].note == "vendor log"
    assert memory_map.descriptors[2].virtual_start == 0
    assert memory_map.descriptors[3].attribute is None
    assert platform.memory_attributes_table is not None
    assert platform.memory_attributes_table.entries[0].has(0x20000)
    assert platform.configuration_tables is not None
    assert [table.name for table in platform.configuration_tables] == ["ACPI_20", "DTB", None]
    assert platform.runtime_properties == RuntimeProperties(version=1, length=8, supported=0x81)
    assert platform.system_table is not None
    assert platform.system_table.runtime_services == 0x7FE1000
    assert platform.hardware is not None
    assert platform.hardware.physical_address_bits == 39
    assert platform.mapping is not None
    first = platform.mapping[0]
    assert (first.strategy, first.page_size, first.virtual_address_bits) == (
        "x86-topdown",
        0x1000,
        48,
    )
    assert [hop.kind for hop in first.kexec] == ["kexec", "crash"]
    assert first.kexec[1].memory == (0x10000000, 0x18000000)
    assert platform.handover is not None
    assert platform.handover.mmu is True
    assert platform.firmware_accesses is not None
    assert platform.firmware_accesses[0].physical == 0x7DC5B010
    assert platform.accept[0].until == "2027-03-31"


def test_every_model_object_knows_its_place_and_its_spelling() -> None:
    platform = complete()
    text = COMPLETE.read_text().splitlines()
    for descriptor in platform.memory_map.descriptors:
        assert descriptor.located is not None
        span = descriptor.located.span
        assert text[span.line - 1][span.column - 1 : span.end_column - 1] == span.text
        start = descriptor.located.span_of("physical_start")
        assert start is not None
        assert int(start.text, 0) == descriptor.physical_start
    last = platform.memory_map.descriptors[-1].located
    assert last is not None
    assert last.span_of("type") is not None
    assert str(last.span_of("type").text) == "0x7000_0001"  # type: ignore[union-attr]


ERRORS = [
    ("pages: 0x10", "pages: -1", ":5:65: found `-1`, a negative number"),
    ("pages: 0x10", "pages: 0x1_0000_0000_0000_0000", "which does not fit 64 bits"),
    ("pages: 0x10", "pagess: 0x10", "found the unknown key `pagess`"),
    ("pages: 0x10", "pagess: 0x10", "did you mean `pages`?"),
    ("pages: 0x10, ", "", "found a memory descriptor without `pages`"),
    ("EfiConventionalMemory", "EfiConventonalMemory", "did you mean `EfiConventionalMemory`?"),
    ("EfiConventionalMemory", "0x1_0000_0000", "which does not fit 32 bits"),
    ("[WB]", "[WBB]", ":5:83: found `WBB`, expected a bit name"),
    ("[WB]", "WB", "found `WB`, expected a list of bit names such as [RUNTIME, WB]"),
    (
        "x86_64}",
        "x86_64, uefi: 2.10}",
        "found 2.10 without quotes, which YAML reads as the number 2.1",
    ),
    (
        "x86_64}",
        "x86_64, uefi: 2.10}",
        'expected a quoted revision: "2.10"',
    ),
    (
        "x86_64}",
        "x86_64, uefi: 2.7}",
        'found 2.7 without quotes, expected a quoted revision: "2.7"',
    ),
    ("x86_64}", 'x86_64, uefi: "latest"}', 'expected a quoted revision such as "2.10"'),
    ("x86_64}", "x86 64}", "expected the name of an installed architecture"),
    ("name: minimal", "name: Two Words", "expected a slug"),
    ("efipolicy: 1", "efipolicy: 2", "found version `2` of the format, expected 1"),
    ("memory_map:", "memory_mapp:", "did you mean `memory_map`?"),
    ("memory_map:", "memory_mapp:", "found the platform file without `memory_map`"),
    ("  descriptors:", "  extent: hole\n  descriptors:", "did you mean `whole`?"),
    ("efipolicy: 1", "efipolicy: 1\nefipolicy: 1", "found a second `efipolicy`"),
    ("[WB]", "*x", "found an alias"),
    ("[WB]", "&x [WB]", "found an anchor"),
    ("[WB]", "!bits [WB]", "found a tag"),
    ("[WB]", "[WB]\n---\na: 1", "found a YAML syntax error"),
]


@pytest.mark.parametrize(("old", "new", "error"), ERRORS)
def test_a_mistake_is_told_with_place_found_and_expected(old: str, new: str, error: str) -> None:
    platform, errors = read(MINIMAL.replace(old, new, 1))
    assert platform is None
    assert any(error in seen for seen in errors), errors
    assert all(seen.startswith("p.yaml:") for seen in errors)


def test_all_mistakes_of_a_file_are_told_in_the_order_of_its_lines() -> None:
    text = MINIMAL.replace("minimal", "Bad Name").replace("pages", "pagess").replace("WB", "WBB")
    _, errors = read(text)
    assert len(errors) == 4
    lines = [int(error.split(":")[1]) for error in errors]
    assert lines == sorted(lines)


def test_a_table_has_a_name_or_a_guid_and_not_both() -> None:
    guid = "8868e871-e4f1-11d3-bc22-0080c73c8881"
    for table, expected in [
        ("{address: 1}", "found neither, expected exactly one of `table` or `guid`"),
        (f"{{table: ACPI_20, guid: {guid}, address: 1}}", "found both `table` and `guid`"),
        ("{table: ACPI20, address: 1}", "did you mean `ACPI_20`?"),
        ("{guid: 8868e871, address: 1}", "expected a GUID such as"),
    ]:
        _, errors = read(MINIMAL + f"configuration_tables:\n  - {table}\n")
        assert any(expected in error for error in errors), errors


def test_the_well_known_guid_of_a_table_gives_it_its_name() -> None:
    guid = "8868E871-E4F1-11D3-BC22-0080C73C8881"
    platform, _ = read(MINIMAL + f"configuration_tables:\n  - {{guid: {guid}, address: 0x10}}\n")
    assert platform is not None
    assert platform.configuration_tables is not None
    assert platform.configuration_tables[0].name == "ACPI_20"


@pytest.mark.parametrize(
    "text",
    [
        "efipolicy: 1\n",
        "# a remark\n\nefipolicy: 1\n",
        '{"efipolicy": 1, "platform": {}}',
        '{\n  "efipolicy": 1\n}',
        "'efipolicy' : 1\n",
    ],
)
def test_a_platform_file_is_recognised_by_its_key(text: str) -> None:
    assert is_platform_file(SourceText("anything", text))


@pytest.mark.parametrize(
    "text", ["efi: mem00: efipolicy\n", "# efipolicy: 1\n", "a: {b: efipolicy}"]
)
def test_a_word_in_a_log_makes_no_platform_file(text: str) -> None:
    assert not is_platform_file(SourceText("anything", text))


def test_json_is_yaml_too() -> None:
    text = (
        '{"efipolicy": 1, "platform": {"name": "p", "architecture": "arm64"}, "memory_map": '
        '{"descriptors": [{"type": "EfiLoaderCode", "physical_start": "0x1000", "pages": 4, '
        '"attribute": ["WB"]}]}}'
    )
    platform, errors = read(text)
    assert errors == []
    assert platform is not None
    assert platform.memory_map.descriptors[0].physical_start == 0x1000


def schema_errors(value: Any) -> list[str]:
    validator = Draft202012Validator(platform_schema())
    return [error.message for error in validator.iter_errors(value)]


def test_the_schema_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(platform_schema())


@pytest.mark.parametrize(
    "path", [*sorted(PLATFORMS.glob("*.yaml")), COMPLETE], ids=lambda path: path.name
)
def test_the_schema_takes_what_the_reader_takes(path: Any) -> None:
    """Read as editors read it: YAML 1.2, whose core schema knows no dates."""
    value = YAML(typ="safe", pure=True).load(path.read_text())
    for item in value.get("accept", ()):
        item["until"] = str(item["until"])
    assert schema_errors(value) == []


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    yaml = YAML(typ="safe", pure=True)
    for old, new, _ in ERRORS:
        text = MINIMAL.replace(old, new, 1)
        if any(mark in text for mark in ("*x", "&x", "!bits", "---", "efipolicy: 1\nefipolicy")):
            continue  # what only YAML itself can tell
        assert schema_errors(yaml.load(text)), new
