"""Kernel logs as mail clients, terminals and forums leave them: wrapped, quoted, pasted."""

from pathlib import Path
from typing import Any

import pytest

from efipolicy.formats import linux
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Capture, Platform
from efipolicy.source import SourceText
from tests.formats.test_reading_effort import work

CAPTURES = Path(__file__).parents[1] / "captures"
REJECTED = (CAPTURES / "35-sev-snp-kexec-corrupt-linux-x86.txt").read_text(encoding="utf-8")


def read(text: str) -> Platform:
    reading = linux.read(SourceText("log.txt", text))
    assert reading
    return reading.platform


def capture(platform: Platform) -> Capture:
    assert platform.capture
    return platform.capture


def wrapped(text: str, column: int, quote: str = "") -> str:
    """The text as a terminal of so many columns prints it, each line behind a quote mark."""
    lines = []
    for line in text.splitlines():
        cuts = range(0, max(len(line), 1), column)
        lines += [quote + line[at : at + column] for at in cuts]
    return "\n".join(lines) + "\n"


def values(entries: tuple[MemoryDescriptor, ...]) -> list[tuple[Any, ...]]:
    return [(one.type, one.physical_start, one.number_of_pages, one.attribute) for one in entries]


def contents(text: str) -> tuple[Any, ...]:
    """What a log says: the map, where it is from, and the table."""
    platform = read(text)
    table = platform.memory_attributes_table
    return (
        capture(platform).dialect,
        platform.memory_map.origin,
        values(platform.memory_map.descriptors),
        values(table.entries) if table else None,
    )


SYSLOG = "Nov 21 08:35:03 myhost kernel: [    0.000000] efi: memattr: "
ATTRIBUTES = (
    "[    0.000000] efi: memattr: Processing EFI Memory Attributes table:\n"
    f"{SYSLOG}0x0000a057a000-0x0000a05b4fff [Runtime Code       |RUN|  |  |  |  |  |RO|  |  |  ]\n"
    f"{SYSLOG}! 0x0000a05b5000-0x0000a05b5fff [Runtime Data       |RUN|  |  |XP|  |  |  |  |  ]\n"
)
FIRST_ARM64 = (
    "0x000080000000-0x00008007ffff [Conventional Memory]\n"
    "0x000080080000-0x000080ffffff [Loader Data]*\n"
    "0x000081000000-0x000081ffffff [Runtime Code]*\n"
)


@pytest.mark.parametrize("quote", ["", "> "])
@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (REJECTED, range(60, 133, 3)),
        (ATTRIBUTES, range(40, 140, 3)),
        (FIRST_ARM64, range(13, 55)),
    ],
    ids=["rejected entries", "attributes table", "first lines of arm64"],
)
def test_a_log_wrapped_at_any_column_says_the_same(text: str, columns: range, quote: str) -> None:
    expected = contents(text)
    for column in columns:
        assert contents(wrapped(text, column, quote)) == expected, column


@pytest.mark.parametrize("between", ["\n", " \n", "\n\n", "\n> ", "=\n", "\n\n> > "])
@pytest.mark.parametrize("mark", ["", " !"])
def test_the_attributes_table_never_becomes_the_map(between: str, mark: str) -> None:
    row = "0x0000a057a000-0x0000a05b4fff [Runtime Code|RUN|  |RO|  ]\n"
    platform = read(f"> Nov 21 08:35:03 host kernel: efi: memattr:{mark}{between}{row}")
    assert platform.memory_map.descriptors == ()
    assert platform.memory_attributes_table
    assert [one.number_of_pages for one in platform.memory_attributes_table.entries] == [0x3B]


def test_a_wrapped_header_still_announces_the_whole_table() -> None:
    header = "[    0.0] efi: memattr: Processing\n> EFI Memory Attributes table:\n"
    row = "efi: memattr: 0x0000a057a000-0x0000a05b4fff [Runtime Code|RUN|  |RO|  ]\n"
    table = read(header + row).memory_attributes_table
    assert table
    assert table.extent == "whole"


INVALID = "efi: mem12: [Reserved|   |  |  ] range=[0x0000000000001000-0x0000000000001fff] "


