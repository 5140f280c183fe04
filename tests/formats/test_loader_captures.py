"""Real captures of loaders and hypervisors: what a reader finds in them, row by row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from efipolicy.formats import efipolicy_formats, marks
from efipolicy.formats.recognition import recognise
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText, decode

CAPTURES = Path(__file__).parents[1] / "captures"
FORMATS = {form.name: form for form in efipolicy_formats()}
LOADERS = [form for form in marks.FORMATS if form is not marks.EFI_SHELL]
DIALECTS = {dialect for form in LOADERS for dialect in form.dialects}
ROWS = [
    row.split("\t")
    for row in (CAPTURES / "expected.tsv").read_text().splitlines()
    if not row.startswith("#")
]
MINE = [row for row in ROWS if row[3] in DIALECTS]
OTHERS = [row for row in ROWS if row[3] not in DIALECTS]


def read(name: str) -> Platform:
    path = next(CAPTURES.glob(f"{name}*"))
    reading, errors = recognise(decode(path.name, path.read_bytes()), FORMATS)
    assert errors == ()
    assert reading
    return reading.platform


def test_there_are_captures_of_every_family() -> None:
    assert {row[3] for row in MINE} == {
        "xen",
        "freebsd",
        "u-boot-efidebug",
        "esx-boot",
        "opencore-devirt",
        "rust-uefi-debug",
    }


@pytest.mark.parametrize(("name", "architecture", "entries", "dialect"), MINE)
def test_a_capture_is_what_the_golden_table_says(
    name: str, architecture: str, entries: str, dialect: str
) -> None:
    platform = read(name)
    assert platform.capture
    assert (
        platform.architecture.replace("unknown", "?"),
        len(platform.memory_map.descriptors),
        platform.capture.dialect,
    ) == (architecture, int(entries), dialect)
    assert platform.capture.unreadable == ()
    assert platform.capture.other_maps == ()
    assert platform.memory_map.origin == "firmware"


@pytest.mark.parametrize("name", [row[0] for row in OTHERS])
def test_no_other_format_takes_the_capture_of_a_kernel_or_a_shell(name: str) -> None:
    path = CAPTURES / name
    source = decode(path.name, path.read_bytes())
    readings = {form.name: form.read(source) for form in LOADERS}
    maps = [name for name, one in readings.items() if one and one.platform.memory_map.descriptors]
    assert maps == []


@pytest.mark.parametrize("name", [row[0] for row in MINE])
def test_a_descriptor_of_a_capture_stands_where_it_says(name: str) -> None:
    base = 10 if name.startswith("42-") else 16
    for descriptor in read(name).memory_map.descriptors:
        assert descriptor.located
        start = descriptor.located.span_of("physical_start")
        assert start
        assert int(start.text, base) == descriptor.physical_start
        assert start.line == descriptor.located.span.line


@pytest.mark.parametrize(
    ("name", "extent"),
    [
        ("11-", "unknown"),
        ("14-", "unknown"),
        ("15-", "unknown"),
        ("27-", "partial"),
        ("42-", "unknown"),
        ("45-", "partial"),
        ("51-", "partial"),
    ],
)
def test_only_a_map_that_proves_it_is_called_whole(name: str, extent: str) -> None:
    assert read(name).memory_map.extent == extent


def test_flash_without_a_cache_type_is_the_last_row_of_a_xen_log() -> None:
    platform = read("11-")
    last = platform.memory_map.descriptors[-1]
    assert (last.type, last.attribute) == (11, 1 << 63)
    assert (last.physical.start, last.physical.end) == (0xFF900000, 1 << 32)
    assert platform.architecture_reason.evidence == "`Xen-4.14.0 x86_64`"


def test_attribute_bits_without_a_meaning_are_kept() -> None:
    reserved = next(
        one for one in read("13-").memory_map.descriptors if one.physical_start == 0x7AD00000
    )
    assert reserved.attribute == 0x070000000000000F


def test_registers_that_start_inside_a_page_are_kept_as_printed() -> None:
    first = read("14-").memory_map.descriptors[0]
    assert (first.physical_start, first.virtual_start) == (0x1E88180, 0x1E88180)
    assert (first.number_of_pages, first.attribute) == (1, 1 << 63)


def test_the_end_of_a_row_of_u_boot_is_exclusive() -> None:
    first, second, *_ = read("15-").memory_map.descriptors
    assert first.physical.end == second.physical.start == 0x4000000


def test_what_a_console_printed_twice_is_one_descriptor() -> None:
    memory_map = read("45-").memory_map
    assert [one.index for one in memory_map.descriptors] == list(range(25, 36))
    assert memory_map.missing == ((0, 24),)


def test_the_numbers_of_a_rust_print_are_decimal() -> None:
    last = read("42-").memory_map.descriptors[-1]
    assert (last.physical_start, last.number_of_pages, last.type) == (20971520, 43830, 7)
    assert (last.virtual_start, last.attribute) == (0, 0xF)


def test_a_text_without_their_words_loads_none_of_their_code() -> None:
    program = (
        "import sys; from pathlib import Path; from efipolicy.formats import efipolicy_formats;"
        "from efipolicy.source import SourceText;"
        "source = SourceText('x', Path(sys.argv[1]).read_text());"
        "[form.read(source) for form in efipolicy_formats()];"
        "print(*sorted(name for name in sys.modules if name.startswith('efipolicy.formats.')))"
    )
    log = next(CAPTURES.glob("qemu-virt-1g-linux-arm64*"))
    done = subprocess.run(
        [sys.executable, "-c", program, str(log)], capture_output=True, text=True, check=True
    )
    loaded = {name.rpartition(".")[2] for name in done.stdout.split()}
    assert "linux" in loaded
    assert loaded & {"xen", "freebsd", "u_boot", "vmware_boot", "opencore", "rust_uefi"} == set()


WHOLE = {
    "xen": "(XEN) EFI memory map:\n"
    "(XEN)  0000000000000-0000000000fff type=7 attr=000000000000000f\n",
    "freebsd": "     ConventionalMemory 000080000000 000080000000 00007efa WB \n",
    "u-boot": "CONVENTIONAL     0000000000000000-0000000004000000 WB\n",
    "vmware-boot": "<6>MMap[0]: 0x0 - 0xfff len=4096, type=7, attr=0xf\n",
    "opencore": "OCABC: MMIO devirt 0xFEC00000 (0x1 pages, 0x8000000000000001) skip 0\n",
    "rust-uefi": "MemoryDescriptor { ty: CONVENTIONAL, phys_start: 0, virt_start: 0, "
    "page_count: 1, att: MemoryAttribute(WRITE_BACK) }\n",
}


@pytest.mark.parametrize("start", ["", "[    0.000000] Linux version 6.1.0\n"])
@pytest.mark.parametrize(("name", "rows"), WHOLE.items())
def test_a_map_is_found_in_a_log_of_megabytes(name: str, rows: str, start: str) -> None:
    noise = "[   12.345678] usb 1-2: new device found\n" * 60_000
    reading = FORMATS[name].read(SourceText("log.txt", start + noise + rows + noise))
    assert reading
    assert len(reading.platform.memory_map.descriptors) == 1
    assert reading.platform.capture
    assert reading.platform.capture.skipped_lines == 120_000 + start.count("\n")


@pytest.mark.parametrize(("name", "rows"), WHOLE.items())
def test_four_times_the_rows_are_four_times_the_work(name: str, rows: str) -> None:
    read = FORMATS[name].read
    damaged = rows.replace("0 ", "? ", 1)

    def work(count: int) -> int:
        lines = 0

        def counted(_frame: object, event: str, _argument: object) -> object:
            nonlocal lines
            lines += event == "line"
            return counted

        source = SourceText("log.txt", (rows + rows.replace("7", "4") + damaged) * count)
        before = sys.gettrace()
        sys.settrace(counted)  # type: ignore[arg-type]
        try:
            assert read(source)
        finally:
            sys.settrace(before)
        return lines

    work(1)
    assert work(400) < 5 * work(100)
