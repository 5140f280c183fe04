"""Where something is, in SARIF's words: URIs, regions, locations and changes of a text."""

from __future__ import annotations

import os
import re
from typing import Any, Final

from efipolicy.model.finding import ReportedFix
from efipolicy.reporters.lint_machine import legible
from efipolicy.source import SourceSpan

JsonObject = dict[str, Any]

SOURCE_ROOT: Final = "%SRCROOT%"
"""What relative URIs start from: the name that GitHub's code scanning expects."""


def message(text: str) -> JsonObject:
    """A message that is shown as it is: no placeholder, no link (SARIF 2.1.0, 3.11.5, 3.11.6)."""
    text = legible(text).replace("{", "{{").replace("}", "}}")
    return {"text": text.replace("](", "\\](")}


def uri_of(path: str) -> str:
    """A path as a URI reference: relative as it stands, absolute as ``file:``.

    Bytes of a name that are no text are told as they are, and a colon is never one of a scheme's.
    """
    from urllib.parse import quote

    drive = re.match("[A-Za-z]:/", path)
    if drive:
        return f"file:///{drive[0]}{_quoted(path[3:], quote)}"
    quoted = _quoted(path, quote)
    return f"file://{quoted}" if path.startswith("/") else quoted


def _quoted(path: str, quote: Any) -> str:
    try:
        content = os.fsencode(path)
    except UnicodeEncodeError:  # no name of a file, such as one that --stdin-filename made up
        content = path.encode("utf-8", "backslashreplace")
    quoted: str = quote(content, safe="/")
    return quoted


class Places:
    """The locations of a run; every path in them becomes one of the run's artifacts."""

    def __init__(self) -> None:
        self.artifacts: dict[str, JsonObject] = {}

    def artifact(self, path: str) -> JsonObject:
        """The location of a file, with its place among the artifacts."""
        known = self.artifacts.get(path)
        if known is None:
            known = {**location_of(path), "index": len(self.artifacts)}
            self.artifacts[path] = known
        return known

    def location(self, path: str, span: SourceSpan | None, text: str | None = None) -> JsonObject:
        """A place in a file, the first line of it for what has none: GitHub wants a line."""
        physical = {"artifactLocation": self.artifact(path), "region": region(span)}
        return {"physicalLocation": physical, **({"message": message(text)} if text else {})}

    def fix(self, fix: ReportedFix) -> JsonObject:
        """The changes of a text that a fix consists of, in the order of their places."""
        edits = sorted(fix.edits, key=lambda edit: (edit.start, edit.end))
        replacements = [
            {
                "deletedRegion": region(fix.source.span(edit.start, edit.end)),
                "insertedContent": {"text": edit.replacement},
            }
            for edit in edits
        ]
        change = {"artifactLocation": self.artifact(fix.source.path), "replacements": replacements}
        return {
            "description": message(fix.message),
            "artifactChanges": [change],
            "properties": {"safety": fix.safety},
        }


def location_of(path: str) -> JsonObject:
    """A file as SARIF names it, relative to the working directory where it is below that."""
    outside = path.startswith(("/", "../")) or path == ".." or re.match("[A-Za-z]:/", path)
    return {"uri": uri_of(path)} if outside else {"uri": uri_of(path), "uriBaseId": SOURCE_ROOT}


def region(span: SourceSpan | None) -> JsonObject:
    """Lines and columns from 1, columns in code points; the end column is the one after."""
    if span is None:
        return {"startLine": 1}
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
