"""What is mapped where: by a plan, by a declared layout, or by a kernel that was seen."""

from __future__ import annotations

from collections.abc import Iterator

from efipolicy.model.address import AddressRange
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.platform import Platform
from efipolicy.named_tuple import NamedTuple


class MappedRange(NamedTuple):
    """A physical range, the virtual address it is mapped at, and who says so.

    ``access`` and ``cache`` are ``None`` where only the address is known, and so is ``number``, its
    index in the plan.
    """

    physical: AddressRange
    virtual_start: int
    type: int
    source: str
    access: str | None = None
    cache: str | None = None
    runtime: bool = True
    descriptors: tuple[int, ...] = ()
    why: str | None = None
    number: int | None = None

    @property
    def virtual(self) -> AddressRange:
        """The virtual addresses."""
        return AddressRange(self.virtual_start, self.virtual_start + self.physical.size)

    def to_virtual(self, physical: int) -> int:
        """The virtual address of a physical one inside."""
        return self.virtual_start + physical - self.physical.start

    def to_physical(self, virtual: int) -> int:
        """The physical address of a virtual one inside."""
        return self.physical.start + virtual - self.virtual_start


def placed(plan: MappingPlan) -> Iterator[MappedRange]:
    """The placed mappings of a plan, the runtime regions' own first."""
    for number, mapping in enumerate((*plan.mappings, *plan.extra)):
        if mapping.virtual_start is not None:
            yield MappedRange(
                physical=mapping.physical,
                virtual_start=mapping.virtual_start,
                type=mapping.type,
                source=plan.strategy,
                access=mapping.access,
                cache=mapping.cache,
                runtime=mapping.runtime,
                descriptors=mapping.descriptors,
                why=mapping.why,
                number=number,
            )


def laid_out(platform: Platform) -> Iterator[MappedRange]:
    """The layouts that are declared, else the one a kernel was seen to use."""
    layouts = [
        (f"virtual_map of {one.os}" if one.os else "virtual_map", one.virtual_map)
        for one in platform.mapping or ()
        if one.virtual_map
    ]
    if not layouts and platform.memory_map.origin in ("kernel-edited", "kexec"):
        # Firmware leaves the field as it likes; it is a kernel's layout once a kernel filled it in.
        layouts = [("memory_map", platform.memory_map.runtime)]
    for source, entries in layouts:
        for entry in entries:
            if entry.virtual_start is not None:
                yield MappedRange(
                    physical=entry.physical,
                    virtual_start=entry.virtual_start,
                    type=entry.type,
                    source=source,
                    runtime=entry.runtime,
                    descriptors=(entry.index,) if source == "memory_map" else (),
                )