@pytest.mark.parametrize("end", ["(\ninvalid)", "(i\nnvalid)", "(inva=\nlid)", "\n(invalid\n> )"])
def test_a_rejected_entry_is_rejected_however_its_end_is_wrapped(end: str) -> None:
    platform = read(f"{INVALID}{end}\n")
    assert capture(platform).dialect == "linux-x86-invalid-entries"
    assert platform.memory_map.origin == "unknown"
    assert len(platform.memory_map.descriptors) == 1


@pytest.mark.parametrize("end", ["(", "(inva", "(inva\n[    0.000000] random: crng init done"])
def test_an_entry_whose_rejection_is_cut_off_is_reported(end: str) -> None:
    (line,) = capture(read(f"{INVALID}{end}\n")).unreadable
    assert "does not end" in line.what


def test_a_size_wrapped_in_its_middle_is_still_compared() -> None:
    line = "efi: mem00: [Boot Data|   |WB|UC] range=[0x100000-0x1fffff] ({}\nMB)\n"
    assert capture(read(line.format(1))).unreadable == ()
    (refused,) = capture(read(line.format(7))).unreadable
    assert "not of the size" in refused.what


MMIO = "efi: {} mem{:02}: MMIO range=[0x{:x}-0x{:x}] ({}) from e820 map\n"


def test_lines_about_mmio_of_two_boots_in_one_mail_are_not_one_list() -> None:
    text = (
        MMIO.format("Remove", 173, 0xE0000000, 0xEFFFFFFF, "256MB")
        + MMIO.format("Not removing", 71, 0xE0000000, 0xEFFFFFFF, "262144KB")
        + "\n"
        + MMIO.format("Not removing", 74, 0xFF000000, 0xFFFFFFFF, "16384KB")
        + MMIO.format("Remove", 176, 0xFF000000, 0xFFFFFFFF, "16MB")
        + "\nRemove mem%02u: MMIO range=[0x%08llx-0x%08llx] (%lluMB) ... size >> 20\n"
    )
    platform = read(text)
    maps = [platform.memory_map, *capture(platform).other_maps]
    assert sorted([one.index for one in each.descriptors] for each in maps) == [
        [71, 74],
        [173],
        [176],
    ]
    assert capture(platform).unreadable == ()


MAP = (
    "efi: mem00: [Runtime Code|RUN|WB] range=[0x100000-0x1fffff] (1MB)\n"
    "efi: mem01: [Conventional|   |WB] range=[0x200000-0x2fffff] (1MB)\n"
    "efi: mem02: [MMIO        |RUN|UC] range=[0xffc00000-0xffffffff] (4MB)\n"
)


@pytest.mark.parametrize(
    ("number", "start", "what"),
    [(1, 0xFEE00000, "not the one the map gives for mem1"), (7, 0xFFC00000, "gives for mem2")],
)
def test_a_line_about_mmio_that_contradicts_the_map_is_refused(
    number: int, start: int, what: str
) -> None:
    text = MAP + MMIO.format("Remove", 2, 0xFFC00000, 0xFFFFFFFF, "4MB")
    text += MMIO.format("Remove", number, start, start + 0x3FFFFF, "4MB")
    platform = read(text)
    (line,) = capture(platform).unreadable
    assert what in line.what
    assert len(platform.memory_map.descriptors) == 3


TABLES = (
    "efi: ACPI=0xca39f000 ACPI 2.0=0xca39f014 TPMFinalLog=0xcaaf4000 SMBIOS=0xcb7f0000 "
    "SMBIOS 3.0=0xcb7ef000 MEMATTR=0xc7c48018 ESRT=0xc64d4118 MOKvar=0xcb84c000\n"
)
BANNER = "efi: EFI v2.7 by American Megatrends\n"


@pytest.mark.parametrize("quote", ["", "> "])
def test_tables_wrapped_at_any_column_are_found_at_their_addresses(quote: str) -> None:
    expected = [
        ("ACPI", 0xCA39F000),
        ("ACPI_20", 0xCA39F014),
        ("SMBIOS", 0xCB7F0000),
        ("SMBIOS3", 0xCB7EF000),
        ("MEMORY_ATTRIBUTES", 0xC7C48018),
        ("ESRT", 0xC64D4118),
    ]
    for column in range(20, 150):
        text = f"{quote}{BANNER}{wrapped(TABLES, column, quote)}{quote}random: crng init\n{MAP}"
        tables = read(text).configuration_tables or ()
        assert [(one.name, one.address) for one in tables] == expected, column


