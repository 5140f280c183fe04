"""What a site about many platforms costs: its time, its size, and what a second build does.

The time is the processor time of a whole process and its children, as a ratio to plain Sphinx with
the same theme over pages of the same text in the same run: the machine may be as noisy as it
likes. Run it with ``tox run -e bench-docs``; ``--platforms N`` is a quick look, whose fixed costs
(the start of a process, pages about rules and strategies) weigh more than they do with 100. It
ends with status 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

DESCRIPTORS: Final = 60
RATIO: Final = 1.5
"""Of our processor time to that of plain Sphinx."""

MEGABYTES: Final = 40
"""Of a site of 100 platforms; of fewer the pages that every site has are the larger part."""

ABOVE_4_GIB: Final = -2
"""The place of the memory above 4 GiB in a map."""

CONF: Final = 'html_theme = "furo"\nhtml_copy_source = False\n'

ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "1767225600",
}

Row = tuple[str, int, int, str]
"""Type, start, pages and attribute of a descriptor."""


def server_map(number: int) -> list[Row]:
    """The memory map of one server of many: 60 descriptors, 12 of them runtime.

    As firmware hands it over on x86_64: small memory below 1 MiB, boot services and their heap
    below the top of low memory, runtime regions there, MMIO, and what is above 4 GiB.
    """
    chance = random.Random(number)  # the same map each time
    cached = "UC, WC, WT, WB"
    rows: list[Row] = [
        ("EfiBootServicesCode", 0, 1, cached),
        ("EfiConventionalMemory", 0x1000, 0x9F, cached),
        ("EfiConventionalMemory", 0x10_0000, 0xF00, cached),
    ]
    at = 0x100_0000
    boot = ("EfiBootServicesData", "EfiConventionalMemory", "EfiBootServicesCode", "EfiLoaderData")
    for place in range(DESCRIPTORS - 23):
        pages = chance.choice((1, 4, 0x20, 0x93, 0x700, 0x2000))
        rows.append((boot[place % 3 if place % 5 else 3], at, pages, cached))
        at += pages << 12
    quiet = ("EfiACPIReclaimMemory", "EfiACPIMemoryNVS", "EfiReservedMemoryType")
    for kind in (*quiet, "EfiBootServicesData"):
        pages = chance.randrange(8, 0x400)
        rows.append((kind, at, pages, cached))
        at += pages << 12
    for place in range(10):
        kind = "EfiRuntimeServicesCode" if place % 2 else "EfiRuntimeServicesData"
        pages = chance.randrange(16, 0x200)
        rows.append((kind, at, pages, f"RUNTIME, {cached}"))
        at += pages << 12
    rows += [
        ("EfiConventionalMemory", at, 0x400, cached),
        ("EfiBootServicesData", at + 0x40_0000, 0x80, cached),
        ("EfiMemoryMappedIO", 0xE000_0000, 0x10000, "RUNTIME, UC"),
        ("EfiMemoryMappedIO", 0xFF00_0000, 0x1000, "RUNTIME, UC"),
        ("EfiConventionalMemory", 1 << 32, chance.randrange(1, 64) << 18, cached),
    ]
    rows.append(("EfiReservedMemoryType", 0x80_0000_0000, 0x8000, "UC"))
    return rows


def platform_file(number: int) -> str:
    """A server as a platform file: its map, what protects its runtime memory, and its kernel."""
    rows = server_map(number)
    entries = [
        (kind, start, pages, "RUNTIME, RO" if kind.endswith("Code") else "RUNTIME, XP")
        for kind, start, pages, attribute in rows
        if kind.startswith("EfiRuntime")
    ]
    return (
        "efipolicy: 1\n"
        f"platform: {{name: server-{number:03}, architecture: x86_64, "
        f'title: Server {number:03}, uefi: "2.7"}}\n'
        "memory_map:\n  extent: whole\n  origin: firmware\n  descriptors:\n"
        f"{_listed(rows)}memory_attributes_table:\n  extent: whole\n  entries:\n"
        f"{_listed(entries)}mapping:\n  - strategy: x86-topdown\n    os: linux\n"
    )


def _listed(rows: Sequence[Row]) -> str:
    return "".join(
        f"    - {{type: {kind}, physical_start: {start:#x}, pages: {pages:#x}, "
        f"attribute: [{attribute}]}}\n"
        for kind, start, pages, attribute in rows
    )


def write_platforms(folder: Path, number: int) -> Path:
    """A folder with so many platform files."""
    folder.mkdir()
    for one in range(number):
        (folder / f"server-{one:03}.yaml").write_text(platform_file(one), encoding="utf-8")
    return folder


class Prose(HTMLParser):
    """The text of the article of a page as plain paragraphs, titles and tables.

    Words in pictures are left out: plain Sphinx would have no picture.
    """

    _SILENT: Final = ("svg", "script", "style", "nav")
    _BLOCKS: Final = ("p", "li", "dt", "summary", "caption")
    _TITLES: Final = {"h1": "=", "h2": "-", "h3": "~"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._silent = 0
        self._inside = False
        self._words: list[str] = []
        self._rows: list[list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Start a block, a table, or what is not text."""
        self._inside |= tag == "article"
        self._silent += tag in self._SILENT
        if tag == "table":
            self._flush()
            self._rows = []
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif self._rows is None and tag in (*self._BLOCKS, *self._TITLES, "pre"):
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        """End a block, a cell or a table."""
        self._silent -= tag in self._SILENT
        if tag in ("td", "th") and self._rows:
            self._rows[-1].append(self._taken())
        elif tag == "table":
            self._table()
        elif tag == "pre":
            self._listing()
        elif tag in self._TITLES:
            title = self._taken()
            self.lines += [title, self._TITLES[tag] * len(title), ""]
        elif tag == "article" or (tag in self._BLOCKS and self._rows is None):
            self._flush()
        self._inside &= tag != "article"

    def handle_data(self, data: str) -> None:
        """Keep words of the article."""
        if self._inside and not self._silent:
            self._words.append(data)

    def _taken(self) -> str:
        text = " ".join("".join(self._words).replace("\N{PILCROW SIGN}", "").split())
        self._words = []
        return re.sub(r"([\\`*_|:])", r"\\\1", text)

    def _flush(self) -> None:
        text = self._taken()
        if text:
            self.lines += [f"\\ {text}", ""]

    def _listing(self) -> None:
        lines = "".join(self._words).splitlines()
        self._words = []
        self.lines += [".. code-block:: text", "", *(f"   {line}" for line in lines), ""]

    def _table(self) -> None:
        rows, self._rows, self._words = self._rows or [], None, []
        width = max(map(len, rows), default=0)
        if width:
            self.lines += [".. list-table::", "   :header-rows: 1", ""]
        for row in rows:
            cells = [f"- {cell}".rstrip() for cell in [*row, *[""] * (width - len(row))]]
            self.lines += [f"   * {cells[0]}", *(f"     {cell}" for cell in cells[1:])]
        self.lines.append("")


