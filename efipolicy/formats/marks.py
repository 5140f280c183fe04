"""Formats that a few words give away: without them in a text, none of their code is loaded."""

from __future__ import annotations

from typing import Final, NamedTuple

from efipolicy.formats.logical_lines import CaptureText
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
    formats have these words as well, one of ``confirmed`` must be there besides.
    """

    module: str
    words: tuple[str, ...]
    fragment: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ("",)

    def read(self, source: SourceText) -> CaptureReading | None:
        """What the text says of a platform; ``None`` when it is of another format."""
        if not self._is_in(source.text) and not self._is_in_tagged(source):
            return None
        from importlib import import_module

        found: CaptureReading | None = import_module(self.module).read(CaptureText(source))
        return found

    def _is_in(self, text: str) -> bool:
        """Whether a text holds a mark."""
        found = any(word in text for word in self.words) or (
            len(text) <= _LONGEST_FRAGMENT and any(word in text for word in self.fragment)
        )
        return found and any(word in text for word in self.confirmed)

    def _is_in_tagged(self, source: SourceText) -> bool:
        """Whether it does once the tags of a forum are taken out of its words."""
        if len(source.text) > _LONGEST_FRAGMENT or "[/" not in source.text:
            return False
        return self._is_in(CaptureText(source).text)


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
FORMATS: Final = (XEN, FREEBSD, U_BOOT, VMWARE_BOOT, OPENCORE, RUST_UEFI)
