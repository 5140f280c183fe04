"""UEFI-SVAM-003."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    NotJudged,
    Platform,
    Related,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    kernels_before,
    rule,
)

_HYPERVISOR, _GUEST = "hypervisor", "guest"


@rule(
    "uefi/set-virtual-address-map-by-other-component",
    severity=Severity.ERROR,
    requirements=("UEFI-SVAM-003",),
    sources=("UEFI 2.10 §8.4.1", "Xen xen/common/efi/boot.c"),
    help="leave SetVirtualAddressMap to the component that called ExitBootServices",
    needs=("svam.by",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(
            sections="""
mapping:
  - os: linux
    hypervisor: xen
    exit_boot_services: {by: hypervisor}
    set_virtual_address_map: {calls: once, by: kernel}
""",
            at=0,
        ),
        # Whoever is a guest did not end boot services.
        Bad(
            sections="""
mapping:
  - {os: linux, hypervisor: xen, set_virtual_address_map: {calls: once, by: dom0}}
""",
            at=0,
        ),
        Good(
            sections="""
mapping:
  - os: linux
    hypervisor: xen
    exit_boot_services: {by: hypervisor}
    set_virtual_address_map: {calls: once, by: hypervisor}
"""
        ),
        Good(
            sections="""
mapping:
  - os: linux
    exit_boot_services: {by: stub}
    set_virtual_address_map: {calls: once, by: kernel}
"""
        ),
    ),
)
def set_virtual_address_map_by_other_component(
    svam: SetVirtualAddressMap, mapping: MappingDeclaration, platform: Platform
) -> Iterator[Finding | NotJudged]:
    """SetVirtualAddressMap is called by somebody who does not own the memory map.

    The owner is whoever called ExitBootServices; from then on memory is the owner's to give out,
    and only the owner knows which virtual addresses are free. Xen ends boot services itself and
    keeps runtime services to itself: its control domain asks for them by hypercall. A dom0 kernel
    that calls SetVirtualAddressMap itself moves firmware to guest addresses under the hypervisor's
    feet, and the hypervisor's next call jumps to where firmware was.

    A loader, the stub in a kernel image and the kernel are one operating system here: each hands
    the machine on to the next together with the map, and Linux on x86 has always called
    SetVirtualAddressMap from the kernel after its stub, or a loader, ended boot services.
    """
    if svam.calls == "never":
        return
    first = next(iter(kernels_before(mapping, platform)), mapping)
    ended = first.exit_boot_services
    if ended is None or ended.by is None:
        if svam.by != _GUEST:
            yield NotJudged("mapping[].exit_boot_services.by")
        else:
            yield Finding(
                svam,
                "SetVirtualAddressMap is called by a guest, and the hypervisor owns the memory map",
                field="by",
            )
    elif _system(ended.by) != _system(svam.by):
        yield Finding(
            svam,
            f"SetVirtualAddressMap is called by the {svam.by}, "
            f"and the {ended.by} called ExitBootServices",
            field="by",
            related=(Related(ended, f"the {ended.by} owns the memory map"),),
        )


def _system(component: str | None) -> str | None:
    """The system a component is part of: a hypervisor, its guest, or the one operating system."""
    return component if component in (_HYPERVISOR, _GUEST) else None
