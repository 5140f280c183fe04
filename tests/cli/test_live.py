"""``efipolicy import --live``: what the running Linux tells of its firmware."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from efipolicy.cli.import_ import run as import_
from efipolicy.errors import EfipolicyError
from efipolicy.formats.live import running_system
from efipolicy.formats.live_log import run as run_command
from efipolicy.formats.platform import read_platform
from efipolicy.model.platform import ArchitectureReason, Firmware, Platform
from efipolicy.source import InputError, SourceText

LOG = (
    "Linux version 6.12.15 (builder@rack7.example.org) (gcc 13) #1 SMP",
    "Command line: BOOT_IMAGE=/vmlinuz root=UUID=4c4c4544-0052-3310-8056-b4c04f4c3732",
    "efi: EFI v2.7 by EDK II",
    "efi: ACPI 2.0=0x79a00018 SMBIOS=0x7fed0000",
    "efi: mem00: [Conventional|   |  |WB|WT|WC|UC] range=[0x0000-0x0fff] (0MB)",
    "efi: mem01: [Runtime Data|RUN|  |WB|WT|WC|UC] range=[0x1000-0x1fff] (0MB)",
    "e1000 0000:00:03.0 eth0: (PCI:33MHz:32-bit) 00:1a:2b:3c:4d:5e",
)
SECRETS = ("rack7", "4c4c4544", "00:1a:2b", "CZC1234567", "sda1")

Live = Callable[..., tuple[int, str, str]]


@pytest.fixture
def live(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Live:
    """Import the running system whose files are in the folder of the test.

    An error that the program would report is the last of what is on standard error.
    """

    def run(*arguments: str) -> tuple[int, str, str]:
        told = ""
        try:
            status = import_(["--live", *arguments], root=str(tmp_path))
        except EfipolicyError as problem:
            status, told = int(problem.status), str(problem)
        printed = capsys.readouterr()
        return status, printed.out, printed.err + told

    return run


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The file system of a machine that EFI started, with secrets in places nobody asks."""
    put(tmp_path, "dev/kmsg", kmsg(LOG))
    for name, words in {
        "fw_platform_size": "64",
        "systab": "ACPI20=0x79a00018\nSMBIOS=0x7fed0000",
        "fw_vendor": "0x7f52aa18",
        "runtime": "0x7f5ebb98",
        "config_table": "0x7f5ebc98",
        "efivars/SerialNumber-8be4df61-93ca-11d2-aa0d-00e098032b8c": "CZC1234567",
    }.items():
        put(tmp_path, f"sys/firmware/efi/{name}", f"{words}\n")
    for number, (start, virtual) in enumerate(((0x1000, 0xFFFFFFFEFFC01000), (0x4000, 0))):
        values = {
            "attribute": 0x800000000000000F,
            "num_pages": 1,
            "phys_addr": start,
            "type": 6,
            "virt_addr": virtual,
        }
        for name, value in values.items():
            put(tmp_path, f"sys/firmware/efi/runtime-map/{number}/{name}", f"{value:#x}\n")
        for name, words in {"start": hex(start), "end": hex(start + 0xFFF), "type": "RAM"}.items():
            put(tmp_path, f"sys/firmware/memmap/{number}/{name}", f"{words}\n")
    for name, words in {
        "sys_vendor": "QEMU",
        "product_name": "Standard PC (Q35 + ICH9, 2009)",
        "bios_version": "2022.11-6",
        "product_serial": "CZC1234567",
        "product_uuid": "4c4c4544-0052-3310-8056-b4c04f4c3732",
    }.items():
        put(tmp_path, f"sys/class/dmi/id/{name}", f"{words}\n")
    put(tmp_path, "proc/version", LOG[0] + "\n")
    put(tmp_path, "proc/cmdline", "root=/dev/sda1 efi=novamap\n")
    put(tmp_path, "etc/hostname", "rack7\n")
    return tmp_path


