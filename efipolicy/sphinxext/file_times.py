"""What a build writes anew with the same bytes keeps its time, so that nobody copies it again.

Sphinx writes the indices, the inventory and static files in every build, and pages that depend on
something that changed, whatever they then say. A page that is older than its source or than a
template of the theme has to look newer afterwards, or Sphinx would write it in every build.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from stat import S_ISREG

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from efipolicy.named_tuple import NamedTuple


class _Written(NamedTuple):
    """When a file was written (nanoseconds), and the digest of what it holds."""

    time: int
    digest: bytes


class WrittenBefore:
    """The files that the last build left, for the time of one build."""

    def __init__(self) -> None:
        self.files: dict[Path, _Written] = {}

    def remember(self, app: Sphinx, _env: BuildEnvironment, _docnames: list[str]) -> None:
        """Look at what is there before anything is written."""
        if app.builder.format == "html":
            looked = ((path, _written(path)) for path in _files(Path(app.outdir)))
            self.files = {path: found for path, found in looked if found}

    def restore(self, app: Sphinx, problem: Exception | None) -> None:
        """Give what holds the same as before the time it had."""
        before, self.files = self.files, {}
        if problem is not None or not before:
            return
        needed = _times_of_sources(app)
        for path, was in before.items():
            if was.time < needed.get(path, 0) or _time(path) in (was.time, None):
                continue
            now = _written(path)
            if now and now.digest == was.digest:
                with suppress(OSError):  # somebody else's file, of which only they set the time
                    os.utime(path, ns=(now.time, was.time))


def _files(out: Path) -> Iterator[Path]:
    """The files of the output but those that Sphinx keeps for itself."""
    for folder, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if not name.startswith("."))


def _times_of_sources(app: Sphinx) -> dict[Path, int]:
    """By the file of each page, when its source or a template changed last, in nanoseconds."""
    # Sphinx 8.1 has the second alone, and not every builder has either.
    get_path = getattr(app.builder, "get_output_path", None)
    get_path = get_path or getattr(app.builder, "get_outfilename", None)
    templates = getattr(app.builder, "templates", None)
    oldest = int(templates.newest_template_mtime() * 10**9) if templates else 0
    times: dict[Path, int] = {}
    if get_path is None:
        return times
    for name in app.env.found_docs:
        source = Path(app.env.doc2path(name))
        changed = source.stat().st_mtime_ns if source.is_file() else 0
        times[Path(get_path(name))] = max(changed, oldest)
    return times


def _time(path: Path) -> int | None:
    """When a file was written, in nanoseconds; ``None`` for what is none."""
    with suppress(OSError):
        found = path.stat()
        if S_ISREG(found.st_mode):
            return found.st_mtime_ns
    return None


def _written(path: Path) -> _Written | None:
    """A file as it is; ``None`` for what is none, such as a link to nowhere, or is not for us."""
    time = _time(path)
    if time is None:
        return None
    try:
        with path.open("rb") as file:
            return _Written(time, file_digest(file, "sha256").digest())
    except OSError:
        return None


def setup(app: Sphinx) -> None:
    """Look before anything is read, and again when everything is written."""
    before = WrittenBefore()
    app.connect("env-before-read-docs", before.remember)
    app.connect("build-finished", before.restore, priority=900)
