"""Registers of requirements, as YAML: what the codes mean that rules cite.

Which rules check a requirement is not in a register; `efipolicy.policy.coverage` derives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from efipolicy.errors import PluginError
from efipolicy.model.finding import Severity
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.registry import Plugin
from efipolicy.source import InputError, SourceText, decode
from efipolicy.source.document import Mapping as MappingNode
from efipolicy.source.document import Node, Scalar, Sequence, parse
from efipolicy.source.shape import Choice, Field, ListOf, Pattern, Reading, Record, Text

Level: TypeAlias = Literal[
    "must", "should", "implied", "profile", "implementation", "windows", "practice"
]
Verified: TypeAlias = Literal["yes", "partly", "no"]


class Modelled(NamedTuple):
    """What carries a requirement that is no rule's: strategies, or checks of a chain or plan."""

    by: tuple[str, ...]
    reason: str


class Requirement(NamedTuple):
    """One thing that is right.

    ``source`` names documents with version and section. ``since`` is the first revision that has
    it as far as is known, ``changed`` what a later one made of it. ``architectures`` is empty for
    a requirement of all. ``distribution`` is whose register states it.
    """

    code: str
    name: str
    statement: str
    level: Level
    severity: Severity
    source: tuple[str, ...]
    verified: Verified
    since: str | None = None
    changed: str | None = None
    architectures: tuple[str, ...] = ()
    modelled: Modelled | None = None
    not_checkable: str | None = None
    distribution: str = ""


class _RequirementRecord(Record):
    """A record of which ``modelled`` and ``not_checkable`` cannot both be given."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The value, unless the record says two things at once."""
        value = super().read(node, reading)
        if isinstance(node, MappingNode) and node.entries.keys() >= {"modelled", "not_checkable"}:
            key, _ = node.entries["not_checkable"]
            return reading.refuse(key, "`modelled` and `not_checkable` both", "one of them at most")
        return value


def _modelled(_node: MappingNode, values: dict[str, Any]) -> Modelled:
    return Modelled(**values)


def _requirement(_node: MappingNode, values: dict[str, Any]) -> Requirement:
    return Requirement(**{**values, "severity": Severity(values["severity"])})


def _register(_node: MappingNode, values: dict[str, Any]) -> tuple[Requirement, ...]:
    requirements: tuple[Requirement, ...] = values["requirements"]
    return requirements


_CODE: Final = Pattern(r"[A-Z][A-Z0-9-]*-[0-9]{3}", "a code such as `UEFI-MAP-001`")
_NAME: Final = Pattern(r"[a-z0-9]+(-[a-z0-9]+)*", "a name in kebab-case")
_LEVEL: Final = Choice(
    "must", "should", "implied", "profile", "implementation", "windows", "practice"
)
_SEVERITY: Final = Choice(*(severity.value for severity in Severity))
_TEXTS: Final = ListOf(Text(), phrase="a list of texts")

MODELLED: Final = Record(
    "modelled",
    "What carries a requirement that is no rule's to check.",
    (
        Field("by", _TEXTS, "strategies, or checks of a chain or plan", required=True),
        Field("reason", Text(), "how they carry it", required=True),
    ),
    _modelled,
)

REQUIREMENT: Final = _RequirementRecord(
    "a requirement",
    "One thing that is right.",
    (
        Field("code", _CODE, "its name for ever", required=True),
        Field("name", _NAME, "says what is right", required=True),
        Field("statement", Text(), "what is right, precisely", required=True),
        Field("level", _LEVEL, "by whose word, and how binding", required=True),
        Field("severity", _SEVERITY, "of a breach", required=True),
        Field("source", _TEXTS, "document, version and section", required=True),
        Field("since", Text(), "the first revision that has it"),
        Field("changed", Text(), "what a later revision made of it"),
        Field("architectures", _TEXTS, "where it holds, if not everywhere"),
        Field("verified", Choice("yes", "partly", "no"), "whether it was read", required=True),
        Field("modelled", MODELLED, "what carries it, if no rule does"),
        Field("not_checkable", Text(), "why a declaration cannot show it"),
    ),
    _requirement,
)

REGISTER: Final = Record(
    "the register",
    "What the codes mean that rules cite.",
    (
        Field("efipolicy-requirements", Choice("1"), "version of this format", required=True),
        Field(
            "requirements",
            ListOf(REQUIREMENT, phrase="a list of requirements"),
            "the requirements, in the order they are shown",
            required=True,
        ),
    ),
    _register,
)


def read_register(source: SourceText) -> tuple[tuple[Requirement, ...], list[InputError]]:
    """The requirements of a register, and everything that is wrong with it."""
    node, errors = parse(source)
    if node is None:
        empty = InputError(source.path, "an empty document", "a register of requirements")
        return (), errors or [empty]
    reading = Reading()
    requirements = REGISTER.read(node, reading)
    errors += [*reading.errors, *_repeated_codes(node)]
    return (() if errors else requirements), errors


def _repeated_codes(root: Node) -> Iterator[InputError]:
    listed = root.entries.get("requirements") if isinstance(root, MappingNode) else None
    items = listed[1].items if listed and isinstance(listed[1], Sequence) else []
    first: dict[str, Scalar] = {}
    for item in items:
        entry = item.entries.get("code") if isinstance(item, MappingNode) else None
        if entry and isinstance(code := entry[1], Scalar):
            earlier = first.setdefault(code.text, code)
            if earlier is not code:
                found = f"the code {code.text} a second time"
                expected = f"each code once (first on line {earlier.span.line})"
                yield InputError.at(code.span, found, expected)


def load_requirements(
    registers: Mapping[str, Plugin],
) -> tuple[tuple[Requirement, ...], list[PluginError]]:
    """The requirements of all registers, and an error for each thing wrong with one.

    ``registers`` are the plugins behind them by the paths of their files. A register with a
    mistake adds nothing; of two that state one code the first one counts.
    """
    stated: dict[str, tuple[Requirement, Plugin]] = {}
    errors: list[PluginError] = []
    for path, owner in registers.items():
        try:
            requirements, mistakes = read_register(_open(path))
        except InputError as problem:
            requirements, mistakes = (), [problem]
        errors += [PluginError(f"{owner.owner}, its register {mistake}") for mistake in mistakes]
        for requirement in requirements:
            earlier = stated.setdefault(requirement.code, (requirement, owner))[1]
            if earlier is not owner:
                errors.append(
                    PluginError(
                        f"{owner.owner} states the requirement {requirement.code}, "
                        f"which {earlier.owner} has stated already"
                    )
                )
    return tuple(
        requirement._replace(distribution=owner.entry_point.distribution)
        for requirement, owner in stated.values()
    ), errors


def _open(path: str) -> SourceText:
    try:
        with open(path, "rb") as file:
            return decode(path, file.read())
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InputError(path, reason, "a readable register of requirements") from problem
