"""Strategies with simple plans and every role, to judge chains without the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from efipolicy.model.mapping import LeafPolicy
from efipolicy.plugin import (
    EFI_PAGE_SIZE,
    NO_VIRTUAL_START,
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
)

Place = Callable[[MemoryDescriptor, PlanRequest], int | None]

KERNEL = Option(name="kernel", kind="version", default=(6, 12), doc="the release")
SHIFT = Option(name="shift", kind="address", default=0, doc="added to every address")

STUB = KexecRole(
    "given",
    reads=("device-tree",),
    offers=("device-tree",),
    states_addresses=True,
    only_given=True,
    failure_marker=(((4, 0), 0), ((6, 1), NO_VIRTUAL_START)),
)


def identity(descriptor: MemoryDescriptor, _request: PlanRequest) -> int | None:
    return descriptor.physical_start


def above(base: int) -> Place:
    """Every region at a base and its physical address."""

    def place(descriptor: MemoryDescriptor, request: PlanRequest) -> int | None:
        return base + descriptor.physical_start + int(request.options.get("shift", 0))

    return place


def unknown(_descriptor: MemoryDescriptor, _request: PlanRequest) -> int | None:
    return None


def strategy(
    name: str,
    place: Place,
    role: KexecRole | None,
    *,
    calls: bool = True,
    architectures: Iterable[str] = ("x86_64",),
    one_to_one: bool = False,
    leaf_policy: LeafPolicy = "strict",
) -> Strategy:
    def plan(request: PlanRequest) -> MappingPlan:
        mappings = tuple(
            Mapping(
                physical=descriptor.physical,
                virtual_start=place(descriptor, request),
                type=int(descriptor.type),
                access="RWX",
                cache="WB",
                runtime=True,
                descriptors=(descriptor.index,),
            )
            for descriptor in request.platform.memory_map.runtime
        )
        extra = tuple(one._replace(virtual_start=one.physical.start) for one in mappings)
        return MappingPlan(
            strategy=name,
            options=dict(request.options),
            status="incomplete" if place is unknown else "ok",
            mappings=mappings,
            extra=extra if one_to_one else (),
            svam=tuple(map(_entry, mappings)) if calls else None,
            call=RuntimeCall("CR3", "the kernel"),
            leaf_policy=leaf_policy,
        )

    return Strategy(
        name=name,
        title=name,
        architectures=frozenset(architectures),
        options=(KERNEL, SHIFT),
        plan=plan,
        kexec=role,
    )


def _entry(mapping: Mapping) -> VirtualMapEntry:
    return VirtualMapEntry(
        physical_start=mapping.physical.start,
        virtual_start=mapping.virtual_start,
        number_of_pages=mapping.physical.size // EFI_PAGE_SIZE,
        type=mapping.type,
        attribute=0x8000_0000_0000_000F,
    )


def x86() -> dict[str, Strategy]:
    """The columns of the first table, and those that join them."""
    found = (
        strategy(
            "legacy",
            above(0xFFFF_8800_0000_0000),
            KexecRole(
                "own",
                reproducible=False,
                varies_with="the allocator's order",
                exports_runtime_map=False,
                kexec_flag=False,
            ),
        ),
        strategy(
            "physical",
            identity,
            KexecRole("physical", exports_runtime_map=False),
            calls=False,
        ),
        strategy(
            "window",
            above(0xFFFF_FFFE_8000_0000),
            KexecRole("own", offers=("setup_data",), states_addresses=True, varies_with="hi"),
        ),
        strategy(
            "topdown",
            above(0xFFFF_FFFE_7000_0000),
            KexecRole(
                "given",
                reads=("setup_data",),
                offers=("setup_data",),
                states_addresses=True,
                maps_identity=True,
                exports_runtime_map=True,
                kexec_flag=True,
            ),
            one_to_one=True,
            leaf_policy="va-only",
        ),
        strategy("mixed", identity, KexecRole("own", refuses="virtual")),
        strategy("bsd", identity, KexecRole("physical", refuses="moved"), calls=False),
        strategy("xen", identity, KexecRole("physical"), calls=False),
        strategy("nobody-knows", identity, None),
    )
    return {one.name: one for one in found}


def arm64() -> dict[str, Strategy]:
    """The arm64 rows of the second table."""
    tree: Any = {"reads": ("device-tree",), "offers": ("device-tree",)}
    found = (
        strategy("idmap", identity, KexecRole("physical", **tree), calls=False),
        strategy(
            "random",
            above(0x3000_0000),
            KexecRole(
                "given",
                **tree,
                states_addresses=True,
                without_channel="own",
                varies_with="the seed",
            ),
        ),
        strategy(
            "slice",
            above(0xFFFF_FFBE_0000_0000),
            KexecRole("own", offers=("device-tree",), varies_with="slice_base"),
        ),
        strategy(
            "ioremap",
            unknown,
            KexecRole("own", offers=("device-tree",), reproducible=False),
        ),
        strategy("stub", above(0x2000_0000), STUB),
        strategy("novamap", identity, STUB, calls=False),
    )
    named = {one.name: one for one in found}
    return {name: _for_arm64(one) for name, one in named.items()}


def ia64() -> dict[str, Strategy]:
    """The ia64 rows of the second table; ``old-xen`` is Xen before July 2008."""
    role = KexecRole("own", reads=("purgatory",), offers=("purgatory",))
    found = (
        strategy("region67", above(0xE000_0000_0000_0000), role, architectures=("ia64",)),
        strategy(
            "xen",
            above(0xE000_0000_0000_0000),
            role._replace(varies_with="Xen's release"),
            architectures=("ia64",),
        ),
        strategy("old-xen", above(0xF000_0000_0000_0000), role, architectures=("ia64",)),
        strategy("physical", identity, KexecRole("physical"), calls=False, architectures=("ia64",)),
    )
    return {one.name: one for one in found}


def _for_arm64(one: Strategy) -> Strategy:
    from dataclasses import replace

    return replace(one, architectures=frozenset({"arm64"}))
