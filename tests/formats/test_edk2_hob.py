"""Hand-off blocks in a debug log of edk2."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import edk2_hob
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.efi import MEMORY_TYPES
from efipolicy.model.evidence import ReportedRange
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats import printing

LISTED = """\
# source: public log of a universal payload on QEMU (index id 19626507297), shortened
    Print all Hob information from Hob 0x1C000000
    HOB[0]: Type = EFI_HOB_TYPE_HANDOFF, Offset = 0x0, Length = 0x38
    BootMode            = 0x0
    EfiMemoryTop        = 0x20000000
    HOB[1]: Type = EFI_HOB_TYPE_MEMORY_ALLOCATION, Offset = 0x190, Length = 0x30
    Type              = EFI_HOB_TYPE_MEMORY_ALLOCATION
    Name              = 00000000-0000-0000-0000-000000000000
    MemoryBaseAddress = 0xD0000000
    MemoryLength      = 0x300000
    MemoryType        = EfiReservedMemoryType
    HOB[2]: Type = EFI_HOB_TYPE_RESOURCE_DESCRIPTOR, Offset = 0x1C0, Length = 0x30
    ResourceType      = EFI_RESOURCE_SYSTEM_MEMORY
    ResourceAttribute = 0x3C07
    PhysicalStart     = 0x0
    ResourceLength    = 0x20000000
    HOB[3]: Type = EFI_HOB_TYPE_GUID_EXTENSION, Offset = 0x1F0, Length = 0x28
    Name       = 03D4C61D-2713-4EC5-A1CC-883BE9DC18E5
    DataLength = 0x10
    HOB[4]: Type = EFI_HOB_TYPE_FV, Offset = 0x2F8, Length = 0x18
    BaseAddress = 0x115000
    Length      = 0x2FC000
    There are totally 5 Hobs, the End Hob address is 1C000328
"""
CORE = """\
# source: public log of edk2 on a RISC-V board (index id 48293996848), shortened
HOBLIST address in DXE = 0x13FFFC018
Memory Allocation 0x00000004 0x43FE4000 - 0x43FEFFFF
Memory Allocation 0x00000003 0x43533000 - 0x43570FFF
Memory Allocation 0x00000003 0x43533000 - 0x43570FFF
FV Hob            0x40200000 - 0x4031FFFF
FV2 Hob           0x43571000 - 0x43AA0FFF
                  00000000-0000-0000-0000-000000000000 - 9E21FD93-9C72-4C15-8C4B-E77F1DB2D792
"""
TEST_POINT = """\
Resource Descriptor HOBs
  BA=0000000000000000  L=00000000000A0000  Attr=00003C07  Mem (Tested)
  BA=00000000000A0000  L=0000000000020000  Attr=00000407  MMIO
  BA=0000000000001000  L=0000000000001000  Attr=00000003  I/O
FV HOBs
  BA=00000000FF800000  L=0000000000800000
FV2 HOBs
  BA=00000000FF900000  L=0000000000100000  Fv={4F1C52D3-D824-4D2A-A2F0-EC40C23C5916}  File={X}
Memory Allocation HOBs
  BA=000000007EFF0000  L=0000000000010000  BS_Data  {Stack}
