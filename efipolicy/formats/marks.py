"""Formats that a few words give away: without them in a text, none of their code is loaded."""

from __future__ import annotations

import re
from typing import Final

from efipolicy.formats.logical_lines import CaptureText, captured
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import SourceText

_LONGEST_FRAGMENT: Final = 1 << 21
"""Characters; in a longer text only a whole map is looked for, by the words each of them has."""

_TYPE_NAMES: Final = (
    "RuntimeServices",
    "BootServices",
    "LoaderData",
    "LoaderCode",
    "ReservedMemory",
    "MemoryMappedIO",
    "ACPIReclaimMemory",
    "ACPIMemoryNVS",
    "UnusableMemory",
    "PersistentMemory",
)


class Marked(NamedTuple):
    """Reads a text that holds one of some words with the function ``read`` of a module.

    ``words`` are in every whole map of the format and long: the longer, the sooner a log of 10 MB
    is known to have none. ``fragment`` are in parts of a map and in wrapped lines too. Where other
    formats have these words as well, one of ``confirmed`` must be there besides. ``rows`` is a
    pattern of every row, where rows have no word in common.
    """

    module: str
    words: tuple[str, ...]
    fragment: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ("",)
    rows: str = ""

    def read(self, source: SourceText) -> CaptureReading | None:
        """What the text says of a platform; ``None`` when it is of another format."""
        text = captured(source)
        if not self._is_in(text):
            return None
        from importlib import import_module

        found: CaptureReading | None = import_module(self.module).read(text)
        return found

    def _is_in(self, text: CaptureText) -> bool:
        """Whether a text holds a mark, on a line that no kernel of Linux printed."""
        holds = text.unprinted.holds
        found = any(map(holds, self.words)) or (
            len(text.text) <= _LONGEST_FRAGMENT and any(map(holds, self.fragment))
        )
        if self.rows and not found:
            found = re.search(self.rows, text.unprinted.text) is not None
        return found and any(map(text.plain.holds, self.confirmed))


