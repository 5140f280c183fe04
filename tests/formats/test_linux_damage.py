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


MMIO = "efi: {} mem{}: MMIO range=[0x{:x}-0x{:x}] ({}) from e820 map\n"


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
