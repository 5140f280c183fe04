"""Pages are looked at when it is asked for: ``--browser``, which needs Chromium and axe-core.

axe-core is a tool of development and is in no package of ours; it is looked for where
``npm install --prefix .tox/npm axe-core@4`` puts it. Another Chromium is named by ``CHROMIUM``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.site import Site, build, write_sources

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome")

Open = Callable[..., "Page"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nothing is skipped: looks that were not asked for are no tests."""
    test = collection_path.name.startswith("test_")
    return True if test and not config.getoption("browser") else None


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Site:
    """The project, built; or a build of it that was named."""
    named = pytestconfig.getoption("site")
    if named:
        return Site(Path(named).resolve())
    folder = tmp_path_factory.mktemp("site")
    said = build(write_sources(folder / "source"), folder / "html")
    assert said == "", said
    return Site(folder / "html")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert program, f"none of {', '.join(_NAMES)} is installed"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a page in a window of its own kind; all are closed when the test is over."""
    contexts = []

    def opened(
        uri: str,
        *,
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        scripts: bool = True,
        **more: object,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=scripts,
            **more,
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(uri)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """The text of axe-core."""
    path = pytestconfig.rootpath / ".tox" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
    assert path.is_file(), f"{path} is missing: npm install --prefix .tox/npm axe-core@4"
    return path.read_text(encoding="utf-8")


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the browser runs what a page brings along."""
    return request.param


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """What the operating system asks for."""
    return request.param