def test_tables_wrapped_by_a_mail_client_stand_where_they_stand() -> None:
    text = BANNER + "efi: ACPI=3D0xca39f000 ACPI\n2.0=3D0xca39f014 SMBIOS\n3.0=3D0xcb7ef000\n" + MAP
    tables = read(text).configuration_tables or ()
    assert [one.name for one in tables] == ["ACPI", "ACPI_20", "SMBIOS3"]
    assert tables[1].located
    assert tables[1].located.span.start == text.index("ACPI\n2.0")


def test_the_month_below_an_address_is_no_part_of_it() -> None:
    text = f"{BANNER}efi: ACPI=0xca39\ndec 05 09:18:59 host kernel: random: crng init done\n{MAP}"
    tables = read(text).configuration_tables or ()
    assert [one.address for one in tables] == [0xCA39]


def test_the_tail_of_the_first_kernel_tells_of_kexec() -> None:
    text = (
        "[  100.000000] kexec_core: Starting new kernel\n"
        "[    0.000000] Linux version 6.1.0-10-amd64 (a@b) (gcc-12) #1 SMP\n"
    )
    assert read(text + MAP).memory_map.origin == "kexec"


VERSION = "[    0.000000] Linux version {}\n"


@pytest.mark.parametrize(
    ("line", "architecture"),
    [
        (VERSION.format("3.2.0-4-686-pae (debian) (gcc version 4.6.3) #1 SMP"), "i386"),
        (VERSION.format("2.6.18-6-686 (debian) (gcc version 4.1.2) #1 SMP"), "i386"),
        (VERSION.format("5.3.7-301.fc31.i686 (mockbuild@h) (gcc version 9) #1"), "i386"),
        (VERSION.format("4.15.0-20-generic (b@h) (gcc version 7.3.0) #21 SMP i686"), "i386"),
        ("Notice: NX protection cannot be enabled: non-PAE kernel!\n", "i386"),
        (
            VERSION.format("3.2.0-4-686-pae (d) (gcc) #1\n[    0.2] smpboot: CPU0: Intel Atom"),
            "i386",
        ),
        (VERSION.format("5.14.0-586.el9.x86_64 (mockbuild@i686-host) (gcc) #1"), "x86_64"),
        (VERSION.format("6.1.0-10-amd64 (b@h) (gcc-12) #1 SMP"), "x86_64"),
        (VERSION.format("6.1.0 (b@i686.host) (x86_64-linux-gnu-gcc-12) #1 SMP"), "x86_64"),
    ],
)
def test_a_kernel_of_32_bits_is_told_from_one_of_64(line: str, architecture: str) -> None:
    platform = read(line + MAP)
    assert platform.architecture == architecture
    assert platform.architecture_reason.kind == "stated"


def test_a_row_cut_in_its_number_is_reported_when_others_were_read() -> None:
    text = FIRST_ARM64.replace("7ffff [Conventional Memory]", "\n[    0.1] random: crng init done")
    platform = read(text)
    assert len(platform.memory_map.descriptors) == 2
    (line,) = capture(platform).unreadable
    assert "missing" in line.what


def test_a_wrapped_range_of_another_list_is_no_half_of_a_row() -> None:
    text = "[    0.0] reserve setup_data: [mem\n0x000000082f300000-0x000000082fffffff\n] reserved\n"
    assert capture(read(text + FIRST_ARM64)).unreadable == ()


@pytest.mark.parametrize(
    "part",
    [
        "0x0000800\n",
        "0x000080000000-0x0000\n",
        "efi: memattr:\n",
        "efi: mem00: [Reserved|WB] range=[0x0-0xfff] (inva\n",
        "ACPI=0xca39\n",
        "ACPI\n",
        "memattr: Processing EFI Memory\n",
    ],
)
def test_four_times_of_any_damage_is_four_times_the_work(part: str) -> None:
    small, large = (BANNER + FIRST_ARM64 + MAP + part * size for size in (60, 240))
    assert work(large) < 5 * work(small)


