"""The attributes table and the address-space map in a debug log of edk2."""

import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import edk2_debug, edk2_hob, patina, project_mu
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.evidence import ReportedRange
from efipolicy.model.memory_map import MemoryAttributesTable, MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats import printing

RUNTIME = 1 << 63
GCD_HEADING = (
    "GCDMemType Range                             Capabilities     Attributes      \n"
    "========== ================================= ================ ================\n"
)
GCD = (
    GCD_HEADING
    + """\
NonExist   0000000000000000-00000000000FFFFF 0000000000000000 0000000000000000\x20
MMIO       0000000000100000-000000004FFFFFFF C700000000027001 0000000000000001\x20
Reserved   0000000050000000-0000000053FFFFFF 0000000000000000 0000000000000000\x20
SystemMem  0000000054000000-0000000080000FFF 800000000002700F 0000000000002008*
"""
)
"""The rows of Patina's documentation, as edk2 prints them."""
SHELL = """\
Type       Start            End              # Pages          Attributes
Reserved   0000000000000000-0000000000000FFF 0000000000000001 000000000000000F
MMIO       00000000FEC00000-00000000FEC00FFF 0000000000000001 8000000000000001
"""


def heading(count: int, *, width: int = 20) -> str:
    return (
        "MemoryAttributesTable:\n"
        f"  {'Version':{width}} - 0x00000001\n"
        f"  {'NumberOfEntries':{width}} - 0x{count:08X}\n"
        f"  {'DescriptorSize':{width}} - 0x00000030\n"
    )


def record(one: MemoryDescriptor, at: int = 0x7E9C3028) -> str:
    return (
        f"Entry (0x{(at + 0x30 * one.index) % (1 << 32):X})\n"
        f"  Type              - 0x{one.type:X}\n"
        f"  PhysicalStart     - 0x{one.physical_start:016X}\n"
        f"  VirtualStart      - 0x{one.virtual_start or 0:016X}\n"
        f"  NumberOfPages     - 0x{one.number_of_pages:016X}\n"
        f"  Attribute         - 0x{one.attribute or 0:016X}\n"
    )


def entry(index: int, *, attribute: int = RUNTIME | 0x4000, type: int = 6) -> MemoryDescriptor:
    return MemoryDescriptor(
        index=index,
        type=type,
        physical_start=0x7EC00000 + 0x10000 * index,
        virtual_start=0,
        number_of_pages=16,
        attribute=attribute,
    )


def table_text(found: Sequence[MemoryDescriptor]) -> str:
    return heading(len(found)) + "".join(map(record, found))


def read(text: str) -> Platform:
    reading = edk2_debug.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


def table_of(platform: Platform) -> MemoryAttributesTable:
    assert platform.memory_attributes_table
    return platform.memory_attributes_table


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


def ranges(platform: Platform) -> tuple[ReportedRange, ...]:
    assert platform.capture
    return platform.capture.reported_ranges


THREE = [entry(0), entry(1, attribute=RUNTIME | 0x20000, type=5), entry(2)]


def test_a_table_is_whole_when_it_has_as_many_entries_as_its_heading_says() -> None:
    platform = read(table_text(THREE))
    table = table_of(platform)
    assert table.entries == tuple(THREE)
    assert (table.version, table.number_of_entries, table.descriptor_size) == (1, 3, 0x30)
    assert (table.extent, unreadable(platform)) == ("whole", [])
    assert platform.memory_map.descriptors == ()
    assert platform.capture
    assert (platform.capture.dialect, platform.capture.skipped_lines) == (
        "edk2-memory-attributes",
        0,
    )


def test_every_field_of_an_entry_knows_where_it_stands() -> None:
    located = table_of(read(table_text(THREE))).entries[1].located
    assert located
    assert located.span.text.startswith("Entry (0x7E9C3058)")
    fields = ("type", "physical_start", "virtual_start", "pages", "attribute")
    spans = [located.span_of(field) for field in fields]
    assert [span.text if span else None for span in spans] == [
        "5",
        "000000007EC10000",
        "0000000000000000",
        "0000000000000010",
        "8000000000020000",
    ]


def test_the_last_table_counts_for_it_is_made_anew_with_every_allocation() -> None:
    platform = read(table_text(THREE) + "Loading driver\n" + table_text(THREE[:2]))
    assert table_of(platform).entries == tuple(THREE[:2])
    assert platform.capture
    assert platform.capture.skipped_lines == 1


def test_a_log_that_ends_early_holds_a_part() -> None:
    table = table_of(read(heading(9) + "".join(map(record, THREE))))
    assert (len(table.entries), table.extent) == (3, "partial")


def test_a_log_that_starts_below_the_heading_tells_no_extent() -> None:
    text = table_text(THREE)
    table = table_of(read(text[text.index("Entry") :]))
    assert (len(table.entries), table.extent, table.version) == (3, "unknown", None)


