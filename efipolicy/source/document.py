"""YAML documents as nodes that know their place.

One loop over the events of the C parser builds the tree; scalars stay strings, because what a
scalar means is for the reader of a format to say. What YAML allows and our formats do not
(anchors, aliases, tags, merge keys, several documents, duplicate keys) is reported with its
position, all of it in one run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from efipolicy.source.text import InputError, SourceSpan, SourceText


class Scalar:
    """A scalar: its text after unquoting, and whether it was written plain."""

    __slots__ = ("end", "plain", "source", "start", "text")
    kind = "a value"

    def __init__(self, source: SourceText, start: int, end: int, text: str, plain: bool) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.text = text
        self.plain = plain

    @property
    def span(self) -> SourceSpan:
        """Where the scalar stands, quotes included."""
        return SourceSpan(self.source, self.start, self.end)

    def span_of(self, field: str) -> SourceSpan | None:
        """A scalar has no fields."""
        return None


class Sequence:
    """A list of nodes."""

    __slots__ = ("end", "items", "source", "start")
    kind = "a list"

    def __init__(self, source: SourceText, start: int) -> None:
        self.source = source
        self.start = start
        self.end = start
        self.items: list[Node] = []

    @property
    def span(self) -> SourceSpan:
        """From the first item to the end of the last, brackets included."""
        return SourceSpan(self.source, self.start, self.end)

    def span_of(self, field: str) -> SourceSpan | None:
        """A list has no fields."""
        return None


class Mapping:
    """A mapping, its keys in the order they were written."""

    __slots__ = ("end", "entries", "source", "start")
    kind = "a mapping"

    def __init__(self, source: SourceText, start: int) -> None:
        self.source = source
        self.start = start
        self.end = start
        self.entries: dict[str, tuple[Scalar, Node]] = {}

    @property
    def span(self) -> SourceSpan:
        """From the first key to the end of the last value, braces included."""
        return SourceSpan(self.source, self.start, self.end)

    def span_of(self, field: str) -> SourceSpan | None:
        """Where the value of a key stands, or ``None`` without such a key."""
        entry = self.entries.get(field)
        return entry[1].span if entry else None


Node: TypeAlias = Scalar | Sequence | Mapping


def parse(source: SourceText) -> tuple[Node | None, list[InputError]]:
    """The document in a text, and everything that is wrong with it as YAML.

    The node is ``None`` for an empty document. A syntax error ends the reading; the other errors
    do not, and all of them are returned.
    """
    return _TreeBuilder(source).build()


class _TreeBuilder:
    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.errors: list[InputError] = []
        self.root: Node | None = None
        self.open: list[Sequence | Mapping] = []
        self.keys: list[Scalar | None] = []  # for each open node, the key that awaits its value
        self.documents = 0

    def refuse(self, start: int, end: int, found: str, expected: str) -> None:
        self.errors.append(InputError.at(self.source.span(start, end), found, expected))

    def build(self) -> tuple[Node | None, list[InputError]]:
        # The import costs more than reading a small file.
        from ruamel.yaml import error, events

        from efipolicy.source.yaml_parser import parser_for

        handlers: dict[type, Callable[[Any], None]] = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._start_mapping,
            events.SequenceStartEvent: self._start_sequence,
            events.MappingEndEvent: self._end,
            events.SequenceEndEvent: self._end,
            events.AliasEvent: self._alias,
            events.DocumentStartEvent: self._start_document,
        }
        try:
            next_event = parser_for(self.source.text).get_event
            while (event := next_event()) is not None:
                handle = handlers.get(type(event))
                if handle:
                    handle(event)
                elif type(event) is events.StreamEndEvent:
                    break
        except error.YAMLError as problem:
            self.errors.append(self._syntax_error(problem))
            return None, self.errors
        root = self.root
        if isinstance(root, Scalar) and root.plain and root.text in ("", "~", "null"):
            root = None
        return root, self.errors

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        start, end = event.start_mark.index, event.end_mark.index
        self._place(Scalar(self.source, start, end, event.value, not event.style))

    def _start_mapping(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        self._start(Mapping(self.source, event.start_mark.index))

    def _start_sequence(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        self._start(Sequence(self.source, event.start_mark.index))

    def _start(self, node: Sequence | Mapping) -> None:
        self._place(node)
        self.open.append(node)
        self.keys.append(None)

    def _end(self, event: Any) -> None:
        closed = self.open.pop()
        self.keys.pop()
        # The end mark of a block collection lies beyond blank lines and comments.
        written = event.end_mark.index > event.start_mark.index
        closed.end = event.end_mark.index if written else self._end_of_last(closed)

    def _alias(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        self.refuse(start, end, "an alias", "the value written out")
        self._place(Scalar(self.source, start, end, "", plain=True))

    def _start_document(self, event: Any) -> None:
        self.documents += 1
        start, end = event.start_mark.index, event.end_mark.index
        if self.documents == 2:
            self.refuse(start, end, "a second document", "one document a file")
        if event.version or event.tags:
            expected = "plain YAML 1.2 without directives"
            self.refuse(start, end, "a % directive", expected)

    def _place(self, node: Node) -> None:
        """Put a node where the document has it; a second document is read for its syntax only."""
        if self.documents > 1:
            return
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if type(parent) is Sequence:
            parent.items.append(node)
        elif type(parent) is Mapping:
            key = self.keys[-1]
            if key is None:
                self.keys[-1] = self._key(node)
            else:
                self._enter(parent, key, node)
                self.keys[-1] = None

    @staticmethod
    def _end_of_last(node: Sequence | Mapping) -> int:
        if isinstance(node, Sequence):
            return node.items[-1].end if node.items else node.start
        return max((value.end for _, value in node.entries.values()), default=node.start)

    def _refuse_properties(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None:
            self.refuse(start, end, "an anchor", "a value without one")
        if event.tag is not None:
            self.refuse(start, end, "a tag", "a value without one")

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            if node.plain and node.text == "<<":
                self.refuse(node.start, node.end, "a merge key", "the keys written out")
            return node
        self.refuse(node.start, node.start + 1, f"{node.kind} as a key", "a name")
        return Scalar(self.source, node.start, node.start, "", plain=True)

    def _enter(self, parent: Mapping, key: Scalar, value: Node) -> None:
        earlier = parent.entries.get(key.text)
        if earlier is None:
            parent.entries[key.text] = (key, value)
            return
        line = earlier[0].span.line
        self.refuse(
            key.start, key.end, f"a second `{key.text}`", f"each key once (first on line {line})"
        )

    def _syntax_error(self, problem: object) -> InputError:
        mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
        what = getattr(problem, "problem", None) or getattr(problem, "reason", "not YAML")
        at = min(mark.index if mark else getattr(problem, "position", 0), len(self.source.text))
        span = self.source.span(at, min(at + 1, len(self.source.text)))
        if self.source.text[at : at + 1] == "\t":
            return InputError.at(span, "a tab in the indentation", "blanks")
        return InputError.at(span, f"a YAML syntax error ({what})", "valid YAML 1.2")
