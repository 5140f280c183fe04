"""A kernel that maps every runtime region at one distance from its physical address."""

from collections.abc import Iterable

from efipolicy.plugin import (
    KexecRole,
    Mapping,
    MappingPlan,
    MemoryDescriptor,
    Option,
    PlanRequest,
    RuntimeCall,
    Strategy,
    VirtualMapEntry,
    hookimpl,
)

EFIPOLICY_API = 1


def mapping(descriptor: MemoryDescriptor, distance: int) -> Mapping:
    """One region as this kernel maps it."""
    return Mapping(
        physical=descriptor.physical,
        virtual_start=descriptor.physical.start + distance,
        type=descriptor.type,
        access="RWX",
        cache="WB",
        runtime=True,
        descriptors=(descriptor.index,),
    )


def plan_offset(request: PlanRequest) -> MappingPlan:
    """The same request gives the same plan: no clock, no state, no randomness."""
    distance = request.options["distance"]
    runtime = request.platform.memory_map.runtime
    return MappingPlan(
        strategy="acme-offset",
        options=dict(request.options),
        status="ok",
        mappings=tuple(mapping(descriptor, distance) for descriptor in runtime),
        extra=(),
        svam=tuple(
            VirtualMapEntry(
                physical_start=descriptor.physical_start,
                virtual_start=descriptor.physical_start + distance,
                number_of_pages=descriptor.number_of_pages,
                type=descriptor.type,
                attribute=descriptor.attribute or 0,
            )
            for descriptor in runtime
        ),
        call=RuntimeCall(
            register=request.architecture.address_space_register,
            stays_mapped="nothing at its physical address",
        ),
    )


@hookimpl
def efipolicy_strategies() -> Iterable[Strategy]:
    """The strategy ``acme-offset``."""
    yield Strategy(
        name="acme-offset",
        title="Acme: physical address and a constant",
        architectures=frozenset({"x86_64"}),
        options=(
            Option(
                name="distance",
                kind="address",
                default=0xFFFF_F000_0000_0000,
                doc="from a physical address to its virtual one",
            ),
        ),
        plan=plan_offset,
        kexec=KexecRole("own"),
    )
