"""Folders of sysfs and of the device tree, shown as text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from efipolicy.formats import efipolicy_formats, sysfs_tree
from efipolicy.formats.recognition import recognise
from efipolicy.formats.sysfs_tree import folder_text
from efipolicy.model.declared import SystemTable
from efipolicy.model.platform import Platform
from efipolicy.source import InputError

CAPTURES = Path(__file__).parents[1] / "captures" / "sysfs"
FORMATS = {form.name: form for form in efipolicy_formats()}
LINES = [
    line
    for line in (CAPTURES / "qemu-q35-2g-sysfs.txt").read_text().splitlines()
    if not line.startswith("#")
]
PROPERTIES = {
    "linux,uefi-mmap-desc-size": b"\0\0\0\x30",
    "linux,uefi-mmap-size": b"\0\0\x06\x30",
    "linux,uefi-mmap-start": b"\0\0\0\0\x79\xa0\xe9\xc0",
    "linux,uefi-system-table": b"\0\0\0\0\x7f\xfd\0\x18",
}


def grown(root: Path) -> Path:
    """A folder with the files that the lines of a capture show."""
    contents: dict[str, str] = {}
    for line in LINES:
        path, content = line.split(":", 1)
        contents[path] = contents.get(path, "") + content + "\n"
    for path, content in contents.items():
        file = root / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return grown(tmp_path)


def text_of(folder: Path) -> str:
    source = folder_text(str(folder), "shown")
    assert source
    assert source.path == "shown"
    return source.text


def platform_of(folder: Path) -> Platform:
    source = folder_text(str(folder), "shown")
    assert source
    reading, errors = recognise(source, FORMATS)
    assert errors == ()
    assert reading
    assert reading.platform.capture
    assert reading.platform.capture.skipped_lines == 0
    return reading.platform


def counts(platform: Platform) -> tuple[int, int, int]:
    """How many entries of the runtime map, ranges of memmap and tables there are."""
    assert platform.capture
    maps = platform.capture.other_maps
    return (
        sum(len(one.descriptors) for one in maps),
        len(platform.capture.reported_ranges),
        len(platform.configuration_tables or ()),
    )


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", (6, 16, 3)),
        ("sys", (6, 16, 3)),
        ("sys/firmware", (6, 16, 3)),
        ("sys/firmware/efi", (6, 0, 3)),
        ("sys/firmware/efi/runtime-map", (6, 0, 0)),
        ("sys/firmware/memmap", (0, 16, 0)),
    ],
)
def test_a_folder_is_understood_at_every_level(
    tree: Path, folder: str, expected: tuple[int, int, int]
) -> None:
    assert counts(platform_of(tree / folder)) == expected


def test_the_text_is_what_grep_prints_in_the_order_of_the_numbers(tree: Path) -> None:
    shown = text_of(tree).splitlines()
    assert sorted(shown) == sorted(line.removeprefix("/") for line in LINES)
    ends = [line.split("/")[3] for line in shown if "/end:" in line]
    assert ends == [str(number) for number in range(16)]


def test_other_files_are_not_opened(tree: Path) -> None:
    efi = tree / "sys/firmware/efi"
    (efi / "efivars").mkdir()
    (efi / "efivars" / "Boot0000-8be4df61").write_text("secret")
    (efi / "runtime-map" / "0" / "uevent").write_text("secret")
    (efi / "runtime-map" / "power").mkdir()
    assert "secret" not in text_of(tree)


def test_a_file_that_may_not_be_read_is_told_in_a_remark(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "systab", "runtime-map")
    remarks = [line for line in text_of(tree).splitlines() if line.startswith("#")]
    assert remarks == [
        "# not readable: sys/firmware/efi/runtime-map, 30 files (permission denied)",
        "# not readable: sys/firmware/efi/systab (permission denied)",
    ]


def test_a_runtime_map_that_may_not_be_read_is_no_clean_result(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "runtime-map")
    source = folder_text(str(tree), "shown")
    assert source
    reading, _ = recognise(source, FORMATS)
    assert reading
    assert reading.platform.capture
    (line,) = reading.platform.capture.unreadable
    assert "runtime-map, 30 files (permission denied)" in line.what


def test_a_folder_none_of_whose_files_may_be_read_is_an_error(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "runtime-map")
    with pytest.raises(InputError, match="permission denied"):
        folder_text(str(tree / "sys/firmware/efi/runtime-map"), "shown")


def refuse(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Let nobody open files whose path has one of some words in it."""

    def refused(path: str, mode: str) -> object:
        if any(word in path for word in words):
            raise PermissionError(13, "Permission denied")
        return open(path, mode)

    monkeypatch.setattr(sysfs_tree, "open", refused, raising=False)


