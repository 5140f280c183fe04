"""Find the entry points of group ``efipolicy`` in installed metadata.

A scan of ``*.dist-info/entry_points.txt`` along ``sys.path`` takes about a millisecond, a tenth of
what importing `importlib.metadata` costs; that module serves the layouts the scan cannot read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

GROUP = "efipolicy"
_HEADER = f"[{GROUP}]"


class EntryPoint(NamedTuple):
    """A plugin that some installed distribution offers: its name, its module, and the owner."""

    name: str
    module: str
    distribution: str
    version: str


def entry_points(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """The entry points of the group; of a distribution found twice only the first counts."""
    found: dict[str, list[EntryPoint]] = {}
    for folder in sys.path if paths is None else paths:
        for distribution, points in _of_folder(folder or "."):
            found.setdefault(distribution, points)
    return sorted(point for points in found.values() for point in points)


def _of_folder(folder: str) -> Iterator[tuple[str, list[EntryPoint]]]:
    try:
        entries = os.listdir(folder)
    except NotADirectoryError:
        yield from _of_archive(folder)
        return
    except OSError:
        return
    for entry in sorted(entries):
        base, dot, kind = entry.rpartition(".")
        if not dot or kind not in ("dist-info", "egg-info"):
            continue
        try:
            with open(os.path.join(folder, entry, "entry_points.txt"), encoding="utf-8") as file:
                text = file.read()
        except OSError:
            continue
        if _HEADER in text:
            name, _, version = base.partition("-")
            yield _normalised(name), _points(text, name, version.partition("-")[0])


def _of_archive(path: str) -> Iterator[tuple[str, list[EntryPoint]]]:
    """Distributions inside a zip file on ``sys.path``."""
    if not os.path.isfile(path):
        return
    from importlib.metadata import distributions

    for distribution in distributions(path=[path]):
        text = distribution.read_text("entry_points.txt") or ""
        if _HEADER in text:
            name = distribution.metadata["Name"]
            yield _normalised(name), _points(text, name, distribution.version)


def _normalised(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _points(text: str, distribution: str, version: str) -> list[EntryPoint]:
    points = []
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line == _HEADER
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _, module = line.partition("=")
            points.append(
                EntryPoint(name.strip(), module.strip(), _normalised(distribution), version)
            )
    return points
