"""A folder of files and efipolicy run in it, in this process, with its answers as values."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import indent
from typing import Any, cast

from efipolicy.named_tuple import NamedTuple

QUIET_ENVIRONMENT: Mapping[str, str | None] = {
    "FORCE_COLOR": None,
    "NO_COLOR": None,
    "EFIPOLICY_PLUGINS": None,
    "SOURCE_DATE_EPOCH": "1798761600",
}
"""The environment in which a run says the same on every machine, ``None`` for what is not set.

The day is 2027-01-01, on which the examples of rules are looked at.
"""


class FoundFinding(NamedTuple):
    """One finding as the JSON report has it; ``data`` is all of it.

    ``line`` counts from 1, and is ``None`` for a finding without a place in a text.
    """

    rule: str
    severity: str
    message: str
    path: str
    line: int | None
    requirements: tuple[str, ...]
    accepted: bool
    data: Mapping[str, Any]

    def __repr__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        accepted = " (accepted)" if self.accepted else ""
        return f"<{self.severity} {self.rule} at {place}: {self.message}{accepted}>"


class Outcome(NamedTuple):
    """What a run came to: its arguments, exit status and what it printed, decoded as UTF-8."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    def __repr__(self) -> str:
        streams = [
            f"{name}:\n{indent(text.rstrip(), '    ')}"
            for name, text in (("stdout", self.out), ("stderr", self.err))
            if text.strip()
        ]
        command = " ".join(("efipolicy", *self.arguments))
        return "\n".join((f"<`{command}` ended with status {self.status}", *streams)) + ">"

    @property
    def json(self) -> Any:
        """What it printed, parsed. Raises `AssertionError` with all of it where it is no JSON."""
        try:
            return json.loads(self.out)
        except ValueError as problem:
            raise AssertionError(f"no JSON ({problem}): {self!r}") from None

    @property
    def findings(self) -> tuple[FoundFinding, ...]:
        """The findings of a JSON report, in its order. Raises `AssertionError` as `json` does."""
        report = self.json
        if not isinstance(report, dict) or "findings" not in report:
            raise AssertionError(f"no report of findings: {self!r}")
        return tuple(map(_finding, report["findings"]))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rule of each finding, in the order of the report."""
        return tuple(finding.rule for finding in self.findings)

    @property
    def not_checked(self) -> dict[str, str]:
        """The rules that a JSON report says could not be checked, with what they need."""
        inputs = self.json.get("inputs", ())
        return {
            one["rule"]: one["needs"] for item in inputs for one in item["checked"]["not_checked"]
        }


class Workspace:
    """A folder in which files are written and commands are run.

    A command runs in this process, with the folder as its working directory and the caller's
    environment; a debugger stops in what it calls.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        names = ", ".join(path.relative_to(self.folder).as_posix() for path in files)
        return f"<Workspace {self.folder}: {names or 'empty'}>"

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file, with the folders it is in, and return its path. Text is UTF-8.

        Text keeps its line ends. Raises `ValueError` for a name outside the folder.
        """
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"`{name}` lies outside {self.folder}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def read(self, name: str) -> str:
        """The text of a file. Raises `OSError` where there is none."""
        return (self.folder / name).read_bytes().decode()

    def run(self, *arguments: str | os.PathLike[str] | int, stdin: str | bytes = b"") -> Outcome:
        """Run ``efipolicy`` with these arguments; ``stdin`` is what ``-`` reads.

        A failure inside is an exit status, as on a command line. Raises `LookupError` where the
        command is not installed.
        """
        words = tuple(
            str(os.fspath(one)) if not isinstance(one, int) else str(one) for one in arguments
        )
        main = _command()
        given = stdin.encode() if isinstance(stdin, str) else stdin
        with _streams(given) as (out, err), _working_in(self.folder):
            try:
                status = main(list(words))
            except SystemExit as leaving:
                status = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
        return Outcome(words, status, _text(out), _text(err))

    def lint(self, *arguments: str | os.PathLike[str] | int, stdin: str | bytes = b"") -> Outcome:
        """Run ``efipolicy lint`` with its report as JSON, so that `Outcome.findings` has values."""
        return self.run("lint", "--format", "json", *arguments, stdin=stdin)


def _finding(data: Mapping[str, Any]) -> FoundFinding:
    return FoundFinding(
        rule=data["rule"],
        severity=data["severity"],
        message=data["message"],
        path=data["path"],
        line=data.get("line"),
        requirements=tuple(data.get("requirements", ())),
        accepted=data.get("accepted") is not None,
        data=data,
    )


@cache
def _command() -> Callable[[list[str]], int]:
    """The installed command ``efipolicy``: what its users call, by the way they find it."""
    for point in entry_points(group="console_scripts", name="efipolicy"):
        return cast("Callable[[list[str]], int]", point.load())
    raise LookupError("the command efipolicy is not installed; `pip install efipolicy` does that")


@contextmanager
def _streams(stdin: bytes) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """Standard streams of bytes in memory: no terminal, no width, UTF-8."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin), "utf-8"), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return cast("io.BytesIO", stream.buffer).getvalue().decode()
