"""Policy files: which rules count and how much, as YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from efipolicy.errors import UsageError
from efipolicy.policy.selection import DECLARED, OFF, Policy
from efipolicy.source import InputError, SourceText, decode
from efipolicy.source.document import Mapping as MappingNode
from efipolicy.source.document import parse
from efipolicy.source.shape import (
    INVALID,
    Choice,
    Field,
    ListOf,
    MappingOf,
    Pattern,
    Reading,
    Record,
    Text,
    suggestion,
)


def _values(_node: MappingNode, values: dict[str, Any]) -> dict[str, Any]:
    return values


POLICY_FILE: Final = Record(
    "the policy file",
    "Which rules count, and how much.",
    (
        Field("efipolicy-policy", Choice("1"), "version of this format", required=True),
        Field("summary", Text(), "one sentence for people", required=True),
        Field(
            "extends",
            ListOf(Pattern(r"[a-z][a-z0-9-]*", "the name of a policy"), phrase="a list of names"),
            "policies whose settings come first",
        ),
        Field(
            "rules",
            MappingOf(
                Choice("error", "warning", "info", OFF, DECLARED),
                phrase="a mapping from rule globs to severities",
            ),
            "from globs of rule ids to severities; the last glob that matches counts",
            required=True,
        ),
    ),
    _values,
)


def load_policy(name: str, installed: Mapping[str, str]) -> Policy:
    """A policy by its name or by the path of its file.

    ``installed`` maps names to paths. Raises `UsageError` for an unknown name or a bad file: a
    policy is part of the configuration.
    """
    path = installed.get(name)
    if path is None:
        if os.path.sep not in name and not name.endswith((".yaml", ".yml")):
            known = ", ".join(sorted(installed))
            raise UsageError(
                f"unknown policy `{name}`; known: {known}{suggestion(name, installed)}"
            )
        path = name
    try:
        return _read(_open(path), installed, (name,))
    except InputError as problem:
        raise UsageError(f"policy {problem}") from problem


def _open(path: str) -> SourceText:
    try:
        with open(path, "rb") as file:
            return decode(path, file.read())
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InputError(path, reason, "a readable policy file") from problem


def _read(source: SourceText, installed: Mapping[str, str], within: tuple[str, ...]) -> Policy:
    node, errors = parse(source)
    reading = Reading()
    if node is None and not errors:
        raise InputError(source.path, "an empty document", "a policy file")
    values: Any = POLICY_FILE.read(node, reading) if node is not None else INVALID
    for error in (*errors, *reading.errors):
        raise error
    settings: list[tuple[str, str]] = []
    for base in values.get("extends", ()):
        if base in within:
            raise InputError(source.path, f"`extends` in a circle: {base}", "a policy on its own")
        path = installed.get(base)
        if path is None:
            raise InputError(
                source.path, f"`extends: {base}`", f"one of {', '.join(sorted(installed))}"
            )
        settings += _read(_open(path), installed, (*within, base)).settings
    settings += values["rules"].items()
    name = os.path.basename(source.path).rpartition(".")[0]
    return Policy(name=name, summary=values["summary"], settings=tuple(settings))
