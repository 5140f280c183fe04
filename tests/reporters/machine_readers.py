"""Readers of the formats for continuous integration, as their consumers read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as ET

from jsonschema import Draft202012Validator

SARIF = Draft202012Validator(
    json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text("utf-8")),
    format_checker=Draft202012Validator.FORMAT_CHECKER,
)

GITLAB = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "minLength": 1},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "additionalProperties": {"type": "integer", "minimum": 1},
                        },
                    },
                },
            },
        },
    }
)
"""What GitLab's documentation demands of an entry."""


def sarif_run(text: str) -> Any:
    """The one run of a log that its schema allows."""
    assert text.isascii()
    log = json.loads(text)
    assert [error.message for error in SARIF.iter_errors(log)] == []
    (run,) = log["runs"]
    return run


def shown(message: Any) -> str:
    """The text of a message as a viewer shows it: SARIF 2.1.0, 3.11.5 and 3.11.6."""
    text: str = message["text"]
    assert "{" not in text.replace("{{", "")
    return text.replace("\\](", "](").replace("{{", "{").replace("}}", "}")


def path_of(location: Any) -> bytes:
    """The bytes of the name that a location's URI has."""
    artifact = location["physicalLocation"]["artifactLocation"]
    return unquote_to_bytes(artifact["uri"].removeprefix("file://"))


def cut(text: str, region: Any) -> tuple[int, int]:
    """The offsets of a region in a text whose lines end at LF."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return (
        starts[region["startLine"] - 1] + region["startColumn"] - 1,
        starts[region["endLine"] - 1] + region["endColumn"] - 1,
    )


def gitlab_entries(text: str) -> Any:
    """The entries of a report that GitLab takes, whose fingerprints differ."""
    assert text.isascii()
    entries = json.loads(text)
    assert [error.message for error in GITLAB.iter_errors(entries)] == []
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    return entries


class Command(NamedTuple):
    """A workflow command."""

    name: str
    properties: dict[str, str]
    message: str


def github_commands(text: str) -> list[Command]:
    """The commands in a step's output, as GitHub's runner finds and unescapes them.

    Whatever takes whichever character for the end of a line sees the same lines.
    """
    lines = text.split("\n")
    assert lines == [*text.splitlines(), ""] or not text
    commands = []
    for line in lines[:-1]:
        if not line.lstrip().startswith("::"):
            assert line.startswith("efipolicy: ")
            assert "##[" not in line
            continue
        head, _, data = line[2:].partition("::")
        name, _, listed = head.partition(" ")
        assert name in ("error", "warning", "notice")
        pairs = [one.split("=", 1) for one in listed.split(",")]
        assert len({key for key, _ in pairs}) == len(pairs)
        commands.append(Command(name, {k: unescaped(v, ":,") for k, v in pairs}, unescaped(data)))
    return commands


def unescaped(text: str, more: str = "") -> str:
    """What the runner makes of an escaped text: the percent sign comes last."""
    for character in f"\r\n{more}%":
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def junit_suites(text: str) -> list[ET.Element]:
    """The suites of a report whose counts are true and whose cases are told apart."""
    assert text.isascii()
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    suites = list(root)
    kinds = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for name, tag in kinds.items():
        assert int(root.attrib[name]) == len(list(root.iter(tag)))
        for suite in suites:
            assert int(suite.attrib[name]) == len(list(suite.iter(tag)))
    cases = list(root.iter("testcase"))
    names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
    assert len(set(names)) == len(names)
    assert len({suite.attrib["name"] for suite in suites}) == len(suites)
    for case in cases:
        outcomes = [child.tag for child in case if child.tag != "system-out"]
        assert len(outcomes) <= 1
    return suites
