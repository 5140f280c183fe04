"""``efipolicy lint --fix``: change files, all or nothing, or show what would be changed."""

from __future__ import annotations

import argparse
import contextlib
import os
import stat
import sys
from errno import EACCES
from typing import TYPE_CHECKING

from efipolicy.api import ReadInput
from efipolicy.cli import options as cli_options
from efipolicy.cli.running import complain, tell
from efipolicy.errors import ExitStatus, UsageError
from efipolicy.formats.inputs import STDIN
from efipolicy.model.finding import Fixed, InputReport, Report
from efipolicy.source import SourceText

if TYPE_CHECKING:
    from efipolicy.engine.fixing import Relint


def fixer_of(options: argparse.Namespace, *, formats: int) -> Fixing | None:
    """What the command line says about fixing. Raises `UsageError` when it contradicts itself."""
    if not (options.fix or options.diff):
        if options.unsafe:
            raise UsageError("--unsafe says how to fix; add --fix or --diff")
        return None
    if options.diff and formats:
        raise UsageError("--diff prints a unified diff and no report; leave --format out")
    if STDIN in options.paths and len(options.paths) > 1:
        raise UsageError("the standard input is fixed on its own; leave the other paths out")
    return Fixing(
        unsafe=options.unsafe,
        write=not options.diff,
        quiet=options.quiet,
        from_stdin=STDIN in options.paths and not options.diff,
    )


class Fixing:
    """Fixes one input after the other, and remembers what came of it."""

    def __init__(self, *, unsafe: bool, write: bool, quiet: bool, from_stdin: bool) -> None:
        self.unsafe = unsafe
        self.write = write
        self.quiet = quiet
        self.from_stdin = from_stdin
        self.findings = 0
        self.changes: list[tuple[SourceText, SourceText]] = []
        self.printed: SourceText | None = None

    def opened(self, path: str, source: SourceText) -> None:
        """Remember the standard input: whatever becomes of it, it is printed."""
        if path == STDIN:
            self.printed = source

    def __call__(
        self, path: str, read: ReadInput, report: InputReport, relint: Relint
    ) -> InputReport:
        """Fix an input, and write it unless only the difference is wanted.

        Raises `UsageError` for a file that cannot be written.
        """
        fixable = sum(1 for item in report.findings if item.finding.fix and not item.accepted)
        if fixable and read.kind == "platform":
            return self._fix(path, read.source, report, relint)
        if fixable:
            tell(
                f"{read.path}: {_count(fixable, 'finding')} not fixed: a capture is evidence and "
                "stays as it is (import it and fix the platform file)"
            )
        return report

    def _fix(
        self, path: str, source: SourceText, report: InputReport, relint: Relint
    ) -> InputReport:
        from efipolicy.engine.fixing import fix

        outcome = fix(report, relint, unsafe=self.unsafe)
        for refusal in outcome.refusals:
            tell(str(refusal))
        if outcome.text == source.text:
            return outcome.report
        new = source.with_text(outcome.text)
        refused = None if source.lossless else "it holds bytes that are not text"
        if not refused and self.write and path != STDIN and not _replaced(path, source, new):
            refused = "it was changed in the meantime"
        if refused:
            tell(f"{source.path}: not fixed: {refused}")
            return report
        if path == STDIN:
            self.printed = new
        self.findings += outcome.fixed
        self.changes.append((source, new))
        return outcome.report

    @property
    def summary(self) -> Fixed:
        """What was fixed."""
        return Fixed(self.findings, len(self.changes))

    def print_input(self) -> bool:
        """Print the standard input as it is after fixing; whether the report must go elsewhere."""
        if self.from_stdin and self.printed and sys.stdout is not None:
            sys.stdout.flush()
            sys.stdout.buffer.write(self.printed.content)
        return self.from_stdin

    def print_differences(self, report: Report, output: str | None) -> int:
        """Print what would be changed; the exit status."""
        for error in report.errors:
            complain(str(error))
        text = "".join(_difference(old, new) for old, new in self.changes)
        cli_options.write(text, output)
        more = sum(1 for item in report.findings if item.fix and not item.accepted)
        hint = f" ({more} more with --unsafe)" if more and not self.unsafe else ""
        files = _count(len(self.changes), "file")
        would = f"would fix {_count(self.findings, 'finding')} in {files}"
        if not self.quiet:
            tell((would if self.changes else "nothing to fix") + hint)
        status = ExitStatus.FINDINGS if self.changes else ExitStatus.OK
        return int(max([status, *(error.status for error in report.errors)]))


def _difference(old: SourceText, new: SourceText) -> str:
    """A unified diff, its lines ended by LF alone as the files' are."""
    from difflib import unified_diff

    lines = unified_diff(_lines(old.text), _lines(new.text), old.path, old.path)
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _replaced(path: str, old: SourceText, new: SourceText) -> bool:
    """Put new content in the place of old, all or nothing; false if the old is not there any more.

    Raises `UsageError` for a file that cannot be written.
    """
    path = os.path.realpath(path)  # a link stays a link
    if not os.path.isfile(path):
        raise UsageError(f"cannot write {old.path}: it is no file")
    try:
        with open(path, "rb") as file:
            if file.read() != old.content:
                return False
        if not os.access(path, os.W_OK):
            raise PermissionError(EACCES, "permission denied")
        _write(path, new.content)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise UsageError(f"cannot write {old.path}: {reason}") from problem
    return True


def _write(path: str, content: bytes) -> None:
    """Write beside the file and move it there. Owner and mode stay."""
    from tempfile import mkstemp

    before = os.stat(path)
    handle, copy = mkstemp(prefix=".efipolicy-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError, AttributeError):  # only who owns it, or root, may
            os.chown(copy, before.st_uid, before.st_gid)
        os.chmod(copy, stat.S_IMODE(before.st_mode))
        os.replace(copy, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(copy)
        raise


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
