"""What Linux shows of firmware in sysfs, as tools print it and as people post it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efipolicy.formats import efipolicy_formats, sysfs
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.recognition import recognise
from efipolicy.model.address import AddressRange
from efipolicy.model.declared import SystemTable
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Capture, Platform
from efipolicy.source import ForeignInputError, SourceText
from tests.formats import printing
from tests.formats.test_loader_damage import SOME

CAPTURES = Path(__file__).parents[1] / "captures" / "sysfs"
FORMATS = {form.name: form for form in efipolicy_formats()}
TREE = (CAPTURES / "qemu-q35-2g-sysfs.txt").read_text()
LISTING = (CAPTURES / "qemu-q35-2g-runtime-map.txt").read_text()
FIRMWARE = "/sys/firmware/efi/"
VIRTUAL = 0xFFFF_FFFE_0000_0000
CODE = """\
0/attribute:0x800000000000000f
0/num_pages:0x100
0/phys_addr:0x7f5ec000
0/type:0x5
0/virt_addr:0xfffffffeff1ec000
"""
DATA = CODE.replace("0/", "1/").replace("x5", "x6").replace("0x7f5", "0x7f4")


def read(text: str) -> Platform:
    reading, errors = recognise(SourceText("files.txt", text), FORMATS)
    assert errors == ()
    assert reading
    return reading.platform


def evidence(platform: Platform) -> Capture:
    assert platform.memory_map.descriptors == ()
    assert platform.capture
    return platform.capture


def runtime_map(platform: Platform) -> MemoryMap:
    (found,) = evidence(platform).other_maps
    return found


def unreadable(platform: Platform) -> list[tuple[int, str]]:
    return [(line.located.span.line, line.what) for line in evidence(platform).unreadable]


def test_the_runtime_map_is_what_the_kernel_mapped_and_no_memory_map() -> None:
    platform = read(TREE)
    found = runtime_map(platform)
    assert [one.type for one in found.descriptors] == [11, 6, 5, 6, 6, 4]
    assert (found.extent, found.origin, found.missing) == ("partial", "kernel-edited", ())
    assert evidence(platform).dialect == "sysfs-runtime-map"
    assert evidence(platform).skipped_lines == 3  # the remarks of whoever kept it
    assert unreadable(platform) == []


def test_the_layout_in_use_is_declared_for_the_rules_about_it() -> None:
    platform = read(TREE)
    (declared,) = platform.mapping or ()
    assert (declared.os, declared.options, declared.strategy) == ("linux", {}, None)
    assert declared.virtual_map == runtime_map(platform).descriptors
    assert [one.index for one in declared.virtual_map or ()] == [0, 1, 2, 3, 4, 5]


def test_one_line_an_entry_says_the_same_as_the_files() -> None:
    assert runtime_map(read(LISTING)) == runtime_map(read(TREE))
    assert runtime_map(read(LISTING + TREE)) == runtime_map(read(TREE))


def test_every_number_of_an_entry_knows_its_place() -> None:
    for text in (TREE, LISTING):
        for one in runtime_map(read(text)).descriptors:
            assert one.located
            for field, value in (
                ("type", one.type),
                ("physical_start", one.physical_start),
                ("virtual_start", one.virtual_start),
                ("pages", one.number_of_pages),
                ("attribute", one.attribute),
            ):
                span = one.located.span_of(field)
                assert span
                assert int(span.text, 16) == value


def test_tables_pointers_and_width_of_the_firmware_are_told() -> None:
    platform = read(TREE)
    tables = {one.name: one.address for one in platform.configuration_tables or ()}
    assert tables == {"ACPI_20": 0x7F77D014, "ACPI": 0x7F77D000, "SMBIOS": 0x7F520000}
    assert platform.configuration_tables_extent == "partial"
    assert platform.system_table == SystemTable(
        runtime_services=0x7F5EBB98,
        firmware_vendor=0x7F52AA18,
        configuration_table=0x7F5EBC98,
    )
    assert platform.firmware
    assert platform.firmware.bits == 64


def test_a_range_of_memmap_ends_with_its_last_byte() -> None:
    ranges = evidence(read(TREE)).reported_ranges
    assert len(ranges) == 16
    assert (ranges[0].physical, ranges[0].what) == (AddressRange(0, 0xA0000), "System RAM")
    assert {one.table for one in ranges} == {"firmware-memmap"}
    place = ranges[0].located.span_of("end")
    assert place
    assert place.text == "0x9ffff"


def test_folders_listed_as_words_are_put_in_the_order_of_their_numbers() -> None:
    entries = [CODE.replace("0/", f"{n}/").replace("x7f5ec", f"x7f{n:03}") for n in range(12)]
    found = runtime_map(read("".join(entries[n] for n in (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9))))
    assert [one.index for one in found.descriptors] == [*range(12)]
    assert [one.physical_start >> 12 & 0xFFF for one in found.descriptors][10:] == [0x010, 0x011]


@pytest.mark.parametrize("folder", ["", "./", "runtime-map/", "./runtime-map/", "efi/runtime-map/"])
def test_paths_may_be_relative_to_any_folder(folder: str) -> None:
    text = "".join(folder + line for line in (CODE + DATA).splitlines(keepends=True))
    assert len(runtime_map(read(text)).descriptors) == 2


def test_head_prints_the_path_above_the_content() -> None:
    lines = TREE.splitlines()[3:]
    text = "\n".join("==> {} <==\n{}\n".format(*line.split(":", 1)) for line in lines)
    assert runtime_map(read(text)) == runtime_map(read(TREE))
    assert evidence(read(text)).reported_ranges[0].what == "System RAM"
    assert len(read(text).configuration_tables or ()) == 3


def test_systab_may_stand_alone() -> None:
    platform = read("$ cat systab\nACPI20=0x7ed1e000\nSMBIOS3=0x7eb74000\nUGA=0x1000\n")
    assert [one.name for one in platform.configuration_tables or ()] == ["ACPI_20", "SMBIOS3"]
    assert evidence(platform).dialect == "sysfs-efi"
    assert platform.architecture == "unknown"


def test_firmware_of_32_bits_says_nothing_of_the_architecture() -> None:
    platform = read(FIRMWARE + "fw_platform_size:32\n")
    assert platform.firmware
    assert platform.firmware.bits == 32
    assert platform.architecture == "unknown"


def test_virtual_addresses_above_4_gib_are_those_of_x86_64() -> None:
    assert read(CODE).architecture == "x86_64"
    assert read(CODE).architecture_reason.kind == "dialect"
    low = CODE.replace("fffffffeff1ec000", "7f5ec000")
    assert read(low).architecture == "unknown"


def test_a_pointer_that_was_converted_is_no_physical_address() -> None:
    converted = FIRMWARE + "runtime:0xfffffffeff1ebb98\n"
    platform = read(converted + FIRMWARE + "fw_vendor:0x3f52aa18\n")
    assert platform.system_table == SystemTable(firmware_vendor=0x3F52AA18)


def test_what_is_told_in_two_ways_is_not_known() -> None:
    platform = read("ACPI20=0x1000\nACPI20=0x2000\nSMBIOS=0x3000\n")
    assert [one.name for one in platform.configuration_tables or ()] == ["SMBIOS"]


@pytest.mark.parametrize("name", ["attribute", "num_pages", "phys_addr", "type", "virt_addr"])
def test_an_entry_with_a_file_missing_is_reported(name: str) -> None:
    text = "".join(line for line in CODE.splitlines(keepends=True) if name not in line)
    platform = read(text + DATA)
    assert [one.index for one in runtime_map(platform).descriptors] == [1]
    assert runtime_map(platform).missing == ((0, 0),)
    assert unreadable(platform) == [(1, f"entry 0 of runtime-map: without {name}")]


@pytest.mark.parametrize(
    "content",
    [
        "Permission denied",
        "0x1ffffffffffffffff",
        "0xfffffffeff1zz000",
        "fffffffeff1ec000",
        "",
        "0x" + "f" * 5000,
    ],
)
def test_an_entry_with_a_file_that_is_no_number_is_reported(content: str) -> None:
    platform = read(DATA + CODE.replace("0xfffffffeff1ec000", content))
    assert [one.index for one in runtime_map(platform).descriptors] == [1]
    ((line, what),) = unreadable(platform)
    assert line == 6
    assert "virt_addr" in what


def test_a_type_of_more_than_32_bits_is_reported() -> None:
    ((_, what),) = unreadable(read(DATA + CODE.replace("type:0x5", "type:0x100000005")))
    assert "does not fit 32 bits" in what
    wide = LISTING.replace("0xb ", "0x10000000b ")
    ((_, what),) = unreadable(read(wide))
    assert "does not fit 32 bits" in what


def test_files_that_nobody_may_read_are_reported_and_not_passed_over() -> None:
    names = ("attribute", "num_pages", "phys_addr", "type", "virt_addr")
    text = "".join(f"cat: {FIRMWARE}runtime-map/0/{name}: Permission denied\n" for name in names)
    platform = read(text)
    assert evidence(platform).other_maps == ()
    assert [line for line, _ in unreadable(platform)] == [1]


def test_the_remark_about_a_folder_that_could_not_be_opened_is_reported() -> None:
    remark = "# not readable: runtime-map, 535 files (permission denied)\n"
    ((line, what),) = unreadable(read(remark + FIRMWARE + "fw_platform_size:64\n"))
    assert line == 1
    assert "permission denied" in what


@pytest.mark.parametrize(
    "path",
    [
        *(f"firmware/efi/{name}" for name in ("systab", "config_table", "fw_vendor", "runtime")),
        *("fw_platform_size", "sys/firmware/fdt", "my folder/efi/systab"),
        "firmware/devicetree/base/chosen/linux,uefi-mmap-size",
    ],
)
def test_every_file_that_could_not_be_opened_is_reported(path: str) -> None:
    remark = f"# not readable: {path} (permission denied)\n"
    platform = read(remark + CODE)
    assert unreadable(platform) == [(1, f"not readable: {path} (permission denied)")]
    assert len(runtime_map(platform).descriptors) == 1
    assert platform.mapping, "the runtime map is whole all the same"


def test_a_remark_of_somebody_else_is_none_about_our_files() -> None:
    text = "# not readable: the systab of that box\n  # not readable: efi/systab (x)\n"
    assert unreadable(read(text + CODE)) == []


def test_a_listing_of_names_is_no_entry() -> None:
    names = "".join(f"{FIRMWARE}runtime-map/{n}/attribute\n" for n in range(5))
    folders = f"{FIRMWARE}runtime-map/0:\nattribute  num_pages\n"
    assert unreadable(read(names + folders + CODE)) == []


def test_files_of_other_folders_are_not_ours() -> None:
    other = "/sys/class/dmi/0/type:0x1\n/sys/bus/x/1/start:0x2\n/sys/block/2/attribute:0x3\n"
    platform = read(other + CODE)
    assert [one.index for one in runtime_map(platform).descriptors] == [0]
    assert unreadable(platform) == []
    _, errors = recognise(SourceText("x", other), FORMATS)
    assert [type(error) for error in errors] == [ForeignInputError]


def test_a_part_of_the_map_is_evidence_but_declares_no_layout() -> None:
    for part in (CODE + DATA.replace("1/", "2/"), DATA, CODE + DATA[:40], CODE + "...\n" + DATA):
        platform = read(part)
        assert runtime_map(platform).descriptors
        assert platform.mapping is None


def test_the_maps_of_two_kernels_are_two_maps() -> None:
    second = CODE.replace("ff1ec", "ff2ec")
    platform = read(CODE + DATA + "after kexec:\n" + second)
    assert [len(one.descriptors) for one in evidence(platform).other_maps] == [2, 1]
    (declared,) = platform.mapping or ()
    assert len(declared.virtual_map or ()) == 2


def test_beside_the_list_of_a_kernel_the_runtime_map_is_evidence() -> None:
    row = "efi: mem{0:02}: type={1}, attr={2}, range=[0x{0:x}000-0x{3:x}000) (0MB)\n"
    log = "".join(row.format(n, 7, "0xf", n + 1) for n in range(4))
    log += row.format(4, 5, "0x800000000000000f", 5)
    reading, errors = recognise(SourceText("x", log + TREE), FORMATS)
    assert errors == ()
    assert reading
    platform = reading.platform
    assert len(platform.memory_map.descriptors) == 5
    assert platform.capture
    assert [len(one.descriptors) for one in platform.capture.other_maps] == [6]
    assert len(platform.capture.reported_ranges) == 16
    assert platform.mapping
    assert platform.system_table


def test_a_range_of_memmap_with_its_end_below_its_start_is_reported() -> None:
    text = "memmap/0/end:0x1000\nmemmap/0/start:0x1000\nmemmap/0/type:System RAM\n"
    assert evidence(read(text)).reported_ranges[0].physical.size == 1
    platform = read(text.replace("end:0x1000", "end:0xfff"))
    ((_, what),) = unreadable(platform)
    assert "below the start" in what


@pytest.mark.parametrize(
    "kind", ["ACPI Non-volatile Storage", "reserved", "Persistent Memory (legacy)", "Odd thing"]
)
def test_the_type_of_a_range_is_kept_in_its_own_words(kind: str) -> None:
    text = f"0/end:0x1fff\n0/start:0x1000\n0/type:{kind}\n"
    (found,) = evidence(read(text)).reported_ranges
    assert found.what == kind


def test_a_type_that_was_wrapped_is_read_whole() -> None:
    text = "> 0/end:0x1fff\n> 0/start:0x1000\n> 0/type:ACPI Non-volatile\n> Storage\n"
    (found,) = evidence(read(text)).reported_ranges
    assert found.what == "ACPI Non-volatile Storage"


def test_digits_on_the_line_below_leave_a_number_unknown() -> None:
    """They are the rest of it, or the exit status that the shell was asked for."""
    platform = read(DATA + CODE.rstrip() + "\n0\n")
    assert [one.index for one in runtime_map(platform).descriptors] == [1]
    assert len(unreadable(platform)) == 1
    mail = DATA + CODE.replace("0xfffffffeff1ec000", "0xfffffffef=\nf1ec000")
    assert [one.virtual_start for one in runtime_map(read(mail)).descriptors] == [
        0xFFFFFFFEFF1EC000,
        0xFFFFFFFEFF1EC000,
    ]


# Whatever the text went through, an entry is read right or reported.


def grepped(prefix: str) -> Callable[[MemoryDescriptor], list[str]]:
    def lines(one: MemoryDescriptor) -> list[str]:
        return [
            f"{prefix}{one.index}/attribute:{one.attribute:#x}",
            f"{prefix}{one.index}/num_pages:{one.number_of_pages:#x}",
            f"{prefix}{one.index}/phys_addr:{one.physical_start:#x}",
            f"{prefix}{one.index}/type:{one.type:#x}",
            f"{prefix}{one.index}/virt_addr:{one.virtual_start:#x}",
        ]

    return lines


def listed(one: MemoryDescriptor) -> list[str]:
    numbers = f"type={one.type:#x} phys={one.physical_start:#x} virt={one.virtual_start:#x}"
    return [f"{one.index:3} {numbers} pages={one.number_of_pages:#x} attr={one.attribute:#x}"]


PRINTERS = {
    "absolute": grepped(FIRMWARE + "runtime-map/"),
    "relative": grepped("runtime-map/"),
    "inside": grepped(""),
    "listed": listed,
}
EACH = pytest.mark.parametrize("lines_of", PRINTERS.values(), ids=PRINTERS)
Lines = Callable[[MemoryDescriptor], list[str]]


def maps() -> st.SearchStrategy[tuple[MemoryDescriptor, ...]]:
    drawn = printing.maps(types=tuple(range(15)), any_type=True)
    return drawn.map(lambda found: tuple(map(placed, found)))


def placed(one: MemoryDescriptor) -> MemoryDescriptor:
    start = one.physical_start % (1 << 52)
    return replace(one, physical_start=start, virtual_start=(VIRTUAL + start) % (1 << 64))


def assert_read(text: str, expected: tuple[MemoryDescriptor, ...]) -> None:
    platform = read(text)
    assert unreadable(platform) == []
    assert runtime_map(platform).descriptors == expected
    assert platform.mapping


@EACH
@SOME
@given(found=maps(), order=st.randoms())
def test_what_is_printed_is_read_back(
    lines_of: Lines, found: tuple[MemoryDescriptor, ...], order: Any
) -> None:
    entries = [*found]
    if lines_of is not listed:
        order.shuffle(entries)
    text = "\n".join(line for one in entries for line in lines_of(one))
    assert_read(text, found)
    assert evidence(read(text)).skipped_lines == 0


@EACH
@SOME
@given(data=st.data())
def test_prefixes_noise_wraps_copies_and_line_ends_change_nothing(
    lines_of: Lines, data: st.DataObject
) -> None:
    found = data.draw(maps())
    lines = [line for one in found for line in lines_of(one)]
    assert_read(data.draw(printing.damaged(lines)), found)


@EACH
@SOME
@given(data=st.data())
def test_forum_tags_and_quoted_printable_mail_change_nothing(
    lines_of: Lines, data: st.DataObject
) -> None:
    found = data.draw(maps())
    places = st.lists(st.integers(0, 200), max_size=4)
    lines = [line for one in found for line in lines_of(one)]
    assert_read("\n".join(printing.tagged(line, data.draw(places)) for line in lines), found)
    mail = [part for line in lines for part in printing.quoted_printable(line)]
    assert_read("\n".join(mail), found)


@EACH
@SOME
@given(data=st.data())
def test_a_line_cut_at_any_column_is_read_right_or_reported(
    lines_of: Lines, data: st.DataObject
) -> None:
    found = data.draw(maps())
    lines = [line for one in found for line in lines_of(one)]
    broken = data.draw(st.integers(0, len(lines) - 1))
    narrowest = 30 if lines_of is listed else 5
    width = data.draw(st.integers(narrowest, max(narrowest, len(lines[broken]))))
    parts = [printing.cut(line, width if n == broken else 999) for n, line in enumerate(lines)]
    judge(found, "\n".join("> " + part for cut in parts for part in cut))


@EACH
@SOME
@given(data=st.data())
def test_a_shortened_line_is_read_right_or_reported(lines_of: Lines, data: st.DataObject) -> None:
    """Nothing closes the number at the end; what is lost before it is noticed."""
    found = data.draw(maps())
    lines = [line for one in found for line in lines_of(one)]
    broken = data.draw(st.integers(0, len(lines) - 1))
    whole = lines[broken]
    kept = 30 if lines_of is listed else 0
    lines[broken] = whole[: data.draw(st.integers(kept, whole.rindex("0x") + 2))]
    judge(found, "\n".join(lines))


def judge(found: tuple[MemoryDescriptor, ...], text: str) -> None:
    """Every entry that was read is one of those printed; when one is not there, a line says so."""
    reading, _ = recognise(SourceText("x", text), FORMATS)
    if reading is None:
        assert len(found) == 1
        return
    platform = reading.platform
    shown = [one for each in evidence(platform).other_maps for one in each.descriptors]
    assert all(one in found for one in shown)
    if len(shown) < len(found):
        missing = [each.missing for each in evidence(platform).other_maps]
        assert unreadable(platform) or any(missing)
        assert platform.mapping is None


def work(text: str) -> int:
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return counted

    before = sys.gettrace()
    sys.settrace(counted)
    try:
        sysfs.read(CaptureText(SourceText("log.txt", text)))
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "part",
    [
        CODE,
        "/sys/firmware/efi/runtime-map/0/attr\n",
        "{0}/type:\n",
        "{0} type=0x5 phys=0x1 virt=0x2 pages=0x1 attr=0xf\n",
        "{0} type=0x5 phys=0x1 virt=0x2 pages=\n",
        "SMBIOS=0x1000\n",
        "/sys/firmware/efi/esrt/entries/entry0/fw_type:1\n",
    ],
)
def test_four_times_the_text_is_four_times_the_work(part: str) -> None:
    small, large = ("".join(part.replace("0", str(n), 1) for n in range(k)) for k in (100, 400))
    assert work(large) < 5 * work(small)


@pytest.mark.parametrize("part", ["runtime-map/0/", "0/type:", "/sys/firmware/e", "0 type=0x "])
def test_one_endless_line_is_not_joined_over_and_over(part: str) -> None:
    assert work(CODE + part * 500) < 150 * len(part) * 500