CELLS = (
    "Conventional|   |  |  |WB|UC",
    "Runtime Code|RUN|  |  |WB|UC",
    "Boot Data   |   |XP|  |WB|UC",
    "Runtime Data|RUN|XP|RO|WB|UC",
)
ROWS = tuple(
    f"efi: mem{at:02}: [{cell}] range=[{at << 20:#018x}-{(at + 1 << 20) - 1:#018x}] (1MB)"
    for at, cell in enumerate(CELLS)
)
FDT_ROWS = tuple(
    f"efi:   {at << 20:#014x}-{(at + 1 << 20) - 1:#014x} [{cell}]" for at, cell in enumerate(CELLS)
)
RAW_ROWS = tuple(
    f"mem{at:02}: type= {kind}, attr={attribute:#018x}, "
    f"range=[{at << 20:#018x}-{at + 1 << 20:#018x}) (   1MB)"
    for at, (kind, attribute) in enumerate(((7, 9), (5, 9 | 1 << 63), (4, 9)))
)


def changed(rows: tuple[str, ...], place: int, *change: tuple[str, str]) -> str:
    """The rows as a log, one of them with words of its own replaced."""
    lines = list(rows)
    for old, new in change:
        assert old in lines[place]
        lines[place] = lines[place].replace(old, new)
    return "".join(f"[    0.000000] {line}\n" for line in lines)


@pytest.mark.parametrize("rows", [ROWS, FDT_ROWS], ids=["x86", "arm64"])
def test_flags_lost_with_a_column_leave_the_attribute_unknown(rows: tuple[str, ...]) -> None:
    platform = read(changed(rows, 3, ("|XP|RO|", "|RO|")))
    descriptors = platform.memory_map.descriptors
    assert [one.attribute is None for one in descriptors] == [False, False, False, True]
    (line,) = capture(platform).unreadable
    assert line.what == "a cell of 4 columns, where other lines have 5"
    assert line.located.span.line == 4


def test_the_columns_of_one_kernel_are_not_compared_with_those_of_another() -> None:
    newer = [row.replace("|XP|", "|  |XP|").replace("|  |  |", "|  |  |  |") for row in ROWS]
    version = "[    0.000000] Linux version 6.{}.0 (b@h) (x86_64-linux-gnu-gcc) #1\n"
    text = version.format(1) + "\n".join(ROWS) + "\n" + version.format(12) + "\n".join(newer)
    assert capture(read(text)).unreadable == ()
    table = changed(FDT_ROWS, 0).replace("efi:   0x", "efi: memattr:  0x")
    wider = table.replace("|  |  |", "|  |  |  |").replace("|XP|", "|  |XP|")
    text = version.format(1) + table * 2 + version.format(12) + wider
    assert capture(read(text)).unreadable == ()


@pytest.mark.parametrize(
    ("rows", "change"),
    [
        (ROWS, ("[0x0000000000200000", "[0x000000000200000")),
        (ROWS, ("[0x0000000000200000", "[0x00000000000000000200000")),
        (FDT_ROWS, ("0x000000200000", "0x00000020000")),
        (FDT_ROWS, ("0x0000002fffff", "0x0000000002fffff")),
        (RAW_ROWS, ("attr=0x0000000000000009", "attr=0x000000000000009")),
    ],
    ids=["x86 short", "x86 long", "arm64 short", "arm64 long", "ia64 attribute"],
)
def test_a_padded_number_of_another_width_is_no_number(
    rows: tuple[str, ...], change: tuple[str, str]
) -> None:
    platform = read(changed(rows, 2, change))
    assert len(platform.memory_map.descriptors) == len(rows) - 1
    (line,) = capture(platform).unreadable
    assert "padded" in line.what
    assert line.located.span.line == 3


def test_numbers_that_a_person_shortened_stay_numbers() -> None:
    text = "efi: mem00: [Conventional|WB] range=[0x0000000000001000-0x9ffff] (0MB)\n"
    assert capture(read(text)).unreadable == ()


def test_an_attribute_with_a_lost_digit_is_unknown() -> None:
    cells = [("|   |XP|  |WB|UC]", "|attr=0x000800000000000f]")]
    assert capture(read(changed(ROWS, 2, *cells))).unreadable == ()
    (line,) = capture(read(changed(ROWS, 2, *cells, ("=0x000", "=0x00")))).unreadable
    assert line.located.span.line == 3


