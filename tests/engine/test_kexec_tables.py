"""The compatibility matrix of the installed strategies, cell by cell, usual case first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efipolicy.engine.kexec import simulate
from efipolicy.engine.kexec_matrix import matrix
from efipolicy.engine.kexec_spelled import spelled_chain
from efipolicy.engine.planning import PlanChoice
from efipolicy.model.memory_map import MemoryMap
from efipolicy.model.platform import ArchitectureReason, Platform
from efipolicy.plugin.registry import Registry
from efipolicy.testing import factories
from efipolicy.testing.strategies import attributes, disjoint_memory_maps
from tests.engine.test_kexec import OVMF5

LEGACY, PHYSICAL, SHARED = "x86-ioremap-svam", "x86-phys-private", "x86-shared-1to1"
WINDOW, TOPDOWN, MIXED = "x86-fixed-window", "x86-topdown", "x86-mixed"

X86 = {
    (LEGACY, LEGACY): ["pointer-misread"],
    (LEGACY, PHYSICAL): ["pointer-misread"],
    (LEGACY, SHARED): ["pointer-misread"],
    (LEGACY, WINDOW): ["pointer-misread"],
    (LEGACY, TOPDOWN): ["runtime-disabled", "pointer-misread"],
    (PHYSICAL, LEGACY): ["ok"],
    (PHYSICAL, PHYSICAL): ["ok"],
    (PHYSICAL, SHARED): ["ok"],
    (PHYSICAL, WINDOW): ["ok"],
    (PHYSICAL, TOPDOWN): ["ok", "page-fault", "runtime-disabled"],
    (SHARED, LEGACY): ["ok"],
    (SHARED, PHYSICAL): ["ok"],
    (SHARED, WINDOW): ["ok"],
    (SHARED, TOPDOWN): ["ok", "page-fault", "runtime-disabled"],
    (WINDOW, LEGACY): ["va-mismatch"],
    (WINDOW, PHYSICAL): ["pointer-misread", "page-fault"],
    (WINDOW, SHARED): ["pointer-misread", "page-fault"],
    (WINDOW, WINDOW): ["ok", "svam-twice", "va-mismatch"],
    (WINDOW, TOPDOWN): ["ok", "runtime-disabled"],
    (TOPDOWN, LEGACY): ["va-mismatch", "runtime-disabled", "pointer-misread"],
    (TOPDOWN, PHYSICAL): ["pointer-misread"],
    (TOPDOWN, SHARED): ["pointer-misread"],
    (TOPDOWN, WINDOW): ["va-mismatch"],
    (TOPDOWN, TOPDOWN): ["ok", "runtime-disabled"],
    (MIXED, MIXED): ["runtime-disabled"],
    ("freebsd-1to1", "freebsd-1to1"): ["ok"],
    ("openbsd-pmap", "openbsd-pmap"): ["ok"],
    (PHYSICAL, "freebsd-1to1"): ["ok"],
    (TOPDOWN, "freebsd-1to1"): ["runtime-disabled"],
    (MIXED, "freebsd-1to1"): ["ok"],
    ("xen-x86-directmap", "freebsd-1to1"): ["ok"],
}

IA64 = {
    ("ia64-physical", "ia64-physical"): ["ok"],
    ("ia64-region67", "ia64-region67"): ["ok", "svam-twice"],
    ("ia64-region67", "ia64-physical"): ["pointer-misread"],
    ("ia64-region67", "xen-ia64-same-va"): ["ok", "svam-twice", "va-mismatch"],
    ("xen-ia64-same-va", "ia64-region67"): ["ok", "svam-twice", "va-mismatch"],
}

ARM64 = {
    ("arm64-idmap-ttbr0", "arm64-idmap-ttbr0"): "ok",
    ("arm64-separate-random", "arm64-separate-random"): "ok",
    ("arm64-reserved-slice", "arm64-reserved-slice"): "ok",
    ("arm64-ioremap-svam", "arm64-ioremap-svam"): "va-mismatch",
    ("arm64-stub-virtmap", "arm64-stub-virtmap"): "ok",
    ("arm64-stub-virtmap", "arm64-novamap"): "ok",
    ("arm64-novamap", "arm64-stub-virtmap"): "ok",
    ("arm64-novamap", "arm64-novamap"): "ok",
}

ARM6 = (
    "EfiMemoryMappedIO 0x09010000 1 RUNTIME UC",
    "EfiRuntimeServicesCode 0xbbe30000 0xc0 RUNTIME WB",
    "EfiRuntimeServicesData 0xbbef0000 0x110 RUNTIME WB",
    "EfiRuntimeServicesData 0xbc000000 0x400 RUNTIME WB",
    "EfiRuntimeServicesCode 0xbf7e5000 0xb RUNTIME WB",
    "EfiRuntimeServicesData 0xbf7f0000 0x10 RUNTIME WB",
)


@pytest.fixture(scope="module")
def x86_cells(registry: Registry) -> dict[tuple[str, str], list[str]]:
    platform = factories.platform(*OVMF5, architecture="x86_64")
    made = matrix(platform, registry, PlanChoice())
    return {(cell.first, cell.second): [c.verdict for c in cell.cases] for cell in made.cells}


@pytest.mark.parametrize(("first", "second"), X86)
def test_x86(first: str, second: str, x86_cells: dict[tuple[str, str], list[str]]) -> None:
    assert x86_cells[first, second] == X86[first, second]


@pytest.mark.parametrize(("first", "second"), IA64)
def test_ia64(first: str, second: str, registry: Registry) -> None:
    line = "EfiRuntimeServicesCode 0x3f000000 0x1000 RUNTIME WB"
    made = matrix(factories.platform(line, architecture="ia64"), registry, PlanChoice())
    (cell,) = [one for one in made.cells if (one.first, one.second) == (first, second)]
    assert [case.verdict for case in cell.cases] == IA64[first, second]


@pytest.mark.parametrize(("first", "second"), [("xen", "linux"), ("linux", "xen")])
def test_xen_before_july_2008_mapped_elsewhere(first: str, second: str, registry: Registry) -> None:
    named = {"xen": "xen-ia64-same-va:base=xen", "linux": "ia64-region67"}
    line = "EfiRuntimeServicesCode 0x3f000000 0x1000 RUNTIME WB"
    platform = factories.platform(line, architecture="ia64")
    text = f"{named[first]},{named[second]}"
    kernels = spelled_chain(text, platform, registry, PlanChoice())
    assert simulate(platform, kernels).verdict == "va-mismatch"


@pytest.mark.parametrize(("first", "second"), ARM64)
def test_arm64(first: str, second: str, registry: Registry) -> None:
    platform = factories.platform(*ARM6, architecture="arm64")
    kernels = spelled_chain(f"{first},{second}", platform, registry, PlanChoice())
    assert simulate(platform, kernels).verdict == ARM64[first, second]


def test_a_booted_with_virtefi_kernel_is_a_legacy_one(registry: Registry) -> None:
    platform = factories.platform(*OVMF5, architecture="x86_64")
    for chain in (f"{PHYSICAL}:virtefi=true,{PHYSICAL}", f"{PHYSICAL}:virtefi=true,{LEGACY}"):
        kernels = spelled_chain(chain, platform, registry, PlanChoice())
        assert simulate(platform, kernels).verdict == "pointer-misread"


@given(
    memory_map=disjoint_memory_maps(attribute=attributes(("RUNTIME", "WB", "UC"))),
    names=st.lists(st.sampled_from(["identity", PHYSICAL, SHARED]), min_size=2, max_size=5),
)
@settings(max_examples=30)
def test_a_chain_of_physical_strategies_is_always_ok(
    registry: Registry, memory_map: MemoryMap, names: list[str]
) -> None:
    kernels = spelled_chain(",".join(names), of(memory_map), registry, PlanChoice())
    assert simulate(of(memory_map), kernels).verdict == "ok"


@given(
    memory_map=disjoint_memory_maps(attribute=attributes(("RUNTIME", "WB", "UC"))),
    first=st.sampled_from([WINDOW, TOPDOWN, LEGACY]),
    second=st.sampled_from([WINDOW, LEGACY]),
)
@settings(max_examples=30)
def test_a_second_call_is_never_ok(
    registry: Registry, memory_map: MemoryMap, first: str, second: str
) -> None:
    text = f"{first},{second}:skip_svam=false"
    kernels = spelled_chain(text, of(memory_map), registry, PlanChoice())
    if kernels[0].regions:
        assert simulate(of(memory_map), kernels).verdict != "ok"


def of(memory_map: MemoryMap) -> Platform:
    reason = ArchitectureReason(kind="stated", evidence="the example")
    return Platform(
        name="p", architecture="x86_64", architecture_reason=reason, memory_map=memory_map
    )
