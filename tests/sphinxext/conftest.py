"""A small project, built once."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOTS = Path(__file__).parents[1] / "roots"

Build = Callable[..., SimpleNamespace]


def build_project(
    source: Path, target: Path, *, builder: str = "html", fresh: bool = True, **more
) -> SimpleNamespace:
    """Build a project and return where it went and what was warned of.

    What an earlier build of it read is read again if ``fresh``.
    """
    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            source,
            target / builder,
            target / "doctrees",
            builder,
            status=None,
            warning=warnings,
            freshenv=fresh,
            **more,
        )
        app.build()
    text = "\n".join(line for line in warnings.getvalue().splitlines() if line.strip())
    return SimpleNamespace(out=target / builder, warnings=text, status=app.statuscode, app=app)


def set_aside(folder: Path) -> Path:
    """A folder in which `source` was built into `out`, with a copy of both for `restored`."""
    for name in ("source", "out"):
        shutil.copytree(folder / name, folder / "kept" / name)
    return folder


def restored(folder: Path) -> SimpleNamespace:
    """The project that is kept in a folder as it was after its first build, with all its times.

    It stands where it was built: elsewhere Sphinx would read all of it again.
    """
    for name in ("source", "out"):
        shutil.rmtree(folder / name)
        shutil.copytree(folder / "kept" / name, folder / name)
    return SimpleNamespace(source=folder / "source", out=folder / "out")


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The project `pages` as HTML."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(ROOTS / "pages", folder / "source")
    return build_project(folder / "source", folder / "build")


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build a project from the text of its index."""

    def build_text(index: str, *, builder: str = "html", **files: str) -> SimpleNamespace:
        source = tmp_path / "source"
        source.mkdir(exist_ok=True)
        (source / "conf.py").write_text('extensions = ["efipolicy.sphinxext"]\n')
        (source / "index.rst").write_text(f"Index\n=====\n\n{index}\n")
        for name, text in files.items():
            (source / name.replace("_yaml", ".yaml")).write_text(text)
        return build_project(source, tmp_path / "build", builder=builder)

    return build_text
