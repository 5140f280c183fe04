"""Declarations that say otherwise than the strategy they name does."""

from collections.abc import Iterator

from efipolicy.plugin import (
    Bad,
    Finding,
    Good,
    MappingDeclaration,
    MappingPlan,
    MemoryMap,
    NotJudged,
    Platform,
    Related,
    Responsible,
    Severity,
    kernels_before,
    rule,
)
from efipolicy_plan.contradictions import of_calls, of_layout, of_the_call

_DATA = "EfiRuntimeServicesData  0x7e000000  16  RUNTIME WB"
_RANDOM_BASE = ((4, 13), (6, 1))


@rule(
    "plan/declaration-contradicts-strategy",
    severity=Severity.WARNING,
    requirements=(),
    sources=(
        "Linux arch/x86/platform/efi/efi.c",
        "Linux drivers/firmware/efi/libstub/efi-stub.c",
        "Xen xen/common/efi/boot.c",
    ),
    help="declare what the strategy does, or name the strategy that does what is declared",
    responsible=Responsible.PLATFORM,
    examples=(
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-topdown, set_virtual_address_map: {calls: never}}]",
            at=0,
        ),
        Bad(
            _DATA,
            architecture="arm64",
            sections="""
mapping: [{strategy: arm64-stub-virtmap, set_virtual_address_map: {calls: once, by: kernel}}]
""",
            at=0,
        ),
        Bad(
            _DATA,
            architecture="x86_64",
            sections="mapping: [{strategy: x86-fixed-window, calls: {identity_mapped: true}}]",
            at=0,
        ),
        Bad(
            _DATA,
            architecture="x86_64",
            sections="""
mapping:
  - strategy: x86-topdown
    virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffefe000000,
         pages: 16, attribute: [RUNTIME, WB]}
""",
            at=0,
        ),
        Good(
            _DATA,
            architecture="x86_64",
            sections="""
mapping:
  - strategy: x86-topdown
    set_virtual_address_map: {calls: once, by: kernel, when: after-exit-boot-services}
    calls: {addresses: virtual, identity_mapped: true}
    virtual_map:
      - {type: 6, physical_start: 0x7e000000, virtual_start: 0xfffffffeffe00000,
         pages: 16, attribute: [RUNTIME, WB]}
""",
        ),
        Good(
            _DATA,
            architecture="arm64",
            sections="""
mapping:
  - strategy: arm64-novamap
    set_virtual_address_map: {calls: never}
    calls: {addresses: identity, identity_mapped: true}
""",
        ),
    ),
)
def declaration_contradicts_strategy(
    plan: MappingPlan, mapping: MappingDeclaration, memory_map: MemoryMap, platform: Platform
) -> Iterator[Finding | NotJudged]:
    """A mapping declares what the strategy it names does not do.

    A declaration may state much that a strategy computes: whether and by whom SetVirtualAddressMap
    is called, at which addresses services run, the layout entry by entry. Where the two differ, one
    of them is wrong about the operating system, and half of the other findings are about a system
    that nobody runs. Rules take what is declared for true and the plan for the rest, and page
    tables are always those of the plan.

    Of a kernel that boots first and names its strategy, compared are ``set_virtual_address_map``
    (``calls``, ``by``, ``when`` and ``entries``), ``calls`` (``addresses``,
    ``identity_mapped`` and ``paging``) and ``virtual_map``. What a kernel started by kexec does
    depends on the one before it. A layout with a base that was chosen at random, or from a map that
    is not whole, is not compared.
    """
    if mapping.strategy is None or kernels_before(mapping, platform):
        return
    svam, calls = mapping.set_virtual_address_map, mapping.calls
    found: list[Finding] = []
    if svam:
        found += of_the_call(svam, plan, memory_map)
    if calls:
        found += of_calls(calls, plan)
    failed = svam is not None and svam.result == "failed"
    if mapping.virtual_map and not failed:
        if plan.status == "incomplete" or _has_random_base(plan):
            yield NotJudged("what the strategy's addresses depend on")
        else:
            found += of_layout(mapping, plan)
    for finding in found:
        named = Related(mapping, f"names {plan.strategy}")
        yield finding._replace(related=(named, *finding.related))


def _has_random_base(plan: MappingPlan) -> bool:
    """Whether a Linux stub drew the base, and nobody says which."""
    kernel = plan.options.get("kernel")
    first, end = _RANDOM_BASE
    drawn = isinstance(kernel, tuple) and first <= kernel < end
    return drawn and plan.options.get("random", 0) is None
