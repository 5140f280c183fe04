"""What an imported file may call a machine, its firmware, its kernel and its files."""

from __future__ import annotations

import pytest

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.formats.platform import read_platform
from efipolicy.formats.writing import platform_text
from efipolicy.formats.written_names import (
    own_evidence,
    own_reason,
    own_version,
    own_words,
)
from efipolicy.formats.written_origins import origin
from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText
from tests.formats.reading import platform_of

MAP = "[    0.000000] efi: mem00: [Runtime Code|RUN|WB] range=[0x1000-0x1fff] (0MB)\n"


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("Box SN: 123SECRET", "Box"),
        ("Box (sn 1000222)", "Box"),
        ("Box S/N 1000222", "Box"),
        ("Box SERIAL12345", "Box"),
        ("Box serial number 1", "Box"),
        ("Box 4c4c4544005233108056b4c04f4c3732", "Box"),
        ("Box 4c4c4544-0052-3310-8056-b4c04f4c3732", "Box"),
        ("Box 001a2b3c4d5e", "Box"),
        ("Box 00-1A-2B-3C-4D-5E", "Box"),
        ("Box 001a.2b3c.4d5e", "Box"),
        ("Box VMware-56 4d c0 ff ee 5a 5a 17", "Box VMware"),
        ("Box 56 4d c0 ff ee 5a-5a 17 00", "Box"),
        ("Box asset tag: X", "Box"),
        ("Box, Service Tag X", "Box"),
        ("EDK II user=alice 192.168.1.4", "EDK II"),
        ("EDK II 192.168.1.4", "EDK II"),
        ("EDK II fe80::21a:2bff:fe3c:4d5e", "EDK II"),
        ("EDK II alice@example.org", "EDK II"),
        ("EDK II at rack7.example.org", "EDK II at"),
        ("Box host: rack7", "Box"),
        ("EDK II [5CD1234XYZ]", "EDK II"),
        ("EDK II # of alice", "EDK II"),
        ("EDK II {5CD1234XYZ}", "EDK II"),
        ("EDK II /home/alice/", "EDK II"),
        ("EDK II C:\\Users\\alice", "EDK II"),
    ],
)
def test_a_name_ends_before_what_is_of_one_machine(words: str, own: str) -> None:
    assert own_words(words) == own


@pytest.mark.parametrize(
    "words",
    [
        "QEMU Standard PC (Q35 + ICH9, 2009)",
        "Raspberry Pi 4 Model B Rev 1.4",
        "Dell Inc. PowerEdge R740/0YNX56",
        "Apple Inc. MacBookPro11,3/Mac-2BD1B31983FE1663",
        "Sony VAIO SNC",
        "Lenovo 20HRCTO1WW/20HRCTO1WW",
        "Microsoft Corporation Virtual Machine/Virtual Machine",
        "Amazon EC2 m6g.metal/Not Specified",
        "Hewlett-Packard p6-2100 (A0A12AA#ABF)",
        "/DH67BL",
        "Notebook                         P65xSG-A/P65xSG-A",
    ],
)
def test_the_name_of_a_model_stays_whole(words: str) -> None:
    assert own_words(words) == words


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("1.0 secrethost", "1.0"),
        ("1.0 192.168.1.4", "1.0"),
        ("1.2.3 Service Tag X", "1.2.3"),
        ("4.5.6.7", "4.5.6.7"),
        ("Hyper-V UEFI Release v4.1", "Hyper-V UEFI Release v4.1"),
        ("Bundle: 006.000.042 SFW: 015.099.000", "Bundle: 006.000.042 SFW: 015.099.000"),
        ("N1MET37W (1.22 )", "N1MET37W (1.22 )"),
        ("U32 v2.76 (10/21/2019)", "U32 v2.76 (10/21/2019)"),
        ("rel-1.16.3-0-ga6ed6b701f0a-prebuilt", "rel-1.16.3-0-ga6ed6b701f0a-prebuilt"),
        ("edk2-stable202302-for-qemu", "edk2-stable202302-for-qemu"),
    ],
)
def test_a_version_is_its_first_word_and_what_can_only_be_of_a_version(
    words: str, own: str
) -> None:
    assert own_version(words) == own