@pytest.mark.parametrize(
    "folder",
    ["", "proc", "proc/device-tree", "proc/device-tree/chosen"],
)
def test_properties_of_the_device_tree_are_shown_as_numbers(tmp_path: Path, folder: str) -> None:
    chosen = tmp_path / "proc/device-tree/chosen"
    chosen.mkdir(parents=True)
    for name, content in PROPERTIES.items():
        (chosen / name).write_bytes(content)
    if folder == "proc":
        assert folder_text(str(tmp_path / "proc"), "shown")
    platform = platform_of(tmp_path / folder)
    assert platform.system_table == SystemTable(address=0x7FFD0018)
    assert (platform.memory_map.size, platform.memory_map.descriptor_size) == (1584, 48)


def test_the_flattened_tree_of_sysfs_is_shown_too(tmp_path: Path) -> None:
    blob = "".join(
        line[10:50]
        for line in (CAPTURES / "qemu-virt-1g-fdt.hex").read_text().splitlines()
        if not line.startswith("#")
    )
    (tmp_path / "fdt").write_bytes(bytes.fromhex(blob))
    assert platform_of(tmp_path).system_table == SystemTable(address=0x7FFD0018)
    (tmp_path / "fdt").write_bytes(b"\xd0\x0d\xfe\xed")
    assert folder_text(str(tmp_path), "shown") is None


def test_a_property_of_another_size_is_shown_as_bytes_and_reported(tmp_path: Path) -> None:
    (tmp_path / "linux,uefi-mmap-size").write_bytes(b"\0\x06\x30")
    (tmp_path / "linux,uefi-system-table").write_bytes(PROPERTIES["linux,uefi-system-table"])
    platform = platform_of(tmp_path)
    assert platform.capture
    assert ["4 bytes" in line.what for line in platform.capture.unreadable] == [True]


@pytest.mark.parametrize(
    "names",
    [(), ("runtime",), ("0/cmdline", "1/type"), ("notes.txt",), ("chosen/bootargs",)],
)
def test_a_folder_of_something_else_is_nothing(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("0x1\n")
    assert folder_text(str(tmp_path), "shown") is None


def test_what_is_no_ordinary_file_is_not_opened(tree: Path) -> None:
    systab = tree / "sys/firmware/efi/systab"
    systab.unlink()
    os.mkfifo(systab)
    assert counts(platform_of(tree)) == (6, 16, 0)
    systab.unlink()
    systab.symlink_to("/dev/zero")
    assert counts(platform_of(tree)) == (6, 16, 0)
    systab.unlink()
    systab.mkdir()
    assert counts(platform_of(tree)) == (6, 16, 0)


def test_a_file_that_is_too_large_or_empty_is_told_in_a_remark(tree: Path) -> None:
    efi = tree / "sys/firmware/efi"
    (efi / "systab").write_bytes(b"ACPI=0x1000\n" * 10000)
    (efi / "fw_vendor").write_bytes(b"")
    assert text_of(efi).splitlines()[:2] == [
        "# not readable: fw_vendor (empty)",
        "# not readable: systab (more than 65536 bytes)",
    ]


def test_a_folder_with_endless_entries_is_not_read(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysfs_tree, "MOST_ENTRIES", 10)
    remark = "# not readable: sys/firmware/memmap (more than 10 entries)"
    assert text_of(tree).splitlines()[0] == remark
    source = folder_text(str(tree), "shown")
    assert source
    reading, _ = recognise(source, FORMATS)
    assert reading
    assert counts(reading.platform)[1] == 0


def test_a_folder_that_cannot_be_listed_is_told_in_a_remark(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    def refused(path: str) -> Iterator[os.DirEntry[str]]:
        if path.endswith("memmap"):
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(sysfs_tree.os, "scandir", refused)
    assert "# not readable: sys/firmware/memmap (permission denied)" in text_of(tree)


def test_an_unreadable_byte_costs_no_more_than_its_entry(tree: Path) -> None:
    (tree / "sys/firmware/efi/runtime-map/2/type").write_bytes(b"0x\xff5\n")
    platform = platform_of(tree)
    assert counts(platform) == (5, 16, 3)
    assert platform.capture
    (line,) = platform.capture.unreadable
    assert "entry 2" in line.what