@pytest.mark.parametrize("number", ["1", "10"])
def test_a_number_that_lost_a_digit_does_not_divide_the_list(number: str) -> None:
    rows = tuple(
        f"efi: mem{100 + place}: {row.split(': ', 2)[2]}" for place, row in enumerate(ROWS)
    )
    platform = read(changed(rows, 2, ("mem102", f"mem{number:0>2}")))
    assert [one.index for one in platform.memory_map.descriptors] == [100, 101, 103]
    assert platform.memory_map.missing == ((0, 99), (102, 102))
    assert capture(platform).other_maps == ()
    (line,) = capture(platform).unreadable
    assert line.what.endswith("where mem102 is expected")


def test_a_number_of_one_digit_is_no_number_where_others_have_two() -> None:
    platform = read(changed(ROWS, 3, ("mem03", "mem0")))
    assert [one.index for one in platform.memory_map.descriptors] == [0, 1, 2]
    assert capture(platform).other_maps == ()
    (line,) = capture(platform).unreadable
    assert "padded to two" in line.what


def test_a_line_that_a_second_console_printed_late_is_a_copy() -> None:
    text = "\n".join((*ROWS[:3], ROWS[0], *ROWS[3:])) + "\n"
    platform = read(text)
    assert [one.index for one in platform.memory_map.descriptors] == [0, 1, 2, 3]
    assert platform.memory_map.extent == "whole"
    assert capture(platform).unreadable == capture(platform).other_maps == ()


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        (ROWS, "00300000-0x00000000003fffff] (1MB)"),
        (ROWS, "|  |  |WB|"),
        (RAW_ROWS, "attr=0x0000000000000009, ran"),
        (RAW_ROWS, "300000) (   1MB)"),
        (FDT_ROWS, "300000-0x0000003fffff [Runtime Da"),
        (FDT_ROWS, "fff [Runtime Data|RUN"),
    ],
)
def test_what_is_left_of_the_last_entry_is_reported(rows: tuple[str, ...], left: str) -> None:
    platform = read(changed(rows, -1, (rows[-1], left)))
    assert len(platform.memory_map.descriptors) == len(rows) - 1
    (line,) = capture(platform).unreadable
    assert line.what == "a part of an entry whose other part is missing"
    assert line.located.span.line == len(rows)


@pytest.mark.parametrize(
    "left", ["  0x000081000000", "  0x000081000000-0x0000", "fff [Runtime Code]", "x [Runtim"]
)
def test_what_is_left_of_a_row_without_flags_is_reported(left: str) -> None:
    text = FIRST_ARM64.replace("0x000080080000-0x000080ffffff [Loader Data]*", f"{left}-0x1")
    found = [line.located.span.line for line in capture(read(text)).unreadable]
    assert found == ([2] if left != "x [Runtim" else [])


def test_ranges_of_other_lines_are_no_rest_of_an_entry() -> None:
    other = "[    0.0] software IO TLB: mapped [mem 0x000000007e66f000-0x000000007e86f000] (2MB)\n"
    for rows in (ROWS, FDT_ROWS):
        assert capture(read(changed(rows, 0) + other)).unreadable == ()


def test_an_entry_cut_by_a_quoted_pager_takes_nothing_from_the_next() -> None:
    lines = changed(ROWS, 0).splitlines()
    lines[1] = lines[1][: lines[1].index("|WB")]
    for quote, mark in (("| ", ""), ("", ">")):
        text = "".join(f"{quote}{line}\n" for line in lines).replace("|  |  \n", f"|  |  {mark}\n")
        platform = read(text.replace(lines[1] + "\n", lines[1] + mark + "\n"))
        assert [one.index for one in platform.memory_map.descriptors] == [0, 2, 3]
        assert [line.located.span.line for line in capture(platform).unreadable] == [2]


def test_a_line_cut_by_a_pager_does_not_go_on_below() -> None:
    text = "efi: mem10: [Boot Code   |   |  |>\n|   |WB|UC] range=[0x0000-0x0fff] (0MB)\n"
    platform = read(text + MAP)
    assert 10 not in [one.index for one in platform.memory_map.descriptors]
    assert capture(platform).unreadable


@pytest.mark.parametrize("column", range(5, 9))
@pytest.mark.parametrize("quote", ["", "> "])
def test_a_number_wrapped_in_its_middle_is_one_number(column: int, quote: str) -> None:
    lines = [line.removeprefix("[    0.000000] ") for line in changed(ROWS, 0).splitlines()]
    text = "".join(f"{quote}{line[:column]}\n{quote}{line[column:]}\n" for line in lines)
    assert contents(text) == contents(changed(ROWS, 0))


