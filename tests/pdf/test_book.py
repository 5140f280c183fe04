"""Paper: every picture is there, can be read, selected and copied, and nothing leaves the page."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from efipolicy.sphinxext import picture_conversion
from efipolicy.sphinxext.picture_conversion import convert, printed
from tests.conftest import PLATFORMS
from tests.pdf.books import (
    ADDRESS,
    CAPTION,
    Book,
    Dot,
    Raster,
    book_of,
    efipolicy,
    rasters_of,
    text_of,
)

ITANIUM = PLATFORMS / "hp-rx8620-ia64.yaml"
RUNTIME_CODE = (0x1D, 0x66, 0xB0)
_TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


def test_nothing_is_warned_of(book: Book) -> None:
    assert book.warnings == ""
    assert "Missing character" not in book.log
    assert "undefined references" not in book.log


def test_no_line_leaves_the_page(book: Book) -> None:
    wide = [
        float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide", book.log)
    ]
    # Padding of a cell is counted by LaTeX; the margin is 72 points.
    assert [width for width in wide if width > 12] == []


def test_the_book_has_every_figure_that_the_documents_have(book: Book) -> None:
    assert len(book.figures) > 30
    assert sorted(book.page_of) == list(range(1, len(book.figures) + 1))


def test_every_figure_is_on_a_page_of_its_addresses_which_can_be_copied(book: Book) -> None:
    tex = next(path for path in book.path.parent.glob("*.tex") if path.stem == book.path.stem)
    order = re.findall(r"includegraphics\[[^]]*\]\{\{(efi-\w+)\}", tex.read_text(encoding="utf-8"))
    known = {name_of(svg): svg for svg in book.figures}
    assert len(order) == len(book.figures)
    for number, name in enumerate(order, 1):
        texts = [re.sub(r"\s+", " ", text) for text in _TEXT.findall(known[name])]
        addresses = [text for text in texts if ADDRESS.fullmatch(text)]
        wanted = set(addresses) or {text for text in texts if text.isalnum()}
        page = book.page_of[number]
        found = {text for text in wanted if text in page}
        assert wanted, name
        assert len(found) == len(wanted), (number, wanted - found)


def name_of(svg: str) -> str:
    return picture_conversion.file_name(printed(svg)).removesuffix(".pdf")


def black_square(raster: Raster, side: int) -> bool:
    """Whether anything on a page is black over a square of that many dots."""
    lines: dict[int, int] = {}
    run = re.compile(rb"(?:[\x00-\x27]{3}){%d,}" % side)
    for y in range(raster.height):
        line = raster.line(y)
        black = {
            x
            for match in run.finditer(line)
            for x in range(-(-match.start() // 3), match.end() // 3)
        }
        lines = {x: lines.get(x, 0) + 1 for x in black}
        tall = "".join("x" if lines.get(x, 0) >= side else " " for x in range(raster.width))
        if black and "x" * side in tall:
            return True
    return False


def test_nothing_is_a_black_box(rasters: list[Raster]) -> None:
    assert [number for number, page in enumerate(rasters, 1) if black_square(page, 10)] == []


def test_a_black_box_would_be_seen() -> None:
    white, black = b"\xff" * 30, b"\xff" * 9 + b"\0" * 21
    assert black_square(Raster(10, 10, white * 3 + black * 7), 7)
    assert not black_square(Raster(10, 10, white * 3 + black * 7), 8)


def alternations(line: list[Dot], fill: Dot) -> int:
    """How often a line of dots goes between a colour and a much lighter one, without a rest."""
    most = count = 0
    kinds = [_kind(dot, fill) for dot in line]
    for one, other in pairwise(kinds):
        count = 0 if other is None else count + (one is not None and one != other)
        most = max(most, count)
    return most


def _kind(dot: Dot, fill: Dot) -> bool | None:
    """Whether a dot is the colour, ``None`` for what is neither that nor lighter in its hue."""
    far = max(abs(one - other) for one, other in zip(dot, fill, strict=True))
    if far < 25:
        return True
    return False if dot[0] < dot[1] < dot[2] and fill[0] + 30 < dot[0] < 225 else None


def hatched(page: Raster) -> bool:
    blue = bytes(RUNTIME_CODE)
    lines = (page.row(y) for y in range(page.height) if blue in page.line(y))
    return any(alternations(line, RUNTIME_CODE) > 8 for line in lines)


def test_runtime_code_is_hatched(book: Book) -> None:
    shown = ("Memory map of", "Mapping of")
    numbers = [
        number
        for number, page in enumerate(book.pages, 1)
        if "RT Code" in page and any(f": {word}" in page for word in shown)
    ]
    assert len(numbers) > 4
    plain = [number for number in numbers if not hatched(book.rasters(150, number)[0])]
    assert plain == []


def test_a_map_too_tall_for_a_page_is_cut_into_figures(book: Book) -> None:
    parts = re.findall(r"Memory map of Five hundred descriptors, part (\d) of (\d)", text(book))
    assert len(parts) >= 2
    assert {int(number) for number, _ in parts} == set(range(1, int(parts[0][1]) + 1))


def text(book: Book) -> str:
    return re.sub(r"\s+", " ", "\n".join(book.pages))


@pytest.mark.parametrize("converter", ["rsvg-convert", "cairosvg"])
def test_a_picture_is_the_same_by_either_converter(book, tmp_path, monkeypatch, converter) -> None:
    monkeypatch.setattr(picture_conversion, "converter", lambda: converter)
    (svg,) = [svg for svg in book.figures if "Memory map · HP Integrity" in svg][:1]
    path = tmp_path / "picture.pdf"
    assert convert(printed(svg), path, "a picture")
    (page,) = rasters_of(path, 96)
    assert (page.width, page.height // 10) == (
        760,
        int(float(re.search(r'height="([\d.]+)"', svg)[1])) // 10,
    )
    assert not black_square(page, 12)
    assert hatched(page)
    told = text_of(path)
    wanted = {found for found in _TEXT.findall(svg) if ADDRESS.fullmatch(found)}
    assert wanted
    assert {address for address in wanted if address not in told} == set()


def test_a_project_with_the_settings_of_sphinx_becomes_a_pdf(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["efipolicy.sphinxext"]\nproject = "acme"\n')
    (source / "index.rst").write_text("Acme\n====\n\n.. efi:platform:: hp-rx8620-ia64.yaml\n")
    shutil.copy(ITANIUM, source)
    made = book_of(source, tmp_path / "build")
    assert "≈" in text(made)
    captions = [number for page in made.pages for number in CAPTION.findall(page)]
    assert len(captions) == len(made.figures) > 3


def test_docs_writes_a_pdf_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(
        ITANIUM.read_text(encoding="utf-8")
        .replace("name: hp-rx8620-ia64", "name: odd")
        .replace("title: HP", r"title: 50 % of \x & {more} #1 $_^~ “HP”, HP")
    )
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "acme.pdf"
    title = r"A & B_C 100 % \input{x} #"
    done = efipolicy(
        "docs", str(ITANIUM), str(tmp_path / "odd.yaml"), "--pdf", str(target), "--title", title
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{target}: 2 platforms\n"
    assert [path.name for path in folder.iterdir()] == ["acme.pdf"]
    told = re.sub(r"\s+", " ", text_of(target))
    assert "Memory map of HP Integrity rx8620" in told
    assert r"50 % of \x & {more} #1 $_^~" in told
    assert title in told