def pages_of(site: Path) -> list[str]:
    """The names of the pages of a site that somebody wrote, without those Sphinx makes."""
    names = [page.relative_to(site).with_suffix("").as_posix() for page in site.rglob("*.html")]
    made = {"genindex", "search"}
    return sorted(name for name in names if name not in made and name[0] not in "_.")


def write_peer(site: Path, folder: Path) -> Path:
    """A project of plain Sphinx with a page of the same text for each page of a site.

    No page is in a table of contents, as on the site: one of all pages beside each would cost more.
    """
    for name in pages_of(site):
        prose = Prose()
        prose.feed((site / f"{name}.html").read_text(encoding="utf-8"))
        path = folder / f"{name}.rst"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([":orphan:", "", *prose.lines, ""]), encoding="utf-8")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    return folder


def measure(command: Sequence[str]) -> float:
    """Run a command once: the processor seconds it and its children took.

    Raises `RuntimeError` with what it said when it fails.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {said.read().decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


class Site:
    """A site that is built of a folder of platforms, and the peer of it."""

    def __init__(self, folder: Path, number: int) -> None:
        self.platforms = write_platforms(folder / "platforms", number)
        self.folder, self.target = folder, folder / "site"

    def build(self) -> float:
        """Build what is out of date; processor seconds."""
        tool = str(Path(sys.executable).with_name("efipolicy"))
        return measure([tool, "docs", str(self.platforms), "-o", str(self.target), "--jobs", "1"])

    def build_anew(self) -> float:
        """Build all of it; processor seconds."""
        shutil.rmtree(self.target, ignore_errors=True)
        return self.build()

    def build_peer(self) -> float:
        """Build pages of the same text with plain Sphinx; processor seconds."""
        source, made = self.folder / "source", self.folder / "made"
        for old in (source, made):
            shutil.rmtree(old, ignore_errors=True)
        write_peer(self.target, source)
        arguments = ["-q", "-j", "1", "-b", "html", str(source), str(made)]
        return measure([sys.executable, "-m", "sphinx", *arguments])

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file a reader may get: when it was written, and its size."""
        found = {}
        for path in sorted(self.target.rglob("*")):
            name = path.relative_to(self.target).as_posix()
            if path.is_file() and not name.startswith(".efipolicy/"):
                status = path.stat()
                found[name] = (status.st_mtime_ns, status.st_size)
        return found

    def written_by(self, change: Callable[[], None]) -> set[str]:
        """The pages and pictures that a build writes after a change."""
        before = self.files()
        change()
        self.build()
        after = self.files()
        written = {name for name in after if before.get(name) != after[name]}
        return {name for name in written | (before.keys() - after.keys()) if _is_page(name)}

    def change_one(self) -> None:
        """Let the memory above 4 GiB of the first platform be a page larger."""
        path = self.platforms / "server-000.yaml"
        text = path.read_text(encoding="utf-8")
        number = server_map(0)[ABOVE_4_GIB][2]
        path.write_text(text.replace(f"pages: {number:#x},", f"pages: {number + 1:#x},", 1))


