"""What a kernel log proves of the kernel's mapping: parameters, page size, address width."""

import pytest

from efipolicy.formats import linux
from efipolicy.model.platform import MappingDeclaration
from efipolicy.source import SourceText

X86 = "[    0.000000] Linux version {} (root@buildhost.example) (x86_64-linux-gnu-gcc-12) #1 SMP\n"
ARM64 = X86.replace("x86_64", "aarch64")
RISCV = X86.replace("x86_64", "riscv64")
BANNER = "[    0.000000] efi: EFI v2.7 by EDK II\n[    0.000000] efi: ACPI 2.0=0x7f77e014\n"
LINE = "[    0.000000] Kernel command line: {}\n"


def mapping(text: str) -> MappingDeclaration | None:
    reading = linux.read(SourceText("log.txt", text))
    assert reading
    declared = reading.platform.mapping
    if declared is None:
        return None
    (one,) = declared
    return one


def declared(text: str) -> MappingDeclaration:
    one = mapping(text)
    assert one
    return one


def parameters(words: str, *, before: str = X86.format("6.12.117")) -> tuple[str, ...] | None:
    return declared(before + BANNER + LINE.format(words)).command_line


def calls(text: str) -> str | None:
    svam = declared(text).set_virtual_address_map
    return svam.calls if svam else None


@pytest.mark.parametrize(
    ("release", "digits"),
    [
        ("6.12.117+deb13-amd64", "6.12.117"),
        ("4.18.0-553.el8_10.x86_64", "4.18.0"),
        ("6.9-rc1", "6.9"),
        ("2.6.32.12-0.7-default", "2.6.32.12"),
    ],
)
def test_the_kernel_is_the_digits_of_its_release(release: str, digits: str) -> None:
    one = declared(X86.format(release) + BANNER)
    assert (one.os, one.kernel, one.command_line) == ("linux", digits, None)
    assert one.located
    span = one.located.span_of("kernel")
    assert span
    assert span.text == digits


def test_a_log_that_says_nothing_of_its_kernel_declares_no_mapping() -> None:
    assert mapping("efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n") is None


def test_only_parameters_about_firmware_are_kept() -> None:
    words = (
        "BOOT_IMAGE=/boot/vmlinuz root=UUID=4c0c ip=10.0.0.7::host.example:eth0 nokaslr "
        "efi=debug,noruntime crashkernel=512M-2G:64M,2G-:128M memmap=64M$0x1000000 intel_iommu=on "
        "add_efi_memmap efi_fake_mem=2G@4G:0x10000 systemd.hostname=secret quiet"
    )
    assert parameters(words) == (
        "nokaslr",
        "efi=debug,noruntime",
        "crashkernel=512M-2G:64M,2G-:128M",
        "memmap=64M$0x1000000",
        "add_efi_memmap",
        "efi_fake_mem=2G@4G:0x10000",
    )


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("efi=debug,secret,novamap", ("efi=debug,novamap",)),
        ("efi=secret memmap=secret mem=my-host efi_fake_mem=secret@home", ()),
        ("crashkernel=secret acpi_rsdp=secret elfcorehdr=secret noexec=secret", ()),
        ("reboot=secret mem_encrypt=secret reboot=efi,secret crashkernel=64M@secret", ()),
        *(
            (words, tuple(words.split()))
            for words in (
                "efi=attr=uc,no_disable_early_pci_dma mem=4G mem=nopentium memmap=exactmap",
                "memmap=0x100000%0x80000000-1+7,64M!4G memmap=8K#0x7f000000 mem=2g@0x80000000",
                "crashkernel=auto crashkernel=256M,high crashkernel=1G-4G:192M,4G-64G:256M@16M",
                "acpi_rsdp=0x7f77e014 acpi_rsdp=7f77e014 elfcorehdr=0x1f000000 mem_encrypt=on",
                "reboot=w reboot=panic_warm,efi,force reboot=acpi,smp12 noexec=off",
            )
        ),
    ],
)
def test_of_a_value_only_what_the_kernel_knows_is_kept(words: str, kept: tuple[str, ...]) -> None:
    assert parameters(words) == kept


def test_a_command_line_without_such_parameters_is_an_empty_one() -> None:
    assert parameters("root=/dev/sda1 quiet") == ()


def test_x86_may_print_its_line_early_only() -> None:
    text = X86.format("6.1.0") + "[    0.000000] Command line: efi=debug quiet\n" + BANNER
    assert declared(text).command_line == ("efi=debug",)


def test_what_stands_behind_two_hyphens_is_for_the_first_process() -> None:
    assert parameters("nokaslr -- efi=novamap") == ("nokaslr",)


def test_words_in_quotes_are_one_parameter() -> None:
    assert parameters('dyndbg="file efi.c noefi +p" efi="debug"') == ("efi=debug",)


