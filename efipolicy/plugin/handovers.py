"""The part of the plugin API that is about boot hand-over: what one is given, and what it says.

It stands apart from `efipolicy.plugin`, so that a lint of a platform that declares no hand-over
does not load it.
"""

from __future__ import annotations

from efipolicy.model.declared import Handover
from efipolicy.model.handover import (
    CleanedRange,
    Footprint,
    FootprintPart,
    HandoverJudgement,
    Precondition,
    PreconditionState,
    ZeroedTables,
)
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.paging import RadixGeometry
from efipolicy.plugin.types import Architecture, HandoverRequest

__all__ = [
    "CleanedRange",
    "Footprint",
    "FootprintPart",
    "HandoverJudgement",
    "Precondition",
    "PreconditionState",
    "ZeroedTables",
    "handover_request",
]


def handover_request(platform: Platform, architecture: Architecture | None) -> HandoverRequest:
    """The request for a platform; one without ``handover:`` declares nothing.

    The kernel that a boot loader enters is the first of ``mapping:`` that is Linux or says nothing
    of its operating system. Those of ``kexec:`` are entered by another kernel.
    """
    kernels = [m for m in platform.mapping or () if (m.os or "linux").lower() == "linux"]
    kernel = kernels[0] if kernels else None
    return HandoverRequest(
        platform=platform,
        declared=platform.handover or Handover(),
        kernel=kernel,
        geometries=_geometries(architecture, kernel) if architecture else (),
    )


def _geometries(
    architecture: Architecture, kernel: MappingDeclaration | None
) -> tuple[RadixGeometry, ...]:
    """The page tables that are left by what is declared, all of the architecture at first."""
    size = kernel.page_size if kernel else None
    bits = kernel.virtual_address_bits if kernel else None
    return tuple(
        geometry
        for page_size, offered in architecture.geometries.items()
        for geometry in offered
        if isinstance(geometry, RadixGeometry)
        and size in (None, page_size)
        and bits in (None, geometry.virtual_address_bits)
    )
