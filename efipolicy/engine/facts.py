"""What a platform states, fact by fact, and what it leaves open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Platform
from efipolicy.plugin import Architecture, Rule


class Facts:
    """The facts of one platform, as `efipolicy.plugin.rules.FACTS` names them.

    ``set_aside`` are descriptors found to be garbage: no rule is shown them any more.
    """

    def __init__(
        self,
        platform: Platform,
        architectures: Mapping[str, Architecture],
        *,
        set_aside: Collection[MemoryDescriptor] = (),
    ) -> None:
        self.platform = platform
        self.architecture = architectures.get(platform.architecture)
        memory_map = platform.memory_map
        self.memory_map = memory_map.without(set_aside) if set_aside else memory_map
        known = tuple(d for d in self.memory_map.descriptors if d.attribute is not None)
        self.unknown_attributes = len(self.memory_map.descriptors) - len(known)
        self._known_attributes = (
            _only(self.memory_map, known) if self.unknown_attributes else self.memory_map
        )

    def missing(self, rule: Rule) -> tuple[str, ...]:
        """The facts a rule needs and the platform does not state."""
        return tuple(name for name in (*rule.facts, *rule.needs) if not self._states(name))

    def arguments(self, rule: Rule) -> dict[str, Any]:
        """What the rule's function is called with; to be asked only when nothing is missing."""
        values = {name: self._value(name) for name in rule.facts}
        for name in rule.optional_facts:
            values[name] = self._value(name) if self._states(name) else None
        if "attributes" in rule.needs and "memory_map" in values:
            values["memory_map"] = self._known_attributes
        return values

    def _value(self, name: str) -> Any:
        if name == "memory_map":
            return self.memory_map
        if name == "platform":
            return self.platform
        if name == "architecture":
            return self.architecture
        if name == "revision":
            return self.platform.uefi
        return getattr(self.platform, name)

    def _states(self, name: str) -> bool:
        platform = self.platform
        memory_map = platform.memory_map
        table = platform.memory_attributes_table
        match name:
            case "attributes":
                # An empty map has nothing unknown about it.
                return bool(self._known_attributes.descriptors) or not self.unknown_attributes
            case "virtual_starts":
                return any(d.virtual_start is not None for d in memory_map.descriptors)
            case "descriptor_version":
                return memory_map.descriptor_version is not None
            case "whole_map":
                return memory_map.extent == "whole"
            case "firmware_map":
                return memory_map.origin == "firmware"
            case "whole_memory_attributes_table":
                return table is not None and table.extent == "whole"
            case _:
                return self._value(name) is not None


def _only(memory_map: MemoryMap, descriptors: tuple[MemoryDescriptor, ...]) -> MemoryMap:
    from dataclasses import replace

    return replace(memory_map, descriptors=descriptors)