"""


def read(text: str) -> Platform:
    reading = edk2_hob.read(CaptureText(SourceText("log.txt", text)))
    assert reading
    return reading.platform


def ranges(text: str) -> tuple[ReportedRange, ...]:
    capture = read(text).capture
    assert capture
    return capture.reported_ranges


def said(text: str) -> list[tuple[str, str]]:
    return [(str(one.physical), one.what) for one in ranges(text)]


def unreadable(text: str) -> list[int]:
    capture = read(text).capture
    assert capture
    return [line.located.span.line for line in capture.unreadable]


def test_blocks_of_memory_are_evidence_and_no_descriptors() -> None:
    platform = read(LISTED)
    assert platform.memory_map.descriptors == ()
    assert said(LISTED) == [
        ("0xd0000000-0xd0300000", "EfiReservedMemoryType"),
        ("0x0-0x20000000", "EFI_RESOURCE_SYSTEM_MEMORY"),
        ("0x115000-0x411000", "firmware volume"),
    ]
    assert {one.table for one in ranges(LISTED)} == {"hob"}
    assert platform.capture
    assert (platform.capture.dialect, platform.capture.unreadable) == ("edk2-hob", ())


def test_a_range_knows_where_its_block_stands() -> None:
    span = ranges(LISTED)[0].located.span
    assert (span.line, span.end_line) == (6, 11)


def test_the_ranges_of_the_core_are_closed_and_what_it_says_twice_is_said_once() -> None:
    assert said(CORE) == [
        ("0x43fe4000-0x43ff0000", "EfiBootServicesData"),
        ("0x43533000-0x43571000", "EfiBootServicesCode"),
        ("0x40200000-0x40320000", "firmware volume"),
        ("0x43571000-0x43aa1000", "firmware volume"),
    ]
    assert unreadable(CORE) == []


def test_test_points_print_short_names_and_ports_are_no_memory() -> None:
    assert said(TEST_POINT) == [
        ("0x0-0xa0000", "EFI_RESOURCE_SYSTEM_MEMORY"),
        ("0xa0000-0xc0000", "EFI_RESOURCE_MEMORY_MAPPED_IO"),
        ("0xff800000-0x100000000", "firmware volume"),
        ("0xff900000-0xffa00000", "firmware volume"),
        ("0x7eff0000-0x7f000000", "EfiBootServicesData"),
    ]
    assert unreadable(TEST_POINT) == []


def test_a_wrapped_row_of_a_test_point_is_no_firmware_volume() -> None:
    text = TEST_POINT.replace("  BS_Data", "\n> BS_Data")
    assert ("0x7eff0000-0x7f000000", "firmware volume") not in said(text)
    assert unreadable(text) == [10]


def test_payloads_say_which_resources_they_make_of_their_loaders_map() -> None:
    text = (
        "buildhob: base = 0x0, size = 0xA0000, type = 0x0\n"
        "buildhob: base = 0xFE000000, size = 0x1000, type = 0x5\n"
    )
    assert said(text) == [
        ("0x0-0xa0000", "EFI_RESOURCE_SYSTEM_MEMORY"),
        ("0xfe000000-0xfe001000", "EFI_RESOURCE_MEMORY_RESERVED"),
    ]


@pytest.mark.parametrize(
    "row",
    [
        "Memory Allocation 0x00000004 Ox1AF6C000 - 0x1AF8BFFF",
        "Memory Allocation 0x00000004 0x43FE4000 - 0x43FE",
        "Memory Allocation 0x00000004 0x43FE4000 - ",
        "Memory Allocation 0x0000",
        "buildhob: base = 0x0, size = 0xA0",
        "BA=0000000000000000  L=0000000",
        "BA=0000000000000000  L=00000000000A0000  Attr=00003C07  Cheese",
    ],
)
def test_a_row_that_was_typed_or_cut_off_is_reported(row: str) -> None:
    assert unreadable(CORE + row) == [9]
    assert len(ranges(CORE + row)) == 4


def test_what_is_left_of_two_blocks_is_no_block() -> None:
    lines = LISTED.splitlines(keepends=True)
    text = "".join(lines[:8] + lines[5:7] + lines[8:])  # the count goes back
    assert ("0xd0000000-0xd0300000", "EfiReservedMemoryType") in said(text)
    lost = LISTED.replace("HOB[2]", "HOB[7]")
    assert ("0xd0000000-0xd0300000", "EfiReservedMemoryType") not in said(lost)
    assert 6 in unreadable(lost)


@pytest.mark.parametrize("lost", [8, 9, 10, 12, 14, 15, 20, 21])
def test_a_block_without_one_of_its_lines_is_reported(lost: int) -> None:
    lines = LISTED.splitlines(keepends=True)
    text = "".join(lines[:lost] + lines[lost + 1 :])
    assert len(ranges(text)) == 2
    assert len(unreadable(text)) == 1


def test_a_block_that_a_platform_prints_its_own_way_is_left_alone() -> None:
    own = "HOB[0]: Type = EFI_HOB_TYPE_MEMORY_ALLOCATION, Offset = 0x0, Length = 0x30\n   Stack\n"
    assert edk2_hob.read(CaptureText(SourceText("log.txt", own))) is None


def test_the_print_in_source_code_is_no_list() -> None:
    code = 'DEBUG ((DEBUG_INFO, "Memory Allocation 0x%08x 0x%0lx - 0x%0lx\\n", Type, Base, Last));'
    assert edk2_hob.read(CaptureText(SourceText("x.c", code))) is None


Block = tuple[str, int, int, str]


def blocks() -> st.SearchStrategy[list[Block]]:
    """Allocations and resources, in EFI pages."""
    allocation = st.tuples(
        st.just("MEMORY_ALLOCATION"),
        st.integers(0, 1 << 36),
        st.integers(1, 1 << 20),
        st.sampled_from(list(MEMORY_TYPES)),
    )
    resource = st.tuples(
        st.just("RESOURCE_DESCRIPTOR"),
        st.integers(0, 1 << 36),
        st.integers(1, 1 << 36),
        st.sampled_from(["EFI_RESOURCE_SYSTEM_MEMORY", "EFI_RESOURCE_MEMORY_RESERVED"]),
    )
    return st.lists(allocation | resource, min_size=1, max_size=6, unique=True)


def printed(index: int, block: Block) -> list[str]:
    kind, start, pages, what = block
    head = f"HOB[{index}]: Type = EFI_HOB_TYPE_{kind}, Offset = 0x{index * 48:X}, Length = 0x30"
    if kind == "MEMORY_ALLOCATION":
        return [
            head,
            f"   MemoryBaseAddress = 0x{start << 12:X}",
            f"   MemoryLength      = 0x{pages << 12:X}",
            f"   MemoryType        = {what} ",
        ]
    return [
        head,
        f"   ResourceType      = {what}          ",
        "   ResourceAttribute = 0x3C07",
        f"   PhysicalStart     = 0x{start << 12:X}",
        f"   ResourceLength    = 0x{pages << 12:X}",
    ]


def listing(found: list[Block]) -> list[str]:
    lines = [line for index, block in enumerate(found) for line in printed(index, block)]
    return [*lines, f"There are totally {len(found)} Hobs, the End Hob address is 1C000328"]


def expected(found: list[Block]) -> list[tuple[str, str]]:
    return [(f"{start << 12:#x}-{start + pages << 12:#x}", what) for _, start, pages, what in found]


SOME = settings(max_examples=40, deadline=None)


@SOME
@given(found=blocks())
def test_what_is_printed_is_read_back(found: list[Block]) -> None:
    text = "\n".join(listing(found))
    assert said(text) == list(dict.fromkeys(expected(found)))
    assert unreadable(text) == []


@SOME
@given(data=st.data())
def test_prefixes_noise_copies_and_line_ends_change_nothing(data: st.DataObject) -> None:
    found = data.draw(blocks())
    text = data.draw(printing.damaged(listing(found)))
    assert said(text) == list(dict.fromkeys(expected(found)))
    assert unreadable(text) == []


@SOME
@given(data=st.data())
def test_quoted_printable_mail_changes_nothing(data: st.DataObject) -> None:
    found = data.draw(blocks())
    lines = [part for line in listing(found) for part in printing.quoted_printable(line)]
    assert said("\n".join(lines)) == list(dict.fromkeys(expected(found)))


@SOME
@given(data=st.data())
def test_whatever_lines_are_lost_nothing_is_made_up(data: st.DataObject) -> None:
    found = data.draw(blocks())
    lines = listing(found)
    first = data.draw(st.integers(0, len(lines) - 1))
    after = data.draw(st.integers(first, len(lines) - 1))
    text = "\n".join([*lines[:first], *lines[after:]])
    reading = edk2_hob.read(CaptureText(SourceText("log.txt", text)))
    if reading and reading.platform.capture:
        known = expected(found)
        left = reading.platform.capture.reported_ranges
        assert all((str(one.physical), one.what) in known for one in left)
