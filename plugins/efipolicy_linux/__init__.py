"""What Linux chooses: its mapping strategies, and the rules that only Linux makes necessary."""

from collections.abc import Iterable

from efipolicy.plugin import (
    HandoverVariant,
    MappingDeclaration,
    Platform,
    Rule,
    Strategy,
    StrategyChoice,
    hookimpl,
)

EFIPOLICY_API = 1


@hookimpl
def efipolicy_rules() -> Iterable[Rule]:
    """The pack ``linux``."""
    from efipolicy.plugin import rules_in
    from efipolicy_linux import rules

    return rules_in(rules)


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategies Linux uses, used and was to use; those of today first, to be found at once."""
    from efipolicy_linux.x86_topdown_plan import X86_TOPDOWN

    yield X86_TOPDOWN

    from efipolicy_linux.arm64_stub import ARM64_NOVAMAP, ARM64_STUB_VIRTMAP

    yield ARM64_NOVAMAP
    yield ARM64_STUB_VIRTMAP

    from efipolicy_linux.ia64_region67 import IA64_REGION67

    yield IA64_REGION67

    from efipolicy_linux.arm64_idmap_ttbr0 import ARM64_IDMAP_TTBR0
    from efipolicy_linux.arm64_ioremap_svam import ARM64_IOREMAP_SVAM
    from efipolicy_linux.arm64_reserved_slice import ARM64_RESERVED_SLICE
    from efipolicy_linux.arm64_separate_random import ARM64_SEPARATE_RANDOM
    from efipolicy_linux.ia64_physical import IA64_PHYSICAL
    from efipolicy_linux.x86_earlier import STRATEGIES as X86_EARLIER

    yield from X86_EARLIER
    yield ARM64_IDMAP_TTBR0
    yield ARM64_SEPARATE_RANDOM
    yield ARM64_RESERVED_SLICE
    yield ARM64_IOREMAP_SVAM
    yield IA64_PHYSICAL


@hookimpl
def efipolicy_strategy_choices(
    platform: Platform, declared: MappingDeclaration
) -> Iterable[StrategyChoice]:
    """The strategy that a Linux kernel takes which declares none."""
    from efipolicy_linux.choice import choices

    return choices(platform, declared)


@hookimpl
def efipolicy_handovers() -> Iterable[HandoverVariant]:
    """The ways in which arm64 Linux was, is, or was proposed to be entered."""
    from efipolicy_linux.handover_efi_mmu_on import HANDOVER_EFI_MMU_ON
    from efipolicy_linux.handover_mmu_off import HANDOVER_MMU_OFF
    from efipolicy_linux.handover_staged import HANDOVER_STAGED

    yield HANDOVER_MMU_OFF
    yield HANDOVER_EFI_MMU_ON
    yield HANDOVER_STAGED
