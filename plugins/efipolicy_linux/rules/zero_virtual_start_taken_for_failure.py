"""Regions mapped at address 0, which kernels took for a mark."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    Related,
    Responsible,
    Severity,
    rule,
)

_AT_ZERO = "EfiRuntimeServicesData  0x0         16  RUNTIME WB"
_MARK_IS_NOT_ZERO_SINCE = (5, 16)


def _novamap(kernel: str) -> str:
    return f'mapping: [{{strategy: arm64-novamap, options: {{kernel: "{kernel}"}}}}]'


@rule(
    "linux/zero-virtual-start-taken-for-failure",
    severity=Severity.WARNING,
    requirements=("KEXEC-009",),
    sources=("Linux 5.15 drivers/firmware/efi/arm-runtime.c", "Linux commit 37926f96302d"),
    help="keep runtime memory off physical page 0, or use a kernel since 6.1",
    architectures=("arm64",),
    responsible=Responsible.KERNEL,
    examples=(
        Bad(_AT_ZERO, sections=_novamap("5.15"), at=1),
        Good(_AT_ZERO, sections=_novamap("6.1")),
        Good(
            "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB",
            sections=_novamap("5.15"),
        ),
        Good(
            _AT_ZERO,
            sections='mapping: [{strategy: arm64-stub-virtmap, options: {kernel: "5.15"}}]',
        ),
    ),
)
def zero_virtual_start_taken_for_failure(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap
) -> Iterator[Finding]:
    """A runtime region is mapped at virtual address 0, which this kernel reads as a failure.

    The EFI stub leaves word of a failed SetVirtualAddressMap in the virtual starts of the memory
    map, for its own kernel and every later one. Up to Linux 5.15 the word was 0. A kernel that
    leaves firmware at its physical addresses gives a region at physical address 0 the virtual
    start 0 as well, and then finds its own success marked as a failure: runtime services stay off.

    Later kernels first let 0 pass where the physical address is 0 too, and since 6.1 the mark is
    all ones. What one of these kernels hands to another by kexec is misread the same way; see
    ``linux/failed-set-virtual-address-map-unmarked``.
    """
    kernel = plan.options.get("kernel")
    if not isinstance(kernel, tuple) or kernel >= _MARK_IS_NOT_ZERO_SINCE:
        return
    if plan.strategy not in ("arm64-novamap", "arm64-stub-virtmap"):
        return
    for one in plan.mappings:
        if one.runtime and one.virtual_start == 0:
            owner = next((d for d in memory_map.descriptors if d.index in one.descriptors), None)
            release = ".".join(map(str, kernel))
            yield Finding(
                owner or mapping,
                f"{owner or one.physical} has the virtual start 0, by which Linux {release} marks "
                "a SetVirtualAddressMap that failed",
                related=(Related(mapping, "the mapping it has"),) if owner else (),
            )
