"""The state in which a boot loader enters an arm64 kernel, and the firmware map it relies on."""

from __future__ import annotations

from typing import Final

from efipolicy.plugin import (
    EFI_MEMORY_WB,
    FirmwareEnvironment,
    HandoverRequest,
    Related,
    Responsible,
    size_text,
)
from efipolicy.plugin.handovers import Precondition
from efipolicy_linux.handover_image import footprint

_2M: Final = 0x200000
_SCTLR: Final = "platform.firmware.environment.sctlr"

_MMU_OFF: Final = Precondition(
    name="mmu-off",
    demand="translation is off when the kernel is entered",
    rule="linux/handover-mmu-left-on",
    responsible=Responsible.LOADER,
)
_MMU_ON: Final = Precondition(
    name="mmu-and-caches-on",
    demand="translation and data caches are on, and the byte order is the kernel's",
    rule="linux/handover-mmu-or-caches-off",
    responsible=Responsible.LOADER,
)
_EFI_BOOT: Final = Precondition(
    name="efi-boot",
    demand="the kernel is entered through its EFI stub",
    rule="linux/handover-mmu-on-without-efi",
    responsible=Responsible.LOADER,
)
_CACHEABLE: Final = Precondition(
    name="cacheable-memory",
    demand="firmware's 1:1 map of RAM is cacheable and coherent",
    rule="linux/handover-memory-not-cacheable",
    responsible=Responsible.FIRMWARE,
)
_CLEAN: Final = Precondition(
    name="image-clean",
    demand="the image's range is clean to the Point of Coherency",
    rule=None,
    responsible=Responsible.LOADER,
)
_DEVICE_TREE: Final = Precondition(
    name="device-tree",
    demand="the device tree has at most 2 MiB",
    rule="linux/handover-device-tree-too-big",
    responsible=Responsible.FIRMWARE,
)


def mmu_off(request: HandoverRequest) -> Precondition:
    """Whether SCTLR.M is clear at entry, as the boot protocol wants it."""
    declared = request.declared
    if declared.mmu is None:
        return _MMU_OFF.unknown("handover.mmu")
    if declared.mmu:
        return _MMU_OFF.broken("the kernel is entered with translation on", declared, "mmu")
    return _MMU_OFF.met("the kernel is entered with translation off")


def image_clean(_request: HandoverRequest) -> Precondition:
    """Whether the loader cleaned the image: no declaration can tell."""
    return _CLEAN.unknown("whether the loader cleaned the image, which no key says")


def device_tree(request: HandoverRequest) -> Precondition:
    """Whether the device tree fits in the 2 MiB that the kernel maps for it."""
    platform = request.platform
    for table in platform.configuration_tables or ():
        if table.name != "DTB":
            continue
        if table.length is None:
            return _DEVICE_TREE.unknown("configuration_tables[].length")
        size = f"the device tree at {table.address:#x} has {size_text(table.length)}"
        if table.length > _2M:
            return _DEVICE_TREE.broken(f"{size}, more than 2 MiB", table, "length")
        return _DEVICE_TREE.met(size)
    return _DEVICE_TREE.unknown("the device tree among configuration_tables")


def mmu_and_caches_on(request: HandoverRequest) -> Precondition:
    """Whether SCTLR.M and SCTLR.C are set at entry, and SCTLR.EE is clear.

    A kernel with an EFI stub is little-endian, as all of UEFI is. Whichever bit is wrong: the
    kernel then does as if translation was off.
    """
    declared = request.declared
    off = {"mmu": "translation", "cache": "data caches"}
    for name, what in off.items():
        if getattr(declared, name) is False:
            return _MMU_ON.broken(f"the kernel is entered with {what} off", declared, name)
    environment = _environment(request)
    bits = environment.sctlr if environment else None
    if environment and bits is not None and "EE" in bits:
        why = "firmware runs big-endian, SCTLR.EE is set"
        return _MMU_ON.broken(why, environment, "sctlr")
    open_ = [f"handover.{name}" for name in off if getattr(declared, name) is None]
    if bits is None:
        open_.append(_SCTLR)
    if open_:
        return _MMU_ON.unknown(*open_)
    return _MMU_ON.met("the kernel is entered with translation and data caches on, little-endian")


def efi_boot(request: HandoverRequest) -> Precondition:
    """Whether the kernel's own stub ended boot services, so that it knows of the firmware's map.

    A kernel entered otherwise with translation on panics (Linux 6.6); the series as it was posted
    warned and tainted the kernel.
    """
    memory_map = request.platform.memory_map
    ended = request.kernel.exit_boot_services if request.kernel else None
    if ended is None or ended.by is None:
        if memory_map.origin == "kexec":
            why = "the memory map came by kexec, so another kernel entered this one"
            return _EFI_BOOT.broken(why, memory_map, "origin")
        return _EFI_BOOT.unknown("mapping[].exit_boot_services.by")
    if ended.by in ("stub", "kernel"):
        return _EFI_BOOT.met(f"the {ended.by} itself ended boot services")
    why = f"the {ended.by} ended boot services, so the kernel is not entered through its stub"
    return _EFI_BOOT.broken(why, ended, "by")


def cacheable(request: HandoverRequest) -> Precondition:
    """Whether firmware maps the image's memory cacheable: it can (WB), and does (SCTLR M and C).

    A kernel that finds its caches on writes its page tables and variables through firmware's map
    and maintains nothing, so what bypasses the caches would be lost.
    """
    held = footprint(request)
    if held is None:
        return _CACHEABLE.unknown("handover.image")
    descriptors = [part.descriptor for part in held.parts if part.descriptor]
    known = [d for d in descriptors if d.attribute is not None]
    poor = [d for d in known if not d.has(EFI_MEMORY_WB)]
    if poor:
        return _CACHEABLE.broken(
            f"the image lies in {poor[0]}, which cannot be mapped write-back "
            f"({poor[0].attribute_text})",
            poor[0],
            "attribute",
            related=tuple(Related(each, "neither can this") for each in poor[1:]),
        )
    environment = _environment(request)
    bits = environment.sctlr if environment else None
    if environment and bits is not None and not {"M", "C"} <= set(bits):
        clear = " and ".join(f"SCTLR.{bit}" for bit in ("M", "C") if bit not in bits)
        why = f"firmware runs with {clear} clear, so nothing it maps is cached"
        return _CACHEABLE.broken(why, environment, "sctlr")
    open_ = []
    if not descriptors or len(descriptors) < len(held.parts):
        open_.append("what lies under all of handover.image")
    elif len(known) < len(descriptors):
        open_.append("memory_map.descriptors[].attribute")
    if bits is None:
        open_.append(_SCTLR)
    if held.physical is None:
        open_.append("handover.image.memory_size")
    if open_:
        return _CACHEABLE.unknown(*open_)
    return _CACHEABLE.met("the image's memory can be write-back, and firmware runs with caches on")


def _environment(request: HandoverRequest) -> FirmwareEnvironment | None:
    firmware = request.platform.firmware
    return firmware.environment if firmware else None
