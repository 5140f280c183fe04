"""Faults of firmware, and of its mapping, as kernel logs tell of them."""

import pytest

from efipolicy.formats import linux
from efipolicy.model.platform import Platform
from efipolicy.source import SourceText

REPORT = "[  199.672292] [Firmware Bug]: Page fault caused by firmware at PA: 0x{:x}\n"
TRACE = (
    "[  199.672298] WARNING: CPU: 1 PID: 68 at arch/x86/platform/efi/quirks.c:735 "
    "efi_crash_gracefully_on_page_fault+0x49/0xd0\n"
    "[  199.672999] efi: Froze efi_rts_wq and disabled EFI Runtime Services\n"
    "[  199.673001] efi: EFI Runtime Services are disabled!\n"
)
BOOT = "[    0.000000] Linux version {} (a@b) (x86_64-linux-gnu-gcc) #1 SMP\n"
MAP = (
    "[    0.000000] efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"
    "[    0.000000] efi: mem01: [Conventional|   |WB] range=[0x1000-0x1fff] (0MB)\n"
)


def read(text: str) -> Platform:
    reading = linux.read(SourceText("log.txt", text))
    assert reading
    return reading.platform


def addresses(text: str) -> list[int]:
    return [one.physical for one in read(text).firmware_accesses or ()]


def test_an_address_that_firmware_faulted_at_is_an_access_of_it() -> None:
    platform = read(REPORT.format(0x6792E7F0) + TRACE)
    assert platform.firmware_accesses
    (access,) = platform.firmware_accesses
    assert (access.physical, access.converted) == (0x6792E7F0, None)
    assert access.note
    assert access.located
    place = access.located.span_of("physical")
    assert place
    assert place.text == "6792e7f0"
    assert platform.capture
    assert platform.capture.dialect == "linux-log"
    assert platform.capture.skipped_lines == 1  # where in the kernel it was noticed


@pytest.mark.parametrize("address", [0xFFFFA30640054000, 0xFFFFFFFEFAC00000, 1 << 52])
def test_an_address_that_no_processor_has_is_not_a_physical_one(address: int) -> None:
    platform = read(REPORT.format(address) + TRACE)
    assert platform.firmware_accesses is None
    assert platform.capture
    assert platform.capture.skipped_lines == 1


@pytest.mark.parametrize(
    "text",
    [
        "[Firmware Bug]: Page fault caused by firmware at PA:\n0x6792e7f0\n",
        "> [  0.1] [Firmware Bug]: Page fault caused by firmware at PA: 0x6792=\n> e7f0\n",
        "[  0.1] [Firmware Bug]: Page fault caused by firmware at PA: 0x6792\r\ne7f0\r\n",
        "[Firmware Bug]: Page fault caused by firmware at PA: 0x6792e7f0\nWARNING: CPU: 1\n",
        "[Firmware Bug]: Page fault caused by firmware at PA: 0x6792e7f0\nCPU: 1 PID: 68\n",
        "[Firmware Bug]: Page fault caused by firmware at PA: 0x6792e7f0",
    ],
)
def test_a_wrapped_report_has_its_whole_address(text: str) -> None:
    assert addresses(text) == [0x6792E7F0]


def test_an_address_reported_twice_is_one_access() -> None:
    assert addresses(REPORT.format(0x1000) * 2 + REPORT.format(0x2000)) == [0x1000, 0x2000]


def test_a_fault_long_after_the_boot_is_found() -> None:
    noise = "[   10.000000] usb 1-1: new high-speed USB device number 3 using xhci_hcd\n" * 30_000
    assert addresses(BOOT.format("6.1.0") + MAP + noise + REPORT.format(0x1000)) == [0x1000]


def test_a_fault_of_another_boot_is_not_one_of_this_boot() -> None:
    second = BOOT.format("6.12.1") + REPORT.format(0x1000)
    assert addresses(BOOT.format("6.1.0") + MAP + second) == []


@pytest.mark.parametrize(
    "line",
    [
        "[   55.47] [Firmware Bug]: Unable to handle paging request in EFI runtime service",
        "[   55.47] [Firmware Bug]: Unable to handle synchronous exception in EFI runtime service",
        "[    0.05] UEFI virtual mapping missing or invalid -- runtime services will not be",
        "[    0.1] efi: Failed to lookup EFI memory descriptor for 0x00000000be649190",
        "[    0.1] efi: [Firmware Warn]: VA address range overflow!",
        "[    0.1] efi: Error mapping PA 0x7f000000 -> VA 0xfffffffeff000000!",
        "[    8.7] efi: memattr: Entry attributes invalid: RO and XP bits both cleared",
    ],
)
def test_a_line_without_an_address_of_firmwares_is_only_understood(line: str) -> None:
    platform = read(line + "\n")
    assert platform.firmware_accesses is None
    assert platform.mapping is None
    assert platform.capture
    assert platform.capture.skipped_lines == 0


@pytest.mark.parametrize(
    "line",
    [
        "[    0.1] efi: Unable to switch EFI into virtual mode (status=8000000000000002)!",
        "EFI: You are screwed! Unable to switch EFI into virtual mode (status=2)",
        "warning: unable to switch EFI into virtual mode (status=9223372036854775810)",
    ],
)
def test_a_call_that_failed_is_declared_so(line: str) -> None:
    mapping = read(line + "\n").mapping
    assert mapping
    svam = mapping[0].set_virtual_address_map
    assert svam
    assert (svam.calls, svam.result) == ("once", "failed")
    assert svam.located
    assert svam.located.span.text.startswith("nable to switch")


@pytest.mark.parametrize(
    "text",
    [
        'pr_err("Unable to switch EFI into virtual mode (status=%lx)!",\n',
        '"efi: Unable to switch EFI into virtual mode (status=%lx)!"\n',
        'WARN(1, FW_BUG "Page fault caused by firmware at PA: 0x%lx")\n',
        'pr_err(FW_BUG "Unable to handle %s in EFI runtime service")\n',
        "Linux also logs `Unable to handle paging request in EFI runtime service`.\n",
        "What is `Page fault caused by firmware at PA: 0x1000` about?\n",
        "# [Firmware Bug]: Page fault caused by firmware at PA: 0x1000\n",
    ],
)
def test_source_code_and_questions_are_no_log(text: str) -> None:
    assert linux.read(SourceText("mail.txt", text)) is None
