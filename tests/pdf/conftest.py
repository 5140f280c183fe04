"""PDFs are made when it is asked for: ``--pdf``, which needs what a book needs.

Debian has it as latexmk, texlive-xetex, texlive-latex-extra, fonts-dejavu, librsvg2-bin and
poppler-utils; CairoSVG comes with ``efipolicy[pdf]``. What is missing makes the tests fail.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.browser.site import write_sources
from tests.pdf.books import Book, Raster, book_of

_NEEDED = ("latexmk", "xelatex", "pdflatex", "rsvg-convert", "pdftotext", "pdftoppm")

_INDEX = """\
Pictures
========

.. efi:platforms::

.. toctree::
   :glob:

   crowd
   words
   chains
   types
   itanium
   platforms/*
"""


_ITANIUM = """\
Itanium
=======

.. efi:architecture:: ia64

.. efi:strategy:: ia64-region67
"""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing is skipped: PDFs that were not asked for are no tests."""
    test = collection_path.name.startswith("test_")
    return True if test and not config.getoption("pdf") else None


@pytest.fixture(scope="session", autouse=True)
def _everything_is_installed() -> None:
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    assert not missing, f"not installed: {', '.join(missing)}"


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book of every kind of picture, with 500 descriptors among them."""
    folder = tmp_path_factory.mktemp("book")
    unwanted = tuple(f"efipolicy_{kind}_pages" for kind in ("rule", "strategy", "architecture"))
    source = write_sources(folder / "source", drop=unwanted)
    (source / "index.rst").write_text(_INDEX, encoding="utf-8")
    (source / "itanium.rst").write_text(_ITANIUM, encoding="utf-8")
    with (source / "conf.py").open("a", encoding="utf-8") as conf:
        conf.write("from efipolicy.drawing.latex_book import BOOK_SETTINGS\n")
        conf.write("globals().update(BOOK_SETTINGS)\n")
    return book_of(source, folder / "build")


@pytest.fixture(scope="session")
def rasters(book: Book) -> list[Raster]:
    """Every page of the book, 75 dots an inch."""
    return book.rasters(75)
