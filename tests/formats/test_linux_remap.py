"""``EFI remap`` lines: where older kernels of arm64 say that they map runtime regions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import linux
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats import printing

KERNEL = "[    0.000000] Linux version {} (a@b) (aarch64-linux-gnu-gcc) #1 SMP\n"
ENTRY = "[    0.000000] efi:   0x{:012x}-0x{:012x} [{}]\n"
REMAP = "[    0.062564]   EFI remap 0x{:016x} => {:016x}\n"

MAP = (
    ENTRY.format(0x1054_0000, 0x1054_7FFF, "Runtime Data|RUN|WB")
    + ENTRY.format(0x1054_8000, 0x1054_FFFF, "Runtime Code|RUN|WB")
    + ENTRY.format(0x2000_0000, 0x2000_FFFF, "Conventional|   |WB")
)
LINES = REMAP.format(0x1054_0000, 0x2000_0000) + REMAP.format(0x1054_8000, 0x2001_8000)


def read(text: str) -> Platform:
    reading = linux.read(SourceText("log.txt", text))
    assert reading
    return reading.platform


def told(text: str) -> list[tuple[int, int]]:
    capture = read(text).capture
    assert capture
    return [(one.physical_start, one.virtual_start) for one in capture.remappings]


def refusals(text: str) -> list[str]:
    capture = read(text).capture
    assert capture
    return [line.what for line in capture.unreadable]


@pytest.mark.parametrize(
    ("line", "physical", "virtual"),
    [
        ("  EFI remap 0x0000000010548000 => 0000000020018000", 0x1054_8000, 0x2001_8000),
        ("  EFI remap 0x0008fffb9000 => ffffffc87ffb9000", 0x8FFFB9000, 0xFFFF_FFC8_7FFB_9000),
        ("  EFI remap 0x0000000010548000 =3D> 0000000020018000", 0x1054_8000, 0x2001_8000),
        ("  EFI remap 0x10548000 =>\n0000000020018000", 0x1054_8000, 0x2001_8000),
        ("> kernel:   EFI remap 0x10548000 => 0x0000000020018000 \r", 0x1054_8000, 0x2001_8000),
    ],
)
def test_a_line_tells_a_physical_and_a_virtual_start(
    line: str, physical: int, virtual: int
) -> None:
    text = f"[    0.062564] {line}\n[    0.06]   EFI remap 0x1000 => 0000000000001000\n"
    assert told(text) == [(physical, virtual), (0x1000, 0x1000)]
    assert refusals(text) == []


def test_a_pointer_of_arm_has_eight_digits() -> None:
    version = KERNEL.format("4.9.0").replace("aarch64-linux-gnu", "arm-linux-gnueabihf")
    line = "[    0.06]   EFI remap 0x000000000c000000 => c0a80000\n"
    assert told(version + line) == [(0xC00_0000, 0xC0A8_0000)]
    assert refusals(KERNEL.format("4.9.0") + line)


def test_a_remapping_stands_where_its_numbers_do() -> None:
    capture = read(LINES).capture
    assert capture
    assert capture.skipped_lines == 0
    located = capture.remappings[1].located
    physical, virtual = located.span_of("physical_start"), located.span_of("virtual_start")
    assert physical
    assert virtual
    assert (physical.text, virtual.text) == ("0x0000000010548000", "0000000020018000")
    assert located.span.line == 2


def test_a_line_printed_twice_is_one_remapping() -> None:
    doubled = "".join(line * 2 for line in LINES.splitlines(keepends=True))
    assert told(doubled) == told(LINES)


def test_the_remapped_regions_are_the_layout_in_use() -> None:
    platform = read(KERNEL.format("4.11.0") + MAP + LINES)
    assert platform.mapping
    (one,) = platform.mapping
    assert one.virtual_map
    assert [
        (entry.index, entry.type, entry.physical_start, entry.number_of_pages, entry.virtual_start)
        for entry in one.virtual_map
    ] == [(0, 6, 0x1054_0000, 8, 0x2000_0000), (1, 5, 0x1054_8000, 8, 0x2001_8000)]
    assert platform.memory_map.descriptors[0].virtual_start is None
    located = one.virtual_map[0].located
    assert located
    assert "EFI remap" in located.span.text
    assert one.set_virtual_address_map is None


@pytest.mark.parametrize(
    "lines",
    [
        REMAP.format(0x1054_0000, 0x2000_0000),
        LINES + REMAP.format(0x3000_0000, 0x2003_0000),
        LINES + REMAP.format(0x1054_8000, 0x2004_8000),
        LINES + "[    0.1]   EFI remap 0x00000000105\n",
    ],
    ids=["one is missing", "one is of no region", "one contradicts", "one is unreadable"],
)
def test_a_part_of_a_layout_is_not_a_layout(lines: str) -> None:
    platform = read(KERNEL.format("4.11.0") + MAP + lines)
    assert platform.mapping
    assert platform.mapping[0].virtual_map is None
    assert platform.capture
    assert platform.capture.remappings


@pytest.mark.parametrize(
    "line",
    [
        "EFI remap 0x0000000010548000",
        "EFI remap 0x0000000010548000 =>",
        "EFI remap 0x0000000010548000 => 000000002001",
        "EFI remap 0x0000000010548000 => 0000000020018000 usb 1-1",
        "EFI remap 0x0000000010548000 => 00000000",
        "EFI remap 0x00000000105usb 1-1: new device",
    ],
)
def test_a_damaged_line_is_reported_and_never_guessed(line: str) -> None:
    text = f"[    0.06] {line}\n[    0.06]   EFI remap 0x1000 => 0000000000001000\n"
    assert told(text) == [(0x1000, 0x1000)]
    assert refusals(text) == ["no two addresses behind `EFI remap`"]


@pytest.mark.parametrize(
    ("kernel", "line"),
    [
        ("4.11.0", "EFI remap 0x0000000010548000 => (____ptrval____)"),
        ("4.11.0", "EFI remap 0x0000000010548000 => 00000000a1b2c3d4"),
        ("4.15.0", "EFI remap 0x0000000010548000 => 00000000a1b2c000"),
    ],
)
def test_hidden_addresses_are_no_addresses(kernel: str, line: str) -> None:
    text = KERNEL.format(kernel) + MAP + LINES + f"[    0.1] {line}\n"
    assert told(text) == []
    assert refusals(text) == ["a virtual address that the kernel hides, here and in 2 more lines"]
    mapping = read(text).mapping
    assert mapping
    assert mapping[0].virtual_map is None


def test_a_region_that_could_not_be_mapped_is_no_damage() -> None:
    text = "[    0.1]   EFI remap 0x10548000: failed to create mapping (-12)\n" + LINES
    assert len(told(text)) == 2
    assert refusals(text) == []


def test_the_lines_of_another_boot_do_not_count() -> None:
    second = KERNEL.format("4.11.0") + LINES
    assert told(KERNEL.format("4.4.0") + MAP + second) == []


KNOWN = KERNEL.format("4.11.0") + "[    0.000000] efi: EFI v2.40 by AMI\n"
PAIRS = st.lists(
    st.tuples(
        st.integers(0, 2**40).map(lambda page: page << 12),
        st.integers(1, 2**52 - 1).map(lambda page: page << 12),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda pair: pair[0],
)


@given(PAIRS, st.data())
def test_what_is_printed_is_read_back(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    lines = [REMAP.format(*pair)[17:].rstrip() for pair in pairs]
    assert told(KNOWN + data.draw(printing.damaged(lines))) == pairs


@given(PAIRS, st.data())
def test_a_cut_line_is_read_right_or_reported(
    pairs: list[tuple[int, int]], data: st.DataObject
) -> None:
    lines = [REMAP.format(*pair)[17:].rstrip() for pair in pairs]
    column = data.draw(st.integers(len("EFI remap 0x"), len(lines[0]) - 1))
    if data.draw(st.booleans()):
        lines[0:1] = [lines[0][:column]]
        expected = pairs[1:]
    else:
        lines[0:1] = [lines[0][:column], lines[0][column:]]
        expected = pairs
    text = KNOWN + "\n".join(lines) + "\n"
    found = told(text)
    assert found == expected or (found == pairs[1:] and refusals(text))
