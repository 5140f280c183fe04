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


def build_project(source: Path, target: Path, *, builder: str = "html", **more) -> SimpleNamespace:
    """Build a project and return where it went and what was warned of."""
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
            freshenv=True,
            **more,
        )
        app.build()
    text = "\n".join(line for line in warnings.getvalue().splitlines() if line.strip())
    return SimpleNamespace(out=target / builder, warnings=text, status=app.statuscode, app=app)


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