def _is_page(name: str) -> bool:
    return name.endswith((".html", ".svg"))


def _of_all(name: str) -> bool:
    """Whether a page tells of all platforms, as an index does."""
    return not name.startswith(("platforms/server-", "_images/", "rules/", "strategies/"))


def judged(name: str, figure: str, target: str, *, missed: bool) -> int:
    """Print a line of the table; 1 when the target is missed."""
    print(f"{name:<44}{figure:>14}{target:>14}{'  missed' if missed else ''}", flush=True)
    return int(missed)


def measured(site: Site, platforms: int, rounds: int) -> int:
    """Build, measure, print; how many targets are missed."""
    pairs = [(site.build_anew(), site.build_peer()) for _ in range(rounds)]
    ours, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    size = sum(size for _, size in site.files().values()) / 1e6
    allowed = f"{MEGABYTES} MB" if platforms >= 100 else "not judged"
    print(f"{platforms} platforms of {DESCRIPTORS} descriptors: {ours:.1f} s, peer {peer:.1f} s")
    missed = judged(
        "time, plain Sphinx with furo = 1", f"{ratio:.2f}", f"{RATIO}", missed=ratio > RATIO
    )
    too_large = platforms >= 100 and size > MEGABYTES
    missed += judged("size", f"{size:.1f} MB", allowed, missed=too_large)
    again = site.written_by(lambda: None)
    missed += judged("written when nothing changed", f"{len(again)}", "0", missed=bool(again))
    written = site.written_by(site.change_one)
    mine = {name for name in written if "server-000" in name}
    others = {name for name in written - mine if not _of_all(name)}
    missed += judged("pages of a platform that changed", f"{len(mine)}", "some", missed=not mine)
    missed += judged("pages of others written then", f"{len(others)}", "0", missed=bool(others))
    return missed


def main() -> int:
    """Measure, print a table, and tell whether every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platforms", type=int, default=100, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="builds of each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "warm").mkdir()
        Site(folder / "warm", 1).build()  # compiles what is not compiled yet
        return (
            1 if measured(Site(folder, options.platforms), options.platforms, options.rounds) else 0
        )


if __name__ == "__main__":
    sys.exit(main())