@pytest.mark.parametrize(
    "wrapped",
    [
        "root=/dev/sda1 efi=debug,novamap\nnokaslr quiet",
        "root=/dev/sda1\nefi=debug,novamap nokaslr quiet",
        "root=/dev/sda1 efi=debug,nov\namap nokaslr quiet",
        "root=/dev/sda1 efi=debug,nov\r\namap nokaslr quiet\r",
        "root=3D/dev/sda1 efi=3Ddebug,n=\novamap nokaslr quiet",
        "root=/dev/sda1 efi=debug,\nnovamap nokaslr\nquiet",
    ],
)
def test_a_wrapped_line_is_put_together(wrapped: str) -> None:
    assert parameters(wrapped) == ("efi=debug,novamap", "nokaslr")


def test_a_value_that_may_have_been_cut_is_left_out() -> None:
    assert parameters("nokaslr crashkernel=51\n2M quiet") == ("nokaslr",)
    assert parameters("nokaslr efi=nov\n[    0.1] random: crng init done") == ("nokaslr",)


def test_words_of_a_mail_below_the_line_are_not_parameters() -> None:
    assert parameters("quiet\n\nI have tried nokaslr as well.\n") == ()


def test_the_last_word_of_a_line_that_the_kernel_cut_is_left_out() -> None:
    assert parameters("nokaslr " + "x" * 980 + " crashkernel=51") == ("nokaslr",)


@pytest.mark.parametrize(
    "line",
    [
        "(XEN) Command line: noefi efi=no-rs",
        "(XEN) [    0.1] Command line: noefi efi=no-rs",
        "# Kernel command line: noefi",
        "The boot command line: noefi",
    ],
)
def test_a_line_that_no_kernel_printed_does_not_count(line: str) -> None:
    text = X86.format("6.1.0") + line + "\n" + BANNER + LINE.format("efi=debug")
    assert declared(text).command_line == ("efi=debug",)


def test_the_line_of_another_boot_does_not_count() -> None:
    entry = "efi: mem0{}: [{}|RUN|WB] range=[0x{}000-0x{}fff] (0MB)\n"
    lines = entry.format(0, "Runtime Code", 0, 0) + entry.format(1, "Conventional", 1, 1)
    first = X86.format("6.1.0") + BANNER + lines
    second = X86.format("6.12.1") + BANNER + LINE.format("efi=noruntime")
    one = declared(first + second)
    assert (one.kernel, one.command_line, one.calls) == ("6.1.0", None, None)


@pytest.mark.parametrize(
    ("version", "words", "expected"),
    [
        (ARM64.format("6.12.117-arm64"), "efi=debug,novamap", "never"),
        (ARM64.format("5.1.0"), "efi=novamap", "never"),
        (RISCV.format("5.10.0"), "efi=novamap", "never"),
        (RISCV.format("5.9.0"), "efi=novamap", None),
        (ARM64.format("5.0.0"), "efi=novamap", None),
        (ARM64.format("6.12.117"), "efi=debug", None),
        (ARM64.format("6.12.117"), "efi=noruntime", None),
        (ARM64.format("6.12.117"), "noefi", None),
        (X86.format("6.12.117"), "efi=novamap", None),
        (X86.format("6.12.117"), "efi=noruntime", "never"),
        (X86.format("3.16.0"), "efi=noruntime", None),
        (X86.format("3.2.0"), "noefi", "never"),
        (X86.format("6.12.117"), "noefi elfcorehdr=0x1f000000", None),
        (X86.format("6.12.117"), "noefi acpi_rsdp=0x7f77e014", None),
        (X86.format("6.12.117"), "efi=noruntime,runtime", None),
        ("[    0.000000] Booting Linux on physical CPU 0x0 [0x410fd083]\n", "efi=novamap", None),
    ],
)
def test_a_call_is_left_out_only_where_the_kernel_obeys(
    version: str, words: str, expected: str | None
) -> None:
    assert calls(version + BANNER + LINE.format(words)) == expected


@pytest.mark.parametrize("version", [X86, ARM64, RISCV])
@pytest.mark.parametrize("words", ["noefi", "efi=debug,noruntime"])
def test_a_kernel_told_so_calls_no_runtime_service(version: str, words: str) -> None:
    one = declared(version.format("6.12.117") + BANNER + LINE.format(words))
    assert one.calls
    assert one.calls.services == ()


def test_a_kernel_started_by_kexec_says_nothing_of_the_call() -> None:
    first = X86.format("6.1.0") + "[   40.0] kexec_core: Starting new kernel\n"
    second = X86.format("6.12.1") + BANNER + LINE.format("efi=noruntime")
    assert calls(first + second) is None


