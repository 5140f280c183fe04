"""Project Mu's paging audit, and its map for memory protection."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats, project_mu
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import ForeignInputError, SourceText
from tests.formats import printing
from tests.formats.test_loader_damage import judge, value

FORMATS = {form.name: form for form in efipolicy_formats()}


def row(one: MemoryDescriptor, kind: str = "MemoryMap") -> str:
    numbers = (
        one.type,
        one.physical_start,
        one.virtual_start or 0,
        one.number_of_pages,
        one.attribute or 0,
    )
    return ",".join([kind, *(f"0x{number:016X}" for number in numbers)])


FREE = "MemoryMap,0x{:016X},0x{:016X},0x0000000000000000,0x{:016X},0x{:016X}"
OLD = "\n".join(
    [
        FREE.format(7, 0, 0xA0, 0xF),
        FREE.format(5, 0x7EC00000, 0x80, 0x800000000000000F),
        FREE.format(0, 0x7F800000, 0x800, 0xF),
    ]
)
NEW = "\n".join(
    [
        FREE.format(7, 0, 0xA0, 0xF) + ",0x2",
        FREE.format(0x12, 0xA0000, 0x60, 0) + ",0x3",
        FREE.format(4, 0x100000, 0x100, 0xF) + ",0x2",
        FREE.format(4, 0x200000, 0x100, 0xF) + ",0x5",
    ]
)
TSEG = (
    "TSEG,0x0000000000000011,0x000000007F800000,0x0000000000000000,0x0000000000000800,"
    "0x0000000000000000,0x0000000000000008"
)
MAT = (
    "MAT,0x0000000000000005,0x000000007EC00000,0x0000000000000000,0x0000000000000080,"
    "0x8000000000020000,0x0000000000000008"
)
LEAF = {
    "Page Size": "2m",
    "Present": "Yes",
    "Read/Write": "Enabled",
    "Execute": "Disabled",
    "Privilege": "Supervisor",
    "Start": "0x007EC00000",
    "End": "0x007EDFFFFF",
    "Number of Entries": 1,
    "Memory Type": "EfiRuntimeServicesData",
    "GCD Memory Type": "EfiGcdMemoryTypeSystemMemory",
    "Section Type": "Not Tracked",
    "System Memory": "None",
    "Memory Contents": None,
    "Partial Page": False,
}


def report(*leaves: dict[str, object]) -> str:
    found = {"ToolVersion": "1.0", "PlatformName": "x", "MemoryRanges": leaves, "errors": []}
    return f"<script>\n        var EmbeddedJd = {json.dumps(found)};\n</script>\n"


def read(text: str) -> Platform:
    reading = project_mu.read(CaptureText(SourceText("MemoryInfoDatabase.dat", text)))
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[int]:
    assert platform.capture
    return [line.located.span.line for line in platform.capture.unreadable]


def said(platform: Platform) -> list[tuple[str, str]]:
    assert platform.capture
    assert {one.table for one in platform.capture.reported_ranges} <= {"gcd"}
    return [(str(one.physical), one.what) for one in platform.capture.reported_ranges]


def test_the_first_audits_print_the_map_as_firmware_gave_it() -> None:
    platform = read(OLD)
    found = platform.memory_map.descriptors
    assert [(one.type, one.physical_start, one.number_of_pages) for one in found] == [
        (7, 0, 0xA0),
        (5, 0x7EC00000, 0x80),
        (0, 0x7F800000, 0x800),
    ]
    assert (platform.memory_map.origin, platform.memory_map.extent) == ("firmware", "unknown")
    assert (platform.architecture, unreadable(platform)) == ("unknown", [])
    assert platform.capture
    assert platform.capture.dialect == "mu-paging-audit"


def test_every_field_of_a_row_knows_where_it_stands() -> None:
    located = read(OLD).memory_map.descriptors[1].located
    assert located
    spans = {field: located.span_of(field) for field in ("type", "physical_start", "pages")}
    assert {field: span.text for field, span in spans.items() if span} == {
        "type": "0000000000000005",
        "physical_start": "000000007EC00000",
        "pages": "0000000000000080",
    }


def test_later_audits_sort_and_cut_the_map_and_fill_its_holes() -> None:
    platform = read(NEW)
    assert [one.type for one in platform.memory_map.descriptors] == [7, 4, 4]
    assert platform.memory_map.origin == "unknown"
    assert said(platform) == [
        ("0x0-0xa0000", "SystemMemory"),
        ("0xa0000-0x100000", "MemoryMappedIo"),
        ("0x100000-0x200000", "SystemMemory"),
        ("0x200000-0x300000", "MoreReliable"),
    ]


def test_a_row_that_lost_its_last_column_may_be_a_filled_hole() -> None:
    platform = read(NEW.replace("0x0000000000000000,0x3", "0x0000000000000000"))
    assert [one.type for one in platform.memory_map.descriptors] == [7, 4, 4]
    assert unreadable(platform) == [2]


def test_system_management_ram_is_off_limits_and_proves_x86() -> None:
    platform = read(f"{TSEG}\n{TSEG}\n{OLD}")
    assert platform.hardware
    assert platform.hardware.off_limits
    (place,) = platform.hardware.off_limits
    assert (str(place.physical), place.what) == ("0x7f800000-0x80000000", "TSEG")
    assert place.located
    assert place.located.span.line == 1
    assert (platform.architecture, platform.architecture_reason.kind) == ("x86_64", "stated")


def test_the_attributes_table_has_no_count() -> None:
    table = read(MAT).memory_attributes_table
    assert table
    (one,) = table.entries
    assert (one.type, one.attribute, table.extent) == (5, 0x8000000000020000, "unknown")
    assert table.number_of_entries is None


def test_a_type_that_does_not_fit_is_reported() -> None:
    platform = read(OLD.replace("0x0000000000000005", "0x0000000100000005"))
    assert (len(platform.memory_map.descriptors), unreadable(platform)) == (2, [2])


def test_the_report_holds_page_tables() -> None:
    code = LEAF | {"Read/Write": "Disabled", "Execute": "Enabled", "Start": "0x007EE00000"}
    guard = LEAF | {"Present": "No"}
    capture = read(report(LEAF, guard, code | {"End": "0x007EE00FFF", "Page Size": "4k"})).capture
    assert capture
    (dump,) = capture.page_tables
    first, last = dump.ranges
    assert (str(first.virtual), first.leaf_size, first.access) == (
        "0x7ec00000-0x7ee00000",
        1 << 21,
        "RW",
    )
    assert first.physical_start == first.virtual.start
    assert (last.leaf_size, last.access, dump.kind) == (0x1000, "RX", "mu-paging-audit")
    assert "Memory Type EfiRuntimeServicesData" in first.flags
    assert first.located.span.text == json.dumps(LEAF)


@pytest.mark.parametrize(
    ("execute", "access"), [("UX/PX", "RWX"), ("PX", "RWX"), ("UX", "RW"), ("Disabled", "RW")]
)
def test_on_arm64_what_firmware_may_execute_is_privileged(execute: str, access: str) -> None:
    leaf = {name: LEAF[name] for name in LEAF if name not in ("Present", "Privilege")}
    capture = read(report(leaf | {"Access Flag": "Yes", "Execute": execute})).capture
    assert capture
    assert capture.page_tables[0].ranges[0].access == access


@pytest.mark.parametrize(
    "broken", [report(LEAF | {"End": "0x0"}), report(LEAF | {"Start": None}), report(LEAF)[:150]]
)
def test_a_run_of_leaves_that_cannot_be_read_is_reported(broken: str) -> None:
    platform = read(broken)
    assert platform.capture
    assert (platform.capture.page_tables, unreadable(platform)) == ((), [2])


def test_the_map_for_memory_protection_is_evidence() -> None:
    text = (
        "---Memory Map With Separated Image Descriptors---\n"
        "Memory Range: 0x8510B4000 - 0x852EB4000. Type:4, Attributes: 0x0\n"
        "Memory Range: 0x852EB4000 - 0x852EB5000. Type:3, Attributes: 0x20000\n"
        "---------------------------------------\n"
    )
    platform = read(text + "---Memory Map with Populated Access Attributes---\n" + text)
    assert platform.memory_map.descriptors == ()
    assert said(platform) == [
        ("0x8510b4000-0x852eb4000", "EfiBootServicesData, attributes 0x0 for its protection"),
        ("0x852eb4000-0x852eb5000", "EfiBootServicesCode, attributes 0x20000 for its protection"),
    ]
    assert platform.capture
    assert platform.capture.dialect == "mu-memory-map"
    assert unreadable(read(text + "Memory Range: 0x852EB5000 - 0x85")) == [5]


def test_a_list_of_hardware_is_no_such_map() -> None:
    text = "  Memory Range: 0xf3300000-0xf3303fff (rw,non-prefetchable)\n"
    assert project_mu.read(CaptureText(SourceText("hwinfo.txt", text))) is None


SOME = settings(max_examples=40, deadline=None)


def maps() -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
    return printing.maps().map(
        lambda found: tuple(
            MemoryDescriptor(
                index=one.index,
                type=one.type,
                physical_start=one.physical_start,
                virtual_start=0,
                number_of_pages=one.number_of_pages,
                attribute=one.attribute,
            )
            for one in found
        )
    )


def recognised(text: str) -> Platform | None:
    reading, errors = recognise(SourceText("x", text), {"project-mu": FORMATS["project-mu"]})
    assert reading or [type(error) for error in errors] == [ForeignInputError]
    return reading.platform if reading else None


def distinct(found: tuple[MemoryDescriptor, ...]) -> bool:
    return len({value(one) for one in found}) == len(found)


@SOME
@given(found=maps().filter(distinct))
def test_what_is_printed_is_read_back(found: tuple[MemoryDescriptor, ...]) -> None:
    platform = recognised("\n".join(map(row, found)))
    assert platform
    assert platform.memory_map.descriptors == found


@SOME
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(data: st.DataObject) -> None:
    found = data.draw(maps().filter(distinct))
    platform = recognised(data.draw(printing.damaged([row(one) for one in found])))
    assert platform
    assert platform.memory_map.descriptors == found
    assert unreadable(platform) == []


@SOME
@given(data=st.data())
def test_forum_tags_change_nothing(data: st.DataObject) -> None:
    found = data.draw(maps().filter(distinct))
    places = st.lists(st.integers(0, 200), max_size=4)
    lines = [printing.tagged(row(one), data.draw(places)) for one in found]
    platform = recognised("\n".join(lines))
    assert platform
    assert platform.memory_map.descriptors == found


@SOME
@given(data=st.data())
def test_a_row_cut_at_any_column_is_read_right_or_reported(data: st.DataObject) -> None:
    found = data.draw(maps().filter(distinct))
    broken = data.draw(st.integers(0, len(found) - 1))
    lines: list[str] = []
    for number, one in enumerate(found):
        line = "> " + row(one)
        parts = printing.cut(line, data.draw(st.integers(30, len(line))))
        lines += parts if number == broken else [line]
    judge(found, broken, recognised("\n".join(lines)))


@SOME
@given(data=st.data())
def test_a_shortened_row_is_read_right_or_reported(data: st.DataObject) -> None:
    found = data.draw(maps().filter(distinct))
    broken = data.draw(st.integers(0, len(found) - 1))
    lines = [row(one) for one in found]
    lines[broken] = lines[broken][: data.draw(st.integers(16, 103))]
    judge(found, broken, recognised("\n".join(lines)))
