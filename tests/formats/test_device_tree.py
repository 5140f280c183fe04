"""What the device tree says of the memory map, in every form that tools show it in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats
from efipolicy.formats.device_tree import chosen_text
from efipolicy.formats.recognition import recognise
from efipolicy.model.declared import SystemTable
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import Platform
from efipolicy.source import ForeignInputError, SourceText

CAPTURES = Path(__file__).parents[1] / "captures" / "sysfs"
FORMATS = {form.name: form for form in efipolicy_formats()}
BLOB = bytes.fromhex(
    "".join(
        line[10:50]
        for line in (CAPTURES / "qemu-virt-1g-fdt.hex").read_text().splitlines()
        if not line.startswith("#")
    )
)
SHOWN = """\
chosen/linux,uefi-mmap-desc-ver:0x1
chosen/linux,uefi-mmap-desc-size:0x30
chosen/linux,uefi-mmap-size:0x630
chosen/linux,uefi-mmap-start:0x79a0e9c0
chosen/linux,uefi-system-table:0x7ffd0018
"""
DTC = """\
	chosen {
		linux,uefi-mmap-desc-ver = <0x01>;
		linux,uefi-mmap-desc-size = <0x30>;
		linux,uefi-mmap-size = <0x630>;
		linux,uefi-mmap-start = <0x00 0x79a0e9c0>;
		linux,uefi-system-table = <0x00000000 0x7ffd0018>;
		bootargs = "console=ttyAMA0 efi=debug";
	};
"""
BYTES = """\
linux,uefi-mmap-desc-ver = [00 00 00 01];
linux,uefi-mmap-desc-size = [00000030];
linux,uefi-mmap-size = [00 00 06 30];
linux,uefi-mmap-start = [00 00 00 00 79 a0 e9 c0];
linux,uefi-system-table = [000000007ffd0018];
"""
LSPROP = """\
linux,uefi-mmap-desc-ver 00000001
linux,uefi-mmap-desc-size 00000030 (48)
linux,uefi-mmap-size     00000630 (1584)
linux,uefi-mmap-start    00000000 79a0e9c0
linux,uefi-system-table  00000000 7ffd0018
"""
PATH = "/proc/device-tree/chosen/linux,uefi-"
XXD = f"""\
$ xxd {PATH}mmap-desc-ver
00000000: 0000 0001                                ....
$ xxd {PATH}mmap-desc-size
00000000: 0000 0030                                ...0
$ xxd -g1 {PATH}mmap-size
00000000: 00 00 06 30                                      ...0
$ xxd -p {PATH}mmap-start
0000000079a0e9c0
$ xxd {PATH}system-table
00000000: 0000 0000 7ffd 0018                      ........
"""
HEXDUMP = f"""\
$ hexdump -C {PATH}mmap-desc-ver
00000000  00 00 00 01                                       |....|
00000004
$ hexdump -C {PATH}mmap-desc-size
00000000  00 00 00 30                                       |...0|
00000004
==> {PATH}mmap-size <==
 00 00 06 30
