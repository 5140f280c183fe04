"""The boots: which firmware, kernel and command line, and which strategy the kernel then uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Firmware:
    """``package`` is installed on this machine; ``code`` and ``variables`` are its files."""

    package: str
    code: Path
    variables: Path
    secure: bool = False
    """A build that wants system management mode and flash only that mode may write."""


OVMF = Firmware(
    "ovmf",
    Path("/usr/share/OVMF/OVMF_CODE_4M.fd"),
    Path("/usr/share/OVMF/OVMF_VARS_4M.fd"),
)
OVMF_IA32 = Firmware(
    "ovmf-ia32",
    Path("/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd"),
    Path("/usr/share/OVMF/OVMF32_VARS_4M.fd"),
    secure=True,
)
AAVMF = Firmware(
    "qemu-efi-aarch64",
    Path("/usr/share/AAVMF/AAVMF_CODE.fd"),
    Path("/usr/share/AAVMF/AAVMF_VARS.fd"),
)
ALTRA = ("-smbios", "type=4,version=Ampere(TM) Altra(TM) Processor")
"""What makes Linux call SetVirtualAddressMap on a machine that would do without."""


@dataclass(frozen=True)
class Boot:
    """One boot and what the kernel is known to choose there."""

    name: str
    about: str
    architecture: Literal["x86_64", "arm64"]
    firmware: Firmware
    kernel: str
    """A package or metapackage of Debian; its current version is resolved at run time."""
    machine: str
    strategy: str
    arguments: Sequence[str] = ()
    processor: str = "max"
    memory: str = "1G"
    command_line: str = "efi=debug"
    page_size: int = 4096
    options: Sequence[str] = ()
    """Options of the strategy that no log tells."""
    kexec: Literal["-s", "-c"] | None = None
    shows: frozenset[str] = frozenset()
    """What the boot must show: a boot without it proves nothing."""
    quick: bool = False
    """Whether the boot is one of those that every change has to pass."""


_ARM64 = frozenset({"memory-map", "memory-attributes-table", "walked-page-tables"})
_X86 = _ARM64 | {"runtime-map"}
_CLOUD_X86, _CLOUD_ARM64 = "linux-image-6.12-cloud-amd64", "linux-image-6.12-cloud-arm64"
_ARM64_16K = "linux-image-6.12-arm64-16k"
_VIRT = "virt,gic-version=3"
_EFI_DEBUG = ("efi_debug=true",)
"""Boot-services memory stays mapped, so that all of it has to be there."""

BOOTS = (
    Boot(
        "x64-q35-1g-kexec-file",
        "q35, then kexec_file_load into the same kernel",
        "x86_64",
        OVMF,
        _CLOUD_X86,
        "q35",
        "x86-topdown",
        processor="max,la57=off",
        kexec="-s",
        options=_EFI_DEBUG,
        shows=_X86,
        quick=True,
    ),
    Boot(
        "x64-pc-2g-kexec-load",
        "the older machine type and kernel, then kexec_load",
        "x86_64",
        OVMF,
        "linux-image-cloud-amd64",
        "pc",
        "x86-topdown",
        processor="max,la57=off",
        memory="2G",
        kexec="-c",
        options=_EFI_DEBUG,
        shows=_X86,
    ),
    Boot(
        "x64-q35-1g-la57",
        "page tables of five levels",
        "x86_64",
        OVMF,
        _CLOUD_X86,
        "q35",
        "x86-topdown",
        processor="max,la57=on",
        options=_EFI_DEBUG,
        shows=_X86,
    ),
    Boot(
        "x64-mixed-ia32-1g",
        "mixed mode: firmware of 32 bits, a kernel of 64",
        "x86_64",
        OVMF_IA32,
        _CLOUD_X86,
        "q35",
        "x86-mixed",
        processor="max,la57=off",
        shows=_X86,
    ),
    Boot(
        "x64-q35-1g-noruntime",
        "efi=noruntime: the kernel calls no runtime service",
        "x86_64",
        OVMF,
        _CLOUD_X86,
        "q35",
        "x86-topdown",
        processor="max,la57=off",
        command_line="efi=debug,noruntime",
        shows=frozenset(),
    ),
    Boot(
        "a64-1g-4k",
        "pages of 4 KiB, 52 bits by LPA2: mapped 1:1 without being told",
        "arm64",
        AAVMF,
        _CLOUD_ARM64,
        _VIRT,
        "arm64-novamap",
        shows=_ARM64,
    ),
    Boot(
        "a64-2g-4k-altra-kexec",
        "48 bits, a machine known to need SetVirtualAddressMap; then kexec_load",
        "arm64",
        AAVMF,
        _CLOUD_ARM64,
        _VIRT,
        "arm64-stub-virtmap",
        arguments=ALTRA,
        processor="neoverse-n1",
        memory="2G",
        kexec="-c",
        shows=_ARM64,
        quick=True,
    ),
    Boot(
        "a64-1g-16k",
        "pages of 16 KiB, 47 bits: SetVirtualAddressMap is called",
        "arm64",
        AAVMF,
        _ARM64_16K,
        _VIRT,
        "arm64-stub-virtmap",
        processor="max,lpa2=off",
        page_size=16384,
        shows=_ARM64,
    ),
    Boot(
        "a64-1g-16k-novamap",
        "pages of 16 KiB, 52 bits by LPA2 and efi=novamap: mapped 1:1 all the same",
        "arm64",
        AAVMF,
        _ARM64_16K,
        _VIRT,
        "arm64-novamap",
        command_line="efi=debug,novamap",
        page_size=16384,
        shows=_ARM64,
    ),
)
