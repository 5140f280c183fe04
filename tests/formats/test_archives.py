"""Archives of folders of sysfs."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.formats import archives
from efipolicy.formats.archives import archive_text
from efipolicy.formats.sysfs_tree import folder_text
from efipolicy.source import ForeignInputError, InputError
from tests.formats.test_sysfs_tree import grown

Member = tuple[str, bytes]
FILES: tuple[Member, ...] = (
    ("efi/fw_platform_size", b"64\n"),
    ("efi/systab", b"ACPI20=0x1000\nSMBIOS=0x2000\n"),
    ("memmap/10/type", b"System RAM\n"),
    ("memmap/2/type", b"Reserved\n"),
)
SHOWN = """\
efi/fw_platform_size:64
efi/systab:ACPI20=0x1000
efi/systab:SMBIOS=0x2000
memmap/2/type:Reserved
memmap/10/type:System RAM
"""
MODES = ("w", "w:gz", "w:xz", "w:bz2")


def packed(
    files: Iterable[Member] = FILES, mode: str = "w", form: int = tarfile.PAX_FORMAT
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def text_of(content: bytes) -> str:
    source = archive_text("sys.tar", content)
    assert source
    assert source.path == "sys.tar"
    return source.text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_an_archive_is_known_by_its_content(mode: str, form: int) -> None:
    assert text_of(packed(mode=mode, form=form)) == SHOWN


@pytest.mark.parametrize("mode", MODES)
def test_an_archive_of_a_folder_shows_what_the_folder_does(tmp_path: Path, mode: str) -> None:
    grown(tmp_path)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        archive.add(tmp_path, arcname=".")
    shown = folder_text(str(tmp_path), "shown")
    assert shown
    assert text_of(buffer.getvalue()) == shown.text


def test_the_nuls_behind_a_file_of_sysfs_are_padding() -> None:
    padded = [(name, content.ljust(4096, b"\0")) for name, content in FILES]
    assert text_of(packed(padded)) == SHOWN
    assert (
        text_of(packed([(name, content.ljust(65536, b"\0")) for name, content in FILES])) == SHOWN
    )


def test_paths_start_as_tar_writes_them() -> None:
    for prefix in ("./", "sys/firmware/", "./host7/sys/firmware/"):
        shown = text_of(packed([(prefix + name, content) for name, content in FILES]))
        assert [line.partition(":")[2] for line in shown.splitlines()] == [
            line.partition(":")[2] for line in SHOWN.splitlines()
        ]
        assert shown.startswith(prefix.removeprefix("./") + "efi/fw_platform_size:")


def test_of_a_file_that_is_there_twice_the_last_one_counts() -> None:
    again = (*FILES, ("efi/fw_platform_size", b"32\n"))
    assert "fw_platform_size:32" in text_of(packed(again))
    assert "fw_platform_size:64" not in text_of(packed(again))


def test_links_devices_and_other_files_are_left_out() -> None:
    buffer = io.BytesIO(packed())
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        for name, kind in (
            ("efi/runtime", tarfile.SYMTYPE),
            ("efi/fw_vendor", tarfile.LNKTYPE),
            ("efi/config_table", tarfile.FIFOTYPE),
            ("memmap/3/type", tarfile.CHRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd"
            archive.addfile(member)
        member = tarfile.TarInfo("efi/efivars/Boot0000")
        member.size = 6
        archive.addfile(member, io.BytesIO(b"secret"))
    assert text_of(buffer.getvalue()) == SHOWN


@pytest.mark.parametrize(
    "content", [b"", b"BZ", b"\0" * 2048, b"text\n" * 300, b"\x7fELF" + b"\0" * 600]
)
def test_bytes_that_are_no_archive_are_nothing(content: bytes) -> None:
    assert archive_text("x", content) is None


def test_a_compressed_text_is_no_archive() -> None:
    import bz2
    import gzip
    import lzma

    for compress in (gzip.compress, lzma.compress, bz2.compress):
        assert archive_text("x", compress(b"efi: mem00\n" * 100)) is None


def test_an_archive_of_something_else_is_nothing_of_ours() -> None:
    with pytest.raises(ForeignInputError) as caught:
        archive_text("x", packed([("etc/passwd", b"root")]))
    assert caught.value.found == "an archive with no file of sysfs in it (`etc/passwd`)"


def test_of_an_archive_with_other_inputs_in_it_it_is_said_how_to_have_them_read() -> None:
    names = ["board.yaml", "dmesg.txt", "a", "b", "c"]
    with pytest.raises(ForeignInputError) as caught:
        archive_text("x", packed([(name, b"efipolicy: 1") for name in names]))
    assert caught.value.found == (
        "an archive with no file of sysfs in it (`board.yaml`, `dmesg.txt`, `a` and 2 more)"
    )
    assert caught.value.expected.endswith(
        "; platform files and logs are read when they are unpacked"
    )


def test_an_archive_of_folders_alone_has_no_file_in_it() -> None:
    folder = tarfile.TarInfo("sys")
    folder.type = tarfile.DIRTYPE
    with pytest.raises(ForeignInputError, match="an archive with no file in it"):
        archive_text("x", folder.tobuf() + bytes(1024))


@pytest.mark.parametrize("mode", MODES)
def test_an_archive_that_is_cut_off_is_an_error(mode: str) -> None:
    whole = packed(mode=mode)
    for length in (len(whole) // 2, len(whole) * 3 // 4):
        cut = whole[:length].rstrip(b"\0") if mode == "w" else whole[:length]
        with pytest.raises(InputError, match="damaged"):
            archive_text("x", cut)


def test_an_archive_without_its_end_is_an_error() -> None:
    with pytest.raises(InputError, match="cut off"):
        archive_text("x", packed()[: len(FILES) * 1024])


def test_a_damaged_header_ends_in_an_error_and_not_in_a_shorter_list() -> None:
    content = bytearray(packed())
    content[1024 + 5] ^= 0xFF
    with pytest.raises(InputError, match="damaged"):
        archive_text("x", bytes(content))


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "w:bz2"])
def test_an_archive_that_unpacks_without_end_is_an_error(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed([*FILES, ("zeros", b"\0" * (1 << 20))], mode=mode)
    assert text_of(bomb) == SHOWN
    monkeypatch.setattr(archives, "LARGEST", 1 << 19)
    with pytest.raises(InputError, match="unpacks to more than"):
        archive_text("x", bomb)


def test_an_archive_of_endless_files_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    with pytest.raises(InputError, match="more than 3 files"):
        archive_text("x", packed())


def test_names_that_are_no_text_do_no_harm() -> None:
    odd = packed([("\udcff/efi/systab", b"ACPI=0x1000\n"), ("a\nb/efi/systab", b"x"), *FILES])
    shown = text_of(odd)
    shown.encode()
    assert "ACPI=0x1000" in shown
    assert "a\nb" not in shown


@settings(max_examples=200, deadline=None)
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_damage_shows_nothing_wrong(data: st.DataObject, mode: str) -> None:
    """An error, or the names and numbers that are there: never a crash."""
    content = bytearray(packed(mode=mode))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        archive_text("x", bytes(content))
