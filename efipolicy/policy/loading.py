"""Policy files: which rules count and how much, as YAML."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from efipolicy.errors import PluginError, UsageError
from efipolicy.policy.selection import Policy, Setting
from efipolicy.policy.settings import (
    FLAG,
    FormatVersion,
    NamedBy,
    OneOrMore,
    RuleSettings,
    SettingsError,
)
from efipolicy.source import InputError, SourceText, decode
from efipolicy.source.document import Mapping as MappingNode
from efipolicy.source.document import Scalar, parse
from efipolicy.source.shape import (
    INVALID,
    Field,
    JsonSchema,
    Reading,
    Record,
    Text,
    suggestion,
)

if TYPE_CHECKING:
    from efipolicy.plugin import Rule
    from efipolicy.plugin.discovery import Plugin

_YAML_SUFFIXES = (".yaml", ".yml")


def _values(_node: MappingNode, values: dict[str, Any]) -> dict[str, Any]:
    return values


def policy_file(rules: Iterable[Rule] = ()) -> Record:
    """The policy file; with the rules its schema names them and their options."""
    return Record(
        "the policy file",
        "Which rules count, and how much.",
        (
            Field("efipolicy-policy", FormatVersion(), "version of this format", required=True),
            Field("summary", Text(), "one sentence for people", required=True),
            Field(
                "extends",
                OneOrMore(
                    NamedBy(r"[a-z][a-z0-9-]*", "the name of a policy"), phrase="a list of names"
                ),
                "policies whose settings come first",
            ),
            Field("preview", FLAG, "judge by rules that are new or stricter, too"),
            Field(
                "native_strategy",
                FLAG,
                "where no mapping is declared, judge the one that a current kernel would install",
            ),
            Field(
                "rules",
                RuleSettings(rules),
                "from globs of rule ids to severities, pins and options; "
                "the last glob that matches counts",
                required=True,
            ),
        ),
        _values,
    )


def policy_schema(rules: Iterable[Rule]) -> JsonSchema:
    """The JSON Schema of policy files, with the rules that are installed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "efipolicy policy",
        **policy_file(rules).json_schema(),
    }


def is_policy_path(name: str) -> bool:
    """Whether a policy is meant by the path of its file, and not by its name."""
    return "/" in name or os.path.sep in name or name.endswith(_YAML_SUFFIXES)


def load_policy(name: str, installed: Mapping[str, str]) -> Policy:
    """A policy by its name or by the path of its file.

    ``installed`` maps names to paths. Raises `UsageError` for an unknown name or a bad file: a
    policy is part of the configuration. Raises `BrokenPolicyError` where the bad file is one that a
    third party's plugin brings.
    """
    try:
        return read_policy(name, installed)
    except SettingsError as problem:
        plugin = _bringer(problem, installed)
        if plugin is None:
            raise
        raise BrokenPolicyError(plugin, problem.problems) from problem


def read_policy(name: str, installed: Mapping[str, str]) -> Policy:
    """A policy as of `load_policy`, whoever brings it.

    Raises `UsageError` for an unknown name, and `SettingsError` for a bad file.
    """
    path = installed.get(name)
    if path is None:
        if not is_policy_path(name):
            known = ", ".join(sorted(installed)) or _no_policies()
            raise UsageError(
                f"unknown policy `{name}`; known: {known}{suggestion(name, installed)}"
            )
        path = name
    try:
        return _read(_open(path), name, installed, (name,))
    except InputError as problem:
        raise SettingsError([problem]) from problem


class BrokenPolicyError(PluginError):
    """Everything that is wrong with a policy file of a plugin's, each with its place."""

    def __init__(self, plugin: Plugin, mistakes: Iterable[InputError]) -> None:
        self.problems = tuple(_of_a_plugin(plugin, one) for one in mistakes)
        super().__init__("\n".join(map(str, self.problems)))


def _bringer(problem: SettingsError, installed: Mapping[str, str]) -> Plugin | None:
    """The third party's plugin that brings the bad file; ``None`` for a user's file."""
    from efipolicy.plugin.elsewhere import bringer

    path = problem.problems[0].path
    return bringer(path) if path in installed.values() else None


def _of_a_plugin(plugin: Plugin, mistake: InputError) -> PluginError:
    policy = os.path.basename(mistake.path).rpartition(".")[0]
    error = PluginError(f"policy `{policy}` of {plugin.owner}: {mistake}; {plugin.remedy}")
    error.path = mistake.path
    return error


def _no_policies() -> str:
    from efipolicy.plugin.elsewhere import nothing_of

    return nothing_of("policies")


def _open(path: str) -> SourceText:
    try:
        with open(path, "rb") as file:
            return decode(path, file.read())
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise InputError(path, reason, "a readable policy file") from problem


def _read(
    source: SourceText, name: str, installed: Mapping[str, str], within: tuple[str, ...]
) -> Policy:
    node, errors = parse(source)
    if node is None and not errors:
        raise InputError(source.path, "an empty document", "a policy file")
    reading = Reading()
    values: Any = policy_file().read(node, reading) if node is not None else INVALID
    if errors or reading.errors:
        raise SettingsError([*errors, *reading.errors])
    settings: list[Setting] = []
    preview = values.get("preview", False)
    native = values.get("native_strategy", False)
    extends: tuple[Scalar, ...] = values.get("extends", ())
    for base in extends:
        policy = _base(base, installed, within)
        settings += policy.settings
        preview = preview or policy.preview
        native = native or policy.native_strategy
    settings += [setting._replace(by=name) for setting in values["rules"]]
    return Policy(
        name=os.path.basename(source.path).rpartition(".")[0],
        summary=values["summary"],
        settings=tuple(settings),
        preview=preview,
        native_strategy=native,
        extends=tuple(base.text for base in extends),
    )


def _base(named: Scalar, installed: Mapping[str, str], within: tuple[str, ...]) -> Policy:
    """The policy that another extends."""
    name = named.text
    if name in within:
        raise InputError.at(named.span, f"`extends` in a circle: {name}", "a policy on its own")
    path = installed.get(name)
    if path is None:
        expected = f"one of {', '.join(sorted(installed))}{suggestion(name, installed)}"
        raise InputError.at(named.span, f"`extends: {name}`", expected)
    return _read(_open(path), name, installed, (*within, name))
