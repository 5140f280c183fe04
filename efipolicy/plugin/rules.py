"""Rules: one function each, its docstring the page, its examples run as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, Literal

from efipolicy.model.finding import Confidence, Finding, NotJudged, Responsible, Severity
from efipolicy.model.frozen import Frozen
from efipolicy.plugin.types import Bad, Good, Option

FACTS = {
    "memory_map": "memory_map",
    "memory_attributes_table": "memory_attributes_table",
    "configuration_tables": "configuration_tables",
    "platform": "platform",
    "architecture": "platform.architecture",
    "revision": "platform.uefi",
    "capture": "a captured text",
    "firmware": "platform.firmware",
    "environment": "platform.firmware.environment",
    "acpi_tables": "acpi_tables",
    "conformance_profiles": "conformance_profiles",
    "runtime_properties": "runtime_properties",
    "system_table": "system_table",
    "hardware": "hardware",
    "allocations": "allocations",
    "boot_page_tables": "boot_page_tables",
    "handover": "handover",
    "other_boots": "several boots of the platform",
    "acceptances": "accept",
    "options": "the rule's options",
    "mapping": "mapping",
    "svam": "mapping[].set_virtual_address_map",
    "calls": "mapping[].calls",
    "usable_memory": "mapping[].usable_memory",
    "virtual_map": "mapping[].virtual_map, or a strategy that calls SetVirtualAddressMap",
    "plan": "mapping[].strategy",
    "page_tables": "mapping[].strategy",
    "accesses": "firmware_accesses and mapping[].strategy",
    "chain": "mapping[].kexec",
    "chain_report": "mapping[].strategy and mapping[].kexec[].strategy",
}
"""The values a rule may ask for, and what to add to an input that lacks one.

A rule's parameters are facts by name, and it receives just those; one with the default ``None`` is
given when it is known. ``accesses`` are what becomes of the declared accesses of firmware under a
first kernel, ``chain_report`` the simulated verdict on a chain of kernels (both of
`efipolicy.plugin.chains`).
"""

FACTS_OF_A_KERNEL = frozenset(
    ("mapping", "svam", "calls", "usable_memory", "virtual_map", "plan", "page_tables", "accesses")
)
"""Facts of one entry of ``mapping:`` or of its ``kexec:``: a rule is asked about each in turn."""

Subject = Literal["map", "platform", "mapping", "plan", "chain"]

CONDITIONS = {
    "attributes": "memory_map.descriptors[].attribute",
    "entry_attributes": "memory_attributes_table.entries[].attribute",
    "virtual_starts": "memory_map.descriptors[].virtual_start",
    "descriptor_version": "memory_map.descriptor_version",
    "whole_map": "memory_map.extent: whole",
    "firmware_map": "memory_map.origin: firmware",
    "known_origin": "memory_map.origin",
    "whole_configuration_tables": "configuration_tables_extent: whole",
    "whole_memory_attributes_table": "the whole memory_attributes_table",
}
"""What a rule may need besides, in ``needs``, and what to add to an input that lacks it.