@pytest.mark.parametrize(
    "text",
    [
        heading(1, width=25) + record(entry(0)),
        heading(2) + record(entry(0, attribute=0x4000)) + record(entry(1, attribute=0, type=7)),
    ],
    ids=["wide labels", "memory that is no runtime memory"],
)
def test_the_table_of_system_management_mode_is_no_table_of_the_operating_system(
    text: str,
) -> None:
    assert edk2_debug.read(CaptureText(SourceText("log.txt", text))) is None
    assert table_of(read(text + table_text(THREE))).entries == tuple(THREE)


def test_a_table_that_may_be_of_system_management_mode_is_reported() -> None:
    platform = read(heading(1) + record(entry(0, attribute=0x4000)))
    assert platform.memory_attributes_table is None
    ((line, what),) = unreadable(platform)
    assert (line, "System Management Mode" in what) == (1, True)


def test_what_is_left_of_two_records_is_no_record() -> None:
    """A serial line loses a few lines, and the labels around the hole fit."""
    lines = table_text(THREE).splitlines(keepends=True)
    platform = read("".join(lines[:7] + lines[13:]))
    table = table_of(platform)
    assert [one.physical_start for one in table.entries] == [0x7EC20000]
    assert table.extent == "partial"
    assert unreadable(platform) == [
        (5, "lines are missing here: parts of two records look like one")
    ]


@pytest.mark.parametrize("lost", range(5, 10))
def test_a_record_without_one_of_its_lines_is_reported(lost: int) -> None:
    lines = table_text(THREE).splitlines(keepends=True)
    platform = read("".join(lines[:lost] + lines[lost + 1 :]))
    assert [one.physical_start for one in table_of(platform).entries] == [0x7EC10000, 0x7EC20000]
    assert unreadable(platform)


def test_a_type_that_does_not_fit_is_reported() -> None:
    text = table_text(THREE).replace("- 0x5\n", "- 0x500000000\n")
    assert [line for line, _ in unreadable(read(text))] == [11]


def test_the_print_in_source_code_is_no_table() -> None:
    code = 'DEBUG ((DEBUG_VERBOSE, "  NumberOfPages     - 0x%016lx\\n", Entry->NumberOfPages));'
    assert edk2_debug.read(CaptureText(SourceText("x.c", code))) is None


def test_the_path_of_the_core_proves_the_architecture() -> None:
    path = "/b/Build/ArmVirtQemu/DEBUG_GCC5/AARCH64/MdeModulePkg/Core/Dxe/DxeMain/DEBUG/DxeCore.dll"
    platform = read(f"add-symbol-file {path} 0x7F2BA000\n" + table_text(THREE))
    assert (platform.architecture, platform.architecture_reason.kind) == ("arm64", "stated")
    assert "/b/" not in platform.architecture_reason.evidence
    assert read(table_text(THREE)).architecture == "unknown"


def test_the_address_space_map_is_evidence_and_its_ranges_are_closed() -> None:
    platform = read(GCD)
    assert platform.memory_map.descriptors == ()
    found = ranges(platform)
    assert [one.table for one in found] == ["gcd"] * 4
    assert str(found[1].physical) == "0x100000-0x50000000"
    assert found[3].what == "SystemMem, capabilities 0x800000000002700f, attributes 0x2008"
    assert platform.capture
    assert platform.capture.dialect == "edk2-gcd"


def test_the_last_address_space_map_counts() -> None:
    text = GCD + GCD.replace("SystemMem ", "PersisMem ")
    assert [one.what.split(",")[0] for one in ranges(read(text))][-1] == "PersisMem"
    assert len(ranges(read(text))) == 4


def test_rows_of_patina_have_handles_behind_them() -> None:
    row = "SystemMem  0000000080001000-0000000080002fff 800000000002700f 0000000000004008 "
    (found,) = ranges(read(row + "0x00000000000002 0x00000000000000\n"))
    assert str(found.physical) == "0x80001000-0x80003000"


def test_rows_of_the_shell_look_the_same_and_are_left_to_it() -> None:
    assert edk2_debug.read(CaptureText(SourceText("log.txt", SHELL))) is None
    assert len(ranges(read(GCD + SHELL))) == 4
    assert len(ranges(read(GCD + SHELL.split("\n", 1)[1]))) == 4


def test_the_map_of_io_ports_holds_no_memory() -> None:
    ports = "GCDIoType  Range\n========== ====\nReserved   0000000000000000-0000000000000FFF\n"
    platform = read(GCD + ports)
    assert (len(ranges(platform)), unreadable(platform)) == (4, [])


def test_a_row_of_the_address_space_map_that_lost_its_end_is_reported() -> None:
    platform = read(GCD.replace("C700000000027001 0000000000000001 ", "C70000"))
    assert len(ranges(platform)) == 3
    assert [line for line, _ in unreadable(platform)] == [4]


def tables() -> st.SearchStrategy[list[MemoryDescriptor]]:
    """Tables as the DXE core makes them: runtime memory, each entry elsewhere."""
    starts = st.lists(st.integers(0, (1 << 35) - 1), min_size=1, max_size=6, unique=True)
    bits = st.sampled_from((0, 0x4000, 0x20000, 0x24000))
    return starts.flatmap(
        lambda pages: st.tuples(
            *(
                st.builds(
                    MemoryDescriptor,
                    index=st.just(index),
                    type=st.sampled_from((5, 6)),
                    physical_start=st.just(page << 12),
                    virtual_start=st.just(0),
                    number_of_pages=st.integers(1, 1 << 20),
                    attribute=bits.map(lambda bit: RUNTIME | bit),
                )
                for index, page in enumerate(pages)
            )
        ).map(list)
    )


