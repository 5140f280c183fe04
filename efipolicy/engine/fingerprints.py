"""What a finding is, whatever the place of its region: how baselines and reports know it again."""

from __future__ import annotations

from functools import cached_property

from efipolicy.model.address import AddressRange
from efipolicy.model.finding import Finding
from efipolicy.model.memory_map import MemoryDescriptor, MemoryMap
from efipolicy.model.platform import Acceptance, ConfigurationTable, Platform, UnreadableLine
from efipolicy.plugin import Rule

_KIND = 24
"""Hexadecimal digits of a fingerprint that equal findings have in common; eight tell them apart."""


def kind_of(fingerprint: str) -> str:
    """What a finding is: the part of its fingerprint that equal findings have in common."""
    return fingerprint[:_KIND]


class Fingerprints:
    """The fingerprints of a platform's findings: of rule, platform, and what each is about.

    Descriptors are of a kind when type, role and size class are equal, tables when their GUID is,
    lines when their words are. Findings of a kind are told apart by the place of what they are
    about among its equals, so that one keeps its fingerprint when another is fixed.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.numbers: dict[tuple[str, int], int] = {}
        self.given: set[str] = set()

    @cached_property
    def _places(self) -> dict[int, tuple[tuple[str, ...], int]]:
        """For each descriptor and table entry its traits, and its place among those with equal."""
        table = self.platform.memory_attributes_table
        places: dict[int, tuple[tuple[str, ...], int]] = {}
        for kind, descriptors in (
            ("descriptor", self.platform.memory_map.descriptors),
            ("entry", table.entries if table else ()),
        ):
            seen: dict[tuple[str, ...], int] = {}
            for descriptor in descriptors:
                role = "runtime" if descriptor.runtime else "other"
                size_class = str(descriptor.number_of_pages.bit_length())
                traits = (kind, descriptor.type_name, role, size_class)
                place = seen[traits] = seen.get(traits, -1) + 1
                places[id(descriptor)] = (traits, place)
        return places

    def of(self, rule: Rule, finding: Finding, region: AddressRange | None) -> str:
        """The fingerprint: 32 hexadecimal digits, different for every finding of a report."""
        traits, place = self._traits(finding)
        if region is not None:
            traits = (*traits, str(region.size.bit_length()))
        first_id = (*rule.aliases, rule.id)[0]  # a renamed rule's baselines go on
        kind = _digest(_KIND, self.platform.name, first_id, *traits)
        fingerprint = ""
        while not fingerprint or fingerprint in self.given:
            number = self.numbers[kind, place] = self.numbers.get((kind, place), -1) + 1
            fingerprint = kind + _digest(32 - _KIND, str(place), str(number))
        self.given.add(fingerprint)
        return fingerprint

    def _traits(self, finding: Finding) -> tuple[tuple[str, ...], int]:
        subject = finding.subject
        known = self._places.get(id(subject))
        if known is not None:
            return known
        # What a rule says of a whole capture at its map, it says of the file import makes of it.
        whole = MemoryMap if isinstance(subject, Platform) else type(subject)
        traits: tuple[str, ...] = (whole.__name__,)
        if isinstance(subject, ConfigurationTable):
            traits = (*traits, subject.guid or subject.name or "")
        elif isinstance(subject, UnreadableLine):
            traits = (*traits, subject.located.span.text)
        elif isinstance(subject, Acceptance):
            traits = (*traits, subject.rule)
        elif finding.field and not isinstance(subject, MemoryDescriptor):
            traits = (*traits, finding.field)
        return traits, 0


def _digest(digits: int, *words: str) -> str:
    try:
        from _blake2 import blake2b  # the one of hashlib, which loads OpenSSL besides
    except ImportError:
        from hashlib import blake2b
    return blake2b("\0".join(words).encode(), digest_size=digits // 2).hexdigest()
