"""Several readings of one platform, held against each other."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MemoryDescriptor,
    MemoryMap,
    NotJudged,
    Platform,
    RegionChange,
    Related,
    Severity,
    outlives_boot,
    region_changes,
    rule,
)


@rule(
    "capture/runtime-regions-move-between-boots",
    severity=Severity.INFO,
    requirements=(),
    sources=("UEFI 2.10 §7.2.3", "Linux 4.15 drivers/firmware/efi/libstub/arm-stub.c"),
    help="allocate what outlives the boot at fixed addresses, or do not hibernate on the platform",
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7e100000  32  RUNTIME WB",
            other_boots=(
                (
                    "EfiRuntimeServicesCode  0x7e000000  16  RUNTIME WB",
                    "EfiRuntimeServicesData  0x7e200000  32  RUNTIME WB",
                ),
            ),
            at=2,
        ),
        # Resized, retyped, gone; and what is new is reported on the map.
        Bad(
            "EfiACPIReclaimMemory   0x7f000000  16  WB",
            "EfiReservedMemoryType  0x7f100000  8   WB",
            "EfiACPIMemoryNVS       0x7f200000  4   WB",
            other_boots=(
                (
                    "EfiACPIReclaimMemory   0x7f000000  17  WB",
                    "EfiACPIMemoryNVS       0x7f100000  8   WB",
                    "EfiReservedMemoryType  0x7f300000  1   WB",
                ),
            ),
            at=(0, 1, 2, 3),
        ),
        Good(
            "EfiRuntimeServicesData  0x7e100000  32     RUNTIME WB",
            "EfiConventionalMemory   0x100000    0x100  WB",
            other_boots=(
                (
                    "EfiRuntimeServicesData  0x7e100000  32    RUNTIME WB",
                    "EfiConventionalMemory   0x100000    0xf0  WB",
                    "EfiBootServicesData     0x1f0000    0x10  WB",
                ),
            ),
        ),
    ),
)
def runtime_regions_move_between_boots(
    platform: Platform, other_boots: tuple[Platform, ...]
) -> Iterator[Finding | NotJudged]:
    """Regions that outlive the boot are not where they were in another boot.

    Firmware may allocate as it likes each time. Whoever carries addresses from one boot to the next
    cannot follow: a hibernated system wakes up with the runtime regions and ACPI tables of the boot
    before, memory set aside for a crash kernel was chosen once, and a log of addresses makes sense
    with its own boot's map only. Linux on arm64, which from 4.13 to 6.0 could move its virtual
    layout at every boot, did so only where hibernation was not built in.

    Compared are runtime memory, ACPI tables and NVS, reserved memory and PAL code, by address, size
    and type. Boot services, loaders and free memory differ in every boot. Which region is which is
    decided as ``efipolicy diff`` decides it: by type, attribute and size, and by neighbours that
    moved as far. Only between whole maps of the same origin does it mean anything that a region is
    not where it was; one that has another type or size in its place differs in any case.
    """
    here = platform.memory_map
    at: dict[MemoryDescriptor, list[tuple[str, RegionChange]]] = {}
    for number, boot in enumerate(other_boots, 2):
        there = boot.memory_map
        if there.origin != here.origin:
            yield NotJudged("memory_map.origin: the same in every boot")
            continue
        name = _name(boot, number)
        appeared: list[MemoryDescriptor] = []
        whole = here.extent == there.extent == "whole"
        for change in region_changes(here.descriptors, there.descriptors):
            old, new = _outliving(change.old), _outliving(change.new)
            if change.kind == "attribute" or old is new is None:
                continue
            if not (whole or change.in_place):
                yield NotJudged("memory_map.extent: whole")
            elif old is not None:
                kind = change.kind if new else "removed"
                at.setdefault(old, []).append((name, change._replace(kind=kind, new=new)))
            elif new is not None:
                appeared.append(new)
        if appeared:
            yield _new(here, name, appeared)
    for descriptor, told in at.items():
        yield Finding(
            descriptor,
            f"{descriptor} {', '.join(f'{change.outcome} in {name}' for name, change in told)}",
            field=_FIELDS.get(told[0][1].kind),
            related=tuple(Related(change.new, f"in {name}") for name, change in told if change.new),
        )


def _outliving(descriptor: MemoryDescriptor | None) -> MemoryDescriptor | None:
    """A region that outlives the boot; one that does not is as good as none."""
    return descriptor if descriptor and outlives_boot(descriptor) else None


_FIELDS = {"retyped": "type", "resized": "pages", "moved": "physical_start"}


def _name(boot: Platform, number: int) -> str:
    """The text a boot was read from, else its number."""
    located = boot.memory_map.located
    return located.span.source.path if located else f"boot {number}"


def _new(here: MemoryMap, name: str, appeared: list[MemoryDescriptor]) -> Finding:
    listed = ", ".join(str(descriptor) for descriptor in appeared)
    return Finding(
        here,
        f"{name} has {len(appeared)} more "
        f"{'region that outlives' if len(appeared) == 1 else 'regions that outlive'} the boot: "
        f"{listed}",
        related=tuple(Related(descriptor, f"in {name}") for descriptor in appeared),
    )
