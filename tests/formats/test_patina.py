"""The capture of Patina's DXE readiness tool."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats, patina
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

GUID = "00000000-0000-0000-0000-000000000000"
# source: patina-readiness-tool, dxe_readiness_validator/src/tests/data/q35_capture.json, shortened
Q35 = """\
{
  "hob_list": [
    {
      "type": "handoff",
      "version": 9,
      "memory_top": "0x7f000000",
      "end_of_hob_list": "0x7afe3458"
    },
    {
      "type": "guid_extension",
      "name": "3b387bfd-7abc-4cf2-a0ca-b6a16c1b1b25"
    },
    {
      "type": "memory_allocation",
      "alloc_descriptor": {
        "name": "00000000-0000-0000-0000-000000000000",
        "memory_base_address": "0x7effd000",
        "memory_length": 12288,
        "memory_type": 4
      }
    },
    {
      "type": "unknown_hob"
    },
    {
      "type": "resource_descriptor",
      "owner": "00000000-0000-0000-0000-000000000000",
      "resource_type": 0,
      "resource_attribute": "0x3c07",
      "physical_start": "0x100000",
      "resource_length": "0x7ef00000"
    },
    {
      "type": "firmware_volume",
      "base_address": "0x900000",
      "length": 10485760
    },
    {
      "type": "resource_descriptor",
      "owner": "00000000-0000-0000-0000-000000000000",
      "resource_type": 2,
      "resource_attribute": "0x3",
      "physical_start": "0x6000",
      "resource_length": "0xa000"
    }
  ],
  "fv_list": []
}
"""
Q35_RANGES = [
    ("0x7effd000-0x7f000000", "EfiBootServicesData"),
    ("0x100000-0x7f000000", "EFI_RESOURCE_SYSTEM_MEMORY"),
    ("0x900000-0x1300000", "firmware volume"),
]


def read(text: str) -> Platform:
    reading = patina.read(CaptureText(SourceText("capture.json", text)))
    assert reading
    return reading.platform


def said(text: str) -> list[tuple[str, str]]:
    capture = read(text).capture
    assert capture
    assert {one.table for one in capture.reported_ranges} <= {"hob"}
    return [(str(one.physical), one.what) for one in capture.reported_ranges]


def unreadable(text: str) -> list[int]:
    capture = read(text).capture
    assert capture
    return [line.located.span.line for line in capture.unreadable]


def test_blocks_of_memory_are_evidence_and_ports_are_none() -> None:
    platform = read(Q35)
    assert platform.memory_map.descriptors == ()
    assert said(Q35) == Q35_RANGES
    assert unreadable(Q35) == []
    assert platform.capture
    assert platform.capture.dialect == "patina-json"


def test_a_range_knows_where_its_object_stands() -> None:
    capture = read(Q35).capture
    assert capture
    span = capture.reported_ranges[0].located.span
    assert (span.line, span.end_line) == (15, 20)
    assert span.text.startswith("{")
    assert span.text.endswith("}")


def test_the_first_captures_had_decimal_numbers_one_level_deeper() -> None:
    text = json.dumps(
        {
            "hob_list": {
                "hobs": [
                    {
                        "type": "memory_allocation",
                        "alloc_descriptor": {
                            "name": GUID,
                            "memory_base_address": 2130694144,
                            "memory_length": 12288,
                            "memory_type": 4,
                        },
                    }
                ]
            }
        }
    )
    assert said(text) == Q35_RANGES[:1]


def test_the_second_version_of_a_resource_wraps_the_first() -> None:
    resource = {
        "owner": GUID,
        "resource_type": 5,
        "resource_attribute": 7,
        "physical_start": 0,
        "resource_length": 4096,
    }
    text = json.dumps({"type": "resource_descriptor_v2", "v1": resource, "attributes": 8}, indent=1)
    assert said(text) == [("0x0-0x1000", "EFI_RESOURCE_MEMORY_RESERVED")]


def test_the_order_of_members_is_of_no_account() -> None:
    assert sorted(said(json.dumps(json.loads(Q35), sort_keys=True))) == sorted(Q35_RANGES)


@pytest.mark.parametrize("prefix", ["[12:00:01.000] ", "> ", "INFO - "])
def test_prefixes_of_a_serial_console_change_nothing(prefix: str) -> None:
    text = "".join(prefix + line for line in Q35.splitlines(keepends=True))
    assert (said(text), unreadable(text)) == (Q35_RANGES, [])


def test_a_type_that_is_not_known_keeps_its_number() -> None:
    text = Q35.replace('"memory_type": 4', '"memory_type": 1879048193')
    assert said(text)[0][1] == "0x70000001"
    assert said(Q35.replace('"resource_type": 0', '"resource_type": 9'))[1][1] == (
        "resource type 0x9"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"memory_length": 12288', '"memory_length": -1'),
        ('"memory_length": 12288,', ""),
        ('"memory_length": 12288', '"memory_length": 1228\n8'),
        ('"0x7effd000"', '"0x7eff\nd000"'),
        ('"0x7effd000"', '"7effd000"'),
        ('"memory_length": 12288', '"memory_length": 12288, "memory_length": 4096'),
        ('"memory_length": 12288', '"memory_length": 123456789012345678901'),
        ('"memory_type": 4\n      }', ""),
    ],
)
def test_what_cannot_be_read_is_reported(old: str, new: str) -> None:
    text = Q35.replace(old, new)
    assert said(text)[-1] == Q35_RANGES[-1]
    assert Q35_RANGES[0] not in said(text)
    assert len(unreadable(text)) == 1


def test_a_capture_is_recognised_by_its_content() -> None:
    formats = {form.name: form for form in efipolicy_formats()}
    reading, _ = recognise(SourceText("x", Q35), formats, only="patina-json")
    assert reading
    assert reading.platform.capture


def test_other_json_is_none() -> None:
    assert patina.read(CaptureText(SourceText("x.json", '{"length": 4096}'))) is None


@settings(max_examples=40, deadline=None)
@given(
    found=st.lists(
        st.tuples(
            st.integers(0, (1 << 64) - 1),
            st.integers(0, (1 << 64) - 1),
            st.integers(0, 15),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    indent=st.sampled_from((None, 1, 2)),
)
def test_what_is_written_is_read_back(
    found: list[tuple[int, int, int, bool]], indent: int | None
) -> None:
    names = list(MEMORY_TYPES)
    capture = {
        "hob_list": [
            {
                "type": "memory_allocation",
                "alloc_descriptor": {
                    "name": GUID,
                    "memory_base_address": f"{start:#x}" if as_text else start,
                    "memory_length": length,
                    "memory_type": kind,
                },
            }
            for start, length, kind, as_text in found
        ],
        "fv_list": [],
    }
    assert said(json.dumps(capture, indent=indent)) == [
        (f"{start:#x}-{start + length:#x}", names[kind]) for start, length, kind, _ in found
    ]
