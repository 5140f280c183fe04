"""What a build writes anew with the same bytes keeps its time, so that nobody copies it again.

Sphinx writes the indices, the inventory and static files in every build, and pages that depend on
something that changed, whatever they then say. A page that is older than its source or than a
template of the theme has to look newer afterwards, or Sphinx would write it in every build.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


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
            self.files = {path: _written(path) for path in _files(Path(app.outdir))}

    def restore(self, app: Sphinx, problem: Exception | None) -> None:
        """Give what holds the same as before the time it had."""
        before, self.files = self.files, {}
        if problem is not None or not before:
            return
        needed = _times_of_sources(app)
        for path, was in before.items():
            if was.time < needed.get(path, 0) or not path.is_file():
                continue
            now = path.stat()
            if now.st_mtime_ns != was.time and _written(path).digest == was.digest:
                os.utime(path, ns=(now.st_atime_ns, was.time))


def _files(out: Path) -> Iterator[Path]:
    """The files of the output but those that Sphinx keeps for itself."""
    for folder, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in files if not name.startswith("."))


def _times_of_sources(app: Sphinx) -> dict[Path, int]:
    """By the file of each page, when its source or a template changed last, in nanoseconds."""
    get_path = getattr(app.builder, "get_output_path", None)  # not every builder has one
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


def _written(path: Path) -> _Written:
    return _Written(path.stat().st_mtime_ns, sha256(path.read_bytes()).digest())


def setup(app: Sphinx) -> None:
    """Look before anything is read, and again when everything is written."""
    before = WrittenBefore()
    app.connect("env-before-read-docs", before.remember)
    app.connect("build-finished", before.restore, priority=900)
