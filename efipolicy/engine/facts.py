"""What a platform states, fact by fact, and what it leaves open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from efipolicy.model.memory_map import MemoryDescriptor
from efipolicy.model.platform import Platform
from efipolicy.plugin import Architecture, Rule
from efipolicy.plugin.rules import CONDITIONS, FACTS


class Facts:
    """The facts of one platform, as `efipolicy.plugin.rules` names them.

    ``set_aside`` are descriptors found to be garbage: no rule is shown them any more.
    """

    def __init__(
        self,
        platform: Platform,
        architectures: Mapping[str, Architecture],
        *,
        set_aside: Collection[MemoryDescriptor] = (),
    ) -> None:
        memory_map = platform.memory_map
        table = platform.memory_attributes_table
        if set_aside:
            memory_map = memory_map.without(set_aside)
        # No descriptors are a map only where somebody says that they are all there is.
        read = bool(platform.memory_map.descriptors) or memory_map.extent == "whole"
        self.values: dict[str, Any] = {
            "memory_map": memory_map if read else None,
            "memory_attributes_table": table,
            "configuration_tables": platform.configuration_tables,
            "platform": platform,
            "architecture": architectures.get(platform.architecture),
            "revision": platform.uefi,
            "capture": platform.capture,
        }
        descriptors = memory_map.descriptors
        entries = table.entries if table else ()
        self.conditions: dict[str, bool] = {
            "virtual_starts": any(d.virtual_start is not None for d in descriptors),
            "descriptor_version": memory_map.descriptor_version is not None,
            "whole_map": memory_map.extent == "whole",
            "firmware_map": memory_map.origin == "firmware",
            "known_origin": memory_map.origin != "unknown",
            "whole_memory_attributes_table": table is not None and table.extent == "whole",
            "attributes": _some_known(descriptors),
            "entry_attributes": _some_known(entries),
        }
        self.unknown = {
            "attributes": sum(1 for d in descriptors if d.attribute is None),
            "entry_attributes": sum(1 for e in entries if e.attribute is None),
        }

    def missing(self, rule: Rule) -> tuple[str, ...]:
        """The facts a rule needs and the platform does not state."""
        return tuple(name for name in (*rule.facts, *rule.needs) if not self._states(name))

    def arguments(self, rule: Rule) -> dict[str, Any]:
        """What the rule's function is called with; to be asked only when nothing is missing."""
        values = {name: self.values[name] for name in (*rule.facts, *rule.optional_facts)}
        if "attributes" in rule.needs and values.get("memory_map") and self.unknown["attributes"]:
            known = _known(values["memory_map"].descriptors)
            values["memory_map"] = replace(values["memory_map"], descriptors=known)
        if "entry_attributes" in rule.needs and self.unknown["entry_attributes"]:
            table = values["memory_attributes_table"]
            values["memory_attributes_table"] = replace(table, entries=_known(table.entries))
        return values

    def open_questions(self, rule: Rule) -> tuple[str, ...]:
        """What kept a rule from judging everything there is, in words."""
        return tuple(
            f"{CONDITIONS[name]} ({count} unknown)"
            for name, count in self.unknown.items()
            if count and name in rule.needs
        )

    def _states(self, name: str) -> bool:
        return self.values[name] is not None if name in FACTS else self.conditions[name]


def _known(descriptors: tuple[MemoryDescriptor, ...]) -> tuple[MemoryDescriptor, ...]:
    return tuple(d for d in descriptors if d.attribute is not None)


def _some_known(descriptors: tuple[MemoryDescriptor, ...]) -> bool:
    """Whether an attribute is known; an empty list has nothing unknown about it."""
    return not descriptors or any(d.attribute is not None for d in descriptors)
