"""The kernel log of the running Linux, from the first place that gives it to this user."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from efipolicy.named_tuple import NamedTuple

MOST_BYTES: Final = 64 << 20
"""A log buffer has at most a few MiB; what is longer is no log of one boot."""

_BANNER: Final = "Linux version "
_JOURNAL: Final = ("journalctl", "-k", "-b", "-o", "short-monotonic", "--no-hostname", "--no-pager")
_COMMANDS: Final = (("dmesg",), _JOURNAL)
_RECORD: Final = re.compile(rb"^[0-7],\d+,(\d+),[^;\n]*;([^\n]*)", re.MULTILINE)
"""A record of the kernel's own: what programs write there has a priority of 8 and more."""

_ESCAPE: Final = re.compile(rb"\\x([0-9a-f]{2})")
_PATIENCE: Final = 20
"""Seconds a command may take."""

Command = Callable[[Sequence[str]], str]
"""Runs a command and returns what it prints. Raises `OSError` with the reason when it cannot."""


class KernelLog(NamedTuple):
    """The text of a log, empty when there is none, and why the places before did not give it."""

    text: str
    reasons: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the start of the boot is in it, where the kernel speaks of the firmware."""
        return _BANNER in self.text


def kernel_log(root: str, command: Command | None) -> KernelLog:
    """The first log that goes back to the start of the boot, else the first there is.

    ``root`` is where the file system begins; without a ``command`` only files are asked.
    """
    reasons: list[str] = []
    partial = ""
    for place, read in _places(root, command):
        try:
            text = read()
        except OSError as problem:
            reasons.append(f"{place}: {reason(problem)}")
            continue
        if _BANNER in text:
            return KernelLog(text, ())
        reasons.append(f"{place}: {'starts too late' if text.strip() else 'empty'}")
        partial = partial or text
    return KernelLog(partial, tuple(reasons))


def _places(root: str, command: Command | None) -> Iterator[tuple[str, Callable[[], str]]]:
    yield "/dev/kmsg", partial(_records, os.path.join(root, "dev/kmsg"))
    yield "/var/log/dmesg", partial(content, os.path.join(root, "var/log/dmesg"))
    if command is not None:
        for words in _COMMANDS:
            yield f"`{words[0]}`", partial(command, words)


def _records(path: str) -> str:
    """The records of /dev/kmsg as `dmesg` prints them (Documentation/ABI/testing/dev-kmsg).

    The device gives one record a read, and would wait for the next one when there are no more.
    """
    device = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        records = b"".join(_chunks(device))
    finally:
        os.close(device)
    return "".join(
        f"[{int(time) // 1_000_000:5d}.{int(time) % 1_000_000:06d}] {_message(words)}\n"
        for time, words in _RECORD.findall(records)
    )


def _chunks(device: int) -> Iterator[bytes]:
    size = 0
    while size < MOST_BYTES:
        try:
            chunk = os.read(device, 8192)
        except BlockingIOError:
            return
        except OSError as problem:
            if problem.errno != errno.EPIPE:  # the record was overwritten meanwhile
                raise
            size += 1
            continue
        if not chunk:
            return
        size += len(chunk)
        yield chunk


def _message(words: bytes) -> str:
    """The words of a record, in which what cannot be printed is escaped."""
    plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), words)
    return plain.decode("utf-8", "replace").replace("\0", " ")


def content(path: str) -> str:
    """The text of a file of the running system. Raises `OSError`."""
    with open(path, "rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")


def reason(problem: OSError) -> str:
    """Why something could not be read, in a few words."""
    if problem.errno == errno.ENOENT:
        return "not there"
    return (problem.strerror or str(problem)).lower()


def run(words: Sequence[str]) -> str:
    """What a command prints. Raises `OSError` when it is not there, fails, or takes too long."""
    import subprocess

    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - only ever one of the commands above
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired as problem:
        raise OSError(errno.ETIMEDOUT, f"took more than {_PATIENCE} seconds") from problem
    if done.returncode:
        told = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        told = told.rpartition(": ")[2] or f"status {done.returncode}"
        raise OSError(errno.EIO, told)
    return done.stdout.decode("utf-8", "replace")