@pytest.mark.parametrize(
    ("evidence", "own"),
    [
        (
            "`amd64` in the line `Linux version 6.8.0-jsmith-thinkpad-amd64 …`",
            "`amd64` in the line `Linux version 6.8.0-…-amd64 …`",
        ),
        (
            "`x86_64-jsmith-linux-gnu-gcc` in the line `Linux version 6.8.0-jsmith …`",
            "`x86_64-…-linux-gnu-gcc` in the line `Linux version 6.8.0 …`",
        ),
        (
            "`aarch64-linux-gnu-ld` in the line `Linux version 6.9-arm64 …`",
            "`aarch64-linux-gnu-ld` in the line `Linux version 6.9-arm64 …`",
        ),
        ("`BOOT_IMAGE=/vmlinuz-jsmith-amd64-x`", "`BOOT_IMAGE=…amd64`"),
        ("`/sys/JSMITH amd64`", "`/sys/… amd64`"),
        ("`/sys/GENERIC arm64`", "`/sys/GENERIC arm64`"),
        ("PAL code in the map", "PAL code in the map"),
    ],
)
def test_evidence_keeps_digits_and_the_architecture(evidence: str, own: str) -> None:
    assert own_evidence(evidence) == own


@pytest.mark.parametrize(
    ("what", "own"),
    [
        (
            "not readable: sys/firmware/efi/systab (permission denied)",
            "not readable: sys/firmware/efi/systab (permission denied)",
        ),
        (
            "not readable: firmware/efi/runtime-map, 30 files (permission denied)",
            "not readable: firmware/efi/runtime-map, 30 files (permission denied)",
        ),
        (
            "not readable: chosen/linux,uefi-mmap-size (empty)",
            "not readable: chosen/linux,uefi-mmap-size (empty)",
        ),
        ("not readable: /home/alice/efi/systab (empty)", "not readable: … (empty)"),
        ("not a row of `memmap -sfo`", "not a row of `memmap -sfo`"),
        ("the unknown type `SECRET`", "the unknown type …"),
        ("the unknown flag `WB`", "the unknown flag `WB`"),
        ("`4c4c4544-0052`, which is no number", "…, which is no number"),
        ("without 1/2", "without …"),
        ("the unknown flag `192.168.1.4`", "the unknown flag …"),
        ("the unknown type `Boot192.168.1.4`", "the unknown type …"),
        ("the unknown type `BootData490154203237518`", "the unknown type …"),
        ("`0x4 56 4d c0 ff` in type, which is no number", "… in type, which is no number"),
        ("the unknown flag `12-34-56-78-90-11`", "the unknown flag …"),
        ("`0x4 192.168.1.4` in type, which is no number", "… in type, which is no number"),
        ("the unknown type `ACPI 2.0`", "the unknown type `ACPI 2.0`"),
    ],
)
def test_a_reason_keeps_the_paths_that_every_linux_has(what: str, own: str) -> None:
    assert own_reason(what) == own


def imported(text: str) -> Platform:
    written = platform_text(platform_of(SourceText("log.txt", text)))
    assert "SECRET" not in written.upper()
    platform, errors = read_platform(SourceText("p.yaml", written))
    assert errors == []
    assert platform
    return platform


def test_an_imported_log_has_neither_serials_nor_the_name_of_a_kernel() -> None:
    log = (
        "[    0.000000] Linux version 6.8.0-secret-amd64 (secret@host) (gcc) #1 SMP\n"
        "[    0.000000] Command line: efi=debug,secret memmap=secret nokaslr\n"
        "[    0.000000] efi: EFI v2.7 by EDK II user=secret\n"
        "[    0.000000] DMI: Acme Box SN: 123SECRET, BIOS 1.0 secret 01/02/2020\n"
    )
    platform = imported(log + MAP)
    assert (platform.name, platform.title) == ("acme-box", "Acme Box")
    assert platform.firmware
    assert (platform.firmware.vendor, platform.firmware.version) == ("EDK II", "1.0")
    (mapping,) = platform.mapping or ()
    assert (mapping.kernel, mapping.command_line) == ("6.8.0", ("efi=debug", "nokaslr"))
    assert platform.architecture == "x86_64"


@pytest.mark.parametrize(
    ("printed", "label"),
    [
        ("0x2fff", "end"),
        ("0x3000", "end"),
        ("8192", "size"),
        ("0x2000", "size"),
        ("2", "pages"),
        ("0x10", "pages"),
    ],
)
def test_what_follows_a_start_is_called_what_it_is(printed: str, label: str) -> None:
    """Where a strange word stands between the fields, they alone stand behind an entry."""
    text = CaptureText(SourceText("log.txt", f"0x1000 secret {printed}"))
    places = {"physical_start": (0, 6), "pages": (14, len(text.text))}
    entry = MemoryDescriptor(
        index=0,
        type=7,
        physical_start=0x1000,
        virtual_start=None,
        number_of_pages=16 if printed == "0x10" else 2,
        attribute=None,
        located=text.record(0, len(text.text), places),
    )
    assert origin(entry) == f"  # 1: physical_start 0x1000, {label} {printed}"
