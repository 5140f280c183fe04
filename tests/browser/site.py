"""A site to look at: its sources, how it is built, and what it is made of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from tests.drawing.maps import crowd

PROJECT = Path(__file__).parent / "project"
CROWD = crowd(500)
INLINE = re.compile(r'<svg [^>]*class="ep-fig".*?</svg>\n', re.DOTALL)


def crowd_file() -> str:
    """The map of 500 descriptors as a platform file."""
    lines = [
        "efipolicy: 1",
        "platform: {name: crowd, architecture: x86_64, title: Five hundred descriptors}",
        "memory_map:",
        "  descriptors:",
    ]
    for row in CROWD.descriptors:
        values = (
            f"type: {row.type}, physical_start: {row.physical_start:#x}",
            f"pages: {row.number_of_pages}, attribute: {row.attribute:#x}",
        )
        lines.append(f"    - {{{', '.join(values)}}}")
    return "\n".join(lines) + "\n"


def write_sources(folder: Path, *, drop: tuple[str, ...] = ()) -> Path:
    """Copy the project; without the lines of its configuration that have a word of ``drop``."""
    shutil.copytree(PROJECT, folder)
    (folder / "crowd.yaml").write_text(crowd_file(), encoding="utf-8")
    if drop:
        conf = (folder / "conf.py").read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in conf if not any(word in line for word in drop)]
        (folder / "conf.py").write_text("".join(kept), encoding="utf-8")
    return folder


def build(source: Path, target: Path, *, seed: str = "0") -> str:
    """Build HTML in a process of its own; what it said. Raises when it could not."""
    command = [sys.executable, "-m", "sphinx", "-q", "-j", "2", "-b", "html"]
    done = subprocess.run(
        [
            *command,
            "-d",
            str(target.with_name(f"{target.name}-doctrees")),
            str(source),
            str(target),
        ],
        env={**os.environ, "PYTHONHASHSEED": seed, "SOURCE_DATE_EPOCH": "1767225600"},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.stdout


class Link(NamedTuple):
    """A link of a page: where it is, and where it leads."""

    page: Path
    href: str


class _Reader(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "href" and value is not None and tag == "a":
                self.hrefs.append(value)
            elif name == "id" and value is not None:
                self.ids.append(value)


class Site:
    """What was built."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def uri(self, page: str) -> str:
        """Where a browser finds a page."""
        return (self.folder / page).as_uri()

    @cached_property
    def pages(self) -> list[Path]:
        """Every page, in the order of its path."""
        return sorted(self.folder.rglob("*.html"))

    @cached_property
    def pages_with_pictures(self) -> list[Path]:
        """Those that show one picture or more."""
        return [page for page in self.pages if INLINE.search(page.read_text(encoding="utf-8"))]

    @cached_property
    def files(self) -> list[Path]:
        """Every picture that is a file of its own."""
        return sorted((self.folder / "_images").glob("*.svg"))

    @cached_property
    def inline(self) -> list[tuple[Path, str]]:
        """Every picture of every page, as the page has it."""
        return [
            (page, picture)
            for page in self.pages_with_pictures
            for picture in INLINE.findall(page.read_text(encoding="utf-8"))
        ]

    @staticmethod
    @cache
    def read(page: Path) -> _Reader:
        """Links and anchors of a page or of a picture."""
        reader = _Reader()
        reader.feed(page.read_text(encoding="utf-8"))
        return reader
