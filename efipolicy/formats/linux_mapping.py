"""What a kernel log says of how the kernel maps firmware: an entry of ``mapping:``.

Only what the log proves is declared. Most logs prove little more than the kernel's release.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from efipolicy.formats import linux_address_space, linux_machine
from efipolicy.formats.linux_address_space import Proof
from efipolicy.formats.linux_command_line import CommandLine, command_line
from efipolicy.formats.linux_faults import Faults
from efipolicy.formats.linux_log import Boot
from efipolicy.formats.logical_lines import CaptureText
from efipolicy.model.declared import RuntimeCalls, SetVirtualAddressMap
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import MappingDeclaration
from efipolicy.named_tuple import NamedTuple

if TYPE_CHECKING:
    from efipolicy.formats.linux_remap import Remap

_DIGITS: Final = re.compile(r"\d{1,4}\.\d{1,4}(?:\.\d{1,4}){0,2}(?!\d)")

_NOVAMAP_SINCE: Final = {"arm64": (5, 1), "arm32": (5, 1), "riscv64": (5, 10)}
"""The kernels whose stub leaves SetVirtualAddressMap out when told to (Linux 4e46c2a95621)."""

_NORUNTIME_SINCE: Final = (3, 17)

_XEN: Final = ("Hypervisor detected: Xen", "paravirtualized kernel on Xen")


class Kernel(NamedTuple):
    """What one boot says of its kernel. ``kexec`` says that another kernel started it.

    ``remap`` are the lines in which it tells where it maps what, which few kernels print.
    """

    version: re.Match[str] | None
    architecture: str
    command_line: CommandLine | None
    remap: Remap | None
    kexec: bool

    @property
    def release(self) -> tuple[int, int] | None:
        """``(6, 12)`` of 6.12.15."""
        return linux_machine.kernel_version(self.version)

    def is_since(self, version: tuple[int, int] | None) -> bool:
        """Whether it is known to be a kernel of some version or a later one."""
        return version is not None and self.release is not None and self.release >= version

    @property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """Where the lines are that tell of it."""
        line = self.command_line
        lines = self.remap.lines if self.remap else ()
        return (*lines, (line.start, line.end)) if line else lines


def kernel(
    text: CaptureText, boot: Boot, version: re.Match[str] | None, architecture: str, *, kexec: bool
) -> Kernel:
    """The kernel of one boot. Of a crash kernel the parameters say that another started it."""
    found = command_line(text, boot)
    followed = found is not None and any(
        found.place_of(name) for name in ("elfcorehdr", "acpi_rsdp")
    )
    remap = _remap(text, boot, linux_machine.kernel_version(version), architecture)
    return Kernel(version, architecture, found, remap, kexec or followed)


def _remap(
    text: CaptureText, boot: Boot, release: tuple[int, int] | None, architecture: str
) -> Remap | None:
    high = boot.early_end
    if all(text.text.find(words, boot.start, high) < 0 for words in ("EFI remap", "remap 0x")):
        return None
    from efipolicy.formats.linux_remap import remap

    return remap(text, boot, release, architecture)


def declaration(
    text: CaptureText,
    boot: Boot,
    one: Kernel,
    memory_map: MemoryMap | None,
    faults: Faults,
) -> MappingDeclaration | None:
    """What the log declares of the mapping; ``None`` when that is nothing."""
    version, line = one.version, one.command_line
    release = version.span(1) if version else None
    digits = _DIGITS.match(text.text, *release) if release else None
    page_size = linux_address_space.page_size(text, boot, release)
    bits = _bits_of_parameter(one) or linux_address_space.virtual_address_bits(
        text, boot, one.architecture, page_size.value if page_size else None
    )
    virtual_map = one.remap.virtual_map(memory_map) if one.remap and memory_map else None
    places = _places(digits, line, page_size, bits, one.remap if virtual_map else None)
    hypervisor = _xen(text, boot) if memory_map is None else None
    if hypervisor:
        places["hypervisor"] = hypervisor
    if faults.failed:
        places.setdefault("set_virtual_address_map", faults.failed)
    if not places:
        return None
    start, end = next(iter(places.values()))
    return MappingDeclaration(
        os="linux",
        kernel=digits[0] if digits else None,
        command_line=line.words if line else None,
        page_size=page_size.value if page_size else None,
        virtual_address_bits=bits.value if bits else None,
        set_virtual_address_map=faults.set_virtual_address_map or _left_out(text, one),
        virtual_map=virtual_map,
        calls=_no_calls(text, one),
        hypervisor="xen" if hypervisor else None,
        options={},
        located=text.record(start, end, places),
    )


def _places(
    digits: re.Match[str] | None,
    line: CommandLine | None,
    page_size: Proof | None,
    bits: Proof | None,
    remap: Remap | None,
) -> dict[str, tuple[int, int]]:
    """Where each field stands. Lines are left out as a whole: names of hosts stand in them."""
    places: dict[str, tuple[int, int]] = {}
    if digits:
        places["kernel"] = digits.span()
    if line:
        places["command_line"] = line.label
    if page_size:
        places["page_size"] = page_size.start, page_size.end
    if bits:
        places["virtual_address_bits"] = bits.start, bits.end
    if remap:
        places["virtual_map"] = remap.lines[0]
    return places


def _bits_of_parameter(one: Kernel) -> Proof | None:
    """x86_64 has two widths, and a parameter that forbids the wider one."""
    place = one.command_line.place_of("no5lvl") if one.command_line else None
    return Proof(48, *place) if place and one.architecture == "x86_64" else None


def _xen(text: CaptureText, boot: Boot) -> tuple[int, int] | None:
    """Where the control domain of Xen says what it runs on.

    It gets no memory map. A guest that prints one has its own firmware, whose memory is its own.
    """
    high = boot.early_end
    for words in _XEN:
        at = text.text.find(words, boot.start, high)
        if at >= 0 and not text.is_remark(at):
            return at, at + len(words)
    return None


def _left_out(text: CaptureText, one: Kernel) -> SetVirtualAddressMap | None:
    """That SetVirtualAddressMap was left out, as the kernel or its stub was told.

    The stub makes the call on arm64, arm and riscv64, unless it is told ``efi=novamap``; x86 does
    not know that parameter, and loongarch64 calls all the same. On x86 it is the kernel that calls,
    unless runtime services are off. A kernel that another one started does not call in any case,
    and firmware may be virtual already.
    """
    line, place = one.command_line, None
    if line is None or one.kexec:
        return None
    if one.architecture in ("x86_64", "i386"):
        place = _services_off(one)
    elif one.is_since(_NOVAMAP_SINCE.get(one.architecture)):
        place = line.place_of_efi("novamap")
    if place is None:
        return None
    return SetVirtualAddressMap(calls="never", located=text.record(*place, {"calls": place}))


def _no_calls(text: CaptureText, one: Kernel) -> RuntimeCalls | None:
    """That the kernel was told to call no runtime service."""
    place = _services_off(one)
    if place is None:
        return None
    return RuntimeCalls(services=(), located=text.record(*place, {"services": place}))


def _services_off(one: Kernel) -> tuple[int, int] | None:
    """Where the kernel is told so. It looks at this after its stub, which may have called some."""
    line = one.command_line
    if line is None or line.place_of_efi("runtime"):
        return None
    told = line.place_of_efi("noruntime") if one.is_since(_NORUNTIME_SINCE) else None
    return line.place_of("noefi") or told
