"""Find the entry points of group ``efipolicy`` in installed metadata.

A scan of ``*.dist-info/entry_points.txt`` along ``sys.path`` takes about a millisecond, a tenth of
what importing `importlib.metadata` costs; that module serves the layouts the scan cannot read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from efipolicy.named_tuple import NamedTuple

GROUP = "efipolicy"
_HEADER = f"[{GROUP}]"
_GROUP_BYTES = _HEADER.encode()
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OWN_DISTRIBUTION = "efipolicy"
_OF_PLUGINS = "efipolicy-"
REMEDY = "install it with `pip install efipolicy`, or `pip install -e .` in a checkout"
TAKEN_NAME = "remove one of the two"


class EntryPoint(NamedTuple):
    """A plugin that some installed distribution offers: its name, its module, and the owner.

    ``problem`` says why the metadata means no module; such an entry point is never imported.
    """

    name: str
    module: str
    distribution: str
    version: str
    problem: str | None = None


@dataclass(slots=True, eq=False)
class Plugin:
    """One plugin: where it came from, and how it fared.

    ``hooks`` are the functions that answer, by the hook's name without ``efipolicy_``. ``load_ms``
    are milliseconds spent to import it and to ask it. ``warnings`` tell what it uses that will go
    away. ``advice`` is what helps where it failed; `remedy` adds how to do without it.
    """

    entry_point: EntryPoint
    status: str = "ok"
    error: str | None = None
    load_ms: float = 0.0
    module: Any = None
    provides: dict[str, list[str]] = field(default_factory=dict)
    hooks: dict[str, Callable[..., Any]] = field(default_factory=dict)
    api_level: int | None = None
    warnings: list[str] = field(default_factory=list)
    advice: str | None = None
    problem: BaseException | None = None

    @property
    def name(self) -> str:
        """The entry point's name."""
        return self.entry_point.name

    @property
    def built_in(self) -> bool:
        """Whether it comes with efipolicy itself."""
        return self.entry_point.distribution == OWN_DISTRIBUTION

    @property
    def owner(self) -> str:
        """The plugin and its distribution, for messages."""
        point = self.entry_point
        return f"plugin `{point.name}` ({point.distribution} {point.version})"

    @property
    def remedy(self) -> str:
        """What to do about a plugin that failed, for the end of a message."""
        advice = self.advice or "repair or remove it"
        if advice == TAKEN_NAME or not _is_plain(self.name):
            return f"{advice}: pip uninstall {self.entry_point.distribution}"
        return f"{advice}, or block it with EFIPOLICY_PLUGINS=-{self.name}"

    def fail(
        self, reason: str, advice: str | None = None, problem: BaseException | None = None
    ) -> None:
        """Note why it cannot be used, and what helps; the first reason stays."""
        if self.status == "ok":
            self.status = "failed"
            self.error = reason
            self.advice = advice
            self.problem = problem