EFI_SHELL: Final = CaptureFormat(
    name="efi-shell",
    title="output of `memmap` in the EFI shell",
    dialects=("efi-shell-1", "efi-shell-2"),
    read=Marked("efipolicy.formats.efi_shell", ('MemoryMap,"',), rows=r"-[0-9A-F]{16}[\s=]").read,
)
XEN: Final = CaptureFormat(
    name="xen",
    title="log of the Xen hypervisor",
    dialects=("xen",),
    read=Marked(
        "efipolicy.formats.xen",
        ("EFI memory map:",),
        ("attr=",),
        confirmed=("(XEN)", "attr=00", "attr=80", "attr=3D"),
    ).read,
)
FREEBSD: Final = CaptureFormat(
    name="freebsd",
    title="table of FreeBSD's kernel, loader or `sysctl machdep.efi_map`",
    dialects=("freebsd",),
    read=Marked(
        "efipolicy.formats.freebsd",
        ("ConventionalMemory",),
        (*_TYPE_NAMES, "#Pages", "Reserved 0", "PalCode"),
    ).read,
)
U_BOOT: Final = CaptureFormat(
    name="u-boot",
    title="table of `efidebug memmap` or `efi mem` in U-Boot",
    dialects=("u-boot-efidebug", "u-boot-efi-mem"),
    read=Marked(
        "efipolicy.formats.u_boot",
        ("ConventionalMemory", "CONVENTIONAL"),
        (*_TYPE_NAMES, "RUNTIME", "LOADER", "RESERVED", "==========", "-0000"),
    ).read,
)
VMWARE_BOOT: Final = CaptureFormat(
    name="vmware-boot",
    title="log of VMware's boot loader",
    dialects=("esx-boot",),
    read=Marked("efipolicy.formats.vmware_boot", (", type=7, attr=0x",), ("MMap[",)).read,
)
OPENCORE: Final = CaptureFormat(
    name="opencore",
    title="debug log of OpenCore",
    dialects=("opencore-devirt", "opencore-map"),
    read=Marked(
        "efipolicy.formats.opencore",
        ("OCABC: MMIO devirt", "OCMM: Available"),
        ("devirt", "OCMM:"),
    ).read,
)
RUST_UEFI: Final = CaptureFormat(
    name="rust-uefi",
    title="debug print of the Rust crate `uefi`",
    dialects=("rust-uefi-debug",),
    read=Marked("efipolicy.formats.rust_uefi", ("MemoryDescriptor",)).read,
)
EDK2_DEBUG: Final = CaptureFormat(
    name="edk2-debug",
    title="debug log of edk2: attributes table, address-space map",
    dialects=("edk2-memory-attributes", "edk2-gcd"),
    read=Marked(
        "efipolicy.formats.edk2_debug",
        ("NumberOfPages     - 0x", "GCDMemType Range"),
        ("VirtualStart", "NumberOfPages", "GCDMemType", "SystemMem ", "NonExist "),
    ).read,
)
EDK2_HOB: Final = CaptureFormat(
    name="edk2-hob",
    title="hand-off blocks in a debug log of edk2",
    dialects=("edk2-hob",),
    read=Marked(
        "efipolicy.formats.edk2_hob",
        ("Memory Allocation 0x", "EFI_HOB_TYPE_"),
        ("HOB[", "buildhob", "FV Hob", " HOBs", "BA=0"),
    ).read,
)
PROJECT_MU: Final = CaptureFormat(
    name="project-mu",
    title="paging audit of Project Mu, or its map for memory protection",
    dialects=("mu-paging-audit", "mu-memory-map"),
    read=Marked(
        "efipolicy.formats.project_mu",
        ("MemoryMap,0x", '"Page Size":'),
        ("TSEG,0x", "MAT,0x00", "Memory Range: 0x"),
    ).read,
)
PATINA: Final = CaptureFormat(
    name="patina",
    title="capture of Patina's DXE readiness tool",
    dialects=("patina-json",),
    read=Marked(
        "efipolicy.formats.patina",
        ('"memory_base_address"',),
        ('"resource_length"',),
        confirmed=('"memory_length"', '"physical_start"'),
    ).read,
)
GRUB: Final = CaptureFormat(
    name="grub",
    title="table of `lsefimmap` in GRUB",
    dialects=("grub-lsefimmap",),
    read=Marked(
        "efipolicy.formats.grub",
        ("conv-mem",),
        (
            "ldr-",
            "BS-",
            "RT-",
            "ACPI-",
            "IO-ports",
            "PAL-code",
            "Unk ",
            "Unk\n",
            "Unk\r",
            "Physical start",
        ),
    ).read,
)
OPENBSD: Final = CaptureFormat(
    name="openbsd",
    title="debug print of OpenBSD's kernel",
    dialects=("openbsd",),
    read=Marked("efipolicy.formats.openbsd", (" attr 0x",), ("type 0x", "pages 0x")).read,
)
FREEBSD_MAP: Final = CaptureFormat(
    name="freebsd-map",
    title="mappings for runtime services in a log of FreeBSD on arm64",
    dialects=("freebsd-map",),
    read=Marked(
        "efipolicy.formats.freebsd_map",
        (" mode 2 pages ",),
        ("MAP ", "MAP\n", "MAP\r"),
        confirmed=("mode", "pages"),
    ).read,
)
HAIKU: Final = CaptureFormat(
    name="haiku",
    title="log of Haiku's EFI loader",
    dialects=("haiku",),
    read=Marked(
        "efipolicy.formats.haiku",
        ("System provided memory map",),
        ("phys:", "virt:", " 0x7 0x", "System provided", "provided memory"),
    ).read,
)
UEFI_APPLICATION: Final = CaptureFormat(
    name="uefi-application",
    title="print of small UEFI applications",
    dialects=("uefi-application",),
    read=Marked(
        "efipolicy.formats.uefi_application", ("] Type: Efi",), ("Phys:", "Type: Efi")
    ).read,
)
LOADER_LIST: Final = CaptureFormat(
    name="loader-list",
    title="list of kernels started by Multiboot2 loaders",
    dialects=("loader-list",),
    read=Marked("efipolicy.formats.loader_list", (" MiB CONVENTIONAL)",), ("MiB",)).read,
)
_TABLE_LEVELS: Final = (" PTE", " PMD", " PUD", " PGD", "\nPTE", "\nPMD")
X86_PAGE_TABLES: Final = CaptureFormat(
    name="x86-page-tables",
    title="page tables that an x86 kernel dumps",
    dialects=("x86-page-tables",),
    read=Marked(
        "efipolicy.formats.x86_page_tables",
        ("---[ ",),
        (" pte", " pmd", " pud", "\npte", "\npmd"),
        confirmed=(" pte", " pmd", " pud", "\npte", "\npmd"),
    ).read,
)
ARM64_PAGE_TABLES: Final = CaptureFormat(
    name="arm64-page-tables",
    title="page tables that an arm64 kernel dumps",
    dialects=("arm64-page-tables",),
    read=Marked(
        "efipolicy.formats.arm64_page_tables",
        ("---[ ",),
        ("MEM/NORMAL", "DEVICE/nG", *_TABLE_LEVELS),
        confirmed=("MEM/NORMAL", "DEVICE/", *_TABLE_LEVELS),
    ).read,
)
ARM32_PAGE_TABLES: Final = CaptureFormat(
    name="arm32-page-tables",
    title="page tables that a 32-bit Arm kernel dumps",
    dialects=("arm32-page-tables",),
    read=Marked(
        "efipolicy.formats.arm32_page_tables",
        ("---[ ",),
        ("MEM/CACHED", "MEM/BUFFERABLE", "SO/UNCACHED", "DEV/SHARED", " KERNEL "),
        confirmed=_TABLE_LEVELS,
    ).read,
)
RISCV_PAGE_TABLES: Final = CaptureFormat(
    name="riscv-page-tables",
    title="page tables that a 64-bit RISC-V kernel dumps",
    dialects=("riscv-page-tables",),
    read=Marked(
        "efipolicy.formats.riscv_page_tables",
        ("---[ ",),
        _TABLE_LEVELS,
        confirmed=_TABLE_LEVELS,
    ).read,
)
WALKED_PAGE_TABLES: Final = CaptureFormat(
    name="walked-page-tables",
    title="page tables walked through the memory of a stopped machine",
    dialects=("walked-page-tables",),
    read=Marked(
        "efipolicy.formats.walked_page_tables",
        (" pgd_pa=",),
        ("K RW ", "M RW ", "G RW ", "K ro ", "M ro ", "G ro "),
        confirmed=("-0x",),
    ).read,
)
RAW_MEMORY: Final = CaptureFormat(
    name="raw-memory",
    title="raw memory: a memory map, or a table of UEFI, as bytes or as a hex dump",
    dialects=(
        "raw-memory-map",
        "raw-memory-attributes-table",
        "raw-rt-properties",
        "raw-device-tree",
    ),
    read=Marked(
        "efipolicy.formats.raw_memory",
        (),
        (
            "00000000: ",
            *("00 00 00 00", "00  00  00  00", "0000 0000", " 00000000 ", " 0000000000000"),
            *("000000 00000000000000", " 0x00000000 0x", "\t0x00000000\t0x"),
            *(" 0x0000000000000000 0x", ":\t0x000000000000000"),
            *("0x00 0x00 0x00", "0x00\t0x00\t0x00"),
            *("01 00 08 00", "0100 0800", "0001 0008", "00080001 ", "01000800 "),
        ),
    ).read,
)
SYSFS: Final = CaptureFormat(
    name="sysfs",
    title="files of /sys/firmware: the EFI runtime map, its tables, and memmap",
    dialects=("sysfs-runtime-map", "sysfs-memmap", "sysfs-efi"),
    read=Marked(
        "efipolicy.formats.sysfs",
        ("/sys/firmware/", "/num_pages"),
        (
            *("runtime-map", "memmap/", "/phys_addr", "/start", "/end", "/type"),
            *("fw_platform_size", "fw_vendor", "config_table", "virt="),
            *("systab:", "ACPI20=", "SMBIOS3=", "\nSMBIOS=", "\nACPI="),
        ),
    ).read,
)
GUEST_MEMORY: Final = CaptureFormat(
    name="guest-memory",
    title="memory map read back from the memory of a stopped guest",
    dialects=("guest-memory",),
    read=Marked(
        "efipolicy.formats.guest_memory",
        (" desc_version=",),
        (
            *("desc_size=", "ConventionalMemory", "ACPIReclaim", "ACPINVS", "MMIO  "),
            *("Reserved  ", "PalCode", "Persistent", "Unaccepted", *_TYPE_NAMES),
        ),
        confirmed=(" 0x0000",),
    ).read,
)
DEVICE_TREE: Final = CaptureFormat(
    name="device-tree",
    title="what the boot loader wrote into /chosen of the device tree",
    dialects=("device-tree",),
    read=Marked("efipolicy.formats.device_tree", ("linux,uefi-",)).read,
)
FORMATS: Final = (
    EFI_SHELL,
    XEN,
    FREEBSD,
    U_BOOT,
    VMWARE_BOOT,
    OPENCORE,
    RUST_UEFI,
    EDK2_DEBUG,
    EDK2_HOB,
    PROJECT_MU,
    PATINA,
    GRUB,
    OPENBSD,
    FREEBSD_MAP,
    HAIKU,
    UEFI_APPLICATION,
    LOADER_LIST,
    X86_PAGE_TABLES,
    ARM64_PAGE_TABLES,
    ARM32_PAGE_TABLES,
    RISCV_PAGE_TABLES,
    WALKED_PAGE_TABLES,
    RAW_MEMORY,
    SYSFS,
    GUEST_MEMORY,
    DEVICE_TREE,
)
