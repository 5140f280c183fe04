"""Formats that a few words give away: without them in a text, none of their code is loaded."""

from __future__ import annotations

from typing import Final, NamedTuple

from efipolicy.formats.logical_lines import CaptureText
from efipolicy.plugin.types import CaptureFormat, CaptureReading
from efipolicy.source import SourceText

_LONGEST_FRAGMENT: Final = 1 << 21
"""Characters; in a longer text only a whole map is looked for, by the words each of them has."""


class Marked(NamedTuple):
    """Reads a text that holds one of some words with the function ``read`` of a module.

    Looking for one takes a few milliseconds in a log of 10 MB. ``words`` are in every whole map
    of the format, ``fragment`` in parts of one; both as a wrapped line leaves them. Where other
    formats have these words as well, one of ``confirmed`` must be there besides.
    """

    module: str
    words: tuple[str, ...]
    fragment: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ("",)

    def __call__(self, source: SourceText) -> CaptureReading | None:
        """What the text says of a platform; ``None`` when it is of another format."""
        if not self._is_in(source.text) and not (
            "[/" in source.text and self._is_in(CaptureText(source).text)
        ):
            return None
        from importlib import import_module

        found: CaptureReading | None = import_module(self.module).read(CaptureText(source))
        return found

    def _is_in(self, text: str) -> bool:
        """Whether a text holds a mark. Long words are found sooner, so they come first."""
        found = any(word in text for word in self.words) or (
            len(text) <= _LONGEST_FRAGMENT and any(word in text for word in self.fragment)
        )
        return found and any(word in text for word in self.confirmed)


XEN: Final = CaptureFormat(
    name="xen",
    title="log of the Xen hypervisor",
    dialects=("xen",),
    read=Marked(
        "efipolicy.formats.xen",
        ("attr=",),
        confirmed=("(XEN)", "attr=00", "attr=80", "attr=3D"),
    ),
)
FREEBSD: Final = CaptureFormat(
    name="freebsd",
    title="table of FreeBSD's kernel, loader or `sysctl machdep.efi_map`",
    dialects=("freebsd",),
    read=Marked(
        "efipolicy.formats.freebsd",
        ("ConventionalMemory",),
        (
            "RuntimeServices",
            "BootServices",
            "LoaderData",
            "LoaderCode",
            "MemoryMappedIO",
            "ACPIReclaimMemory",
            "ACPIMemoryNVS",
            "UnusableMemory",
            "PersistentMemory",
            "#Pages",
        ),
    ),
)
U_BOOT: Final = CaptureFormat(
    name="u-boot",
    title="table of `efidebug memmap` or `efi mem` in U-Boot",
    dialects=("u-boot-efidebug", "u-boot-efi-mem"),
    read=Marked(
        "efipolicy.formats.u_boot",
        ("ConventionalMemory", "CONVENTIONAL"),
        (
            "RuntimeServices",
            "BootServices",
            "ReservedMemory",
            "RUNTIME",
            "LOADER",
            "RESERVED",
            "==========",
            "-0000",
        ),
    ),
)
VMWARE_BOOT: Final = CaptureFormat(
    name="vmware-boot",
    title="log of VMware's boot loader",
    dialects=("esx-boot",),
    read=Marked("efipolicy.formats.vmware_boot", ("attr=",), confirmed=("MMap[",)),
)
OPENCORE: Final = CaptureFormat(
    name="opencore",
    title="debug log of OpenCore",
    dialects=("opencore-devirt", "opencore-map"),
    read=Marked(
        "efipolicy.formats.opencore",
        ("OCABC: MMIO devirt", "OCMM: Available"),
        ("devirt", "OCMM:"),
    ),
)
RUST_UEFI: Final = CaptureFormat(
    name="rust-uefi",
    title="debug print of the Rust crate `uefi`",
    dialects=("rust-uefi-debug",),
    read=Marked("efipolicy.formats.rust_uefi", ("MemoryDescriptor",)),
)
FORMATS: Final = (XEN, FREEBSD, U_BOOT, VMWARE_BOOT, OPENCORE, RUST_UEFI)
