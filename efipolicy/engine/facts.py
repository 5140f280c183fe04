"""What a platform states, fact by fact, and what it leaves open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from efipolicy.engine.planned import Planned
from efipolicy.model.finding import AcceptanceUse
from efipolicy.model.kexec import Kernel, kernels_before, moves_firmware
from efipolicy.model.mapping import MappingPlan
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import MappingDeclaration, Platform
from efipolicy.paging import RadixGeometry
from efipolicy.plugin import Architecture, Rule
from efipolicy.plugin.rules import CONDITIONS, FACTS, FACTS_OF_A_KERNEL

if TYPE_CHECKING:
    from efipolicy.model.access import AccessOutcome
    from efipolicy.model.chain import ChainReport

Planner = Callable[[MappingDeclaration], Planned | None]
"""The plan of a declared mapping, or ``None`` where there is nothing to plan."""

_NO_OPTIONS: Mapping[str, Any] = {}
_OF_A_PLAN = frozenset(("plan", "page_tables", "virtual_map", "accesses"))
_OF_A_CHAIN = frozenset(("chain", "chain_report"))
_JUDGES_PLANS = _OF_A_PLAN | {"chain_report"}
_DECLARED_BY_A_KERNEL = FACTS_OF_A_KERNEL - _OF_A_PLAN - {"mapping"}


def no_plan(_declared: MappingDeclaration) -> None:
    """A planner that plans nothing."""


class Facts:
    """The facts of one platform, as `efipolicy.plugin.rules` names them.

    ``set_aside`` are descriptors found to be garbage: no rule is shown them any more. ``planner``
    is asked for a plan when the first rule wants one. ``other_boots`` are further readings of the
    same platform, ``acceptances`` what became of those of the input. ``native`` asks for the plan
    of a current kernel where no mapping is declared.
    """

    def __init__(
        self,
        platform: Platform,
        architectures: Mapping[str, Architecture],
        *,
        set_aside: Collection[MemoryDescriptor] = (),
        planner: Planner = no_plan,
        other_boots: tuple[Platform, ...] = (),
        acceptances: tuple[AcceptanceUse, ...] = (),
        native: bool = False,
    ) -> None:
        memory_map = platform.memory_map
        table = platform.memory_attributes_table
        if set_aside:
            memory_map = memory_map.without(set_aside)
        # No descriptors are a map only where somebody says that they are all there is.
        read = bool(platform.memory_map.descriptors) or memory_map.extent == "whole"
        firmware = platform.firmware
        self.planner = planner
        self.kernels = tuple(_kernels(platform.mapping or ()))
        self.native = MappingDeclaration(options={}) if native and not platform.mapping else None
        self.values: dict[str, Any] = {
            "memory_map": memory_map if read else None,
            "memory_attributes_table": table,
            "configuration_tables": platform.configuration_tables,
            "platform": platform,
            "architecture": architectures.get(platform.architecture),
            "revision": platform.uefi,
            "capture": platform.capture,
            "firmware": firmware,
            "environment": firmware.environment if firmware else None,
            "acpi_tables": platform.acpi_tables,
            "conformance_profiles": platform.conformance_profiles,
            "runtime_properties": platform.runtime_properties,
            "system_table": platform.system_table,
            "hardware": platform.hardware,
            "allocations": platform.allocations,
            "boot_page_tables": platform.boot_page_tables,
            "handover": platform.handover,
            "other_boots": other_boots or None,
            "acceptances": acceptances or None,
            "options": _NO_OPTIONS,
        }
        descriptors = memory_map.descriptors
        entries = table.entries if table else ()
        self.conditions: dict[str, bool] = {
            "virtual_starts": any(d.virtual_start is not None for d in descriptors),
            "descriptor_version": memory_map.descriptor_version is not None,
            "whole_map": memory_map.extent == "whole",
            "firmware_map": memory_map.origin == "firmware",
            "known_origin": memory_map.origin != "unknown",
            "whole_configuration_tables": platform.configuration_tables_extent == "whole",
            "whole_memory_attributes_table": table is not None and table.extent == "whole",
            "attributes": _some_known(descriptors),
            "entry_attributes": _some_known(entries),
        }
        counts = {
            "attributes": sum(1 for d in descriptors if d.attribute is None),
            "entry_attributes": sum(1 for e in entries if e.attribute is None),
        }
        self.unknown = {name: count for name, count in counts.items() if count}
        self._plans: dict[int, Planned | None] = {}
        self._page_tables: dict[int, Any] = {}
        self._chain_reports: dict[int, ChainReport | None] = {}
        self._virtual_maps: dict[int, tuple[MemoryDescriptor, ...] | None] = {}

    def missing(self, rule: Rule, values: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """What a rule needs and the platform does not state, as a user would have to write it."""
        values = self.values if values is None else values
        lacking: dict[str, None] = {}
        for name in rule.facts:
            if values.get(name) is None:
                lacking[FACTS[name]] = None
        for name in rule.needs:
            if name in CONDITIONS:
                if not self.conditions[name]:
                    lacking[CONDITIONS[name]] = None
                continue
            first, _, path = name.partition(".")
            if not path and values.get(first) is None:
                lacking[FACTS[first]] = None
            elif path and not _holds(values.get(first), path):
                lacking.pop(FACTS[first], None)  # the part says it more exactly
                lacking[f"{_part(first)}.{path}"] = None
        return tuple(lacking)

    def cases(self, rule: Rule) -> Sequence[Mapping[str, Any]]:
        """The facts a rule is asked with, once a platform or once for each kernel or chain."""
        asked = rule.asked
        if not asked.isdisjoint(_OF_A_CHAIN):
            firsts = self.values["platform"].mapping or ()
            # Where some kernels are followed by others, the rest are known to be the last.
            chains = [first for first in firsts if first.kexec] or firsts
            return [self._of_chain(declared, asked) for declared in chains]
        if asked.isdisjoint(FACTS_OF_A_KERNEL):
            return (self.values,)
        kernels = [one for one in self.kernels if self._is_about(one, asked)]
        if self.native and self._is_about_a_plan(asked):
            kernels.append(self.native)
        return [self._of_kernel(declared, asked) for declared in kernels]

    def _is_about(self, declared: MappingDeclaration, asked: AbstractSet[str]) -> bool:
        """Whether a declared kernel can have what a rule asks for."""
        if "virtual_map" in asked and not self._may_have_virtual_map(declared):
            return False
        if "page_tables" in asked and not self._may_have_page_tables(declared):
            return False
        if "svam" in asked and self._leaves_virtual_map_alone(declared):
            return False
        # What firmware touches under a later kernel is part of the chain's verdict.
        return "accesses" not in asked or self._boots_first(declared)

    def _is_about_a_plan(self, asked: AbstractSet[str]) -> bool:
        """Whether a rule asks for nothing of a kernel but its plan, and the native one has one."""
        if asked.isdisjoint(_OF_A_PLAN) or not asked.isdisjoint(_DECLARED_BY_A_KERNEL):
            return False
        if self.native is None:
            return False
        planned = self._planned(self.native)
        if planned is None or ("virtual_map" in asked and planned.plan.svam is None):
            return False
        return "page_tables" not in asked or isinstance(planned.geometry, RadixGeometry)

    def is_assumed(self, rule: Rule, values: Mapping[str, Any]) -> bool:
        """Whether a rule judges what an assumed plan does; firmware's own map is not assumed."""
        return any(one.plan.status == "assumption" for one in self._judged_plans(rule, values))

    def _of_kernel(self, declared: MappingDeclaration, asked: Collection[str]) -> dict[str, Any]:
        values = {
            **self.values,
            "mapping": declared,
            "svam": declared.set_virtual_address_map,
            "calls": declared.calls,
            "usable_memory": declared.usable_memory,
        }
        if "plan" in asked:
            values["plan"] = self._plan(declared)
        if "page_tables" in asked:
            values["page_tables"] = self._tables(declared)
        if "virtual_map" in asked:
            values["virtual_map"] = self._virtual_map(declared)
        if "accesses" in asked:
            values["accesses"] = self._accesses(declared)
        return values

    def _of_chain(self, declared: MappingDeclaration, asked: Collection[str]) -> dict[str, Any]:
        values = {**self.values, "mapping": declared, "chain": self._chain(declared)}
        if "chain_report" in asked:
            values["chain_report"] = self._chain_report(declared)
        return values

    def _chain(self, declared: MappingDeclaration) -> tuple[Kernel, ...] | None:
        """The kernels from this one on, when another follows it."""
        if not declared.kexec:
            return None
        return tuple(
            Kernel(kernel, self._virtual_map(kernel), self._plan(kernel))
            for kernel in (declared, *declared.kexec)
        )

    def _chain_report(self, declared: MappingDeclaration) -> ChainReport | None:
        """The simulated verdict on a chain, when its kernels' strategies are known."""
        if not declared.kexec:
            return None
        if id(declared) not in self._chain_reports:
            from efipolicy.engine.simulated import chain_report

            kernels = [(one, self._planned(one)) for one in (declared, *declared.kexec)]
            report = chain_report(self.values["platform"], kernels)
            self._chain_reports[id(declared)] = report
        return self._chain_reports[id(declared)]

    def _accesses(self, declared: MappingDeclaration) -> tuple[AccessOutcome, ...] | None:
        """What becomes of the accesses that firmware is declared to make."""
        platform = self.values["platform"]
        if platform.firmware_accesses is None:
            return None
        from efipolicy.engine.simulated import accesses

        return accesses(platform, declared, self._planned(declared))

    def _may_have_virtual_map(self, declared: MappingDeclaration) -> bool:
        """Whether nobody says that SetVirtualAddressMap is never called, or failed."""
        svam = declared.set_virtual_address_map
        if svam and svam.result == "failed":
            return False  # then the addresses are marks that say so
        if declared.virtual_map is not None:
            return True
        if svam and svam.calls:
            return svam.calls != "never"
        if self._virtual_before(declared):
            return False  # then it takes over a layout, and chooses none
        plan = self._plan(declared)
        return plan is None or plan.svam is not None

    def _virtual_before(self, declared: MappingDeclaration) -> bool | None:
        """Whether firmware is virtual already when a kernel starts; ``None``: nobody says."""
        unsure = False
        for kernel in kernels_before(declared, self.values["platform"]):
            moves = moves_firmware(kernel, self._plan(kernel), physical=not unsure)
            if moves:
                return True
            unsure = unsure or moves is None
        return None if unsure else False

    def _leaves_virtual_map_alone(self, declared: MappingDeclaration) -> bool:
        """Whether it is a kexec'd kernel that says nothing of a call it has no need to make."""
        return declared.set_virtual_address_map is None and not self._boots_first(declared)

    def _boots_first(self, declared: MappingDeclaration) -> bool:
        """Whether a declared kernel is no hop of a chain."""
        return any(declared is first for first in self.values["platform"].mapping or ())

    def _plan(self, declared: MappingDeclaration) -> MappingPlan | None:
        planned = self._planned(declared)
        return planned.plan if planned else None

    def _planned(self, declared: MappingDeclaration) -> Planned | None:
        if id(declared) not in self._plans:
            self._plans[id(declared)] = self.planner(declared)
        return self._plans[id(declared)]

    def _may_have_page_tables(self, declared: MappingDeclaration) -> bool:
        """Whether a kernel maps memory by tables, and not by regions of the address space."""
        planned = self._planned(declared)
        return planned is None or isinstance(planned.geometry, RadixGeometry)

    def _tables(self, declared: MappingDeclaration) -> Any:
        """The page tables of a kernel's plan, built when the first rule asks for them."""
        planned = self._planned(declared)
        if planned and id(declared) not in self._page_tables:
            self._page_tables[id(declared)] = planned.page_tables()
        return self._page_tables.get(id(declared))

    def _virtual_map(self, declared: MappingDeclaration) -> tuple[MemoryDescriptor, ...] | None:
        """The declared layout, else that of the plan, whose entries stand where it is declared."""
        if id(declared) not in self._virtual_maps:
            stated = declared.virtual_map
            self._virtual_maps[id(declared)] = (
                stated if stated is not None else self._planned_map(declared)
            )
        return self._virtual_maps[id(declared)]

    def _planned_map(self, declared: MappingDeclaration) -> tuple[MemoryDescriptor, ...] | None:
        svam = declared.set_virtual_address_map
        plan = self._plan(declared)
        if plan is None or plan.svam is None or (svam and svam.calls == "never"):
            return None
        if not (svam and svam.calls) and self._virtual_before(declared) is not False:
            return None  # what a strategy would choose for a first kernel says nothing then
        return tuple(
            MemoryDescriptor(
                index=index,
                type=entry.type,
                physical_start=entry.physical_start,
                number_of_pages=entry.number_of_pages,
                attribute=entry.attribute,
                virtual_start=entry.virtual_start,
                located=declared.located,
            )
            for index, entry in enumerate(plan.svam)
        )

    def arguments(self, rule: Rule, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the rule's function is called with; to be asked only when nothing is missing."""
        values = self.values if values is None else values
        given: dict[str, Any] = {
            name: values.get(name) for name in (*rule.facts, *rule.optional_facts)
        }
        if not self.unknown:
            return given
        if "attributes" in self.unknown and "attributes" in rule.needs and given.get("memory_map"):
            given["memory_map"] = self._of_known_attributes
        if "entry_attributes" in self.unknown and "entry_attributes" in rule.needs:
            table = given["memory_attributes_table"]
            given["memory_attributes_table"] = replace(table, entries=_known(table.entries))
        return given

    @cached_property
    def _of_known_attributes(self) -> MemoryMap:
        memory_map: MemoryMap = self.values["memory_map"]
        return replace(memory_map, descriptors=_known(memory_map.descriptors))

    def open_questions(self, rule: Rule, values: Mapping[str, Any]) -> tuple[str, ...]:
        """What kept a rule from judging everything there is, in words."""
        if not self.unknown and rule.asked.isdisjoint(_JUDGES_PLANS):
            return ()
        unknown = tuple(
            f"{CONDITIONS[name]} ({count} unknown)"
            for name, count in self.unknown.items()
            if name in rule.needs
        )
        judged = self._judged_plans(rule, values)
        partial = self.values["platform"].memory_map.extent == "partial"
        if not judged or not (partial or any(one.plan.status == "incomplete" for one in judged)):
            return unknown
        lacking = CONDITIONS["whole_map"] if partial else "what the plan leaves open"
        return (*unknown, lacking)

    def _judged_plans(self, rule: Rule, values: Mapping[str, Any]) -> list[Planned]:
        """The plans that a rule judges in a case: one, or those of a chain."""
        if rule.asked.isdisjoint(_JUDGES_PLANS):
            return []
        declared = values.get("mapping")
        asked = {*rule.facts, *rule.optional_facts}
        if not isinstance(declared, MappingDeclaration):
            return []
        judged: tuple[MappingDeclaration, ...] = ()
        if "chain_report" in asked:
            judged = (declared, *declared.kexec)
        elif asked & _OF_A_PLAN:
            judged = (declared,)
        plans = [self._plans.get(id(one)) for one in judged]
        return [planned for planned in plans if planned]

    @property
    def judged(self) -> list[Planned]:
        """The plans that rules asked for, in the order of the declarations."""
        asked = [*self.kernels, *([self.native] if self.native else [])]
        plans = [self._plans.get(id(one)) for one in asked]
        return [planned for planned in plans if planned]


def _kernels(declarations: tuple[MappingDeclaration, ...]) -> Iterator[MappingDeclaration]:
    for declared in declarations:
        yield declared
        yield from declared.kexec


def _part(fact: str) -> str:
    """The key behind a fact, as the start of a path."""
    return "mapping[]" if fact == "mapping" else FACTS[fact]


def _holds(value: Any, path: str) -> bool:
    """Whether every part of a path is stated."""
    for name in path.split("."):
        value = getattr(value, name, None)
    return value is not None


def _known(descriptors: tuple[MemoryDescriptor, ...]) -> tuple[MemoryDescriptor, ...]:
    return tuple(d for d in descriptors if d.attribute is not None)


def _some_known(descriptors: tuple[MemoryDescriptor, ...]) -> bool:
    """Whether an attribute is known; an empty list has nothing unknown about it."""
    return not descriptors or any(d.attribute is not None for d in descriptors)
