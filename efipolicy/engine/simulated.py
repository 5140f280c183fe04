"""What rules are told of kernels in use: their chain's verdict, and what firmware touches."""

from __future__ import annotations

from collections.abc import Sequence

from efipolicy.engine.kexec_chains import kernel_of, with_declared_layout
from efipolicy.engine.planned import Planned
from efipolicy.model.access import AccessOutcome
from efipolicy.model.chain import ChainReport
from efipolicy.model.platform import MappingDeclaration, Platform


def chain_report(
    platform: Platform, kernels: Sequence[tuple[MappingDeclaration, Planned | None]]
) -> ChainReport | None:
    """The verdict on a declared chain; ``None`` where some kernel's strategy is not known."""
    from efipolicy.engine.kexec import simulate

    known = [
        kernel_of(made.plan.strategy, declared, made, made.role)
        for declared, made in kernels
        if made and made.role
    ]
    return simulate(platform, known) if len(known) == len(kernels) else None


def accesses(
    platform: Platform, declared: MappingDeclaration, made: Planned | None
) -> tuple[AccessOutcome, ...] | None:
    """The declared accesses of firmware under a first kernel.

    ``None`` where no plan is made, or where the kernel is said to do otherwise than its strategy.
    There are none where SetVirtualAddressMap fails, or the kernel calls no service.
    """
    from efipolicy.engine.firmware_accesses import accesses_of_plan

    svam, calls = declared.set_virtual_address_map, declared.calls
    if made is None:
        return None
    if (svam and svam.result == "failed") or (calls and calls.services == ()):
        return ()
    if svam and svam.calls and (svam.calls != "never") != (made.plan.svam is not None):
        return None
    return accesses_of_plan(platform, with_declared_layout(made, declared))
