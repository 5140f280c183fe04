"""``rules:`` of a policy and of the configuration: what is said of the rules that globs name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from efipolicy.errors import ExitStatus, UsageError
from efipolicy.policy.selection import DECLARED, OFF, Setting
from efipolicy.source import InputError
from efipolicy.source.document import Mapping, Node, Scalar
from efipolicy.source.shape import (
    INVALID,
    Choice,
    Flag,
    JsonSchema,
    ListOf,
    Pattern,
    Reading,
    Shape,
    found_in,
)

if TYPE_CHECKING:
    from efipolicy.plugin import Rule

SEVERITY: Final = Choice("error", "warning", "info", OFF, DECLARED)
FLAG: Final = Flag()


class SettingsError(UsageError):
    """Everything that is wrong with a policy or a configuration, each with its place."""

    def __init__(self, mistakes: Iterable[InputError]) -> None:
        self.problems = tuple(mistakes)
        for problem in self.problems:
            problem.status = ExitStatus.USAGE  # what one states about the linter is no input
        super().__init__("\n".join(map(str, self.problems)))


class FormatVersion(Choice):
    """The version of a format, a number to those who read YAML."""

    def __init__(self) -> None:
        super().__init__("1")

    def json_schema(self) -> JsonSchema:
        """The number, or the text."""
        return {"enum": [1, "1"]}


class NamedBy(Pattern):
    """A name or glob, kept with its place: whether it means something is judged later."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The scalar."""
        text = super().read(node, reading)
        return text if text is INVALID else node


class OneOrMore(ListOf):
    """A list, or its only item on its own."""

    def read(self, node: Node, reading: Reading) -> Any:
        """The items in order."""
        if isinstance(node, Scalar):
            value = self.item.read(node, reading)
            return value if value is INVALID else (value,)
        return super().read(node, reading)

    def json_schema(self) -> JsonSchema:
        """An array, or an item."""
        return {"anyOf": [super().json_schema(), self.item.json_schema()]}


class _Setting(Shape):
    """A severity, or severity, pin and options of the rules that a glob names."""

    phrase = (
        "a severity (error, warning, info, off, declared), "
        "or a mapping of `severity`, `pinned` and options of the rule"
    )

    def read(self, node: Node, reading: Reading) -> Any:
        """The setting, without its glob; options are judged when the rules are known."""
        if isinstance(node, Scalar):
            word: Any = SEVERITY.read(node, reading)
            return word if word is INVALID else Setting("", word)
        if not isinstance(node, Mapping) or not node.entries:
            found = "an empty mapping" if isinstance(node, Mapping) else found_in(node)
            return reading.refuse(node, found, self.phrase)
        options = dict(node.entries)
        word = self._value("severity", SEVERITY, options, reading)
        pinned = self._value("pinned", FLAG, options, reading)
        if word == OFF and pinned is True:
            return reading.refuse(node, "a pin on what is off", "`pinned` with a severity")
        return INVALID if INVALID in (word, pinned) else Setting("", word, pinned, options)

    @staticmethod
    def _value(
        name: str, shape: Shape, options: dict[str, tuple[Scalar, Node]], reading: Reading
    ) -> Any:
        entry = options.pop(name, None)
        return shape.read(entry[1], reading) if entry else None

    def json_schema(self, rule: Rule | None = None) -> JsonSchema:
        """A word or an object; the options are those of the rule, any without one."""
        # YAML 1.1 reads `off` as false.
        severity = {"enum": [*SEVERITY.choices, False]}
        properties: JsonSchema = {
            "severity": {"description": "of the findings", **severity},
            "pinned": {"description": "nobody can silence it", **FLAG.json_schema()},
        }
        schema: JsonSchema = {"type": "object", "minProperties": 1, "properties": properties}
        if rule:
            from efipolicy.plugin.options import shape_of

            for option in rule.options:
                properties[option.name] = {
                    "description": option.doc,
                    **shape_of(option).json_schema(),
                }
            schema["additionalProperties"] = False
        return {"anyOf": [severity, schema]}


SETTING: Final = _Setting()


class RuleSettings(Shape):
    """Settings by globs of rule ids, in the order they are written."""

    phrase = "a mapping from globs of rule ids to severities"

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)

    def read(self, node: Node, reading: Reading) -> Any:
        """The settings, each at the place of its glob."""
        if not isinstance(node, Mapping):
            return reading.refuse(node, found_in(node), self.phrase)
        settings = []
        for glob, (key, value) in node.entries.items():
            setting: Any = SETTING.read(value, reading)
            if setting is not INVALID:
                settings.append(setting._replace(glob=glob, span=key.span))
        return tuple(settings) if len(settings) == len(node.entries) else INVALID

    def json_schema(self) -> JsonSchema:
        """An object; the rules that are known have their own options."""
        schema: JsonSchema = {"type": "object", "additionalProperties": SETTING.json_schema()}
        if self.rules:
            schema["properties"] = {
                rule.id: {"description": rule.summary, **SETTING.json_schema(rule)}
                for rule in self.rules
            }
        return schema
