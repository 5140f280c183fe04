"""Write pages of rules, strategies, platforms into the source tree: a title and one directive each.

A file is written only when it would change, and a page whose subject is gone is removed, so that
a build after nothing happened reads nothing again.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from efipolicy.sphinxext.installed import registry, shipped_platforms

_TOCTREE = ".. toctree::\n   :hidden:\n   :glob:\n\n   *"
_MARK = ".. Written by efipolicy.sphinxext.\n\n"


def write_pages(app: Sphinx) -> None:
    """Write the pages the configuration asks for."""
    pages: dict[Path, str] = {}
    if app.config.efipolicy_rule_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_rule_pages
        for rule in registry().rules.values():
            pages[folder / f"{rule.id}.rst"] = _page(rule.id, f".. efi-rule:: {rule.id}")
            pack = f".. efi-rules:: {rule.pack}\n\n{_TOCTREE}"
            pages[folder / rule.pack / "index.rst"] = _page(rule.pack, pack)
        _remove_others(folder, pages)
    if app.config.efipolicy_strategy_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_strategy_pages
        for name in registry().strategies:
            pages[folder / f"{name}.rst"] = _page(name, f".. efi-strategy:: {name}")
        _remove_others(folder, pages)
    if app.config.efipolicy_platform_pages:
        folder = Path(app.srcdir) / app.config.efipolicy_platform_pages
        for name in shipped_platforms():
            pages[folder / f"{name}.rst"] = _page(name, f".. efi-platform:: {name}")
        _remove_others(folder, pages)
    for path, text in pages.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")


def _page(title: str, directive: str) -> str:
    return f"{_MARK}{title}\n{'=' * len(title)}\n\n{directive}\n"


def _remove_others(folder: Path, pages: dict[Path, str]) -> None:
    """Remove pages we wrote whose subject is gone; nobody else's file is touched."""
    for path in sorted(folder.rglob("*.rst")):
        if path not in pages and path.read_text(encoding="utf-8").startswith(_MARK):
            path.unlink()