def put(root: Path, name: str, text: str | bytes) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def kmsg(lines: Sequence[str]) -> str:
    """Records of /dev/kmsg, one with fields and one that is no message of the kernel's."""
    records = [f"6,{n},{n * 10},-;{line}\n" for n, line in enumerate(lines)]
    records.insert(3, "12,3,25,-;systemd[1]: Hostname set to rack7\n SUBSYSTEM=net\n")
    return "".join(records)


def read(text: str) -> Platform:
    platform, errors = read_platform(SourceText("p.yaml", text))
    assert errors == []
    assert platform is not None
    return platform


def test_a_machine_is_imported_with_its_map_its_tables_and_its_name(
    machine: Path, live: Live
) -> None:
    status, out, err = live()
    assert status == 0
    assert err == "efipolicy: note: not read: /proc/device-tree/chosen/linux,uefi-*: not there\n"
    assert out.startswith(
        "# Imported from the running system, format linux-x86-cells-closed. A comment behind an "
        "entry holds\n"
        "# the number and the words of the line it was read from.\n"
        "# Lines are counted in the kernel log, with the files of /sys and of the device tree "
        "below it.\n"
    )
    assert "# Not read: /proc/device-tree/chosen/linux,uefi-*: not there.\n" in out
    platform = read(out)
    assert [(one.type, one.physical_start) for one in platform.memory_map.descriptors] == [
        (7, 0),
        (6, 0x1000),
    ]
    assert platform.name == "qemu-standard-pc-q35-ich9-2009"
    assert platform.title == "QEMU Standard PC (Q35 + ICH9, 2009)"
    assert platform.firmware == Firmware(vendor="EDK II", version="2022.11-6", bits=64)
    assert [(one.name, one.address) for one in platform.configuration_tables or ()] == [
        ("ACPI_20", 0x79A00018),
        ("SMBIOS", 0x7FED0000),
    ]


def test_nothing_that_names_this_one_machine_is_copied(machine: Path, live: Live) -> None:
    _, out, err = live()
    assert [secret for secret in SECRETS if secret.lower() in (out + err).lower()] == []


def test_the_architecture_is_what_the_kernel_calls_the_machine(machine: Path) -> None:
    for name, architecture in (("aarch64", "arm64"), ("i686", "i386"), ("x86_64", "x86_64")):
        system = running_system(str(machine), machine=name)
        guessed = read(
            "efipolicy: 1\n"
            "platform: {name: p, architecture: arm64,"
            " architecture_reason: {kind: dialect, evidence: its lines}}\n"
            "memory_map: {descriptors: []}\n"
        )
        platform = system.described(guessed)
        assert platform.architecture == architecture
        reason = ArchitectureReason(kind="stated", evidence=f"uname: {name}")
        assert platform.architecture_reason == reason
    stated = read(
        "efipolicy: 1\nplatform: {name: p, architecture: arm64}\nmemory_map: {descriptors: []}\n"
    )
    assert running_system(str(machine), machine="x86_64").described(stated).architecture == "arm64"


def test_what_is_told_of_the_kernel_log_is_where_it_was_looked_for(
    machine: Path, live: Live
) -> None:
    (machine / "dev/kmsg").write_text(kmsg(LOG[2:]))
    status, out, err = live()
    assert status == 0
    assert (
        "efipolicy: note: not read: the kernel log: its start is lost "
        "(/dev/kmsg: starts too late; /var/log/dmesg: not there)\n"
    ) in err
    assert "# Not read: the kernel log: its start is lost" in out
    assert len(read(out).memory_map.descriptors) == 2


def test_the_log_kept_since_the_boot_is_read_where_the_buffer_lost_its_start(
    machine: Path, live: Live
) -> None:
    (machine / "dev/kmsg").write_text(kmsg(LOG[5:]))
    put(machine, "var/log/dmesg", "".join(f"[    0.000000] {line}\n" for line in LOG))
    status, out, err = live()
    assert status == 0
    assert "kernel log" not in err
    assert len(read(out).memory_map.descriptors) == 2