Where some attributes are known and others not, the rule is shown what is known, and what it could
not see is reported as not checked. Besides these, ``needs`` may name a part of a fact by its path,
such as ``calls.stack_bytes``.
"""


class Rule(Frozen):
    """One check. The id is ``pack/kebab-name`` and names the bad thing.

    ``architectures`` is empty for a rule of all. ``disqualifies`` is the rank of a rule that
    recognises garbage: a descriptor it reports is shown to no later rule. ``unless`` names rules
    whose finding about the same subject is the same fault seen twice. ``fix`` says how safe the
    fixes are that its findings may carry, ``aliases`` are the ids it had before, the first one
    first, and a ``preview`` is new or stricter than in the release before. ``options`` are limits a
    policy may set; the rule finds their values in the fact ``options``.
    """

    id: str
    severity: Severity
    requirements: tuple[str, ...]
    sources: tuple[str, ...]
    summary: str
    page: str
    help: str
    examples: tuple[Bad | Good, ...]
    facts: tuple[str, ...]
    optional_facts: tuple[str, ...]
    needs: tuple[str, ...]
    architectures: frozenset[str]
    responsible: Responsible
    confidence: Confidence
    since: str
    disqualifies: int | None
    unless: tuple[str, ...]
    fix: Literal["none", "safe", "unsafe"]
    options: tuple[Option, ...]
    aliases: tuple[str, ...]
    preview: bool
    check: Callable[..., Iterable[Finding | NotJudged]]

    @property
    def pack(self) -> str:
        """The namespace before the slash."""
        return self.id.partition("/")[0]

    @property
    def name(self) -> str:
        """The name after the slash."""
        return self.id.partition("/")[2]

    @cached_property
    def asked(self) -> frozenset[str]:
        """Every fact it is about: the required ones, the optional ones, those it needs parts of."""
        parts = (name.partition(".")[0] for name in self.needs)
        return frozenset((*self.facts, *self.optional_facts, *parts))

    @property
    def subject(self) -> Subject:
        """What it judges: the memory map and its tables, the platform, or what a kernel does."""
        asked = {*self.facts, *self.optional_facts}
        if asked & {"chain", "chain_report"}:
            return "chain"
        if asked & {"plan", "virtual_map", "page_tables", "accesses"}:
            return "plan"
        if asked & FACTS_OF_A_KERNEL:
            return "mapping"
        maps = {"memory_map", "memory_attributes_table", "architecture", "revision", "options"}
        return "map" if asked <= maps else "platform"


def rule(
    id: str,
    *,
    severity: Severity,
    requirements: tuple[str, ...],
    sources: tuple[str, ...],
    help: str,
    examples: tuple[Bad | Good, ...],
    needs: tuple[str, ...] = (),
    architectures: tuple[str, ...] = (),
    responsible: Responsible = Responsible.FIRMWARE,
    confidence: Confidence = Confidence.CERTAIN,
    since: str = "0.1.0",
    disqualifies: int | None = None,
    unless: tuple[str, ...] = (),
    fix: Literal["none", "safe", "unsafe"] = "none",
    options: tuple[Option, ...] = (),
    aliases: tuple[str, ...] = (),
    preview: bool = False,
) -> Callable[[Callable[..., Iterator[Finding | NotJudged]]], Rule]:
    """Make a rule of a function whose parameters name the facts it judges.

    Raises `ValueError` for a function without a docstring or with a parameter that is no fact.
    """

    def make(check: Callable[..., Iterator[Finding | NotJudged]]) -> Rule:
        code = check.__code__
        facts = code.co_varnames[: code.co_argcount]
        optional = len(check.__defaults__ or ())
        unknown = [name for name in facts if name not in FACTS]
        unknown += [
            name
            for name in needs
            if name not in CONDITIONS and not ("." in name and name.partition(".")[0] in FACTS)
        ]
        if unknown:
            raise ValueError(f"rule {id} asks for unknown facts: {', '.join(unknown)}")
        page = check.__doc__
        if not page:
            raise ValueError(f"rule {id} has no docstring, which would be its page")
        return Rule(
            id=id,
            severity=severity,
            requirements=requirements,
            sources=sources,
            summary=page.partition("\n")[0].strip(),
            page=page,
            help=help,
            examples=examples,
            facts=facts[: len(facts) - optional],
            optional_facts=facts[len(facts) - optional :],
            needs=needs,
            architectures=frozenset(architectures),
            responsible=responsible,
            confidence=confidence,
            since=since,
            disqualifies=disqualifies,
            unless=unless,
            fix=fix,
            options=options,
            aliases=aliases,
            preview=preview,
            check=check,
        )

    return make


def rules_in(package: Any) -> Iterator[Rule]:
    """Every rule of a package that holds one file a rule, in the order of the file names."""
    from importlib import import_module
    from os import listdir

    names = sorted(
        entry.removesuffix(".py")
        for folder in package.__path__
        for entry in listdir(folder)
        if entry.endswith(".py") and entry != "__init__.py"
    )
    for name in names:
        module = import_module(f"{package.__name__}.{name}")
        yield from (value for value in vars(module).values() if isinstance(value, Rule))
