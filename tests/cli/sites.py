"""Sites and books of fewer pages, for tests that look at a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from efipolicy.cli.site_book import BookFile
from efipolicy.cli.site_folder import SiteFolder


def leave_out(patch: pytest.MonkeyPatch, *folders: str) -> None:
    """Let ``efipolicy docs`` make no pages in these folders, and no complaint of links to them."""
    for kind in (SiteFolder, BookFile):
        patch.setattr(kind, "write", fewer(kind.write, folders))
        patch.setattr(kind, "build", silent(kind.build))


def fewer(write: Any, folders: tuple[str, ...]) -> Any:
    def some(site: Any, sources: Mapping[str, str], files: Mapping[str, str]) -> None:
        kept = {name: text for name, text in sources.items() if not name.startswith(folders)}
        assert len(kept) < len(sources)
        write(site, kept, files)

    return some


def silent(build: Any) -> Any:
    def told_nothing(*arguments: Any, **named: Any) -> list[str]:
        build(*arguments, **named)
        return []

    return told_nothing