def test_a_machine_that_hides_most_of_it_is_imported_with_less(machine: Path, live: Live) -> None:
    for name in ("systab", "runtime-map/0/type", "runtime-map/1/type"):
        (machine / "sys/firmware/efi" / name).unlink()
        (machine / "sys/firmware/efi" / name).mkdir()  # unreadable for root too
    (machine / "sys/class/dmi/id/product_name").unlink()
    status, out, err = live()
    assert status == 0
    assert [line.partition("not read: ")[2] for line in err.splitlines() if "not read" in line] == [
        "/sys/firmware/efi/systab: is a directory",
        "/sys/firmware/efi/runtime-map: is a directory (2 of 10 files)",
        "/proc/device-tree/chosen/linux,uefi-*: not there",
    ]
    assert (
        "efipolicy: warning: the running system: entry 0 of runtime-map: without type\n"
        "efipolicy: warning: the running system: entry 1 of runtime-map: without type\n"
    ) in err
    assert read(out).title == "QEMU"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_is_for_root_alone_is_told_as_such(machine: Path, live: Live) -> None:
    (machine / "sys/firmware/efi/systab").chmod(0)
    assert "/sys/firmware/efi/systab: permission denied\n" in live()[2]


def test_quiet_says_it_in_the_file_only(machine: Path, live: Live) -> None:
    _, out, err = live("--quiet")
    assert err == ""
    assert "# Not read: /proc/device-tree/chosen/linux,uefi-*: not there.\n" in out


def test_a_machine_without_efi_is_unreadable_input(tmp_path: Path, live: Live) -> None:
    put(tmp_path, "dev/kmsg", kmsg(("Linux version 6.1", "efi: UEFI not found.", "BIOS-e820")))
    put(tmp_path, "sys/firmware/memmap/0/start", "0x0\n")
    status, out, err = live()
    assert (status, out) == (3, "")
    assert err == (
        "the running system: found no trace of EFI, "
        "expected a Linux that EFI started: looked in /sys/firmware/efi, "
        "/proc/device-tree/chosen/linux,uefi-* and the kernel log"
    )


def test_a_machine_that_tells_nothing_is_unreadable_input(tmp_path: Path, live: Live) -> None:
    put(tmp_path, "sys/firmware/efi/esrt/fw_resource_count", "1\n")
    status, out, err = live()
    assert (status, out) == (3, "")
    assert err == (
        "the running system: found a machine that EFI started, and nothing of it that can be read "
        "(/sys/firmware/efi/fw_platform_size, /sys/firmware/efi/systab, "
        "/sys/firmware/efi/fw_vendor, /sys/firmware/efi/runtime, /sys/firmware/efi/config_table, "
        "/sys/firmware/efi/runtime-map, /sys/firmware/memmap, "
        "/proc/device-tree/chosen/linux,uefi-*: not there; "
        "the kernel log: not readable (/dev/kmsg: not there; /var/log/dmesg: not there)), "
        "expected files and a kernel log that can be read: run efipolicy as root; "
        "for the whole memory map, boot Linux with efi=debug"
    )


def test_a_log_that_tells_nothing_of_efi_does_not_help(tmp_path: Path, live: Live) -> None:
    put(tmp_path, "sys/firmware/efi/esrt/fw_resource_count", "1\n")
    put(tmp_path, "dev/kmsg", kmsg(("usb 1-1: new device",)))
    status, out, err = live()
    assert (status, out) == (3, "")
    assert "the kernel log: its start is lost (/dev/kmsg: starts too late" in err
    assert "run efipolicy as root" in err


@pytest.mark.parametrize("log", [(), LOG[-1:]])
def test_without_the_start_of_the_log_the_kernel_and_its_parameters_are_known(
    machine: Path, live: Live, monkeypatch: pytest.MonkeyPatch, log: tuple[str, ...]
) -> None:
    (machine / "dev/kmsg").write_text(kmsg(log))
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "", "", "", "aarch64")))
    status, out, _ = live()
    assert status == 0
    (mapping,) = read(out).mapping or ()
    assert (mapping.os, mapping.kernel) == ("linux", "6.12.15")
    assert mapping.command_line == ("efi=novamap",)
    assert mapping.set_virtual_address_map
    assert mapping.set_virtual_address_map.calls == "never"
    assert "rack7" not in out
    assert "sda1" not in out


