"""The configuration file, ``.efipolicy.yaml``: how a repository wants to be linted."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from efipolicy import __version__
from efipolicy.model.finding import Severity
from efipolicy.model.platform import Acceptance
from efipolicy.named_tuple import NamedTuple
from efipolicy.policy.loading import is_policy_path
from efipolicy.policy.selection import Setting
from efipolicy.policy.settings import FLAG, NamedBy, OneOrMore, RuleSettings, SettingsError
from efipolicy.policy.versions import parse_specifier, parse_version, satisfies
from efipolicy.source import InputError, SourceText, decode
from efipolicy.source.document import Mapping, Node, Scalar, parse
from efipolicy.source.shape import (
    INVALID,
    AnyNode,
    Choice,
    Field,
    JsonSchema,
    ListOf,
    Reading,
    Record,
    Shape,
    Text,
    found_in,
)

if TYPE_CHECKING:
    from efipolicy.plugin import Rule


class Configuration(NamedTuple):
    """What a configuration file says.

    ``path`` is the file as messages show it and ``folder`` where it lies; ``policies`` are names
    and paths, ``baseline`` a path, all as if given in the working directory. ``select`` and
    ``ignore`` are globs with their places, as ``named`` are the policies; ``exclude`` are globs of
    paths that a walk leaves out.
    """

    path: str
    folder: str
    policies: tuple[str, ...] = ()
    named: tuple[Scalar, ...] = ()
    select: tuple[Scalar, ...] = ()
    ignore: tuple[Scalar, ...] = ()
    fail_on: Severity | None = None
    rules: tuple[Setting, ...] = ()
    accept: tuple[Acceptance, ...] = ()
    baseline: str | None = None
    exclude: tuple[str, ...] = ()
    preview: bool = False

    def excludes(self, path: str) -> bool:
        """Whether a walk leaves a file or folder out.

        A glob without ``/`` is about names, at any depth; one with it about the path from the
        configuration's folder, where ``*`` matches ``/`` too.
        """
        within = os.path.relpath(os.path.abspath(path), self.folder).replace(os.sep, "/")
        return any(
            fnmatchcase(within if "/" in glob else os.path.basename(within), glob)
            for glob in map(_plain_glob, self.exclude)
        )


def _plain_glob(glob: str) -> str:
    """A glob without what others write into it: ``./`` and ``**/`` before, ``/`` behind."""
    return glob.removeprefix("./").removeprefix("**/").rstrip("/")


class _Specifier(Shape):
    """Which versions of efipolicy are wanted."""

    phrase = "a version specifier such as `>=0.2, <1`"

    def read(self, node: Node, reading: Reading) -> Any:
        """The comparisons."""
        if isinstance(node, Scalar):
            try:
                return parse_specifier(node.text)
            except ValueError as problem:
                return reading.refuse(node, str(problem), self.phrase)
        return reading.refuse(node, found_in(node), self.phrase)

    def json_schema(self) -> JsonSchema:
        """A string."""
        return {"type": "string"}


def _values(_node: Mapping, values: dict[str, Any]) -> dict[str, Any]:
    return values


_SPECIFIER = _Specifier()
_GLOBS = OneOrMore(NamedBy(r"\S+", "a glob of rule ids"), phrase="a list of globs of rule ids")


def configuration_file(acceptance: Shape, rules: Iterable[Rule] = ()) -> Record:
    """The configuration file; ``acceptance`` is the shape of one in the platform file."""
    return Record(
        "the configuration",
        "How a repository wants to be linted.",
        (
            Field("required_version", _SPECIFIER, "the versions of efipolicy it is written for"),
            Field(
                "policy",
                OneOrMore(NamedBy(r".+", "a policy"), phrase="a list of policies"),
                "names of policies, or paths within this folder, in the order they apply",
            ),
            Field("select", _GLOBS, "only these rules"),
            Field("ignore", _GLOBS, "not these rules"),
            Field(
                "fail_on",
                Choice(*(severity.value for severity in Severity)),
                "the least severity that makes the exit status 1",
            ),
            Field("preview", FLAG, "judge by rules that are new or stricter, too"),
            Field(
                "rules",
                RuleSettings(rules),
                "from globs of rule ids to severities and options; the last word on them",
            ),
            Field(
                "accept",
                ListOf(acceptance, phrase="a list of acceptances"),
                "accepted findings, as in a platform file",
            ),
            Field("baseline", NamedBy(r".+", "a path"), "the file of known findings"),
            Field(
                "exclude",
                OneOrMore(Text(), phrase="a list of globs"),
                "paths that a walk leaves out",
            ),
        ),
        _values,
    )


def configuration_schema(acceptance: Shape, rules: Iterable[Rule]) -> JsonSchema:
    """The JSON Schema of the configuration file, with the rules that are installed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "efipolicy configuration",
        **configuration_file(acceptance, rules).json_schema(),
    }