$ od -tx1 {PATH}mmap-start
0000000 00 00 00 00 79 a0 e9 c0
0000010
$ hexdump -C {PATH}system-table
00000000  00 00 00 00 7f fd 00 18                           |........|
00000008
"""


def read(text: str) -> Platform:
    reading, errors = recognise(SourceText("tree.txt", text), FORMATS, only="device-tree")
    assert errors == ()
    assert reading
    return reading.platform


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    assert platform.capture
    return [(line.located.span.line, line.what) for line in platform.capture.unreadable]


@pytest.mark.parametrize(
    "text", [SHOWN, DTC, BYTES, LSPROP, XXD, HEXDUMP, DTC.replace("\n", "\r\n")]
)
def test_the_map_is_described_but_not_shown(text: str) -> None:
    platform = read(text)
    assert platform.memory_map == MemoryMap(descriptor_size=48, descriptor_version=1, size=1584)
    assert platform.system_table == SystemTable(address=0x7FFD0018)
    assert platform.architecture == "unknown"
    assert unreadable(platform) == []


def test_cells_of_64_bits_are_read() -> None:
    text = DTC.replace("<0x00000000 0x7ffd0018>", "/bits/ 64 <0x7ffd0018>")
    assert text != DTC
    platform = read(text)
    assert platform.system_table == SystemTable(address=0x7FFD0018)
    assert unreadable(platform) == []


def test_a_number_knows_its_place() -> None:
    for text in (SHOWN, DTC, XXD):
        platform = read(text)
        assert platform.memory_map.located
        place = platform.memory_map.located.span_of("size")
        assert place
        assert "630" in place.text.replace(" ", "")


def test_the_properties_alone_are_recognised() -> None:
    recognition = recognise(SourceText("tree.txt", SHOWN), FORMATS)
    assert recognition.reading
    assert recognition.reading.platform.capture
    assert recognition.reading.platform.capture.dialect == "device-tree"


@pytest.mark.parametrize(
    "line",
    [
        "linux,uefi-mmap-size = <0x00 0x630>;",
        "linux,uefi-mmap-size = <0x1ffffffff>;",
        "linux,uefi-mmap-size = /bits/ 64 <0x630>;",
        "linux,uefi-mmap-size = /bits/ 8 <0x00 0x00 0x06 0x30>;",
        "linux,uefi-mmap-size = <&memory>;",
        "linux,uefi-mmap-size = [00 06 30];",
        "linux,uefi-mmap-size:0x1ffffffff",
        "linux,uefi-mmap-size:0x63zz",
        "$ hexdump linux,uefi-mmap-size\n0000000 0000 3006",
        "$ xxd linux,uefi-mmap-size\n00000000: 0000 0630 0000 0000",
    ],
)
def test_a_property_of_another_size_or_an_unknown_order_is_reported(line: str) -> None:
    text = SHOWN.replace("chosen/linux,uefi-mmap-size:0x630", line)
    platform = read(text)
    assert platform.memory_map.size is None
    assert platform.memory_map.descriptor_size == 48
    assert len(unreadable(platform)) == 1


def test_properties_that_are_only_mentioned_say_nothing() -> None:
    talk = (
        "Can't find 'linux,uefi-system-table' in DT\n"
        "Binary file /proc/device-tree/chosen/linux,uefi-mmap-start matches\n"
        "linux,uefi-mmap-size\t| 32-bit | size in bytes of the map\n"
        "# at FDT linux,uefi-mmap-size=0x630, read from guest RAM\n"
    )
    _, errors = recognise(SourceText("x", talk), FORMATS, only="device-tree")
    assert [type(error) for error in errors] == [ForeignInputError]
    assert unreadable(read(talk + SHOWN)) == []


@pytest.mark.parametrize(
    "line",
    [
        "linux,uefi-mmap-size=0x630",
        "chosen/linux,uefi-mmap-size = 0x630;",
        '"linux,uefi-mmap-size": "0x630",',
        "[    1.000000] linux,uefi-mmap-size=0x630",
        "Nov 21 08:00:01 box kernel: linux,uefi-mmap-size=0x630",
        "linux,uefi-mmap-size=0x630 (1584 bytes)",
    ],
)
def test_a_number_behind_an_equals_sign_or_a_colon_is_read(line: str) -> None:
    platform = read(SHOWN.replace("chosen/linux,uefi-mmap-size:0x630", line))
    assert platform.memory_map.size == 1584
    assert unreadable(platform) == []


def test_two_properties_may_stand_on_one_line() -> None:
    platform = read("linux,uefi-mmap-size=0x630, linux,uefi-mmap-desc-size=0x30\n")
    memory_map = platform.memory_map
    assert (memory_map.size, memory_map.descriptor_size) == (0x630, 0x30)


@pytest.mark.parametrize(
    "talk",
    [
        "The stub writes linux,uefi-mmap-size=0x631. Then the kernel",
        'evidence: {from: "linux,uefi-mmap-size=0x631"}',
        "system_table: {address: 0x1000}  # 3: chosen/linux,uefi-mmap-size:0x631",
        "a size in linux,uefi-mmap-size: 1584",
    ],
)
def test_a_sentence_that_quotes_a_property_is_no_property(talk: str) -> None:
    platform = read(SHOWN + talk + "\n")
    assert platform.memory_map.size == 1584
    assert unreadable(platform) == []
    _, errors = recognise(SourceText("x", talk), FORMATS, only="device-tree")
    assert [type(error) for error in errors] == [ForeignInputError]


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("linux,uefi-mmap-size=0x6zz", "`0x6zz`"),
        ("linux,uefi-mmap-size: 0x0 0x630", "`0x0 0x630`"),
        ("linux,uefi-mmap-size = 1584", "`1584`, which may be decimal or hexadecimal"),
    ],
)
def test_what_is_no_number_is_quoted(line: str, quoted: str) -> None:
    platform = read(SHOWN.replace("chosen/linux,uefi-mmap-size:0x630", line))
    assert platform.memory_map.size is None
    ((_, what),) = unreadable(platform)
    assert what.startswith(quoted)


def test_a_file_that_could_not_be_opened_is_told_beside_the_properties() -> None:
    remark = "# not readable: firmware/efi/systab (permission denied)\n"
    assert unreadable(read(remark + SHOWN)) == [
        (1, "not readable: firmware/efi/systab (permission denied)")
    ]


def test_a_property_with_two_values_is_not_known() -> None:
    second = SHOWN.replace("0x7ffd0018", "0xbffd0018")
    platform = read(SHOWN + second)
    assert platform.system_table is None
    assert platform.memory_map.size == 1584


def test_beside_the_log_of_the_kernel_the_system_table_is_added() -> None:
    log = "efi:   0x000040000000-0x00004000ffff [Conventional|WB]\n" * 2
    reading, errors = recognise(SourceText("x", log + DTC), FORMATS)
    assert errors == ()
    assert reading
    assert reading.platform.memory_map.descriptors
    assert reading.platform.system_table == SystemTable(address=0x7FFD0018)


def test_a_flattened_tree_is_shown_as_lines() -> None:
    assert chosen_text(BLOB) == SHOWN


def test_bytes_that_are_no_tree_or_a_damaged_one_show_nothing() -> None:
    assert chosen_text(b"") is None
    assert chosen_text(b"not a tree") is None
    assert chosen_text(BLOB[:64]) is None
    assert chosen_text(BLOB[:40] + b"\xff" * 100) is None


@given(cut=st.integers(0, len(BLOB)), place=st.integers(0, len(BLOB) - 1), byte=st.integers(0, 255))
def test_a_damaged_tree_raises_nothing(cut: int, place: int, byte: int) -> None:
    damaged = BLOB[:place] + bytes([byte]) + BLOB[place + 1 :]
    assert chosen_text(damaged[:cut]) is None or cut > 64
