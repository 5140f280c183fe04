"""UEFI-SVAM-018."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    EfiMemoryType,
    Finding,
    Firmware,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    rule,
)
from efipolicy_plan.virtual_layout import passes_list

_CODE = EfiMemoryType.EfiRuntimeServicesCode


@rule(
    "plan/runtime-code-entries-u-boot-refuses",
    severity=Severity.INFO,
    requirements=("UEFI-SVAM-018",),
    sources=("U-Boot lib/efi_loader/efi_runtime.c",),
    help="keep runtime code in one descriptor, or call services at their physical addresses",
    needs=("firmware.vendor",),
    examples=(
        Bad(
            "EfiRuntimeServicesCode  0x7ff10000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7ff30000  16  RUNTIME WB",
            sections="""
platform: {firmware: {vendor: Das U-Boot}}
mapping:
  - os: a
    virtual_map:
      - {type: 5, physical_start: 0x7ff10000, virtual_start: 0x20000000, pages: 16}
      - {type: 5, physical_start: 0x7ff30000, virtual_start: 0x20010000, pages: 16}
""",
            at=0,
        ),
        Bad(
            "EfiRuntimeServicesData  0x7ff10000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
platform: {firmware: {vendor: U-Boot}}
mapping: [{strategy: x86-topdown}]
""",
            at=0,
        ),
        Good(
            "EfiRuntimeServicesCode  0x7ff10000  16  RUNTIME WB",
            "EfiRuntimeServicesData  0x7ff30000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
platform: {firmware: {vendor: U-Boot}}
mapping: [{strategy: x86-topdown}]
""",
        ),
        Good(
            "EfiRuntimeServicesCode  0x7ff10000  16  RUNTIME WB",
            "EfiRuntimeServicesCode  0x7ff30000  16  RUNTIME WB",
            architecture="x86_64",
            sections="""
platform: {firmware: {vendor: EDK II}}
mapping: [{strategy: x86-topdown}]
""",
        ),
    ),
)
def runtime_code_entries_u_boot_refuses(
    virtual_map: tuple[MemoryDescriptor, ...],
    firmware: Firmware,
    mapping: MappingDeclaration,
    platform: Platform,
) -> Iterator[Finding | NotJudged]:
    """U-Boot is given none or several entries of runtime code, and takes exactly one.

    U-Boot relocates one section of its own. Its SetVirtualAddressMap looks for the one entry of
    type EfiRuntimeServicesCode in the list and answers EFI_INVALID_PARAMETER when there are more,
    or none. Linux then disables runtime services, and earlier kernels on x86 stop.

    U-Boot's own memory map has exactly one such descriptor, so this takes an operating system that
    splits it or leaves it out, or a board that adds another. Other firmware does not mind.
    """
    vendor = (firmware.vendor or "").casefold().replace("-", "").replace(" ", "")
    if "uboot" not in vendor or not passes_list(mapping, platform):
        return
    code = [entry for entry in virtual_map if entry.type == _CODE]
    if not code and mapping.virtual_map is None and platform.memory_map.extent != "whole":
        yield NotJudged("memory_map.extent: whole")
    elif len(code) != 1:
        planned = mapping.virtual_map is None
        mapped = [d for d in platform.memory_map.descriptors if d.type == _CODE]
        yield Finding(
            mapping,
            f"U-Boot is given {f'{len(code)} entries' if code else 'no entry'} of "
            "EfiRuntimeServicesCode, and its SetVirtualAddressMap takes exactly one",
            field="strategy" if planned else "virtual_map",
            responsible=Responsible.KERNEL if len(mapped) == 1 else None,
            related=tuple(Related(d, "runtime code") for d in (mapped if planned else code)),
        )
