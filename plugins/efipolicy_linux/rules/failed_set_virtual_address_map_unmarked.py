"""KEXEC-009."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Edit,
    Finding,
    Fix,
    Good,
    MappingDeclaration,
    MemoryDescriptor,
    NotJudged,
    Related,
    Responsible,
    SetVirtualAddressMap,
    Severity,
    rule,
)
from efipolicy_linux.handed_over import is_linux, version_of

_MARK = 2**64 - 1
_ALL_ONES_SINCE = (6, 1)


@rule(
    "linux/failed-set-virtual-address-map-unmarked",
    severity=Severity.WARNING,
    requirements=("KEXEC-009",),
    sources=(
        "Linux 6.12 drivers/firmware/efi/libstub/fdt.c",
        "Linux 6.12 drivers/firmware/efi/arm-runtime.c",
        "Linux commit 37926f96302d",
    ),
    help="write 0xffffffffffffffff into the virtual start of every runtime region",
    needs=("svam.result",),
    architectures=("arm64", "arm32", "riscv64"),
    responsible=Responsible.KERNEL,
    fix="unsafe",
    examples=(
        Bad(
            architecture="arm64",
            sections="""
mapping:
  - set_virtual_address_map: {calls: once, result: failed}
    virtual_map:
      - {type: 6, physical_start: 0x7f000000, virtual_start: 0x0,
         pages: 16, attribute: [RUNTIME, WB]}
""",
            at=0,
        ),
        Good(
            architecture="arm64",
            sections="""
mapping:
  - set_virtual_address_map: {calls: once, result: failed}
    virtual_map:
      - {type: 6, physical_start: 0x7f000000, virtual_start: 0xffffffffffffffff,
         pages: 16, attribute: [RUNTIME, WB]}
""",
        ),
        Good(
            architecture="arm64",
            sections="""
mapping:
  - set_virtual_address_map: {calls: once, result: success}
    virtual_map:
      - {type: 6, physical_start: 0x0, virtual_start: 0x0,
         pages: 16, attribute: [RUNTIME, WB]}
""",
        ),
    ),
)
def failed_set_virtual_address_map_unmarked(
    mapping: MappingDeclaration, svam: SetVirtualAddressMap
) -> Iterator[Finding | NotJudged]:
    """SetVirtualAddressMap failed, and the layout handed on does not say so.

    On arm64, Arm and RISC-V the EFI stub makes the call, and all that the kernel, and every kernel
    after it by kexec, learns of it is the virtual start of each region. Since Linux 6.1 a start of
    all ones means that runtime services are to stay off; anything else is mapped and called.

    Up to 5.15 the mark was 0. A region at physical address 0 that is mapped one to one has a
    virtual start of 0 too and was taken for a failure, so the mark was changed. A kernel that knows
    one mark only takes the other for an address. A kernel whose ``options`` state a version before
    6.1 may mark a region either way.
    """
    if svam.result != "failed" or not is_linux(mapping):
        return
    if mapping.virtual_map is None:
        yield NotJudged("mapping[].virtual_map")
        return
    relied_on = [e for e in mapping.virtual_map if e.attribute is None or e.runtime]
    if any(entry.virtual_start is None for entry in relied_on):
        yield NotJudged("mapping[].virtual_map[].virtual_start")
    marks = (_MARK, 0) if (version_of(mapping) or _ALL_ONES_SINCE) < _ALL_ONES_SINCE else (_MARK,)
    unmarked = [e for e in relied_on if e.virtual_start not in (None, *marks)]
    if unmarked:
        yield _finding(svam, unmarked)


def _finding(svam: SetVirtualAddressMap, unmarked: list[MemoryDescriptor]) -> Finding:
    listed = ", ".join(f"{entry} at {entry.virtual_start:#x}" for entry in unmarked)
    edits = tuple(Edit(entry, "virtual_start", _MARK) for entry in unmarked)
    return Finding(
        svam,
        f"SetVirtualAddressMap failed, and the layout still has {listed} instead of {_MARK:#x}",
        unmarked[0].physical,
        field="result",
        related=tuple(Related(entry, "not marked") for entry in unmarked),
        fix=Fix("unsafe", f"mark every region with {_MARK:#x}", edits),
    )
