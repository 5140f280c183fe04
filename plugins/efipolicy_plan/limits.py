"""Limits a policy sets for runtime memory, before there is silicon to find out."""

from __future__ import annotations

from efipolicy.plugin import MemoryMap, NotJudged


def unset(option: str) -> NotJudged:
    """A limit nobody has set: there is nothing to hold the map against."""
    return NotJudged(f"the rule's option `{option}`")


def unless_whole(memory_map: MemoryMap) -> list[NotJudged]:
    """Why a map that keeps to a limit as far as it is known may still break it."""
    return [] if memory_map.extent == "whole" else [NotJudged("memory_map.extent: whole")]