SOME = settings(max_examples=40, deadline=None)


@SOME
@given(found=tables())
def test_what_is_printed_is_read_back(found: list[MemoryDescriptor]) -> None:
    platform = read(table_text(found))
    assert table_of(platform).entries == tuple(found)
    assert (table_of(platform).extent, unreadable(platform)) == ("whole", [])


@SOME
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(data: st.DataObject) -> None:
    found = data.draw(tables())
    platform = read(data.draw(printing.damaged(table_text(found).splitlines())))
    assert table_of(platform).entries == tuple(found)
    assert unreadable(platform) == []


@SOME
@given(data=st.data())
def test_forum_tags_change_nothing(data: st.DataObject) -> None:
    found = data.draw(tables())
    places = st.lists(st.integers(0, 60), max_size=1)
    lines = [printing.tagged(line, data.draw(places)) for line in table_text(found).splitlines()]
    assert table_of(read("\n".join(lines))).entries == tuple(found)


@SOME
@given(data=st.data())
def test_a_line_cut_at_any_column_is_read_right_or_reported(data: st.DataObject) -> None:
    found = data.draw(tables())
    lines = table_text(found).splitlines()
    broken = data.draw(st.integers(4, len(lines) - 1))
    width = data.draw(st.integers(8, 45))
    text = "\n".join(
        part
        for number, line in enumerate(lines)
        for part in (printing.cut("> " + line, width) if number == broken else ["> " + line])
    )
    judge(found, text)


@SOME
@given(data=st.data())
def test_whatever_lines_are_lost_nothing_is_made_up(data: st.DataObject) -> None:
    found = data.draw(tables())
    lines = table_text(found).splitlines()
    first = data.draw(st.integers(0, len(lines)))
    after = data.draw(st.integers(first, len(lines)))
    judge(found, "\n".join([*lines[:first], *lines[after:], "Loading driver"]))


def judge(found: Sequence[MemoryDescriptor], text: str) -> None:
    """Every entry that was read is one of those that were printed, in their order."""
    reading = edk2_debug.read(CaptureText(SourceText("log.txt", text)))
    if reading is None:
        return
    table = reading.platform.memory_attributes_table
    values = [value(one) for one in table.entries] if table else []
    rest = iter(value(one) for one in found)
    assert all(one in rest for one in values)
    if table and len(values) < len(found):
        assert table.extent != "whole"


def value(one: MemoryDescriptor) -> tuple[object, ...]:
    return one.type, one.physical_start, one.number_of_pages, one.attribute, one.virtual_start


GROWING = {
    "tables": (edk2_debug, table_text(THREE)),
    "records that lost their lines": (edk2_debug, record(entry(0))[:120] + "\n"),
    "headings alone": (edk2_debug, "MemoryAttributesTable:\n"),
    "records on one endless line": (edk2_debug, record(entry(0)).replace("\n", " ")),
    "address-space maps": (edk2_debug, GCD),
    "rows that lost their ends": (edk2_debug, "SystemMem  00000000\n"),
    "lists of blocks": (
        edk2_hob,
        "HOB[1]: Type = EFI_HOB_TYPE_FV\n BaseAddress = 0x1\nHOB[2]: Type = EFI_HOB_TYPE_FV\n",
    ),
    "allocations": (edk2_hob, "Memory Allocation 0x00000004 0x43FE4000 - 0x43FEFFFF\n"),
    "rows of test points": (edk2_hob, "FV HOBs\nBA=0000000000000000  L=0000000000001000\n"),
    "rows of the audit": (project_mu, f"MAT,0x{0:016X},0x{0:016X}\nMemoryMap,0x0\n"),
    "parts of a report": (project_mu, '{"Page Size": {"Page Size": ['),
    "objects": (patina, '{"memory_base_address": 1, "memory_length":'),
}


@pytest.mark.parametrize(("module", "part"), GROWING.values(), ids=GROWING)
def test_four_times_the_text_is_four_times_the_work(module: ModuleType, part: str) -> None:
    small, large = (work(module, part * size) for size in (100, 400))
    assert large < 5 * small


def work(module: ModuleType, text: str) -> int:
    """How many lines of Python run when a reader reads a text."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        module.read(CaptureText(SourceText("log.txt", text)))
    finally:
        sys.settrace(before)
    return count


def test_a_row_of_the_address_space_map_that_lost_its_type_is_reported() -> None:
    rows = GCD.splitlines(keepends=True)
    number = next(place for place, row in enumerate(rows) if "0000000000100000-" in row)
    rows[number] = rows[number].split(maxsplit=1)[1]
    platform = read("".join(rows))
    assert len(ranges(platform)) == 3
    assert platform.capture
    assert [line.located.span.line for line in platform.capture.unreadable] == [number + 1]