PER_CPU = "[    0.000000] percpu: Embedded {} pages/cpu s{} r{} d{} u{}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (PER_CPU.format(34, 101464, 8192, 29608, 139264), 4096),
        (PER_CPU.format(15, 199960, 8192, 37608, 245760), 16384),
        (PER_CPU.format(2, 38368, 0, 92704, 131072), 65536),
        (PER_CPU.format(66, 233472, 8192, 28672, 2097152), 4096),
        (
            "percpu: Embedded 3 pages/cpu @ffff8003ffdd0000 s124440 r8192 d63976 u196608\n",
            65536,
        ),
        ("PERCPU: Embedded 26 pages/cpu @ ffff88003fc00000 s76672 r8192 d21632 u524288\n", 4096),
        ("Dentry cache hash table entries: 131072 (order: 8, 1048576 bytes, linear)\n", 4096),
        ("Dentry cache hash table entries: 2097152 (order: 8, 16777216 bytes)\n", 65536),
        (PER_CPU.format(34, 101464, 8192, 29600, 139264), None),
        (PER_CPU.format(0, 0, 0, 0, 0), None),
    ],
)
def test_the_memory_of_a_processor_and_of_a_hash_table_prove_the_page_size(
    line: str, expected: int | None
) -> None:
    assert declared(ARM64.format("6.12.117") + BANNER + line).page_size == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("6.12.117+deb13-arm64-16k", 16384),
        ("5.14.0-427.el9.aarch64+64k", 65536),
        ("6.8.0-31-generic-64k", 65536),
        ("6.12.117-arm64", None),
    ],
)
def test_the_name_of_a_kernel_tells_its_page_size(release: str, expected: int | None) -> None:
    assert declared(ARM64.format(release) + BANNER).page_size == expected


def test_two_proofs_that_disagree_prove_nothing() -> None:
    text = ARM64.format("6.12.117-64k") + BANNER + PER_CPU.format(17, 38368, 0, 31264, 69632)
    assert declared(text).page_size is None


LAYOUT = "Virtual kernel memory layout:\n{}    vmalloc : 0x{} - 0xffff7bdfffff0000   (12 GB)\n"
MODULES = "    modules : 0xffff000000000000 - 0xffff000008000000   (   128 MB)\n"


@pytest.mark.parametrize(
    ("version", "before", "vmalloc", "expected"),
    [
        (ARM64.format("4.11.0"), MODULES, "ffff000008000000", 48),
        (ARM64.format("4.14.98"), "", "ffffff8008000000", 39),
        (ARM64.format("3.16.0"), "", "ffffff8000000000", 39),
        (ARM64.format("4.4.0-64k"), "", "fffffc0000000000", 42),
        (ARM64.format("4.4.0"), "", "fffffc0000000000", None),
        (RISCV.format("6.1.0"), "", "ffffffc800000000", 39),
        (RISCV.format("6.1.0"), "", "ffff8f8000000000", 48),
        (RISCV.format("6.1.0"), "", "ff20000000000000", 57),
        (X86.format("4.4.0"), "", "ffffc90000000000", None),
    ],
)
def test_a_printed_layout_proves_the_address_width(
    version: str, before: str, vmalloc: str, expected: int | None
) -> None:
    text = version + BANNER + LAYOUT.format(before, vmalloc)
    assert declared(text).virtual_address_bits == expected


def test_a_kernel_that_may_not_use_five_levels_has_addresses_of_48_bits() -> None:
    text = BANNER + LINE.format("no5lvl")
    assert declared(X86.format("6.12.117") + text).virtual_address_bits == 48
    assert declared(ARM64.format("6.12.117") + text).virtual_address_bits is None


def test_riscv_says_when_two_levels_of_tables_are_left_out() -> None:
    text = RISCV.format("6.12.117") + BANNER + "Disabled 4-level and 5-level paging\n"
    assert declared(text).virtual_address_bits == 39


def test_no_host_stands_in_what_is_declared() -> None:
    text = X86.format("6.12.117") + BANNER + LINE.format("root=secret efi=debug,noruntime")
    one = declared(text)
    assert one.located
    assert one.set_virtual_address_map
    assert one.set_virtual_address_map.located
    assert one.located.span.text == "6.12.117"
    assert one.set_virtual_address_map.located.span.text == "efi=debug,noruntime"
    assert "secret" not in repr(one)
    assert "buildhost" not in repr(one)


XEN = "[    0.000000] Hypervisor detected: Xen PV\n"


def test_the_control_domain_of_xen_says_so() -> None:
    assert declared(X86.format("6.12.117") + BANNER + XEN).hypervisor == "xen"
    assert declared(X86.format("6.12.117") + BANNER).hypervisor is None


def test_a_guest_with_firmware_of_its_own_is_no_control_domain() -> None:
    entry = "efi: mem00: [Runtime Code|RUN|WB] range=[0x0-0xfff] (0MB)\n"
    assert declared(X86.format("6.12.117") + BANNER + entry + XEN).hypervisor is None