def read_configuration(path: str, shown: str, acceptance: Shape | None = None) -> Configuration:
    """What a configuration file says.

    ``shown`` is its path as messages show it, and ``acceptance`` the shape of an acceptance, which
    the platform file describes. Raises `SettingsError` with everything that is wrong with it; when
    it is written for other versions, with that alone, since the rest may be foreign to this one.
    """
    node, errors = parse(_open(path, shown))
    folder = os.path.dirname(os.path.abspath(path))
    if node is None and not errors:
        return Configuration(shown, folder)
    reading = Reading()
    if isinstance(node, Mapping):
        _check_version(node)
    values: Any = INVALID
    if node is not None:
        values = configuration_file(acceptance or AnyNode()).read(node, reading)
    if errors or reading.errors:
        raise SettingsError([*errors, *reading.errors])
    policies = tuple(_policy(name, folder, reading) for name in values.get("policy", ()))
    baseline = values.get("baseline")
    if baseline is not None:
        baseline = _within(baseline, folder, reading)
    if reading.errors:
        raise SettingsError(reading.errors)
    return Configuration(
        path=shown,
        folder=folder,
        policies=policies,
        named=tuple(values.get("policy", ())),
        select=values.get("select", ()),
        ignore=values.get("ignore", ()),
        fail_on=Severity(values["fail_on"]) if "fail_on" in values else None,
        rules=tuple(setting._replace(by=shown) for setting in values.get("rules", ())),
        accept=values.get("accept", ()),
        baseline=baseline,
        exclude=values.get("exclude", ()),
        preview=values.get("preview", False),
    )


def _open(path: str, shown: str) -> SourceText:
    try:
        with open(path, "rb") as file:
            return decode(shown, file.read())
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        mistake = InputError(shown, reason, "a readable configuration")
        raise SettingsError([mistake]) from problem
    except InputError as problem:
        mistake = InputError(shown, problem.found, "a configuration, which is text")
        raise SettingsError([mistake]) from problem


def _check_version(node: Mapping) -> None:
    """Refuse a configuration that is written for other versions."""
    entry = node.entries.get("required_version")
    wanted: Any = _SPECIFIER.read(entry[1], Reading()) if entry else ()
    if entry and wanted is not INVALID and not satisfies(parse_version(__version__), wanted):
        written = entry[1].span.text.strip("\"'")
        expected = f"`required_version: {written}`, which the configuration asks for"
        raise SettingsError([InputError.at(entry[1].span, f"efipolicy {__version__}", expected)])


def _policy(name: Scalar, folder: str, reading: Reading) -> Any:
    return _within(name, folder, reading) if is_policy_path(name.text) else name.text


def _within(name: Scalar, folder: str, reading: Reading) -> Any:
    """A path of the configuration as one from the working directory; it stays in the folder."""
    home = os.path.realpath(folder)
    path = os.path.realpath(os.path.join(folder, name.text))
    if os.path.commonpath((home, path)) != home:
        return reading.refuse(name, f"`{name.text}`, which leaves the folder", f"a path in {home}")
    return os.path.relpath(os.path.join(folder, name.text))