def entry_points(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """The entry points of the group; of a distribution in two folders only the first counts.

    Nothing is imported, and metadata that cannot be understood is told by the entry point's
    ``problem``.
    """
    found: dict[str, list[EntryPoint]] = {}
    for folder in sys.path if paths is None else paths:
        here: dict[str, list[EntryPoint]] = {}
        for distribution, points in _of_folder(folder or "."):
            if distribution in here and distribution != OWN_DISTRIBUTION:
                points = _twice(here[distribution], points, folder)  # noqa: PLW2901
                here[distribution] = points
            here.setdefault(distribution, points)
        found = {**here, **found}
    every = (point for points in found.values() for point in points)
    return sorted(every, key=lambda point: point[:4])


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
        # A name that begins with ~ is what pip leaves of a distribution it could not remove.
        if not dot or kind not in ("dist-info", "egg-info") or base.startswith("~"):
            continue
        name, _, version = base.partition("-")
        points: list[EntryPoint] = []
        try:
            with open(os.path.join(folder, entry, "entry_points.txt"), "rb", buffering=0) as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        except OSError as problem:
            data = b""
            if _normalised(name).startswith(_OF_PLUGINS):
                points = [_unreadable(_normalised(name), version, problem)]
        if _GROUP_BYTES in data or data[:2] in _UTF_16_MARKS:
            points = _of_data(data, name, version.partition("-")[0])
        yield _normalised(name), points


def _of_data(data: bytes, distribution: str, version: str) -> list[EntryPoint]:
    """The entry points of a file's bytes, which are to be UTF-8; a byte order mark does no harm."""
    utf_16 = data[:2] in _UTF_16_MARKS
    # The codec utf-8-sig would be one more module to import at every start.
    stated = data if utf_16 else data.removeprefix(b"\xef\xbb\xbf")
    text = stated.decode("utf-16" if utf_16 else "utf-8", "replace")
    points = _points(text, distribution, version)
    if utf_16:
        return [_broken(point, "its entry_points.txt is UTF-16, not UTF-8") for point in points]
    return [
        _broken(point, "its entry_points.txt is not UTF-8")
        if "\N{REPLACEMENT CHARACTER}" in point.name + point.module
        else point
        for point in points
    ]


def _broken(point: EntryPoint, problem: str) -> EntryPoint:
    return point._replace(problem=problem)


def _unreadable(distribution: str, version: str, problem: OSError) -> EntryPoint:
    """What stands for the entry points of a distribution that is a plugin's by its name."""
    name = distribution.removeprefix(_OF_PLUGINS)
    reason = (problem.strerror or str(problem)).lower()
    said = f"its entry_points.txt cannot be read: {reason}"
    return EntryPoint(name, "", distribution, _shown(version), said)


def _twice(one: list[EntryPoint], other: list[EntryPoint], folder: str) -> list[EntryPoint]:
    """The entry points of a distribution that one folder has twice; nobody knows which is there."""
    if one == other:
        return one
    points = {point.name: point for point in (*one, *other)}
    said = f"its distribution is installed twice in {folder}"
    return [_broken(point, said) for point in points.values()]


def _of_archive(path: str) -> Iterator[tuple[str, list[EntryPoint]]]:
    """Distributions inside a zip file on ``sys.path``; one that is no zip file holds none."""
    if not os.path.isfile(path):
        return
    from importlib.metadata import distributions
    from zipfile import is_zipfile

    if not is_zipfile(path):
        return
    for distribution in distributions(path=[path]):
        text = distribution.read_text("entry_points.txt") or ""
        if _HEADER in text:
            stated = {key: distribution.metadata[key] for key in distribution.metadata}
            name = stated.get("Name", os.path.basename(path))
            yield _normalised(name), _points(text, name, stated.get("Version", ""))


def _normalised(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()


def _points(text: str, distribution: str, version: str) -> list[EntryPoint]:
    owner = _shown(_normalised(distribution))
    points = []
    inside = False
    # Not splitlines: a control character does not end a line of a file.
    for line in map(str.strip, text.replace("\r", "\n").split("\n")):
        if line.startswith("["):
            inside = line == _HEADER
        elif inside and line and line[0] not in "#;":
            points.append(_point(line, owner, _shown(version) or "without a version"))
    return points


def _shown(text: str) -> str:
    """A text that metadata has, for messages: what a terminal would obey is taken out."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else "?" for one in text)


def _is_plain(name: str) -> bool:
    """Whether a name can be written into EFIPOLICY_PLUGINS: ASCII letters, digits, `-_.`."""
    letters = name.replace("-", "").replace("_", "").replace(".", "")
    return name.isascii() and letters.isalnum() and name[0] not in "-."


def _point(line: str, owner: str, version: str) -> EntryPoint:
    """An entry point from its line, ``name = module``; extras behind the module say nothing."""
    line = _shown(line)
    name, equals, value = map(str.strip, line.partition("="))
    module = value.partition("[")[0].rstrip()
    if not equals or not name or not module:
        said = f"its line `{line}` in entry_points.txt does not read `name = module`"
        return EntryPoint(name or line, module, owner, version, said)
    if not _is_plain(name):
        said = "its name in entry_points.txt is not made of ASCII letters, digits, `-`, `_` and `.`"
        return EntryPoint(name, module, owner, version, said)
    if ":" in module:
        said = (
            f"its entry point `{value}` names an attribute; a plugin of efipolicy is a module: "
            f"write `{name} = {module.partition(':')[0].strip()}`"
        )
        return EntryPoint(name, module, owner, version, said)
    if not all(map(str.isidentifier, module.split("."))):
        said = f"its entry point `{value}` is no name of a module"
        return EntryPoint(name, module, owner, version, said)
    return EntryPoint(name, module, owner, version)