def test_the_layout_in_use_and_the_parameters_are_one_declaration(
    machine: Path, live: Live
) -> None:
    (machine / "dev/kmsg").unlink()
    platform = read(live()[1])
    (mapping,) = platform.mapping or ()
    assert mapping.kernel == "6.12.15"
    assert [one.physical_start for one in mapping.virtual_map or ()] == [0x1000, 0x4000]


def test_what_a_log_declares_of_the_kernel_is_not_declared_twice(machine: Path, live: Live) -> None:
    (mapping,) = read(live()[1]).mapping or ()
    assert mapping.command_line == ()


def test_names_of_one_machine_are_cut_off_what_smbios_says(machine: Path, live: Live) -> None:
    put(machine, "sys/class/dmi/id/product_name", "Box SN: 123SECRET\n")
    put(machine, "sys/class/dmi/id/bios_version", "1.0 secrethost\n")
    platform = read(live()[1])
    assert (platform.name, platform.title) == ("qemu-box", "QEMU Box")
    assert platform.firmware
    assert platform.firmware.version == "1.0"


def test_without_a_log_the_kernel_speaks_of_itself_elsewhere(machine: Path) -> None:
    (machine / "dev/kmsg").unlink()
    text = running_system(str(machine)).source.text
    assert text.startswith(
        f"[    0.000000] {LOG[0]}\n[    0.000000] Command line: root=/dev/sda1 efi=novamap\n"
        "/sys/firmware/efi/fw_platform_size:64\n"
        "/sys/firmware/efi/systab:ACPI20=0x79a00018\n"
    )
    assert "/sys/firmware/memmap/1/type:RAM\n" in text
    assert "efivars" not in text


def test_what_a_stub_left_in_the_device_tree_is_part_of_the_map(machine: Path, live: Live) -> None:
    chosen = "proc/device-tree/chosen"
    put(machine, f"{chosen}/linux,uefi-system-table", (0x7D5A1018).to_bytes(8, "big"))
    put(machine, f"{chosen}/linux,uefi-mmap-start", (0x7C000018).to_bytes(8, "big"))
    put(machine, f"{chosen}/linux,uefi-mmap-size", (96).to_bytes(4, "big"))
    put(machine, f"{chosen}/linux,uefi-mmap-desc-size", (48).to_bytes(4, "big"))
    put(machine, f"{chosen}/linux,uefi-mmap-desc-ver", (1).to_bytes(4, "big"))
    put(machine, f"{chosen}/bootargs", b"root=/dev/sda1\0")
    status, out, err = live()
    assert (status, err) == (0, "")
    platform = read(out)
    memory_map = platform.memory_map
    assert (memory_map.size, memory_map.descriptor_size, memory_map.descriptor_version) == (
        96,
        48,
        1,
    )
    assert platform.system_table is not None
    assert platform.system_table.address == 0x7D5A1018
    put(machine, f"{chosen}/linux,uefi-mmap-size", b"96")
    assert "/proc/device-tree/chosen/linux,uefi-*: not of 4 or 8 bytes\n" in live()[2]


def test_commands_are_asked_for_the_log_when_no_file_has_it(machine: Path) -> None:
    (machine / "dev/kmsg").unlink()
    asked: list[str] = []

    def command(words: Sequence[str]) -> str:
        asked.append(words[0])
        if words[0] == "dmesg":
            raise OSError(errno.EIO, "Operation not permitted")
        return "".join(f"[    0.000000] {line}\n" for line in LOG)

    system = running_system(str(machine), command=command)
    assert asked == ["dmesg", "journalctl"]
    assert "efi: EFI v2.7" in system.source.text
    assert not any("kernel log" in line for line in system.unread)


def test_why_a_command_gave_nothing_is_told_in_its_own_words() -> None:
    assert run_command(["printf", "a b"]) == "a b"
    with pytest.raises(OSError, match="No such file"):
        run_command(["efipolicy-no-such-command"])
    with pytest.raises(OSError, match="No such file") as told:
        run_command(["cat", "/nowhere"])
    assert told.value.errno == errno.EIO


def test_no_trace_of_efi_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trace of EFI"):
        running_system(str(tmp_path))
