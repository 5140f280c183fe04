"""The files of a new plugin, from the templates beside this module.

A template is the file it becomes, with ``$name`` and the like for what differs from one plugin to
the next (`string.Template`); its name ends in ``.template``, so that no tool takes it for source of
efipolicy. Equal arguments give equal files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from string import Template

from efipolicy import __version__
from efipolicy.cli.plugin_names import PREFIX, code_of, dialect_of, module_of, title_of
from efipolicy.named_tuple import NamedTuple
from efipolicy.plugin.types import API_LEVEL

_FOLDER = os.path.join(os.path.dirname(__file__), "templates")
_SUFFIX = ".template"
_PACKAGE = "package/"
"""Where the templates have what becomes the package, whose name is not known before."""


class Kind(NamedTuple):
    """What is told of a kind of plugin: in one sentence, as the entry of a changelog, and where.

    ``description`` and ``change`` may hold ``$title`` and ``$name``. ``command`` tries it, and
    ``start`` is the file of the package that an author opens first. ``directive`` shows it in a
    documentation.
    """

    description: str
    change: str
    command: str
    start: str
    directive: str | None = None


class Home(NamedTuple):
    """Where a contribution lives: the distribution, its package, and that package's folder.

    ``folder`` is relative to the distribution's, with ``/``.
    """

    distribution: str
    module: str
    folder: str


KINDS = {
    "architecture": Kind(
        "The architecture of $title",
        "The architecture `$name`: three levels of page tables, pages of 16 KiB and 32 MiB.",
        "efipolicy lint board.yaml",
        "architecture.py",
        ".. efi:architecture:: $name",
    ),
    "strategy": Kind(
        "How $title places the runtime regions of UEFI",
        "The strategy `$name`: runtime regions upwards from `base`.",
        "efipolicy plan board.yaml --strategy $name",
        "strategy.py",
        ".. efi:strategy:: $name",
    ),
    "rules": Kind(
        "What $title asks of a UEFI memory map",
        "The pack `$name`, with the rule `$name/runtime-region-in-low-memory`.",
        "efipolicy lint board.yaml",
        "rules/runtime_region_in_low_memory.py",
        ".. efi:rules:: $name",
    ),
    "format": Kind(
        "Memory maps in the logs of $title",
        "The capture format `$name`.",
        "efipolicy lint board.txt --arch x86_64",
        "log.py",
    ),
    "reporter": Kind(
        "Reports in the format of $title",
        "The report format `$name`: one line a finding.",
        "efipolicy lint board.yaml --format $name",
        "lines.py",
    ),
}
"""What can be made, by the word for it."""


def files_of(kind: str, name: str) -> Iterator[tuple[str, str]]:
    """Each file of a new distribution, its path with ``/`` and its text, in the order of paths.

    ``kind`` is one of `KINDS` and ``name`` a valid one (`efipolicy.cli.plugin_names`).
    """
    home = Home(PREFIX + name, module_of(name), f"src/{module_of(name)}")
    yield from _filled({**_templates("common"), **_templates(kind)}, kind, name, home)


def parts_of(kind: str, name: str, home: Home) -> Iterator[tuple[str, str]]:
    """Each file of a contribution alone, for a distribution that is there: modules and tests."""
    parts = {
        path: template
        for path, template in _templates(kind).items()
        if path.startswith((_PACKAGE, "tests/"))
    }
    yield from _filled(parts, kind, name, home)


def _filled(
    found: dict[str, Template], kind: str, name: str, home: Home
) -> Iterator[tuple[str, str]]:
    words = _words(kind, name, home)
    placed = {
        f"{home.folder}/{path.removeprefix(_PACKAGE)}" if path.startswith(_PACKAGE) else path: one
        for path, one in found.items()
    }
    for path in sorted(placed):
        yield path, placed[path].substitute(words)


def _words(kind: str, name: str, home: Home) -> dict[str, str]:
    """What stands for each placeholder. ``line`` is as long as a heading of the distribution."""
    words = {
        "name": name,
        "distribution": home.distribution,
        "module": home.module,
        "title": title_of(name),
        "code": code_of(name),
        "dialect": dialect_of(name),
        "version": __version__,
        "level": str(API_LEVEL),
        "line": "=" * len(home.distribution),
        "underline": "=" * len(name),
    }
    stated = KINDS[kind]._asdict().items()
    told = {key: Template(text).substitute(words) for key, text in stated if text}
    return words | told


def _templates(folder: str) -> dict[str, Template]:
    """The templates of a folder by the path each file has in a distribution."""
    top = os.path.join(_FOLDER, folder)
    found = {}
    for parent, folders, files in os.walk(top):
        folders.sort()
        for file in files:
            if not file.endswith(_SUFFIX):
                continue
            path = os.path.join(parent, file)
            with open(path, encoding="utf-8") as opened:
                inside = os.path.relpath(path, top).replace(os.sep, "/")
                found[inside.removesuffix(_SUFFIX)] = Template(opened.read())
    return found