@pytest.mark.parametrize("end", ["\r\r\n", "  \n", " \r\n"])
def test_rows_wrapped_in_their_numbers_have_line_ends_of_every_kind(end: str) -> None:
    for column in range(20, 50, 3):
        text = wrapped("\n".join(FDT_ROWS), column).replace("\n", end)
        assert contents(text) == contents(changed(FDT_ROWS, 0)), column


def test_a_row_is_of_the_table_by_the_words_right_before_it() -> None:
    table = ATTRIBUTES.replace("\n", "\\n")
    platform = read('{"log": "' + table + "\\n".join(FDT_ROWS) + '"}')
    assert len(platform.memory_map.descriptors) == 4
    assert platform.memory_attributes_table
    assert len(platform.memory_attributes_table.entries) == 2


def test_tables_cut_by_soft_line_ends_or_above_a_record_have_their_addresses() -> None:
    for text in (
        "efi: ACPI=3D0x7f=\n9c5000=20\nefi: mem00: x\n",
        "6,1,0,-;efi: ACPI=0x7f9c5000\n6,111,0,-;efi: mem00: x\n",
        "6,1,0,-;efi: ACPI=0x7f9\n  c5000\n6,111,0,-;efi: mem00: x\n",
        "efi:\n  ACPI=0x7f9c5000\n",
        "efi: ACPI\n  =0x7f9c5000\n",
        "efi: ACPI=0\nx7f9c5000\n",
        "efi: ACPI=3D0x7=\nf9c5000=20\n",
    ):
        for banner in (BANNER, BANNER.replace(" by", "\n  by"), BANNER.replace("\n", "\r\r\n")):
            platform = read(banner + text + MAP)
            tables = platform.configuration_tables or ()
            assert [(one.name, one.address) for one in tables] == [("ACPI", 0x7F9C5000)], text
            assert platform.firmware
            assert platform.firmware.vendor == "American Megatrends"


@pytest.mark.parametrize("break_", ["\n", "\n  ", "=\n", "\r\r\n> "])
def test_two_maps_stay_two_however_their_header_is_wrapped(break_: str) -> None:
    other = changed(FDT_ROWS, 0).replace("0x00000", "0x00008")
    for words in ("Processing EFI{} memory map:", "Processing EFI mem{}ory map:"):
        header = "[    0.0] efi: " + words.format(break_) + "\n"
        platform = read(header + changed(FDT_ROWS, 0) + header + other)
        maps = [platform.memory_map, *capture(platform).other_maps]
        assert [len(each.descriptors) for each in maps] == [4, 4]


@pytest.mark.parametrize("break_", ["\n", "\n> ", "=\n"])
def test_the_list_of_the_kernel_is_its_own_however_its_header_is_wrapped(break_: str) -> None:
    header = f"[    0.0] efi: EFI runtime{break_} memory map:\n"
    platform = read(changed(ROWS, 0) + header + changed(ROWS[1:], 0))
    assert platform.memory_map.origin == "firmware"
    (other,) = capture(platform).other_maps
    assert other.origin == "kernel-edited"


def test_a_number_of_an_interleaved_line_is_no_start_of_a_row() -> None:
    platform = read(changed(FDT_ROWS, 2, ("0x000000200000", "0x00 0x200000")))
    assert len(platform.memory_map.descriptors) == 3
    (line,) = capture(platform).unreadable
    assert line.located.span.line == 3


@pytest.mark.parametrize(
    ("banner", "vendor"),
    [
        ("efi: EFI v2.7 by Ameri=\ncan Megatrends\n", "American Megatrends"),
        ("efi: EFI v2.7 by =\nEDK II\n", "EDK II"),
        ("efi: EFI v2.7\n  by EDK II\n", "EDK II"),
        ("efi: EFI v2.7 by\nEDK II\n", None),
    ],
)
def test_a_wrapped_banner_gives_no_part_of_a_vendor(banner: str, vendor: str | None) -> None:
    platform = read(f"{banner}efi: ACPI\n2.0=0x7f9c5000\n{MAP}")
    assert platform.uefi
    assert str(platform.uefi) == "2.7"
    assert (platform.firmware.vendor if platform.firmware else None) == vendor
    assert [one.name for one in platform.configuration_tables or ()] == ["ACPI_20"]
